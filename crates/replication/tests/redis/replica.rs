//! Our replica side behind a real master.

use picket_replication::{LinkConfig, LinkState};
use picket_sansio::Secret;
use picket_testkit::conf::Folder;
use picket_testkit::{Client, RedisServer};

use crate::pump::LinkPump;

fn digest(server: &RedisServer) -> String {
    server.cmd(&["DEBUG", "DIGEST"]).expect("a reply").text().expect("text")
}

fn fill(client: &mut Client, round: usize) {
    for index in 0..200 {
        let (key, value) = (format!("key:{index}"), format!("{round}:{index}\r\n").repeat(20));
        client.cmd(&["SELECT", &(index % 3).to_string()]).expect("a reply");
        client.cmd(&["SET", &key, &value]).expect("a reply");
        client.cmd(&["RPUSH", &format!("list:{round}"), &key, &value]).expect("a reply");
    }
    client.send_raw(b"MULTI\r\nINCR counter\r\nSELECT 7\r\nINCR counter\r\nEXEC\r\n").expect("sent");
    for _ in 0..5 {
        client.read().expect("a reply");
    }
}

fn offset(server: &RedisServer) -> u64 {
    server.replication("master_repl_offset").parse().unwrap_or(u64::MAX)
}

/// Follows until everything has arrived.
#[track_caller]
fn catch_up(pump: &mut LinkPump, master: &RedisServer) {
    pump.drive_until("everything has arrived", |pump| {
        let status = pump.link.status();
        status.state == LinkState::Connected && status.reploff == Some(offset(master))
    });
}

/// A stock server that loads the snapshot and is then sent every applied command has the master's data.
#[track_caller]
fn check_data(pump: &LinkPump, master: &RedisServer) {
    let folder = Folder::new("snapshot");
    std::fs::write(folder.join("dump.rdb"), &pump.payload).expect("a file");
    let dir = format!("dir {}", folder.path().display());
    let copy = RedisServer::start(&[&dir, "enable-debug-command yes"]);
    let mut client = copy.client().expect("a connection");
    for command in &pump.applied {
        let words: Vec<&str> = command.iter().map(|word| std::str::from_utf8(word).expect("text")).collect();
        let reply = client.cmd(&words).expect("a reply");
        assert!(reply.error().is_none(), "{words:?}: {reply:?}");
    }
    assert_eq!(digest(&copy), digest(master));
}

#[test]
fn follows_a_real_master_through_cuts() {
    for diskless in ["yes", "no"] {
        let setting = format!("repl-diskless-sync {diskless}");
        let directives = [setting.as_str(), "enable-debug-command yes", "repl-ping-replica-period 1"];
        let master = RedisServer::start(&directives);
        let mut client = master.client().expect("a connection");
        fill(&mut client, 0);
        let mut pump = LinkPump::new(LinkConfig { listening_port: 7777, ..LinkConfig::default() });
        pump.follow(master.port(), None);
        catch_up(&mut pump, &master);
        assert_eq!((pump.full, pump.continued.len()), (1, 0));
        assert!(pump.payload.starts_with(b"REDIS"));
        fill(&mut client, 1);
        catch_up(&mut pump, &master);
        for round in 2..5 {
            pump.cut();
            fill(&mut client, round);
            pump.drive_until("it goes on", |pump| pump.continued.len() == round - 1);
            catch_up(&mut pump, &master);
        }
        assert_eq!(pump.full, 1);
        pump.drive_until("the master sees it acknowledged", |pump| {
            let acked = pump.link.status().reploff.unwrap_or(0);
            master.replication("slave0").contains(&format!("port=7777,state=online,offset={acked},"))
        });
        let waiter = {
            let addr = master.addr();
            std::thread::spawn(move || {
                let mut client = Client::connect(&addr).expect("a connection");
                client.cmd(&["SET", "last", "write"]).expect("a reply");
                client.cmd(&["WAIT", "1", "4000"]).expect("a reply")
            })
        };
        pump.drive_until("WAIT is answered", |_| waiter.is_finished());
        assert_eq!(waiter.join().expect("a reply"), picket_testkit::Reply::Int(1));
        catch_up(&mut pump, &master);
        check_data(&pump, &master);
    }
}

#[test]
fn authenticates_with_and_without_a_user() {
    let master = RedisServer::start(&["requirepass sesame", "enable-debug-command yes"]);
    master.client().expect("a connection").cmd(&["SET", "k", "v"]).expect("a reply");
    let acl = ["ACL", "SETUSER", "repl", "on", ">hunter2", "+psync", "+replconf", "+ping"];
    assert!(master.cmd(&acl).expect("a reply").is_ok());
    for (user, password) in [(None, "sesame"), (Some(b"repl".to_vec()), "hunter2")] {
        let mut pump = LinkPump::new(LinkConfig {
            masteruser: user,
            masterauth: Some(Secret::new(password)),
            ..LinkConfig::default()
        });
        pump.follow(master.port(), None);
        catch_up(&mut pump, &master);
        assert!(!pump.transcript.contains(password));
    }
    let mut pump =
        LinkPump::new(LinkConfig { masterauth: Some(Secret::new("wrong")), ..LinkConfig::default() });
    pump.follow(master.port(), None);
    pump.drive_until("it is refused", |pump| {
        pump.events.iter().any(|event| event.to_string().contains("Unable to AUTH"))
    });
    assert_eq!(pump.full, 0);
}

#[test]
fn goes_on_behind_a_promoted_replica() {
    // A ping on its way during the promotion would put us ahead of the promoted replica.
    let quiet = "repl-ping-replica-period 3600";
    let master = RedisServer::start(&["enable-debug-command yes", quiet]);
    let replicaof = format!("replicaof 127.0.0.1 {}", master.port());
    let second = RedisServer::start(&[&replicaof, "enable-debug-command yes", quiet]);
    let mut pump = LinkPump::new(LinkConfig::default());
    pump.follow(master.port(), None);
    fill(&mut master.client().expect("a connection"), 0);
    catch_up(&mut pump, &master);
    pump.drive_until("the other replica has everything", |_| offset(&second) == offset(&master));
    catch_up(&mut pump, &master);
    second.cmd(&["REPLICAOF", "NO", "ONE"]).expect("a reply");
    pump.follow(second.port(), None);
    fill(&mut second.client().expect("a connection"), 1);
    catch_up(&mut pump, &second);
    assert_eq!(pump.full, 1);
    assert!(matches!(pump.continued.as_slice(), [Some(_)]), "a new id, and no copy");
    assert_eq!(pump.link.status().replid.expect("known").to_string(), second.replication("master_replid"));
}
