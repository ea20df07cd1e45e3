//! MULTI, refusals by the application, blocked clients and what the application tells about clients.

use super::*;

const fn command(name: &'static str, arity: i32, flags: Flags) -> CommandSpec {
    CommandSpec::new(name, arity, flags, Categories::KEYSPACE, Docs::NONE)
}

const INSIDE: Flags = Flags::LOADING.and(Flags::STALE);

static DATA_TABLE: &[CommandSpec] = &[
    generic::ACL,
    generic::AUTH,
    generic::CLIENT,
    command("discard", 1, INSIDE),
    command("exec", 1, INSIDE),
    command("get", 2, Flags::READONLY),
    generic::HELLO,
    command("multi", 1, INSIDE),
    generic::PING,
    command("set", -3, Flags::WRITE.and(Flags::DENYOOM)),
    generic::SHUTDOWN,
    generic::SUBSCRIBE,
    command("wait", 1, Flags::BLOCKING),
    command("watch", -2, INSIDE),
];

/// A data server in small: it is loading, a read-only replica, or neither.
struct Node {
    world: World,
    is_loading: bool,
    is_replica: bool,
}

impl Node {
    fn new() -> Self {
        Self { world: World::with_table(DATA_TABLE, |_| {}), is_loading: false, is_replica: false }
    }

    fn refusal(&self, call: &Call) -> Option<&'static str> {
        let flags = self.world.server.flags_of(call);
        if self.is_loading && !flags.all.has(Flags::LOADING) {
            return Some("LOADING Redis is loading the dataset in memory");
        }
        (self.is_replica && flags.any.has(Flags::WRITE))
            .then_some("READONLY You can't write against a read only replica.")
    }

    fn run(&mut self) {
        while let Some(call) = self.world.server.next_request(self.world.now) {
            if let Some(error) = self.refusal(&call) {
                self.world.server.refuse(&call, &Reply::error(error));
            } else if let Some(call) = self.world.server.admit(call) {
                self.call(&call);
            }
        }
    }

    fn call(&mut self, call: &Call) {
        let server = &mut self.world.server;
        let id = call.client;
        let reply = match call.command.command.name {
            "multi" if server.is_in_multi(id) => Reply::error("ERR MULTI calls can not be nested"),
            "multi" => {
                server.begin_multi(id);
                Reply::ok()
            }
            "discard" if server.take_multi(id).is_none() => Reply::error("ERR DISCARD without MULTI"),
            "wait" => return server.block(id),
            "exec" => match server.take_multi(id) {
                None => Reply::error("ERR EXEC without MULTI"),
                Some(multi) if multi.is_aborted => Reply::error("EXECABORT"),
                Some(multi) => {
                    server.reply_array_header(id, multi.queued.len());
                    for queued in multi.queued {
                        if let Some(call) = self.world.server.run_queued(queued) {
                            self.call(&call);
                        }
                    }
                    return;
                }
            },
            name => Reply::simple(name),
        };
        self.world.server.reply(id, &reply);
    }

    fn ask(&mut self, id: ClientId, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        self.world.server.receive(self.world.now, id, &request(&words));
        self.run();
        self.world.output(id)
    }

    #[track_caller]
    fn check(&mut self, id: ClientId, script: &[(&str, &str)]) {
        for (line, answer) in script {
            assert_eq!(self.ask(id, line), *answer, "{line}");
        }
    }
}

#[test]
fn multi_queues_what_exec_runs_in_order() {
    let mut node = Node::new();
    let id = node.world.connect();
    node.check(
        id,
        &[
            ("EXEC", "-ERR EXEC without MULTI|"),
            ("MULTI", "+OK|"),
            ("MULTI", "-ERR MULTI calls can not be nested|"),
            ("SET k v", "+QUEUED|"),
            ("PING x", "+QUEUED|"),
            ("CLIENT GETNAME", "+QUEUED|"),
            ("WATCH k", "+watch|"),
            ("EXEC", "*3|+set|$1|x|$-1|"),
            ("MULTI", "+OK|"),
            ("HELLO 3", "+QUEUED|"),
            ("CLIENT GETNAME", "+QUEUED|"),
            ("DISCARD", "+discard|"),
            ("MULTI", "+OK|"),
            ("EXEC", "*0|"),
            ("PING", "+PONG|"),
        ],
    );
}

#[test]
fn every_refusal_inside_multi_spoils_exec() {
    for (line, error) in [
        ("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: |"),
        ("GET", "-ERR wrong number of arguments for 'get' command|"),
        ("CLIENT NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.|"),
        ("SHUTDOWN", "-ERR Command not allowed inside a transaction|"),
        ("ACL CAT", "-NOPERM User default has no permissions to run the 'acl|cat' command|"),
        ("SET k v", "-READONLY You can't write against a read only replica.|"),
    ] {
        let mut node = Node::new();
        node.is_replica = true;
        let id = node.world.connect();
        node.check(id, &[("ACL SETUSER default -acl", "+OK|"), ("MULTI", "+OK|"), ("PING", "+QUEUED|")]);
        node.check(id, &[(line, error), ("PING", "+QUEUED|"), ("EXEC", "-EXECABORT|"), ("PING", "+PONG|")]);
    }
}

#[test]
fn exec_is_refused_for_what_its_queue_would_do() {
    let mut node = Node::new();
    let id = node.world.connect();
    node.check(id, &[("MULTI", "+OK|"), ("SET k v", "+QUEUED|")]);
    node.is_replica = true;
    let error =
        "-EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.|";
    node.check(id, &[("EXEC", error), ("EXEC", "-ERR EXEC without MULTI|")]);
    node.check(id, &[("MULTI", "+OK|"), ("GET k", "+QUEUED|"), ("EXEC", "*1|+get|")]);
    node.check(id, &[("MULTI", "+OK|"), ("PING", "+QUEUED|")]);
    node.is_loading = true;
    let loading = "LOADING Redis is loading the dataset in memory|";
    assert_eq!(node.ask(id, "EXEC"), format!("-EXECABORT Transaction discarded because of: {loading}"));
    // Commands that the server runs itself are refused as well.
    assert_eq!(node.ask(id, "PING"), format!("-{loading}"));
    node.check(id, &[("CLIENT GETNAME", "$-1|"), ("MULTI", "+OK|"), ("EXEC", "*0|")]);
}

#[test]
fn permissions_are_asked_again_when_exec_runs() {
    let mut node = Node::new();
    let (id, admin) = (node.world.connect(), node.world.connect());
    node.check(id, &[("MULTI", "+OK|"), ("GET k", "+QUEUED|"), ("PING", "+QUEUED|")]);
    node.check(admin, &[("ACL SETUSER default -get", "+OK|")]);
    assert_eq!(
        node.ask(id, "EXEC"),
        "*2|-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: no permission to execute the command or subcommand|+PONG|"
    );
}

#[test]
fn a_queue_counts_against_the_query_buffer_limit() {
    let mut node = Node::new();
    let mut limits = node.world.server.options().limits;
    limits.query_buffer_bytes = 2_000;
    node.world.server.set_limits(node.world.now, limits);
    let id = node.world.connect();
    node.ask(id, "MULTI");
    let answers: Vec<String> = (0..20).map(|_| node.ask(id, "SET key value")).collect();
    assert_eq!(answers.iter().filter(|answer| *answer == "+QUEUED|").count(), 7);
    assert_eq!(answers[7], "<closed>");
    assert!(!node.world.server.is_connected(id));
}

#[test]
fn pause_holds_back_exec_of_writes_only() {
    let mut node = Node::new();
    let (writer, reader, admin) = (node.world.connect(), node.world.connect(), node.world.connect());
    node.check(writer, &[("MULTI", "+OK|"), ("SET k v", "+QUEUED|")]);
    node.check(reader, &[("MULTI", "+OK|"), ("GET k", "+QUEUED|")]);
    node.check(admin, &[("CLIENT PAUSE 100 WRITE", "+OK|")]);
    node.check(reader, &[("EXEC", "*1|+get|"), ("SET k v", "")]);
    node.check(writer, &[("EXEC", ""), ("GET k", "")]);
    node.world.server.facts_mut(reader).expect("it is there").link = ReplicationLink::Replica;
    node.world.server.receive(node.world.now, admin, &request(&["CLIENT", "UNPAUSE"]));
    node.run();
    assert_eq!(node.world.output(writer), "*1|+set|+get|");
    node.check(admin, &[("CLIENT PAUSE 100", "+OK|"), ("PING", "")]);
    // A replica is never paused.
    node.check(reader, &[("GET k", "+get|")]);
}

#[test]
fn unblock_reaches_the_application() {
    let mut node = Node::new();
    let (waiting, admin) = (node.world.connect(), node.world.connect());
    node.check(waiting, &[("WAIT", ""), ("PING", "")]);
    let list = node.ask(admin, "CLIENT LIST ID 3");
    assert!(list.contains(" flags=b ") && list.contains(" cmd=wait "), "{list}");
    node.check(
        admin,
        &[("CLIENT UNBLOCK 3 ERROR", ":1|"), ("CLIENT UNBLOCK 3", ":0|"), ("CLIENT UNBLOCK 4", ":0|")],
    );
    assert_eq!(node.world.unblocked, [(waiting, UnblockWith::Error)]);
    node.world.server.reply(waiting, &Reply::error(UnblockWith::ERROR));
    node.world.server.resume(waiting);
    node.run();
    assert_eq!(node.world.output(waiting), "-UNBLOCKED client unblocked via CLIENT UNBLOCK|+PONG|");
    node.check(waiting, &[("WAIT", "")]);
    node.check(admin, &[("CLIENT KILL ID 3", ":1|")]);
    assert!(!node.world.server.is_connected(waiting));
}

#[test]
fn the_application_tells_what_a_client_is() {
    let mut node = Node::new();
    let (id, replica) = (node.world.connect(), node.world.connect());
    let master = ClientId::next(&mut node.world.next_id);
    let addr = "127.0.0.1:6379".parse().expect("an address");
    node.world.server.add_master_link(node.world.now, master, ClientAddresses::tcp(addr, addr, 3));
    let facts = ClientFacts { db: 7, watched_keys: 2, is_dirty: true, link: ReplicationLink::None };
    *node.world.server.facts_mut(id).expect("it is there") = facts;
    node.world.server.facts_mut(replica).expect("it is there").link = ReplicationLink::Replica;
    node.check(id, &[("MULTI", "+OK|"), ("PING", "+QUEUED|")]);
    let list = node.ask(replica, "CLIENT LIST");
    for (number, fields) in [(3, "flags=xd db=7"), (4, "flags=S db=0"), (5, "flags=M db=0")] {
        let start = format!("id={number} ");
        let line = list.split('/').find(|line| line.contains(&start)).expect("it is listed");
        assert!(line.contains(&format!(" {fields} ")), "{line}");
    }
    assert!(list.contains(" multi=1 watch=2 ") && list.contains(" multi=-1 watch=0 "), "{list}");
    for (kind, number) in [("master", 5), ("replica", 4), ("normal", 3)] {
        let list = node.ask(replica, &format!("CLIENT LIST TYPE {kind}"));
        assert_eq!(list.matches("id=").count(), 1, "{list}");
        assert!(list.contains(&format!("id={number} ")), "{list}");
    }
    assert!(node.world.server.info_clients().contains("connected_clients:2\r\n"));
    assert_eq!(node.world.server.class(replica), crate::config::ClientClass::Replica);
    node.world.server.receive(node.world.now, replica, &request(&["CLIENT", "KILL", "TYPE", "master"]));
    node.run();
    assert_eq!(node.world.output(master), "<closed>");
}
