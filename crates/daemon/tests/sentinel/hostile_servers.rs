//! Monitored servers that answer garbage: they are down, and nothing else is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use picket_testkit::{Reply, wait_until};

use crate::common::{SOON, SWITCH, needs_redis, ours, resident_kib, three_of_ours};

/// What a hostile server may make a sentinel grow by.
const GROWTH_MAX_KIB: u64 = 96 << 10;

/// A server on loopback that answers each read with the same bytes.
struct FakeServer {
    port: u16,
    ends: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl FakeServer {
    fn start(answer: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let port = listener.local_addr().expect("addr").port();
        let ends = Arc::new(AtomicBool::new(false));
        let answer = Arc::new(answer);
        let until = Arc::clone(&ends);
        let acceptor = std::thread::spawn(move || {
            let mut served = Vec::new();
            for stream in listener.incoming() {
                if until.load(Ordering::SeqCst) {
                    break;
                }
                let (answer, until) = (Arc::clone(&answer), Arc::clone(&until));
                if let Ok(stream) = stream {
                    served.push(std::thread::spawn(move || serve(stream, &answer, &until)));
                }
            }
            for thread in served {
                let _ = thread.join();
            }
        });
        Self { port, ends, acceptor: Some(acceptor) }
    }
}

fn serve(mut stream: TcpStream, answer: &[u8], until: &AtomicBool) {
    // Short, so that the end of the test is noticed while nothing comes in.
    let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
    let _ = stream.set_write_timeout(Some(Duration::from_millis(500)));
    let mut request = [0; 4096];
    while !until.load(Ordering::SeqCst) {
        match stream.read(&mut request) {
            Ok(0) => return,
            Ok(_) => {
                if stream.write_all(answer).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // The acceptor waits for one more connection before it looks.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

fn bulk(text: &str) -> Vec<u8> {
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

#[test]
fn a_master_that_answers_garbage_is_down_and_the_others_are_guarded() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    let before = resident_kib(&mut cluster.sentinels[0]);
    let old = cluster.nodes()[0].port();
    let mut garbage: Vec<(&str, Vec<u8>)> = vec![
        ("noise", b"\x00\xff\x13\x37 not redis at all\n\n\r\n".to_vec()),
        ("http", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()),
        ("endless-bulk", b"$99999999999\r\n".to_vec()),
        ("huge-bulk", b"$500000000\r\nx".to_vec()),
        ("negative", b"$-7\r\n*-9\r\n".to_vec()),
        ("wide", b"*2147483647\r\n".to_vec()),
        ("endless-line", vec![b'+'; 2 << 20]),
        ("wrong-types", b"*2\r\n:1\r\n*0\r\n".to_vec()),
        ("bad-resp3", b"%1\r\n#x\r\n,nan\r\n".to_vec()),
    ];
    if ours().is_picket() {
        // Stock 7.0 dies of this one as soon as its link is given up.
        garbage.push(("deep", b"*1\r\n".repeat(50_000)));
    }
    let fakes: Vec<_> = garbage.into_iter().map(|(name, answer)| (name, FakeServer::start(answer))).collect();
    let mut client = cluster.sentinels[0].client().expect("connect");
    for (name, fake) in &fakes {
        let port = fake.port.to_string();
        let monitor = client.cmd(&["SENTINEL", "MONITOR", name, "127.0.0.1", &port, "1"]).expect("a reply");
        assert!(monitor.is_ok(), "{name}: {monitor}");
        let set = client.cmd(&["SENTINEL", "SET", name, "down-after-milliseconds", "500"]).expect("a reply");
        assert!(set.is_ok(), "{name}: {set}");
    }
    for (name, _) in &fakes {
        wait_until(SOON, &format!("{name} is down"), || cluster.sentinels[0].master_has_flag(name, "s_down"));
    }
    assert_eq!(cluster.sentinels[0].master_field("mymaster", "flags"), "master");

    cluster.nodes()[0].kill9();
    cluster.wait_for_switch(old, SWITCH);
    let grown = resident_kib(&mut cluster.sentinels[0]).saturating_sub(before);
    // Stock keeps room for what it is promised: 320 MB here.
    assert!(grown < GROWTH_MAX_KIB || !ours().is_picket(), "grown by {grown} KiB");
    // Stock may be busy for seconds with what was promised.
    for (name, _) in fakes.iter().filter(|_| ours().is_picket()) {
        assert!(client.cmd(&["SENTINEL", "REMOVE", name]).expect("a reply").is_ok());
    }
}

#[test]
fn nonsense_in_info_is_passed_over() {
    needs_redis!();
    let mut cluster = three_of_ours().start();
    let old = cluster.nodes()[0].port();
    let mut info = String::from(
        "role:master\r\nrun_id:short\r\nslave0:\r\nslave1:ip=,port=\r\nslave2:ip=127.0.0.1,port=99999999,state=online\r\n\
         slave3:ip=no such host,port=1\r\nslaveX:1,2,3\r\nslave_priority:many\r\nmaster_link_down_since_seconds:-9\r\n\
         slave_repl_offset:99999999999999999999999999\r\nmaster_port:65536\r\nno colon here\r\n:\r\n",
    );
    info.push_str(&"x".repeat(100_000));
    let fake = FakeServer::start(bulk(&info));
    let mut client = cluster.sentinels[0].client().expect("connect");
    let port = fake.port.to_string();
    let monitor = client.cmd(&["SENTINEL", "MONITOR", "fake", "127.0.0.1", &port, "1"]).expect("a reply");
    assert!(monitor.is_ok(), "{monitor}");
    let set = client.cmd(&["SENTINEL", "SET", "fake", "down-after-milliseconds", "500"]).expect("a reply");
    assert!(set.is_ok(), "{set}");
    wait_until(SOON, "its PING replies are unacceptable", || {
        cluster.sentinels[0].master_has_flag("fake", "s_down")
    });
    let known = cluster.sentinels[0].replica_fields("fake", "name");
    assert!(known.is_empty(), "replicas out of nonsense: {known:?}");
    assert_eq!(client.cmd(&["PING"]).expect("PING"), Reply::Status("PONG".into()));

    cluster.nodes()[0].kill9();
    cluster.wait_for_switch(old, SWITCH);
}
