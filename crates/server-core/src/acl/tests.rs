//! ACL users, rules and commands.

use super::*;
use crate::{CommandRef, generic};
use alloc::string::ToString;

static TABLE: &[crate::CommandSpec] = &[
    generic::ACL,
    generic::AUTH,
    generic::CLIENT,
    generic::COMMAND,
    generic::HELLO,
    generic::INFO,
    generic::PING,
    generic::PSUBSCRIBE,
    generic::PUBLISH,
    generic::SUBSCRIBE,
];

fn acl() -> Acl {
    Acl::new(CommandTable(TABLE), PubsubDefault::ResetChannels)
}

fn set(acl: &mut Acl, name: &str, rules: &str) -> Result<(), String> {
    let rules: Vec<&[u8]> = rules.split_ascii_whitespace().map(str::as_bytes).collect();
    acl.set_user(name.as_bytes(), &rules).map_err(|(_, error)| error.to_string())
}

fn described(acl: &Acl, name: &str) -> String {
    let user = acl.user(name.as_bytes()).expect("the user exists");
    String::from_utf8(user.describe()).expect("the rules are text")
}

/// Descriptions as the snapshot of October 2024 prints them.
#[test]
fn rules_are_printed_as_redis_prints_them() {
    const A: &str = "#ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    for (steps, printed) in [
        (&[""][..], "off sanitize-payload resetchannels -@all".to_string()),
        (
            &["on >a ~foo &c1 +client -client|kill +@read -@dangerous"],
            format!(
                "on sanitize-payload {A} ~foo resetchannels &c1 -@all +client -client|kill +@read -@dangerous"
            ),
        ),
        (
            &["on >a ~foo &c1 +client -client|kill +@read -@dangerous", "+client", "+ping -client|id"],
            format!(
                "on sanitize-payload {A} ~foo resetchannels &c1 -@all +@read -@dangerous +client +ping -client|id"
            ),
        ),
        (
            &["(+ping ~x)"],
            "off sanitize-payload resetchannels -@all (~x resetchannels -@all +ping)".to_string(),
        ),
        (
            &["allcommands allkeys allchannels nopass on"],
            "on nopass sanitize-payload ~* &* +@all".to_string(),
        ),
        (
            &[
                "allcommands nopass on",
                "nocommands resetkeys resetchannels resetpass off skip-sanitize-payload",
            ],
            "off skip-sanitize-payload resetchannels -@all".to_string(),
        ),
        (&["%R~a %W~b %RW~c %w~a"], "off sanitize-payload ~a %W~b ~c resetchannels -@all".to_string()),
        (&["+ping|x"], "off sanitize-payload resetchannels -@all +ping|x".to_string()),
    ] {
        let mut acl = acl();
        for step in steps {
            set(&mut acl, "u", step).expect(step);
        }
        assert_eq!(described(&acl, "u"), printed, "{steps:?}");
        // What is printed makes the same user again.
        set(&mut acl, "v", &printed).expect("a printed rule is a rule");
        assert_eq!(described(&acl, "v"), printed);
    }
    assert_eq!(described(&acl(), "default"), "on nopass sanitize-payload ~* &* +@all");
}

#[test]
fn wrong_rules_are_refused_and_change_nothing() {
    for (rules, error) in [
        ("+nosuch", AclError::Unknown),
        ("+client|nosuch", AclError::Unknown),
        ("-ping|x", AclError::Unknown),
        ("+client|id|x", AclError::FirstArgOfSubcommand),
        ("+client|", AclError::Syntax),
        ("bogus", AclError::Syntax),
        ("&a &* &b", AclError::PatternAfterAllChannels),
        ("<a", AclError::NoSuchPassword),
        ("#abc", AclError::BadHash),
        ("~* ~b", AclError::PatternAfterAllKeys),
        ("%X~d", AclError::Syntax),
        ("+@nosuch", AclError::Unknown),
        ("(+ping", AclError::UnmatchedBracket),
    ] {
        let mut acl = acl();
        assert_eq!(set(&mut acl, "u", &format!("on {rules}")), Err(error.to_string()), "{rules}");
        assert!(acl.user(b"u").is_none(), "{rules}");
    }
}

#[test]
fn commands_and_channels_are_checked() {
    let mut acl = acl();
    set(&mut acl, "u", "on +@pubsub +client|id +info|server &c* (+@connection)").expect("fine");
    let user = acl.user(b"u").expect("just made").clone();
    for (line, outcome) in [
        ("client id", Ok(())),
        ("client list", Ok(())),
        ("info", Err(Denial::Command)),
        ("info server", Ok(())),
        ("info SERVER", Ok(())),
        ("auth x", Ok(())),
        ("ping", Ok(())),
        ("acl list", Err(Denial::Command)),
        ("subscribe c1", Ok(())),
        ("subscribe c1 x", Err(Denial::Channel(b"x".to_vec()))),
        ("psubscribe c*", Ok(())),
        ("psubscribe c1", Err(Denial::Channel(b"c1".to_vec()))),
        ("publish c1 x", Ok(())),
        ("publish x c1", Err(Denial::Channel(b"x".to_vec()))),
    ] {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let command = acl.table().get(args[0]).expect("in the table");
        let subcommand = args.get(1).and_then(|sub| command.subcommand(sub));
        assert_eq!(user.check(CommandRef { command, subcommand }, &args), outcome, "{line}");
    }
}

#[test]
fn requirepass_is_the_default_users_password() {
    let mut acl = acl();
    assert!(!acl.needs_authentication());
    acl.set_requirepass(Some(b"pw"));
    assert!(acl.needs_authentication());
    assert!(acl.authenticate(b"default", b"pw"));
    assert!(!acl.authenticate(b"default", b"px"));
    assert!(!acl.authenticate(b"nobody", b"pw"));
    assert!(!format!("{acl:?}").contains("30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4"));
    acl.set_requirepass(None);
    assert!(acl.authenticate(b"default", b"anything"));
}

#[test]
fn an_acl_file_comes_back_as_it_was_written() {
    let mut acl = acl();
    set(&mut acl, "bob", "on >x ~a &b +@all -client|kill (+ping)").expect("fine");
    let text = acl.file_text();
    let mut other = Acl::new(CommandTable(TABLE), PubsubDefault::ResetChannels);
    other.load_file("users.acl", &text).expect("just written");
    assert_eq!(other, acl);

    let before = other.clone();
    let error =
        other.load_file("users.acl", b"user a on\nnonsense\nuser b \"x").expect_err("two lines are wrong");
    assert!(
        error.starts_with("users.acl:2: line should start with user keyword. users.acl:3: Unbalanced"),
        "{error}"
    );
    let error = other.load_file("users.acl", b"user a on >secret\nuser a off").expect_err("twice the same");
    assert!(error.contains("Duplicate user found"), "{error}");
    assert_eq!(other, before);
}

#[test]
fn genpass_does_not_repeat() {
    let mut prng = picket_sansio::Prng::new(1);
    let (a, b) = (random_hex(&mut prng, 64), random_hex(&mut prng, 64));
    assert_eq!(a.len(), 64);
    assert_ne!(a, b);
    assert_eq!(random_hex(&mut prng, 1).len(), 1);
}

#[test]
fn user_lines_of_a_file_say_all_about_a_user() {
    let read = |text: &str| {
        let lines: Vec<_> =
            lines(&"x.conf".into(), text.as_bytes()).map(|line| line.expect("quotes match")).collect();
        let mut acl = acl();
        acl.set_requirepass(Some(b"pw"));
        acl.load_config(&lines).map(|()| acl).map_err(|error| (error.line, error.reason))
    };
    let acl = read("user default on nopass ~*\nuser bob on >x").expect("the lines are fine");
    assert_eq!(described(&acl, "default"), "on nopass sanitize-payload ~* resetchannels -@all");
    for (text, line, reason) in [
        (
            "user a on\nuser a off",
            2,
            "Error in user declaration 'a': Duplicate user found. A user can only be defined once in config files",
        ),
        ("user a b c", 1, "Error in user declaration 'b': Syntax error"),
        (
            "user a on <secret",
            1,
            "Error in user declaration '<******': The password you are trying to remove from the user does not exist",
        ),
        ("user a on (+ping", 1, "Error in user declaration '(+ping': Unmatched parenthesis in acl selector"),
        ("user \"a b\" on", 1, "Usernames can't contain spaces or null characters"),
    ] {
        assert_eq!(read(text), Err((line, reason.to_string())), "{text}");
    }
}
