//! Every type and encoding, small and large: copied by a full sync of every kind, then changed by the stream.

use picket_testkit::{DataProgram, DataServer};

use crate::common::{needs_redis, ours};
use crate::same::{DEBUG, assert_same, encoding, follow, ok, stat};
use crate::sample::{first_round, run, run_second_round};

/// A key and its encoding in Redis 7.0 and in a node.
const ENCODINGS: [(&str, &str, &str); 27] = [
    ("int", "int", "int"),
    ("int:least", "int", "int"),
    ("not:int", "embstr", "embstr"),
    ("embstr", "embstr", "embstr"),
    ("raw", "raw", "raw"),
    ("empty", "embstr", "embstr"),
    ("huge", "raw", "raw"),
    ("bits", "raw", "raw"),
    ("list", "quicklist", "listpack"),
    ("list:large", "quicklist", "quicklist"),
    ("list:big", "quicklist", "quicklist"),
    ("set:ints", "intset", "intset"),
    ("set:ints64", "intset", "intset"),
    ("set:ints:large", "hashtable", "hashtable"),
    ("set:text", "hashtable", "listpack"),
    ("set:large", "hashtable", "hashtable"),
    ("set:long", "hashtable", "hashtable"),
    ("zset", "listpack", "listpack"),
    ("zset:large", "skiplist", "skiplist"),
    ("zset:long", "skiplist", "skiplist"),
    ("hash", "listpack", "listpack"),
    ("hash:large", "hashtable", "hashtable"),
    ("hash:long", "hashtable", "hashtable"),
    ("stream", "stream", "stream"),
    ("stream:groups", "stream", "stream"),
    ("hll:sparse", "raw", "raw"),
    ("geo:large", "skiplist", "skiplist"),
];

#[track_caller]
fn check_encodings(server: &DataServer) {
    let mut client = server.client().expect("connected");
    for (key, of_redis, of_node) in ENCODINGS {
        let expected = if server.program().is_picket() { of_node } else { of_redis };
        // What is loaded fits exactly; only what grew by parts is raw while it is short.
        let found = encoding(&mut client, key);
        assert!(
            found == expected || (found == "embstr" && expected == "raw"),
            "{key}: {found}, not {expected}"
        );
    }
}

/// One master; for each kind of transfer a replica that has other data before.
#[track_caller]
fn copies(master: &DataProgram, replica: &DataProgram) {
    let master = DataServer::start_as(master, &[DEBUG]);
    run(&master, &first_round());
    check_encodings(&master);
    let mut replicas = Vec::new();
    for diskless_sync in ["no", "yes"] {
        ok(&master, &["CONFIG", "SET", "repl-diskless-sync", diskless_sync]);
        let loads = ["repl-diskless-load disabled", "repl-diskless-load swapdb"];
        let pair = loads.map(|load| {
            let replica = DataServer::start_as(replica, &[DEBUG, load]);
            ok(&replica, &["SET", "int", "other data of before"]);
            ok(&replica, &["SET", "before", "x"]);
            follow(&replica, master.port());
            replica
        });
        assert_same(&master, &pair.each_ref());
        pair.iter().for_each(check_encodings);
        replicas.extend(pair);
    }
    run_second_round(&master);
    assert_same(&master, &replicas.iter().collect::<Vec<_>>());
    assert_eq!(stat(&master, "sync_full"), 4, "one for each replica");
    for replica in &replicas {
        assert!(!replica.log_text().contains("CRITICAL"));
    }
}

#[test]
fn a_node_copies_every_type_of_a_redis_server() {
    needs_redis!();
    copies(&DataProgram::Redis, &ours());
}

#[test]
fn a_redis_server_copies_every_type_of_a_node() {
    needs_redis!();
    copies(&ours(), &DataProgram::Redis);
}
