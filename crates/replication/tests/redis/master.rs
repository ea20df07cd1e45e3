//! Our master side in front of a real replica.

use bytes::Bytes;
use picket_replication::{
    LinkConfig, LinkState, MasterEvent, MasterInput, MasterSettings, Propagated, ReplicaStatusState, WaitKind,
};
use picket_resp::command;
use picket_sansio::{ClientId, Millis};
use picket_testkit::RedisServer;
use picket_testkit::conf::Folder;

use crate::pump::{LinkPump, MasterPump};

/// The bytes of an RDB that a stock server wrote.
fn rdb() -> Vec<u8> {
    let folder = Folder::new("dump");
    let server = RedisServer::start(&[&format!("dir {}", folder.path().display())]);
    let mut client = server.client().expect("a connection");
    for index in 0..500 {
        client.cmd(&["SET", &format!("old:{index}"), &"x".repeat(300)]).expect("a reply");
    }
    assert!(server.cmd(&["SAVE"]).expect("a reply").is_ok());
    std::fs::read(folder.join("dump.rdb")).expect("a dump")
}

fn settings(diskless: bool) -> MasterSettings {
    MasterSettings {
        repl_diskless_sync: diskless,
        repl_diskless_sync_delay: Millis(0),
        // A ping on its way during a promotion would put us ahead of the promoted replica.
        repl_ping_replica_period: 3600,
        ..MasterSettings::default()
    }
}

/// Writes one transaction in two databases.
fn write(pump: &mut MasterPump, index: u32) {
    let value = index.to_string().repeat(100);
    let one = command(["SET", "new", &value]);
    let two = command(["RPUSH", "list", &value]);
    pump.side.propagate(&[
        Propagated { db: Some(index % 3), command: &one },
        Propagated { db: Some(11), command: &two },
    ]);
}

fn value(replica: &RedisServer, db: u32, key: &str) -> Option<String> {
    let mut client = replica.client().ok()?;
    client.cmd(&["SELECT", &db.to_string()]).ok()?;
    client.cmd(&["GET", key]).ok()?.text()
}

#[track_caller]
fn catch_up(pump: &mut MasterPump, replica: &RedisServer) {
    pump.drive_until("the replica has everything", |pump| {
        let offset = pump.side.history().master_repl_offset;
        let info = replica.info("replication");
        info.get("slave_repl_offset") == Some(&offset.to_string())
            && info.get("master_link_status").is_some_and(|status| status == "up")
            && pump.side.status().replicas.first().is_some_and(|it| it.state == ReplicaStatusState::Online)
    });
}

#[test]
fn feeds_a_real_replica_through_cuts_waits_and_promotion() {
    let rdb = rdb();
    for diskless in [true, false] {
        let mut pump = MasterPump::new(settings(diskless), rdb.clone());
        let replica = RedisServer::start(&[&format!("replicaof 127.0.0.1 {}", pump.port())]);
        pump.drive_until("it asks", |pump| !pump.side.status().replicas.is_empty());
        write(&mut pump, 1);
        catch_up(&mut pump, &replica);
        assert_eq!(value(&replica, 0, "old:499"), Some("x".repeat(300)));
        write(&mut pump, 2);
        catch_up(&mut pump, &replica);
        assert_eq!(value(&replica, 2, "new"), Some("2".repeat(100)));

        for index in 3..6 {
            pump.cut();
            write(&mut pump, index);
            let accepted = |event: &&MasterEvent| matches!(event, MasterEvent::PartialAccepted { .. });
            let wanted = index as usize - 2;
            pump.drive_until("it goes on", |pump| pump.events.iter().filter(accepted).count() == wanted);
            catch_up(&mut pump, &replica);
            assert_eq!(value(&replica, index % 3, "new"), Some(index.to_string().repeat(100)));
        }
        assert_eq!(pump.side.status().counters.sync_full, 1);

        write(&mut pump, 6);
        let offset = pump.side.history().master_repl_offset;
        let args = vec![Bytes::from_static(b"1"), Bytes::from_static(b"0")];
        let client = ClientId(1 << 40);
        pump.input(MasterInput::Wait { client, kind: WaitKind::Wait, args, offset, may_block: true });
        pump.drive_until("WAIT is answered", |pump| !pump.waits.is_empty());
        assert_eq!(pump.waits, [picket_resp::Reply::int(1_i64)]);

        // The replica is promoted, and we follow it from where we are.
        catch_up(&mut pump, &replica);
        pump.cut();
        let ours = *pump.side.history();
        assert!(replica.cmd(&["REPLICAOF", "NO", "ONE"]).expect("a reply").is_ok());
        let second = (ours.master_repl_offset + 1).to_string();
        assert_eq!(replica.replication("second_repl_offset"), second);
        let mut link = LinkPump::new(LinkConfig::default());
        link.follow(
            replica.port(),
            Some(picket_replication::CachedMaster {
                replid: ours.replid,
                reploff: ours.master_repl_offset,
                db: 0,
            }),
        );
        link.drive_until("we follow", |link| link.link.state() == LinkState::Connected);
        assert_eq!((link.full, link.continued.len()), (0, 1));
    }
}

#[test]
fn two_real_replicas_share_one_snapshot() {
    let waits = MasterSettings {
        repl_diskless_sync_max_replicas: 2,
        repl_diskless_sync_delay: Millis(60_000),
        ..settings(true)
    };
    let mut pump = MasterPump::new(waits, rdb());
    let replicaof = format!("replicaof 127.0.0.1 {}", pump.port());
    let replicas = [RedisServer::start(&[&replicaof]), RedisServer::start(&[&replicaof])];
    for index in 0..50 {
        write(&mut pump, index);
        pump.turn();
    }
    for replica in &replicas {
        catch_up(&mut pump, replica);
        assert_eq!(value(replica, 0, "old:0"), Some("x".repeat(300)));
    }
    let requested = |event: &&MasterEvent| matches!(event, MasterEvent::SnapshotRequested { .. });
    assert_eq!(pump.events.iter().filter(requested).count(), 1);
}
