//! Masters that send what a node does not know: it says so, and the data does not drift in silence.

use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use picket_testkit::client::encode;
use picket_testkit::{Reply, hold_for, wait_until};

use crate::common::{SOON, node};
use crate::same::follow;

/// A server that hands one RDB and one stream to everybody who asks for a copy.
struct Master {
    port: u16,
    copies: Arc<AtomicUsize>,
}

impl Master {
    fn start(rdb: Vec<u8>, stream: Vec<u8>) -> Self {
        Self::start_at("1000", rdb, stream)
    }

    /// One that names this offset for its copy.
    fn start_at(offset: &'static str, rdb: Vec<u8>, stream: Vec<u8>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let copies = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&copies);
        // Both threads end with the process, and connections with the node of the test.
        std::thread::spawn(move || {
            for replica in listener.incoming().flatten() {
                let (rdb, stream, counted) = (rdb.clone(), stream.clone(), Arc::clone(&counted));
                std::thread::spawn(move || serve(replica, offset, &rdb, &stream, &counted));
            }
        });
        Self { port, copies }
    }

    fn copies(&self) -> usize {
        self.copies.load(Ordering::Acquire)
    }
}

fn serve(mut replica: TcpStream, offset: &str, rdb: &[u8], stream: &[u8], copies: &AtomicUsize) {
    let mut requests = BufReader::new(replica.try_clone().expect("a second handle"));
    while let Ok(request) = Reply::read(&mut requests) {
        let words = request.texts();
        let answer = match words[0].to_ascii_lowercase().as_str() {
            "ping" => b"+PONG\r\n".to_vec(),
            "replconf" if words[1].eq_ignore_ascii_case("ack") => continue,
            "psync" => {
                copies.fetch_add(1, Ordering::AcqRel);
                let header = format!("+FULLRESYNC {} {offset}\r\n${}\r\n", "a".repeat(40), rdb.len());
                [header.as_bytes(), rdb, stream].concat()
            }
            _ => b"+OK\r\n".to_vec(),
        };
        if replica.write_all(&answer).is_err() {
            return;
        }
    }
}

/// A file with these parts; zeros for a checksum mean that there is none.
fn rdb(body: &[u8]) -> Vec<u8> {
    [b"REDIS0010", body, b"\xff\0\0\0\0\0\0\0\0"].concat()
}

/// The name of a module's type as an RDB holds it: nine characters of six bits, ten bits of version.
fn module_id(name: &[u8; 9]) -> Vec<u8> {
    const CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = |wanted: &u8| CHARACTERS.iter().position(|one| one == wanted).expect("a character") as u64;
    let id = name.iter().fold(0_u64, |id, one| id << 6 | place(one)) << 10 | 3;
    [&[0x81][..], &id.to_be_bytes()].concat()
}

#[test]
fn an_unknown_command_of_the_stream_is_critical_and_the_rest_is_applied() {
    let stream: Vec<u8> = [
        encode(&["SELECT", "0"]),
        encode(&["SET", "first", "1"]),
        encode(&["no.such", "key", "value"]),
        encode(&["LPUSH", "first", "no list"]),
        encode(&["SET", "last", "1"]),
    ]
    .concat();
    let end = (1000 + stream.len()).to_string();
    let master = Master::start(rdb(b""), stream);
    let replica = node(&[]);
    follow(&replica, master.port);
    wait_until(SOON, "all of the stream is applied", || replica.replication("slave_repl_offset") == end);
    assert_eq!(replica.cmd(&["DBSIZE"]).expect("a reply"), Reply::Int(2));
    for text in [
        "== CRITICAL == This replica is sending an error to its master: 'ERR unknown command 'no.such'",
        "after processing the command 'no.such'",
        "== CRITICAL == This replica is sending an error to its master: 'WRONGTYPE",
        "after processing the command 'LPUSH'",
    ] {
        replica.wait_logged(SOON, text);
    }
    assert_eq!(replica.info("stats")["unexpected_error_replies"], "2");
    assert_eq!(master.copies(), 1);
    assert!(replica.follows(master.port));
}

#[test]
fn data_of_a_module_is_refused_by_name() {
    let value = [&b"\x07\x03key"[..], &module_id(b"ReJSON-RL"), b"\x02\x01\x00"].concat();
    let aux = [&b"\xf7"[..], &module_id(b"search--x"), b"\x02\x01\x00"].concat();
    for (body, name) in [(value, "ReJSON-RL"), (aux, "search--x")] {
        for load in ["repl-diskless-load disabled", "repl-diskless-load swapdb"] {
            let master = Master::start(rdb(&body), Vec::new());
            let replica = node(&[load]);
            assert!(replica.accepts_writes());
            follow(&replica, master.port);
            replica.wait_logged(SOON, &format!("data of the module '{name}'"));
            assert_eq!(replica.replication("master_link_status"), "down");
            // It goes on trying, for the master may be another one by then; but not as fast as it can.
            let before = master.copies();
            hold_for(Duration::from_millis(1200), "few tries", || master.copies() - before <= 3);
            // And it is well: it can be made a master again.
            assert!(replica.cmd(&["REPLICAOF", "NO", "ONE"]).expect("a reply").is_ok());
            assert!(replica.accepts_writes());
        }
    }
}

#[test]
fn an_offset_beyond_all_bounds_is_none() {
    let stream = [encode(&["SELECT", "0"]), encode(&["SET", "key", "value"])].concat();
    for offset in ["18446744073709551615", "9223372036854775808", "-1"] {
        let master = Master::start_at(offset, rdb(b""), stream.clone());
        let replica = node(&[]);
        follow(&replica, master.port);
        wait_until(SOON, "the stream is applied", || {
            replica.cmd(&["GET", "key"]).expect("a reply") == Reply::Bulk(b"value".to_vec())
        });
        // Nobody can go on from there: it is counted from nothing.
        assert_eq!(replica.replication("slave_repl_offset"), stream.len().to_string());
    }
    // The last that there is may be counted on.
    let master = Master::start_at("9223372036854775807", rdb(b""), stream.clone());
    let replica = node(&[]);
    follow(&replica, master.port);
    let end = (i64::MAX.unsigned_abs() + stream.len() as u64).to_string();
    wait_until(SOON, "the stream is applied", || replica.replication("slave_repl_offset") == end);
}
