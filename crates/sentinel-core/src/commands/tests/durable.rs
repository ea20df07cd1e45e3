//! Replies that wait for the disk, and what is written.

use super::*;

#[test]
fn a_failing_disk_is_told() {
    let mut world = World::new(FILE);
    world.disk = Some(Err("No space left on device".to_string()));
    for line in [
        "SENTINEL FLUSHCONFIG",
        "SENTINEL SET mymaster quorum 1",
        "SENTINEL CONFIG SET announce-port 1",
        "SENTINEL MONITOR other 127.0.0.1 1 1",
        "SENTINEL REMOVE other",
    ] {
        assert_eq!(
            world.ask_line(line),
            error("ERR Failed to save config file. Check server logs."),
            "{line}"
        );
    }
    world.disk = Some(Ok(()));
    assert_eq!(world.ask_line("SENTINEL FLUSHCONFIG"), ok());
    assert!(world.text().contains("sentinel monitor mymaster 127.0.0.1 6379 1\n"), "what was set stays");
}

#[test]
fn a_reply_waits_for_the_disk_and_only_its_client_does() {
    let mut world = World::new(FILE);
    world.disk = None;
    let (slow, quick) = (world.connect(), world.connect());
    world.send(slow, &["SENTINEL", "FLUSHCONFIG"]);
    world.send(slow, &["PING"]);
    world.send(quick, &["PING"]);
    assert_eq!(world.replies, [(quick, Reply::simple("PONG"))]);
    world.replies.clear();
    world.disk = Some(Ok(()));
    world.write();
    world.pump();
    assert_eq!(world.replies, [(slow, ok()), (slow, Reply::simple("PONG"))]);
}

fn vote(leader: &str, epoch: i64) -> Reply {
    Reply::Array(vec![Reply::Integer(0), Reply::bulk(leader.to_string()), Reply::Integer(epoch)])
}

fn vote_request(candidate: &str, epoch: u64) -> String {
    format!("SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 6379 {epoch} {candidate}")
}

#[test]
fn vote_is_persisted_before_reply() {
    let mut world = World::new(FILE);
    world.disk = None;
    let client = world.connect();
    let request = vote_request(CANDIDATE, 9);
    world.send(client, &request.split(' ').collect::<Vec<_>>());
    assert!(world.replies.is_empty());
    assert!(world.text().contains("sentinel leader-epoch mymaster 9\n"));
    assert!(world.text().contains("sentinel current-epoch 9\n"));
    world.disk = Some(Ok(()));
    world.write();
    world.pump();
    assert_eq!(world.replies, [(client, vote(CANDIDATE, 9))]);
    assert_eq!(world.ask_line(&vote_request(PEER_ID, 9)), vote(CANDIDATE, 9), "one vote in an epoch");
    assert_eq!(world.ask_line(&vote_request("*", 9)), vote("*", 0));
    assert_eq!(
        world.ask_line("SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 1 9 x"),
        vote("*", 0),
        "unknown address"
    );
    assert_eq!(world.ask_line(&vote_request(MY_ID, 99).replace("MASTER", "PRIMARY")), vote(MY_ID, 99));
}

#[test]
fn a_vote_that_cannot_be_kept_is_not_given() {
    let mut world = World::new(FILE);
    world.disk = Some(Err("Input/output error".to_string()));
    assert_eq!(world.ask_line(&vote_request(CANDIDATE, 9)), vote("*", 4));
    assert!(world.events.iter().any(|event| matches!(event, Event::NotDurable { .. })));
    assert_eq!(world.ask_line(&vote_request(CANDIDATE, 9)), vote("*", 0));
    world.disk = Some(Ok(()));
    assert_eq!(
        world.ask_line(&vote_request(PEER_ID, 9)),
        vote(CANDIDATE, 9),
        "the disk recovered, the vote holds"
    );
}

#[test]
fn after_a_restart_the_epoch_is_known_and_the_choice_is_not() {
    let mut world = World::new(FILE);
    assert_eq!(world.ask_line(&vote_request(CANDIDATE, 4)), vote("*", 4));
}

/// What is written is read back as the same, whatever the values are made of.
#[test]
fn a_rendered_state_is_read_back() {
    let file = r##"port 5000
requirepass "pass word"
sentinel myid 1111111111111111111111111111111111111111
sentinel deny-scripts-reconfig no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel monitor mymaster cache.local 6379 2
sentinel monitor "two words" ::1 6379 1
sentinel auth-pass mymaster "with \"quotes\" and \x01 \n bytes"
sentinel auth-user mymaster "a user"
sentinel notification-script mymaster "/opt/my scripts/notify"
sentinel rename-command mymaster CONFIG "# x"
sentinel config-epoch mymaster 7
sentinel leader-epoch mymaster 8
sentinel known-replica mymaster ::1 6381
sentinel known-sentinel mymaster 127.0.0.1 26380 2222222222222222222222222222222222222222
sentinel parallel-syncs mymaster 3
sentinel down-after-milliseconds mymaster 5
sentinel failover-timeout "two words" 6
sentinel master-reboot-down-after-period "two words" 8
sentinel current-epoch 9
sentinel announce-ip me.local
sentinel announce-port 99
sentinel sentinel-user "u ser"
sentinel sentinel-pass "p'ss"
user bob on >secret ~* &* +@all
"##;
    let before = read(file);
    let mut world = World::new(file);
    world.send_authenticated("SENTINEL FLUSHCONFIG", "pass word");
    let text = world.text();
    let after = read(&text);
    assert_eq!(after.settings, before.settings);
    assert_eq!(after.masters, before.masters);
    assert_eq!((after.my_id, after.current_epoch), (before.my_id, before.current_epoch));
    assert_eq!(after.server.acl, before.server.acl);
    assert_eq!(after.options, before.options);
    let state = world.state.as_ref().expect("written");
    assert_eq!(state.rewrite(text.as_bytes()), text.as_bytes(), "the second time changes nothing");
}

/// The template of the reference's own tests: its lines keep their place and their bytes.
#[test]
fn lines_of_the_old_file_are_reused_in_place() {
    let old = "# assume no role\nport 26379\n\nsentinel down-after-milliseconds mymaster 2000\nsentinel parallel-syncs mymaster 10\nsentinel failover-timeout mymaster 10000\n# the master\nsentinel monitor mymaster 127.0.0.1 6379 3\nsentinel primary-reboot-down-after-period mymaster 5\nsentinel known-slave mymaster 127.0.0.1 6380\nsave 1 1\n";
    let mut world = World::new(old);
    assert_eq!(world.ask_line("SENTINEL FLUSHCONFIG"), ok());
    let state = world.state.as_ref().expect("written");
    let text = String::from_utf8(state.rewrite(old.as_bytes())).expect("text");
    let (kept, added) = text.split_once("# Generated by CONFIG REWRITE\n").expect("lines are added");
    let expected = old
        .replace("primary-reboot", "master-reboot")
        .replace("known-slave", "known-replica")
        .replace("save 1 1\n", "\n");
    assert_eq!(kept, expected);
    let added: Vec<&str> = added.lines().collect();
    assert!(added.iter().any(|line| line.starts_with("sentinel myid ")), "{added:?}");
    assert!(added.contains(&"user default on nopass sanitize-payload ~* &* +@all"), "{added:?}");
    assert_eq!(added.last(), Some(&"sentinel current-epoch 0"));
}

impl World {
    fn send_authenticated(&mut self, line: &str, password: &str) {
        let client = self.connect();
        self.send(client, &["AUTH", password]);
        self.send(client, &line.split(' ').collect::<Vec<_>>());
        assert_eq!(self.replies, [(client, ok()), (client, ok())]);
    }
}
