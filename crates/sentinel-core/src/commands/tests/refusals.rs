//! What is refused, in which words, and that nothing comes of it.

use super::*;

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
