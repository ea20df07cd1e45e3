//! Commands as a client sees them: bytes in, replies out, the host played by the test.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder, command};
use picket_sansio::{ClientId, QueryId, Secret, Ticket, Time, WallTime};
use picket_server_core::ClientAddresses;

use crate::config::Config;
use crate::event::Event;
use crate::io::{Input, Output};
use crate::persist::PersistentState;
use crate::sentinel::Sentinel;

const MY_ID: &str = "1111111111111111111111111111111111111111";
const PEER_ID: &str = "2222222222222222222222222222222222222222";

const FILE: &str = "\
port 26379
sentinel myid 1111111111111111111111111111111111111111
sentinel monitor mymaster 127.0.0.1 6379 2
sentinel config-epoch mymaster 3
sentinel leader-epoch mymaster 4
sentinel known-replica mymaster 127.0.0.1 6380
sentinel known-replica mymaster ::1 6381
sentinel known-sentinel mymaster 127.0.0.1 26380 2222222222222222222222222222222222222222
sentinel current-epoch 4
";

/// A Sentinel with a client, and a host that the test steers.
struct World {
    sentinel: Sentinel,
    now: Time,
    clients: u64,
    decoders: Vec<(ClientId, ReplyDecoder)>,
    replies: VecDeque<(ClientId, Reply)>,
    /// What the disk says; `None`: nothing yet.
    disk: Option<Result<(), String>>,
    /// What waits for the disk.
    unwritten: Option<Ticket>,
    state: Option<PersistentState>,
    executable: Vec<&'static str>,
    /// The file with the users.
    acl_file: Result<Vec<u8>, String>,
    resolvable: Vec<(&'static str, &'static str)>,
    events: Vec<Event>,
    exit: Option<i32>,
}

impl World {
    fn new(file: &str) -> Self {
        let config = read(file);
        let sentinel = Sentinel::new(Time(0), WallTime(1_700_000_000_000_000), 7, config);
        let mut world = Self {
            sentinel,
            now: Time(0),
            clients: 0,
            decoders: Vec::new(),
            replies: VecDeque::new(),
            disk: Some(Ok(())),
            unwritten: None,
            state: None,
            executable: vec!["/bin/true"],
            acl_file: Err("No such file or directory".to_string()),
            resolvable: vec![("cache.local", "10.0.0.7")],
            events: Vec::new(),
            exit: None,
        };
        world.pump();
        world
    }

    fn connect(&mut self) -> ClientId {
        self.clients += 1;
        let client = ClientId(self.clients);
        let socket = |text: &str| text.parse().expect("an address");
        let addresses = ClientAddresses::tcp(socket("127.0.0.1:4000"), socket("127.0.0.1:26379"), 9);
        self.decoders.push((client, ReplyDecoder::new()));
        self.give(Input::ClientConnected { client, addresses });
        client
    }

    fn give(&mut self, input: Input) {
        self.sentinel.handle(self.now, input);
        self.pump();
    }

    /// Carries out what the core wants, as far as the test's host can.
    fn pump(&mut self) {
        while let Some(output) = self.sentinel.poll_output() {
            match output {
                Output::ClientSend { client, bytes } => self.decode(client, &bytes),
                Output::Persist { ticket, state } => {
                    self.state = Some(state);
                    self.unwritten = Some(ticket);
                    self.write();
                }
                Output::CheckScript { query, path } => {
                    let executable = self.executable.iter().any(|known| *known == path);
                    self.answer(Input::ScriptChecked { query, executable });
                }
                Output::Resolve { query, host } => self.resolve(query, &host),
                Output::ReadFile { query, .. } => {
                    let result = self.acl_file.clone().map(Secret::new);
                    self.answer(Input::FileRead { query, result });
                }
                Output::WriteFile { query, text, .. } => {
                    self.acl_file = Ok(text.expose().to_vec());
                    self.answer(Input::FileWritten { query, result: Ok(()) });
                }
                Output::Event(event) => self.events.push(event),
                Output::Exit { code } => self.exit = Some(code),
                _ => {}
            }
        }
    }

    fn answer(&mut self, input: Input) {
        self.sentinel.handle(self.now, input);
    }

    fn resolve(&mut self, query: QueryId, host: &str) {
        let ip = self.resolvable.iter().find(|(name, _)| *name == host);
        let result = match ip {
            Some((_, ip)) => Ok(vec![ip.parse().expect("an IP")]),
            None => Err("Name or service not known".to_string()),
        };
        self.answer(Input::Resolved { query, result });
    }

    /// Lets the disk answer, if it does.
    fn write(&mut self) {
        if let (Some(result), Some(ticket)) = (self.disk.clone(), self.unwritten) {
            self.unwritten = None;
            self.answer(Input::Persisted { ticket, result });
        }
    }

    fn decode(&mut self, client: ClientId, bytes: &[u8]) {
        let (_, decoder) = self.decoders.iter_mut().find(|(id, _)| *id == client).expect("a known client");
        decoder.extend(bytes);
        while let Some(reply) = decoder.next().expect("well-formed replies") {
            self.replies.push_back((client, reply));
        }
    }

    fn send(&mut self, client: ClientId, words: &[&str]) {
        self.give(Input::ClientData { client, bytes: command(words) });
    }

    /// Asks on a connection of its own, in RESP3 so that maps show.
    #[track_caller]
    fn ask(&mut self, words: &[&str]) -> Reply {
        let client = self.connect();
        self.send(client, &["HELLO", "3"]);
        self.replies.clear();
        self.send(client, words);
        let reply = self.replies.pop_front().unwrap_or_else(|| panic!("{words:?} has no reply"));
        assert!(self.replies.is_empty(), "{words:?}: more than one reply");
        self.sentinel.handle(self.now, Input::ClientGone { client });
        reply.1
    }

    #[track_caller]
    fn ask_line(&mut self, line: &str) -> Reply {
        self.ask(&line.split(' ').collect::<Vec<_>>())
    }

    fn text(&self) -> String {
        let state = self.state.as_ref().expect("something was written");
        String::from_utf8(state.rewrite(b"")).expect("text")
    }
}

fn read(file: &str) -> Config {
    let mut include = |_: &[u8]| Err("no other files".to_string());
    Config::read("s.conf", file.as_bytes(), &mut include, &|_| true).expect("a valid file")
}

fn ok() -> Reply {
    Reply::simple("OK")
}

fn error(text: &str) -> Reply {
    Reply::error(text.to_string())
}

/// The pairs of a map as text, in order.
#[track_caller]
fn pairs(reply: &Reply) -> Vec<(String, String)> {
    let pairs = reply.as_pairs().unwrap_or_else(|| panic!("a map, not {reply:?}"));
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
        other => panic!("a bulk string, not {other:?}"),
    };
    pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn names(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" ")
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> &'a str {
    &pairs.iter().find(|(known, _)| known == name).expect("the field is there").1
}

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

/// What redis-sentinel of October 2024 answers to the same words.
#[test]
fn refusals_are_worded_as_redis_words_them() {
    let mut world = World::new(FILE);
    for (line, text) in [
        ("SENTINEL", "ERR wrong number of arguments for 'sentinel' command"),
        ("SENTINEL NOSUCH", "ERR unknown subcommand 'NOSUCH'. Try SENTINEL HELP."),
        ("SENTINEL RESET", "ERR wrong number of arguments for 'sentinel|reset' command"),
        ("SENTINEL MASTERS x", "ERR wrong number of arguments for 'sentinel|masters' command"),
        ("SENTINEL CONFIG SET", "ERR wrong number of arguments for 'sentinel|config' command"),
        (
            "SENTINEL SIMULATE-FAILURE",
            "ERR wrong number of arguments for 'sentinel|simulate-failure' command",
        ),
        ("SENTINEL MASTER nosuch", "ERR No such master with that name"),
        ("SENTINEL REPLICAS nosuch", "ERR No such master with that name"),
        ("SENTINEL SENTINELS nosuch", "ERR No such master with that name"),
        ("SENTINEL FAILOVER nosuch", "ERR No such master with that name"),
        ("SENTINEL REMOVE nosuch", "ERR No such master with that name"),
        ("SENTINEL CKQUORUM nosuch", "ERR No such master with that name"),
        ("SENTINEL SET nosuch quorum 1", "ERR No such master with that name"),
        ("SENTINEL FAILOVER mymaster", "NOGOODSLAVE No suitable replica to promote"),
        ("SENTINEL MONITOR a b x y", "ERR Invalid quorum"),
        ("SENTINEL MONITOR a b x 0", "ERR Invalid port"),
        ("SENTINEL MONITOR a b 1 0", "ERR Quorum must be 1 or greater."),
        ("SENTINEL MONITOR a b 1 1", "ERR Invalid IP address or hostname specified"),
        ("SENTINEL MONITOR a 1.1.1.1 99999 1", "ERR Invalid port number."),
        ("SENTINEL MONITOR mymaster 1.1.1.1 1 1", "ERR Duplicate master name."),
        ("SENTINEL SET mymaster foo bar", "ERR Unknown option or number of arguments for SENTINEL SET 'foo'"),
        (
            "SENTINEL SET mymaster quorum 2 quorum",
            "ERR Unknown option or number of arguments for SENTINEL SET 'quorum'",
        ),
        (
            "SENTINEL SET mymaster rename-command x",
            "ERR Unknown option or number of arguments for SENTINEL SET 'rename-command'",
        ),
        ("SENTINEL SET mymaster QUORUM 0", "ERR Invalid argument '0' for SENTINEL SET 'QUORUM'"),
        (
            "SENTINEL SET mymaster down-after-milliseconds -1",
            "ERR Invalid argument '-1' for SENTINEL SET 'down-after-milliseconds'",
        ),
        (
            "SENTINEL SET mymaster master-reboot-down-after-period -1",
            "ERR Invalid argument '-1' for SENTINEL SET 'master-reboot-down-after-period'",
        ),
        (
            "SENTINEL SET mymaster rename-command  x",
            "ERR Invalid argument '' for SENTINEL SET 'rename-command'",
        ),
        (
            "SENTINEL SET mymaster notification-script /bin/true",
            "ERR Reconfiguration of scripts path is denied for security reasons. Check the deny-scripts-reconfig configuration directive in your Sentinel configuration",
        ),
        ("SENTINEL CONFIG SET nosuch 1", "ERR Invalid argument 'nosuch' to SENTINEL CONFIG SET"),
        (
            "SENTINEL CONFIG SET announce-port 1 ANNOUNCE-PORT 2",
            "ERR Duplicate argument 'ANNOUNCE-PORT' to SENTINEL CONFIG SET",
        ),
        ("SENTINEL CONFIG SET announce-port 1 announce-ip", "ERR Missing argument 'announce-ip' value"),
        (
            "SENTINEL CONFIG SET announce-port 65536",
            "ERR Invalid value '65536' to SENTINEL CONFIG SET 'announce-port'",
        ),
        (
            "SENTINEL CONFIG SET resolve-hostnames maybe",
            "ERR Invalid value 'maybe' to SENTINEL CONFIG SET 'resolve-hostnames'",
        ),
        ("SENTINEL CONFIG SET loglevel loud", "ERR Invalid value 'loud' to SENTINEL CONFIG SET 'loglevel'"),
        (
            "SENTINEL CONFIG SET announce-port",
            "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> [<param> <value> ...] are supported.",
        ),
        (
            "SENTINEL CONFIG PUT a b",
            "ERR Only SENTINEL CONFIG GET <param> [<param> <param> ...] / SET <param> <value> [<param> <value> ...] are supported.",
        ),
        ("SENTINEL DEBUG foo 1", "ERR Unknown option or number of arguments for SENTINEL DEBUG 'foo'"),
        (
            "SENTINEL DEBUG info-period",
            "ERR Unknown option or number of arguments for SENTINEL DEBUG 'info-period'",
        ),
        ("SENTINEL DEBUG info-period 0", "ERR Invalid argument '0' for SENTINEL DEBUG 'info-period'"),
        ("SENTINEL SIMULATE-FAILURE now", "ERR Unknown failure simulation specified"),
        ("SENTINEL IS-MASTER-DOWN-BY-ADDR 1.1.1.1 x 1 *", "ERR value is not an integer or out of range"),
        ("SENTINEL IS-MASTER-DOWN-BY-ADDR 1.1.1.1 1 x *", "ERR value is not an integer or out of range"),
        ("PUBLISH news x", "ERR Only HELLO messages are accepted by Sentinel instances."),
        ("SHUTDOWN ABORT", "ERR No shutdown in progress."),
        ("SHUTDOWN SAVE NOSAVE", "ERR syntax error"),
        ("SHUTDOWN ABORT NOW", "ERR syntax error"),
        ("SHUTDOWN LATER", "ERR syntax error"),
        ("CONFIG GET port", "ERR unknown command 'CONFIG', with args beginning with: 'GET' 'port' "),
        ("CLIENT NO-TOUCH on", "ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP."),
    ] {
        assert_eq!(world.ask_line(line), error(text), "{line}");
    }
    assert_eq!(world.exit, None);
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

const CANDIDATE: &str = "3333333333333333333333333333333333333333";

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

#[test]
fn nonsense_does_not_reach_the_state() {
    let mut world = World::new(FILE);
    let not_an_integer = error("ERR value is not an integer or out of range");
    assert_eq!(world.ask_line("SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 6379 -1 x"), not_an_integer);
    let mut words: Vec<&str> = "SENTINEL IS-MASTER-DOWN-BY-ADDR 127.0.0.1 6379 9".split(' ').collect();
    words.push("a\r\nb");
    assert_eq!(world.ask(&words), error("ERR Invalid run id"));
    let reply = world.ask(&["SENTINEL", "MONITOR", "a\nport 1", "127.0.0.1", "1", "1"]);
    assert_eq!(reply, error("ERR Invalid master name"));
    assert!(world.state.is_none());
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

impl World {
    fn send_authenticated(&mut self, line: &str, password: &str) {
        let client = self.connect();
        self.send(client, &["AUTH", password]);
        self.send(client, &line.split(' ').collect::<Vec<_>>());
        assert_eq!(self.replies, [(client, ok()), (client, ok())]);
    }
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

#[test]
fn bytes_of_clients_never_panic() {
    let mut world = World::new(FILE);
    for bytes in [
        &b"*3\r\n$8\r\nSENTINEL\r\n$3\r\nSET\r\n$1\r\n\xff\r\n"[..],
        b"SENTINEL MASTER \xff\xfe\r\n",
        b"*-5\r\n",
        b"SENTINEL DEBUG \xff 1\r\n",
        b"*2\r\n$8\r\nSENTINEL\r\n$-1\r\n",
    ] {
        let client = world.connect();
        world.give(Input::ClientData { client, bytes: Bytes::copy_from_slice(bytes) });
        world.give(Input::ClientGone { client });
    }
    assert_eq!(world.ask_line("SENTINEL MYID"), Reply::bulk(MY_ID));
}
