//! SET, CONFIG, DEBUG, MONITOR and the like: what they change, tell and save.

use super::*;

#[test]
fn set_changes_tells_and_saves() {
    let mut world = World::new(FILE);
    let words = "SENTINEL SET mymaster quorum 3 down-after-milliseconds 1234 auth-pass hunter2 auth-user bob \
                 rename-command config GUESSME parallel-syncs 5 failover-timeout 9000 \
                 master-reboot-down-after-period 7";
    assert_eq!(world.ask_line(words), ok());
    let told: Vec<String> =
        world.events.iter().filter(|event| event.channel() == Some("+set")).map(Event::message).collect();
    assert_eq!(told[0], "master mymaster 127.0.0.1 6379 quorum 3");
    assert_eq!(told[2], "master mymaster 127.0.0.1 6379 auth-pass ******");
    assert_eq!(told[4], "master mymaster 127.0.0.1 6379 rename-command config GUESSME");
    let replicas = world.ask_line("SENTINEL REPLICAS mymaster");
    let replica = pairs(&replicas.as_array().expect("an array")[0]);
    assert_eq!(value(&replica, "down-after-milliseconds"), "1234");
    let text = world.text();
    for line in [
        "sentinel monitor mymaster 127.0.0.1 6379 3",
        "sentinel down-after-milliseconds mymaster 1234",
        "sentinel failover-timeout mymaster 9000",
        "sentinel parallel-syncs mymaster 5",
        "sentinel auth-pass mymaster hunter2",
        "sentinel auth-user mymaster bob",
        "sentinel master-reboot-down-after-period mymaster 7",
        "sentinel rename-command mymaster CONFIG GUESSME",
    ] {
        assert!(text.lines().any(|written| written == line), "{line}\n{text}");
    }
    assert_eq!(
        world.ask(&["SENTINEL", "SET", "mymaster", "auth-pass", "", "rename-command", "CONFIG", "config"]),
        ok()
    );
    assert!(!world.text().contains("auth-pass") && !world.text().contains("rename-command"));
}

#[test]
fn an_error_in_set_keeps_what_stands_before_it() {
    let mut world = World::new(FILE);
    let reply = world.ask_line("SENTINEL SET mymaster quorum 5 parallel-syncs zero quorum 6");
    assert_eq!(reply, error("ERR Invalid argument 'zero' for SENTINEL SET 'parallel-syncs'"));
    assert!(world.text().contains("sentinel monitor mymaster 127.0.0.1 6379 5\n"));
}

#[test]
fn scripts_are_checked_before_anything_changes() {
    let mut world = World::new(&format!("{FILE}sentinel deny-scripts-reconfig no\n"));
    let set = |option: &str, path: &str| format!("SENTINEL SET mymaster quorum 4 {option} {path}");
    assert_eq!(world.ask_line(&set("notification-script", "/bin/true")), ok());
    assert_eq!(
        world.ask_line(&set("notification-script", "/no/such")),
        error("ERR Notification script seems non existing or non executable")
    );
    assert_eq!(
        world.ask_line(&set("client-reconfig-script", "/no/such")),
        error("ERR Client reconfiguration script seems non existing or non executable")
    );
    assert!(world.text().contains("sentinel notification-script mymaster /bin/true\n"));
    assert_eq!(world.ask(&["SENTINEL", "SET", "mymaster", "notification-script", ""]), ok());
    assert!(!world.text().contains("notification-script"));
}

#[test]
fn monitor_and_remove() {
    let mut world = World::new(FILE);
    assert_eq!(world.ask_line("SENTINEL MONITOR other 10.0.0.1 7000 1"), ok());
    let told =
        world.events.iter().rev().find(|event| event.channel() == Some("+monitor")).map(Event::message);
    assert_eq!(told.as_deref(), Some("master other 10.0.0.1 7000 quorum 1"));
    assert!(world.text().contains("sentinel monitor other 10.0.0.1 7000 1\n"));
    assert_eq!(world.ask_line("SENTINEL RESET *"), Reply::Integer(2));
    assert_eq!(world.ask_line("SENTINEL RESET OTHER"), Reply::Integer(0), "names have a case");
    assert_eq!(world.ask_line("SENTINEL REMOVE other"), ok());
    let told =
        world.events.iter().rev().find(|event| event.channel() == Some("-monitor")).map(Event::message);
    assert_eq!(told.as_deref(), Some("master other 10.0.0.1 7000"));
    assert!(!world.text().contains("other"));
    let replicas = world.ask_line("SENTINEL REPLICAS mymaster");
    assert_eq!(replicas, Reply::Array(vec![]), "RESET forgot them");
}

#[test]
fn monitor_resolves_names_where_names_are_welcome() {
    let mut world = World::new(&format!("{FILE}sentinel resolve-hostnames yes\n"));
    assert_eq!(
        world.ask_line("SENTINEL MONITOR lost no.such.host 7000 1"),
        error("ERR Invalid IP address or hostname specified")
    );
    assert_eq!(world.ask_line("SENTINEL MONITOR other cache.local 7000 1"), ok());
    let address = |host: &'static str| Reply::Array(vec![Reply::bulk(host), Reply::bulk("7000")]);
    assert_eq!(world.ask_line("SENTINEL GET-MASTER-ADDR-BY-NAME other"), address("10.0.0.7"));
    assert_eq!(world.ask_line("SENTINEL CONFIG SET announce-hostnames yes"), ok());
    assert_eq!(world.ask_line("SENTINEL GET-MASTER-ADDR-BY-NAME other"), address("cache.local"));
    assert!(world.text().contains("sentinel monitor other cache.local 7000 1\n"));
}

#[test]
fn global_settings_are_set_together_and_read_by_pattern() {
    let mut world = World::new(FILE);
    let set =
        "SENTINEL CONFIG SET loglevel DEBUG announce-port 1234 Sentinel-Pass hunter2 announce-ip 10.1.1.1";
    assert_eq!(world.ask_line(set), ok());
    let bad = "SENTINEL CONFIG SET announce-port 1 resolve-hostnames maybe";
    assert!(world.ask_line(bad).is_error());
    let got = pairs(&world.ask_line("SENTINEL CONFIG GET announce-port *"));
    let expected = [
        ("announce-port", "1234"),
        ("resolve-hostnames", "no"),
        ("announce-hostnames", "no"),
        ("announce-ip", "10.1.1.1"),
        ("sentinel-user", ""),
        ("sentinel-pass", "hunter2"),
        ("loglevel", "debug"),
    ];
    assert_eq!(got, expected.map(|(name, value)| (name.to_string(), value.to_string())));
    assert_eq!(pairs(&world.ask_line("SENTINEL CONFIG GET nosuch")), []);
    let text = world.text();
    for line in [
        "loglevel debug",
        "sentinel announce-ip \"10.1.1.1\"",
        "sentinel announce-port 1234",
        "sentinel sentinel-pass hunter2",
    ] {
        assert!(text.lines().any(|written| written == line), "{line}\n{text}");
    }
}

#[test]
fn debug_lists_and_sets_periods_that_are_not_saved() {
    let mut world = World::new(FILE);
    let listed = pairs(&world.ask_line("SENTINEL DEBUG"));
    assert_eq!(
        names(&listed),
        "INFO-PERIOD PING-PERIOD ASK-PERIOD PUBLISH-PERIOD DEFAULT-DOWN-AFTER DEFAULT-FAILOVER-TIMEOUT \
         TILT-TRIGGER TILT-PERIOD SLAVE-RECONF-TIMEOUT MIN-LINK-RECONNECT-PERIOD ELECTION-TIMEOUT \
         SCRIPT-MAX-RUNTIME SCRIPT-RETRY-DELAY"
    );
    let defaults: Vec<&str> = listed.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!(
        defaults.join(" "),
        "10000 1000 1000 2000 30000 180000 2000 30000 10000 15000 10000 60000 30000"
    );
    assert_eq!(world.ask_line("SENTINEL DEBUG info-period 8888 TILT-PERIOD 5000"), ok());
    let listed = pairs(&world.ask_line("SENTINEL DEBUG"));
    assert_eq!((value(&listed, "INFO-PERIOD"), value(&listed, "TILT-PERIOD")), ("8888", "5000"));
    assert!(world.state.is_none());
}

#[test]
fn simulated_failures_can_be_listed_and_cleared() {
    let mut world = World::new(FILE);
    let flags = Reply::Array(vec![Reply::bulk("crash-after-election"), Reply::bulk("crash-after-promotion")]);
    assert_eq!(world.ask_line("SENTINEL SIMULATE-FAILURE help"), flags);
    assert_eq!(world.ask_line("SENTINEL SIMULATE-FAILURE crash-after-promotion"), ok());
    assert!(world.sentinel.simulate.after_promotion && !world.sentinel.simulate.after_election);
    world.ask_line("SENTINEL SIMULATE-FAILURE help");
    assert!(!world.sentinel.simulate.after_promotion);
}

#[test]
fn hello_messages_may_be_published_here() {
    let mut world = World::new(FILE);
    let hello = format!("127.0.0.1,26381,{CANDIDATE},4,mymaster,127.0.0.1,6379,3");
    assert_eq!(world.ask(&["PUBLISH", "__sentinel__:hello", &hello]), Reply::Integer(1));
    let sentinels = world.ask_line("SENTINEL SENTINELS mymaster");
    assert_eq!(sentinels.as_array().expect("an array").len(), 2);
    assert_eq!(world.ask_line("PUBLISH __sentinel__:hello nonsense"), Reply::Integer(1));
}

#[test]
fn subscribers_get_events() {
    let mut world = World::new(FILE);
    let client = world.connect();
    world.send(client, &["SUBSCRIBE", "+set"]);
    world.replies.clear();
    world.ask_line("SENTINEL MYID");
    let other = world.connect();
    world.send(other, &["SENTINEL", "SET", "mymaster", "quorum", "1"]);
    let message = Reply::Array(vec![
        Reply::bulk("message"),
        Reply::bulk("+set"),
        Reply::bulk("master mymaster 127.0.0.1 6379 quorum 1"),
    ]);
    assert!(world.replies.contains(&(client, message)), "{:?}", world.replies);
    assert!(world.replies.contains(&(other, ok())));
}

#[test]
fn users_are_loaded_from_and_saved_to_the_acl_file() {
    let mut world = World::new(&format!("{FILE}aclfile users.acl\n"));
    let missing = "ERR Error loading ACLs, opening file 'users.acl': No such file or directory";
    assert_eq!(world.ask_line("ACL LOAD"), error(missing));
    assert_eq!(world.ask_line("ACL SETUSER bob on nopass +ping"), ok());
    assert_eq!(world.ask_line("ACL SAVE"), ok());
    let saved = world.acl_file.clone().expect("it was written");
    assert!(String::from_utf8_lossy(&saved).contains("user bob on nopass"), "{saved:?}");
    assert_eq!(world.ask_line("ACL DELUSER bob"), Reply::Integer(1));
    assert_eq!(world.ask_line("ACL LOAD"), ok());
    let users = Reply::Array(vec![Reply::bulk("bob"), Reply::bulk("default")]);
    assert_eq!(world.ask_line("ACL USERS"), users);
    world.acl_file = Ok(b"user bob +nonsense\n".to_vec());
    assert!(world.ask_line("ACL LOAD").is_error());
    assert_eq!(world.ask_line("ACL USERS"), users, "nothing changed");
    assert_eq!(world.ask_line("SENTINEL FLUSHCONFIG"), ok());
    assert!(!world.text().contains("user bob"), "the users are kept in one place");
    let plain = World::new(FILE).ask_line("ACL LOAD");
    assert!(plain.is_error(), "{plain:?}");
}

#[test]
fn shutdown_ends_the_process_without_a_reply() {
    let mut world = World::new(FILE);
    let client = world.connect();
    world.send(client, &["SHUTDOWN", "nosave", "NOW"]);
    assert_eq!((world.exit, world.replies.len()), (Some(0), 0));
}
