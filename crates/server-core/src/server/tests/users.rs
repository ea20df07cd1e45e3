//! Authentication, permissions and `ACL`. Texts are those that redis-sentinel gives (7.0.15 and a
//! snapshot of October 2024).

use super::*;

#[test]
fn authentication_is_required_until_it_succeeds() {
    let mut world = World::with(|options| options.acl.set_requirepass(Some(b"pw")));
    let id = world.connect();
    world.check(
        id,
        &[
            ("PING", "-NOAUTH Authentication required.|"),
            ("NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: |"),
            ("CLIENT", "-ERR wrong number of arguments for 'client' command|"),
            ("ROLE", "-NOAUTH Authentication required.|"),
            ("HELLO 3 AUTH default bad", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("AUTH bad", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("AUTH nobody pw", "-WRONGPASS invalid username-password pair or user is disabled.|"),
            ("AUTH a b c", "-ERR syntax error|"),
        ],
    );
    assert!(
        world
            .ask(id, "HELLO 3")
            .starts_with("-NOAUTH HELLO must be called with the client already authenticated")
    );
    world.check(id, &[("AUTH pw", "+OK|"), ("PING", "+PONG|"), ("ACL WHOAMI", "$7|default|")]);
    // Four attempts at HELLO and AUTH with the wrong words.
    assert_eq!(world.server.counters().acl_denied_auth, 3);
    world.server.set_requirepass(None);
    let other = world.connect();
    assert_eq!(
        world.ask(other, "AUTH x"),
        "-ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?|"
    );
}

#[test]
fn permissions_are_checked_and_logged() {
    let mut world = World::new();
    let admin = world.connect();
    world.check(admin, &[("ACL SETUSER lim on >l resetchannels &c* +@pubsub +client|id -@admin ~*", "+OK|")]);
    let id = world.connect();
    world.check(
        id,
        &[
            ("AUTH lim l", "+OK|"),
            ("CLIENT ID", ":4|"),
            ("CLIENT LIST", "-NOPERM User lim has no permissions to run the 'client|list' command|"),
            ("SUBSCRIBE x", "-NOPERM No permissions to access a channel|"),
            ("SUBSCRIBE c1 x", "-NOPERM No permissions to access a channel|"),
            ("PSUBSCRIBE *", "-NOPERM No permissions to access a channel|"),
            ("PING", "-NOPERM User lim has no permissions to run the 'ping' command|"),
            ("PSUBSCRIBE c*", "*3|$10|psubscribe|$2|c*|:1|"),
        ],
    );
    world.check(
        admin,
        &[
            ("ACL DRYRUN lim subscribe x", "$53|User lim has no permissions to access the 'x' channel|"),
            ("ACL DRYRUN lim subscribe c1", "+OK|"),
            ("ACL DRYRUN lim info", "$53|User lim has no permissions to run the 'info' command|"),
            ("ACL DRYRUN nouser ping", "-ERR User 'nouser' not found|"),
            ("ACL DRYRUN lim nocmd", "-ERR Command 'nocmd' not found|"),
        ],
    );
    let log = world.ask(admin, "ACL LOG 1");
    assert!(log.starts_with("*1|*20|$5|count|:1|$6|reason|$7|command|$7|context|$8|toplevel|$6|object|$4|ping|$8|username|$3|lim|$11|age-seconds|$1|0|"), "{log}");
    assert!(
        log.ends_with(
            "$8|entry-id|:3|$17|timestamp-created|:1700000000000|$22|timestamp-last-updated|:1700000000000|"
        ),
        "{log}"
    );
    // Two refusals of the same channel share an entry.
    let log = world.ask(admin, "ACL LOG");
    assert!(log.starts_with("*4|") && log.contains("|$5|count|:2|$6|reason|$7|channel|"), "{log}");
    // Losing the channel ends the connection that listens to it.
    assert_eq!(world.ask(admin, "ACL SETUSER lim resetchannels"), "+OK|");
    assert!(!world.server.is_connected(id));
    let again = world.connect();
    world.check(
        again,
        &[
            ("AUTH lim l", "+OK|"),
            ("ACL DELUSER lim", "-NOPERM User lim has no permissions to run the 'acl|deluser' command|"),
        ],
    );
    world.check(
        admin,
        &[
            ("ACL DELUSER lim nobody", ":1|"),
            ("ACL DELUSER default", "-ERR The 'default' user cannot be removed|"),
        ],
    );
    assert!(!world.server.is_connected(again));
}

#[test]
fn acl_answers_as_redis() {
    const NO_FILE: &str = "-ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration.|";
    let mut world = World::new();
    let id = world.connect();
    world.check(
        id,
        &[
            ("ACL LIST", "*1|$51|user default on nopass sanitize-payload ~* &* +@all|"),
            ("ACL SETUSER", "-ERR wrong number of arguments for 'acl|setuser' command|"),
            ("ACL SETUSER q +nosuch", "-ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL|"),
            ("ACL SETUSER a_b", "-ERR Usernames can't contain spaces or null characters|"),
            ("ACL SETUSER v (+ping", "-ERR Unmatched parenthesis in acl selector starting at '(+ping'.|"),
            ("ACL CAT a b", "-ERR unknown subcommand or wrong number of arguments for 'CAT'. Try ACL HELP.|"),
            ("ACL SETUSER z (+ping ~x)", "+OK|"),
            (
                "ACL GETUSER z",
                "*12|$5|flags|*2|$3|off|$16|sanitize-payload|$9|passwords|*0|$8|commands|$5|-@all|$4|keys|$0||$8|channels|$0||$9|selectors|*1|*6|$8|commands|$11|-@all +ping|$4|keys|$2|~x|$8|channels|$0||",
            ),
            ("ACL GETUSER nouser", "$-1|"),
            ("ACL USERS", "*2|$7|default|$1|z|"),
            ("ACL WHOAMI", "$7|default|"),
            ("ACL GENPASS 0", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096|"),
            ("ACL GENPASS 4097", "-ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096|"),
            ("ACL GENPASS a", "-ERR value is not an integer or out of range|"),
            ("ACL CAT keyspace", "*0|"),
            ("ACL CAT pubsub", "*5|$10|psubscribe|$7|publish|$12|punsubscribe|$9|subscribe|$11|unsubscribe|"),
            ("ACL CAT nosuch", "-ERR Unknown category 'nosuch'|"),
            ("ACL LOAD", NO_FILE),
            ("ACL SAVE", NO_FILE),
            ("ACL LOG", "*0|"),
            ("ACL LOG RESET", "+OK|"),
            ("ACL LOG x", "-ERR value is not an integer or out of range|"),
            ("ACL NOSUCH", "-ERR unknown subcommand 'NOSUCH'. Try ACL HELP.|"),
        ],
    );
    assert!(world.ask(id, "ACL GENPASS").starts_with("$64|"));
    assert!(world.ask(id, "ACL GENPASS 5").starts_with("$2|"));
    assert!(world.ask(id, "ACL CAT").starts_with("*21|$8|keyspace|$4|read|"));

    let mut world = World::with(|options| options.has_aclfile = true);
    let id = world.connect();
    assert_eq!(world.ask(id, "ACL LOAD"), "+ran acl|load ACL,LOAD|");
    let changed = crate::acl::Acl::new(CommandTable(TABLE), PubsubDefault::AllChannels);
    world.server.set_acl(changed);
    assert!(world.server.is_connected(id), "its user is the same as before");
}

#[test]
fn loading_users_closes_those_who_are_gone_or_may_not_listen_any_more() {
    let mut world = World::new();
    let admin = world.connect();
    for name in ["gone", "changed", "listener", "muted"] {
        assert_eq!(world.ask(admin, &format!("ACL SETUSER {name} on nopass +@all allchannels")), "+OK|");
    }
    let mut client = |name: &str| {
        let id = world.connect();
        assert_eq!(world.ask(id, &format!("AUTH {name} x")), "+OK|");
        assert!(name == "changed" || world.ask(id, "SUBSCRIBE news").contains("news"));
        id
    };
    let [gone, changed, listener, muted] = ["gone", "changed", "listener", "muted"].map(&mut client);
    let mut acl = world.server.acl().clone();
    acl.delete_user(b"gone");
    acl.set_user(b"changed", &[b"-ping", b"resetchannels"]).expect("a rule");
    acl.set_user(b"listener", &[b"resetchannels", b"&news"]).expect("a rule");
    acl.set_user(b"muted", &[b"resetchannels", b"&other"]).expect("a rule");
    world.server.set_acl(acl);
    let connected = [admin, gone, changed, listener, muted].map(|id| world.server.is_connected(id));
    assert_eq!(connected, [true, false, true, true, false]);
    assert!(world.ask(changed, "PING").starts_with("-NOPERM"), "its new rights count at once");
}
