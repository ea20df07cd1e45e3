//! Instances, INFO and what else only looks: shapes and order of the replies.

use super::*;

const COMMON: &str = "name ip port runid flags link-pending-commands link-refcount last-ping-sent last-ok-ping-reply \
                      last-ping-reply down-after-milliseconds";

#[test]
fn a_master_has_its_fields_in_order() {
    let mut world = World::new(FILE);
    let master = pairs(&world.ask_line("SENTINEL MASTER mymaster"));
    let expected = format!(
        "{COMMON} info-refresh role-reported role-reported-time config-epoch num-slaves num-other-sentinels quorum \
         failover-timeout parallel-syncs"
    );
    assert_eq!(names(&master), expected);
    for (name, expected) in [
        ("name", "mymaster"),
        ("ip", "127.0.0.1"),
        ("port", "6379"),
        ("runid", ""),
        ("flags", "master,disconnected"),
        ("link-refcount", "1"),
        ("down-after-milliseconds", "30000"),
        ("info-refresh", "0"),
        ("role-reported", "master"),
        ("config-epoch", "3"),
        ("num-slaves", "2"),
        ("num-other-sentinels", "1"),
        ("quorum", "2"),
        ("failover-timeout", "180000"),
        ("parallel-syncs", "1"),
    ] {
        assert_eq!(value(&master, name), expected, "{name}");
    }
    let all = world.ask_line("SENTINEL MASTERS");
    assert_eq!(all.as_array().expect("an array").len(), 1);
}

/// Clients of RESP2 and the reference's own tests count elements of the flat array.
#[test]
fn in_resp2_a_master_is_a_flat_array() {
    let mut world = World::new(FILE);
    let client = world.connect();
    world.send(client, &["SENTINEL", "MASTER", "mymaster"]);
    let (_, reply) = world.replies.pop_front().expect("a reply");
    let items = reply.as_array().expect("an array");
    assert_eq!(items.len(), 40);
    assert_eq!((items[32].as_str(), items[33].as_str()), (Some("num-other-sentinels"), Some("1")));
}

#[test]
fn scripts_show_in_a_master_if_they_are_set() {
    let mut world = World::new(&format!(
        "{FILE}sentinel notification-script mymaster /bin/true\nsentinel client-reconfig-script mymaster /bin/false\n"
    ));
    let master = pairs(&world.ask_line("SENTINEL MASTER mymaster"));
    assert!(names(&master).ends_with("parallel-syncs notification-script client-reconfig-script"));
    assert_eq!(value(&master, "client-reconfig-script"), "/bin/false");
}

#[test]
fn a_replica_and_a_sentinel_have_their_fields_in_order() {
    let mut world = World::new(FILE);
    let replicas = world.ask_line("SENTINEL REPLICAS mymaster");
    assert_eq!(world.ask_line("SENTINEL SLAVES mymaster"), replicas);
    let replicas: Vec<_> = replicas.as_array().expect("an array").iter().map(pairs).collect();
    assert_eq!(
        names(&replicas[0]),
        format!(
            "{COMMON} info-refresh role-reported role-reported-time master-link-down-time master-link-status \
             master-host master-port slave-priority slave-repl-offset replica-announced"
        )
    );
    assert_eq!((replicas.len(), replicas[0].len()), (2, 21));
    for (name, expected) in [
        ("name", "[::1]:6381"),
        ("ip", "::1"),
        ("flags", "slave,disconnected"),
        ("role-reported", "slave"),
        ("master-link-status", "err"),
        ("master-host", "?"),
        ("master-port", "0"),
        ("slave-priority", "100"),
        ("slave-repl-offset", "0"),
        ("replica-announced", "1"),
    ] {
        assert_eq!(value(&replicas[1], name), expected, "{name}");
    }
    let sentinels = world.ask_line("SENTINEL SENTINELS mymaster");
    let sentinels: Vec<_> = sentinels.as_array().expect("an array").iter().map(pairs).collect();
    assert_eq!(names(&sentinels[0]), format!("{COMMON} last-hello-message voted-leader voted-leader-epoch"));
    assert_eq!((sentinels.len(), sentinels[0].len()), (1, 14));
    assert_eq!((value(&sentinels[0], "name"), value(&sentinels[0], "runid")), (PEER_ID, PEER_ID));
    assert_eq!(value(&sentinels[0], "flags"), "sentinel,disconnected");
    assert_eq!(
        (value(&sentinels[0], "voted-leader"), value(&sentinels[0], "voted-leader-epoch")),
        ("?", "0")
    );
}

#[test]
fn an_unreachable_master_goes_down_and_shows_since_when() {
    let mut world = World::new(FILE);
    // Woken at every deadline, so that the process is not held up.
    while world.now < Time(31_000_000) {
        world.now = world.sentinel.next_deadline().expect("something is always due").at.max(world.now);
        world.give(Input::Wake);
    }
    let master = pairs(&world.ask_line("SENTINEL MASTER mymaster"));
    assert!(value(&master, "flags").starts_with("s_down,master,disconnected"), "{}", value(&master, "flags"));
    let down: u64 = value(&master, "s-down-time").parse().expect("a number");
    assert!(down < 2_000, "{down}");
    assert!(names(&master).contains("last-ping-reply s-down-time down-after-milliseconds"));
    let info = world.ask_line("INFO sentinel");
    let line = "master0:name=mymaster,status=sdown,address=127.0.0.1:6379,slaves=2,sentinels=2\r\n";
    assert!(info.as_str().expect("text").ends_with(line), "{info:?}");
    let reply = world.ask_line("SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 6379 4 *");
    assert_eq!(reply, Reply::Array(vec![Reply::Integer(1), Reply::bulk("*"), Reply::Integer(0)]));
    let reply = world.ask_line("SENTINEL CKQUORUM mymaster");
    let both = "NOQUORUM 1 usable Sentinels. Not enough available Sentinels to reach the specified quorum for this \
                master. Not enough available Sentinels to reach the majority and authorize a failover";
    assert_eq!(reply, error(both));
}

#[test]
fn fifteen_commands_exist() {
    let mut world = World::new(FILE);
    assert_eq!(world.ask_line("COMMAND COUNT"), Reply::Integer(15));
    let list = world.ask_line("COMMAND LIST");
    let list: Vec<_> = list.as_array().expect("an array").iter().filter_map(Reply::as_str).collect();
    for present in ["ping", "info", "subscribe", "client|setinfo", "sentinel|get-primary-addr-by-name"] {
        assert!(list.contains(&present), "{present}");
    }
    for absent in ["save", "blpop", "replicaof", "config", "multi"] {
        assert!(!list.contains(&absent), "{absent}");
    }
}

#[test]
fn answers_that_only_look() {
    let mut world = World::new(FILE);
    assert_eq!(world.ask_line("SENTINEL MYID"), Reply::bulk(MY_ID));
    let address = Reply::Array(vec![Reply::bulk("127.0.0.1"), Reply::bulk("6379")]);
    assert_eq!(world.ask_line("SENTINEL GET-MASTER-ADDR-BY-NAME mymaster"), address);
    assert_eq!(world.ask_line("sentinel get-primary-addr-by-name mymaster"), address);
    assert_eq!(world.ask_line("SENTINEL GET-MASTER-ADDR-BY-NAME nosuch"), Reply::Null);
    let role = Reply::Array(vec![Reply::bulk("sentinel"), Reply::Array(vec![Reply::bulk("mymaster")])]);
    assert_eq!(world.ask_line("ROLE"), role);
    let fine = "OK 2 usable Sentinels. Quorum and failover authorization can be reached";
    assert_eq!(world.ask_line("SENTINEL CKQUORUM mymaster"), Reply::simple(fine));
    let never = Reply::Array(vec![Reply::Integer(0), Reply::Null]);
    let cache = Reply::Array(vec![Reply::bulk("mymaster"), Reply::Array(vec![never; 3])]);
    assert_eq!(world.ask_line("SENTINEL INFO-CACHE nosuch mymaster mymaster"), cache);
    assert_eq!(world.ask_line("SENTINEL INFO-CACHE nosuch"), Reply::Array(vec![]));
    assert_eq!(world.ask_line("SENTINEL PENDING-SCRIPTS"), Reply::Array(vec![]));
    let help = world.ask_line("SENTINEL HELP");
    let help = help.as_array().expect("an array");
    let header = "SENTINEL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:";
    assert_eq!(help[0], Reply::simple(header));
    assert_eq!(help[help.len() - 2], Reply::simple("HELP"));
    assert_eq!(world.ask_line("SENTINEL PRIMARIES"), world.ask_line("SENTINEL MASTERS"));
    assert!(world.state.is_none(), "nothing of this is written");
}

#[test]
fn info_has_five_sections() {
    let mut world = World::new(FILE);
    let titles = |reply: Reply| {
        let Reply::Bulk(text) = reply else { panic!("a bulk string, not {reply:?}") };
        let text = String::from_utf8(text.to_vec()).expect("text");
        text.split("\r\n").filter_map(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join(" ")
    };
    for all in ["INFO", "INFO default", "INFO all", "INFO everything", "INFO cpu ALL"] {
        assert_eq!(titles(world.ask_line(all)), "Server Clients Stats CPU Sentinel", "{all}");
    }
    assert_eq!(titles(world.ask_line("INFO sentinel memory SERVER")), "Server Sentinel");
    assert_eq!(world.ask_line("INFO memory"), Reply::bulk(""));
    assert_eq!(
        world.ask_line("INFO sentinel"),
        Reply::bulk(
            "# Sentinel\r\nsentinel_masters:1\r\nsentinel_tilt:0\r\nsentinel_tilt_since_seconds:-1\r\n\
             sentinel_running_scripts:0\r\nsentinel_scripts_queue_length:0\r\nsentinel_simulate_failure_flags:0\r\n\
             master0:name=mymaster,status=ok,address=127.0.0.1:6379,slaves=2,sentinels=2\r\n"
        )
    );
    world.ask_line("SENTINEL SIMULATE-FAILURE crash-after-election CRASH-AFTER-PROMOTION");
    let info = world.ask_line("INFO sentinel");
    assert!(info.as_str().expect("text").contains("sentinel_simulate_failure_flags:3\r\n"));
}

#[test]
fn pending_scripts_are_listed() {
    let mut world = World::new(&format!("{FILE}sentinel notification-script mymaster /bin/true\n"));
    // The +monitor event of the start has called the script already.
    let listed = world.ask_line("SENTINEL PENDING-SCRIPTS");
    let [Reply::Map(fields)] = listed.as_array().expect("an array") else {
        panic!("one script, not {listed:?}")
    };
    let fields: Vec<(&str, &Reply)> =
        fields.iter().map(|(name, value)| (name.as_str().expect("a name"), value)).collect();
    let argv = ["/bin/true", "+monitor", "master mymaster 127.0.0.1 6379 quorum 2"].map(Reply::bulk).to_vec();
    assert_eq!(
        fields,
        [
            ("argv", &Reply::Array(argv)),
            ("flags", &Reply::bulk("running")),
            ("pid", &Reply::bulk("0")),
            ("run-time", &Reply::bulk("0")),
            ("retry-num", &Reply::bulk("1")),
        ]
    );
}
