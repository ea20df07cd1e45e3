//! Names and addresses of the same machine, without a network: what a hello, a master's list and a config
//! file call by name is compared by what the name stands for.

mod common;

use common::{Host, MASTER, id, read};
use picket_sansio::QueryId;
use picket_sentinel_core::Input;

const FILE: &str = "sentinel resolve-hostnames yes\n\
                    sentinel monitor mymaster 10.0.0.1 6379 2\n\
                    sentinel down-after-milliseconds mymaster 1000\n";

fn master_info(replicas: &str) -> String {
    format!("run_id:{}\r\nrole:master\r\n{replicas}", id('a'))
}

fn replica_info(letter: char) -> String {
    format!(
        "run_id:{}\r\nrole:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\n\
         master_link_status:up\r\nslave_repl_offset:100\r\nslave_priority:100\r\n",
        id(letter)
    )
}

/// Two Sentinels have a newer configuration and call the master by name: it is the same address.
#[test]
fn a_hello_that_names_the_master_by_host_name_does_not_demote_it() {
    for name in ["redis-1.local", "REDIS-1.local"] {
        let info = master_info("");
        let servers = [("10.0.0.1:6379", info.as_str()), ("10.0.0.51:26379", ""), ("10.0.0.52:26379", "")];
        let mut host = Host::new(FILE, &servers, &[("redis-1.local", "10.0.0.1")]);
        host.pass(3_000);
        host.log.clear();
        for _ in 0..5 {
            for (ip, letter) in [("10.0.0.51", '2'), ("10.0.0.52", '3')] {
                host.hello(&format!("{ip},26379,{},5,{MASTER},{name},6379,5", id(letter)));
            }
            host.pass(2_000);
        }
        host.pass(15_000);
        let bad = ["SLAVEOF", "+switch-master", "+config-update-from", "+convert-to-slave"];
        let said: Vec<&String> =
            host.log.iter().filter(|line| bad.iter().any(|word| line.contains(word))).collect();
        assert!(said.is_empty(), "{said:?}");
        let status = host.status();
        assert_eq!(status.masters[0].config_epoch, 5);
        assert_eq!(status.masters[0].server.addr.ip, Some([10, 0, 0, 1].into()));
        assert!(status.masters[0].replicas.is_empty(), "{:?}", status.masters[0].replicas);
    }
}

/// The same, with a name that cannot be resolved: nothing is known, so nothing is done.
#[test]
fn a_hello_with_a_name_that_nobody_knows_changes_nothing() {
    let info = master_info("");
    let mut host = Host::new(FILE, &[("10.0.0.1:6379", &info), ("10.0.0.51:26379", "")], &[]);
    host.pass(3_000);
    for _ in 0..3 {
        host.hello(&format!("10.0.0.51,26379,{},5,{MASTER},no.such.host,6379,5", id('2')));
        host.pass(2_000);
    }
    let status = host.status();
    assert_eq!(status.masters[0].server.addr.host, "10.0.0.1");
    assert!(!host.log.iter().any(|line| line.contains("+switch-master")), "{:?}", host.log);
}

#[test]
fn a_replica_listed_by_name_and_known_by_ip_is_one_replica() {
    let listed = "slave0:ip=redis-2.local,port=6379,state=online,offset=100,lag=0\r\n";
    let (master, replica) = (master_info(listed), replica_info('b'));
    let file =
        format!("{FILE}sentinel known-replica mymaster 10.0.0.2 6379\n").replace("6379 2\n", "6379 1\n");
    let servers = [("10.0.0.1:6379", master.as_str()), ("10.0.0.2:6379", replica.as_str())];
    let mut host = Host::new(&file, &servers, &[("redis-2.local", "10.0.0.2")]);
    host.pass(25_000);
    assert_eq!(host.status().masters[0].replicas.len(), 1, "{:?}", host.status().masters[0].replicas);
    let text = host.file();
    assert_eq!(text.matches("known-replica").count(), 1, "{text}");
    read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    host.kill("10.0.0.1:6379");
    host.log.clear();
    host.pass(10_000);
    let told: Vec<&String> = host.log.iter().filter(|line| line.contains("SLAVEOF")).collect();
    assert!(told.iter().any(|line| **line == "10.0.0.2:6379 <- SLAVEOF NO ONE"), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("10.0.0.2:6379 <- SLAVEOF 10.0.0.2")), "{told:?}");
}

/// Names in the file that turn out to stand for the master, and for one another.
#[test]
fn known_replicas_that_are_the_same_machine_are_merged_once_resolved() {
    let (master, replica) = (master_info(""), replica_info('b'));
    let more = "sentinel known-replica mymaster redis-1.local 6379\n\
                sentinel known-replica mymaster redis-2.local 6379\n\
                sentinel known-replica mymaster also-2.local 6379\n";
    let servers = [("10.0.0.1:6379", master.as_str()), ("10.0.0.2:6379", replica.as_str())];
    let names = [("redis-1.local", "10.0.0.1"), ("redis-2.local", "10.0.0.2"), ("also-2.local", "10.0.0.2")];
    let mut host = Host::new(&format!("{FILE}{more}"), &servers, &names);
    host.pass(25_000);
    assert_eq!(host.status().masters[0].replicas.len(), 1, "{:?}", host.status().masters[0].replicas);
    assert!(!host.log.iter().any(|line| line.contains("SLAVEOF")), "{:?}", host.log);
    let text = host.file();
    read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
}

/// A Sentinel known by name tells its IP before the name is resolved; the answer is about a name by which
/// it does not go any more.
#[test]
fn a_late_answer_about_a_former_name_is_none() {
    let info = master_info("");
    let file = format!("{FILE}sentinel known-sentinel mymaster s2.local 26379 {}\n", id('2'));
    let mut host = Host::new(&file, &[("10.0.0.1:6379", &info), ("10.0.0.77:26379", "")], &[]);
    host.holds_answers = true;
    host.pass(2_000);
    let asked: Vec<QueryId> =
        host.questions.iter().filter(|(_, name)| name == "s2.local").map(|(query, _)| *query).collect();
    assert!(!asked.is_empty(), "{:?}", host.questions);
    let hello = format!("10.0.0.77,26379,{},0,{MASTER},10.0.0.1,6379,0", id('2'));
    host.hello(&hello);
    for query in asked {
        host.give(Input::Resolved { query, result: Ok(vec![[10, 0, 0, 66].into()]) });
    }
    for _ in 0..3 {
        host.hello(&hello);
        host.pass(2_000);
    }
    let peer = &host.status().masters[0].peers[0];
    assert_eq!(peer.addr.ip, Some([10, 0, 0, 77].into()));
    assert!(!peer.s_down);
    assert!(
        !host.dialled.iter().any(|to| to.ip() == std::net::IpAddr::from([10, 0, 0, 66])),
        "{:?}",
        host.dialled
    );
}

/// A name that is not resolved, where names are not resolved at all, is no rival of the address that is known: nobody
/// knows whether it is another.
#[test]
fn a_name_that_is_not_resolved_raises_no_epoch() {
    let file = "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel config-epoch mymaster 5\nsentinel current-epoch 5\n";
    let info = master_info("");
    let mut host = Host::new(file, &[("10.0.0.1:6379", &info), ("10.0.0.51:26379", "")], &[]);
    host.pass(3_000);
    for _ in 0..20 {
        host.hello(&format!("10.0.0.51,26379,{},5,{MASTER},redis-1.local,6379,5", id('0')));
        host.pass(2_100);
    }
    assert_eq!(host.status().masters[0].config_epoch, 5, "{:?}", host.log);
}

/// A rival that is told for long is settled by a vote for a newer epoch, once; for a dead master nobody settles anything.
#[test]
fn rivals_are_settled_by_who_has_a_master_that_is_well() {
    let file = "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel config-epoch mymaster 5\nsentinel current-epoch 5\n";
    let info = master_info("");
    for (dies, expected) in [(false, 6), (true, 5)] {
        let mut host = Host::new(file, &[("10.0.0.1:6379", &info), ("10.0.0.51:26379", "")], &[]);
        host.pass(3_000);
        if dies {
            host.kill("10.0.0.1:6379");
            host.pass(100);
        }
        for _ in 0..3 {
            host.hello(&format!("10.0.0.51,26379,{},5,{MASTER},10.0.0.9,6379,5", id('0')));
            host.pass(2_100);
        }
        assert_eq!(host.status().masters[0].config_epoch, expected, "{:?}", host.log);
        let voted = host.log.iter().filter(|line| line.starts_with("+vote-for-leader")).count();
        assert_eq!(voted, usize::from(!dies), "{:?}", host.log);
    }
}

/// Once a wire is mended a Sentinel's hellos come before our connection to it: it is there, and its id is the highest.
#[test]
fn who_tells_a_rival_has_its_turn_though_it_seems_to_be_down() {
    let file = "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel down-after-milliseconds mymaster 1000\n\
                sentinel config-epoch mymaster 5\nsentinel current-epoch 5\n";
    let info = master_info("");
    let mut host = Host::new(file, &[("10.0.0.1:6379", &info), ("10.0.0.51:26379", "")], &[]);
    host.pass(3_000);
    let tells = |host: &mut Host| {
        host.hello(&format!("10.0.0.52,26379,{},5,{MASTER},10.0.0.9,6379,5", id('f')));
        host.hello(&format!("10.0.0.51,26379,{},5,{MASTER},10.0.0.9,6379,5", id('0')));
        host.pass(1_900);
    };
    (0..3).for_each(|_| tells(&mut host));
    let is_down = |line: &String| line.starts_with(&format!("+sdown sentinel {}", id('f')));
    assert!(host.log.iter().any(is_down), "{:?}", host.log);
    assert_eq!(host.status().masters[0].config_epoch, 5, "{:?}", host.log);
    (0..2).for_each(|_| tells(&mut host));
    assert_eq!(host.status().masters[0].config_epoch, 6, "{:?}", host.log);
}

/// What is settled is on disk before it is told; while nothing can be written no further epoch is begun.
#[test]
fn rivals_are_settled_once_the_vote_is_on_disk() {
    let file = "sentinel monitor mymaster 10.0.0.1 6379 2\nsentinel config-epoch mymaster 5\nsentinel current-epoch 5\n";
    let info = master_info("");
    let mut host = Host::new(file, &[("10.0.0.1:6379", &info), ("10.0.0.51:26379", "")], &[]);
    host.pass(3_000);
    let tells = |host: &mut Host| {
        host.hello(&format!("10.0.0.51,26379,{},5,{MASTER},10.0.0.9,6379,5", id('0')));
        host.pass(2_100);
    };
    let epochs = |host: &Host| host.log.iter().filter(|line| line.starts_with("+new-epoch")).count();
    tells(&mut host);
    host.is_disk_full = true;
    for _ in 0..5 {
        tells(&mut host);
        assert_eq!((host.status().masters[0].config_epoch, epochs(&host)), (5, 1), "{:?}", host.log);
    }
    host.is_disk_full = false;
    (0..3).for_each(|_| tells(&mut host));
    assert_eq!((host.status().masters[0].config_epoch, epochs(&host)), (7, 2), "{:?}", host.log);
    assert!(host.written().contains("config-epoch mymaster 7"), "{}", host.written());
}
