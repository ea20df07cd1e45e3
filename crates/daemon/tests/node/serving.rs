//! Clients: commands, pipelines, large values, slow readers.

use picket_testkit::client::encode;
use picket_testkit::{Client, Reply, wait_until};

use crate::common::{SOON, node};

#[test]
fn it_serves_clients() {
    let server = node(&[]);
    let mut client = server.client().expect("connected");
    assert_eq!(client.cmd(&["PING"]).expect("a reply"), Reply::Status("PONG".into()));
    assert!(client.cmd(&["SET", "key", "value"]).expect("a reply").is_ok());
    assert_eq!(client.cmd(&["GET", "key"]).expect("a reply"), Reply::Bulk(b"value".to_vec()));
    assert!(client.cmd(&["NONSENSE"]).expect("a reply").error().is_some());
    assert!(server.is_master());
    assert_eq!(server.info("server")["tcp_port"], server.port().to_string());
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let server = node(&[]);
    let mut client = server.client().expect("connected");
    let mut pipeline = Vec::new();
    for number in 0..20_000 {
        pipeline.extend(encode(&["INCR", "counter"]));
        if number % 100 == 0 {
            pipeline.extend(encode(&["ECHO", &"x".repeat(5000)]));
        }
    }
    let mut writer = client.socket().expect("a second handle");
    let sender = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &pipeline));
    for number in 0..20_000 {
        assert_eq!(client.read().expect("a reply"), Reply::Int(number + 1));
        if number % 100 == 0 {
            assert_eq!(client.read().expect("a reply"), Reply::Bulk(vec![b'x'; 5000]));
        }
    }
    sender.join().expect("no panic").expect("all was sent");
}

#[test]
fn large_values_come_back_whole() {
    let server = node(&[]);
    let mut client = server.client().expect("connected");
    let value: String = ('a'..='z').cycle().take(20 << 20).collect();
    assert!(client.cmd(&["SET", "large", &value]).expect("a reply").is_ok());
    assert_eq!(client.cmd(&["GET", "large"]).expect("a reply"), Reply::Bulk(value.into_bytes()));
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody() {
    let server = node(&[]);
    assert!(server.cmd(&["SET", "large", &"x".repeat(1 << 20)]).expect("a reply").is_ok());
    let mut deaf = server.client().expect("connected");
    for _ in 0..200 {
        deaf.send_raw(&encode(&["GET", "large"])).expect("a small request");
    }
    for _ in 0..20 {
        assert_eq!(server.cmd(&["PING"]).expect("a reply"), Reply::Status("PONG".into()));
    }
    for _ in 0..200 {
        assert_eq!(deaf.read().expect("a reply"), Reply::Bulk(vec![b'x'; 1 << 20]));
    }
}

#[test]
fn a_subscriber_that_does_not_read_is_closed_at_its_limit() {
    let server = node(&["client-output-buffer-limit pubsub 2mb 0 0"]);
    let mut deaf = server.client().expect("connected");
    let confirmed = deaf.cmd(&["SUBSCRIBE", "news"]).expect("a reply");
    assert_eq!(confirmed.items().len(), 3);
    let message = "x".repeat(256 << 10);
    let mut publisher = server.client().expect("connected");
    wait_until(SOON, "the subscriber is gone", || {
        publisher.cmd(&["PUBLISH", "news", &message]).expect("a reply") == Reply::Int(0)
    });
    server.wait_logged(SOON, "output buffer limits");
    wait_until(SOON, "it is counted", || {
        server.info("stats")["client_output_buffer_limit_disconnections"] == "1"
    });
}

#[test]
fn what_a_client_has_not_read_is_shown() {
    let server = node(&[]);
    assert!(server.cmd(&["SET", "k", &"x".repeat(1 << 20)]).expect("a reply").is_ok());
    let mut slow = server.client().expect("connected");
    for _ in 0..30 {
        slow.send_raw(&picket_testkit::client::encode(&["GET", "k"])).expect("sent");
    }
    let shows = |what: &str| {
        let Reply::Bulk(list) = server.cmd(&["CLIENT", "LIST"]).expect("a reply") else { panic!("text") };
        String::from_utf8_lossy(&list).lines().any(|line| line.contains("cmd=get") && line.contains(what))
    };
    wait_until(SOON, "something waits for it", || {
        shows(" oll=1 ") && shows(" events=rw ") && !shows(" omem=0 ")
    });
    for _ in 0..30 {
        slow.read().expect("a reply");
    }
    wait_until(SOON, "nothing waits for it", || shows(" oll=0 ") && shows(" omem=0 "));
}

#[test]
fn a_unix_socket_and_a_password_work_as_in_redis() {
    let folder = picket_testkit::conf::Folder::new("unix");
    let path = folder.join("node.sock");
    let socket = format!("unixsocket {}", path.display());
    let server = node(&[&socket, "requirepass secret"]);
    let mut stranger = Client::connect(&server.addr()).expect("connected");
    assert!(
        stranger.cmd(&["GET", "x"]).expect("a reply").error().is_some_and(|text| text.starts_with("NOAUTH"))
    );
    assert!(server.cmd(&["SET", "x", "1"]).expect("a reply").is_ok());
    let mut local = std::os::unix::net::UnixStream::connect(&path).expect("it listens there");
    std::io::Write::write_all(&mut local, b"AUTH secret\r\nGET x\r\n").expect("sent");
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut local, &mut answer).expect("answered");
    assert_eq!(&answer, b"+OK\r\n$1\r\n1\r\n");
}
