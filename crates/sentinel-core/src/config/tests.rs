//! Reading and rewriting of the `sentinel` lines.

use super::*;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use picket_sansio::{Millis, Secret};

fn read(text: &str) -> Result<Config, ConfigError> {
    let mut include = |_: &[u8]| Err("no other files here".to_string());
    Config::read("sentinel.conf", text.as_bytes(), &mut include, &|path| path == "/bin/true")
}

#[track_caller]
fn accepted(text: &str) -> Config {
    read(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const MONITOR: &str = "sentinel monitor mymaster 127.0.0.1 6379 2\n";

/// What redis-sentinel 7.0.15 and the snapshot of October 2024 say of these lines.
#[test]
fn refusals_are_worded_as_redis_words_them() {
    for (line, reason) in [
        ("monitor x 127.0.0.1 6379 0", "Quorum must be 1 or greater."),
        ("monitor x 127.0.0.1 6379 two", "Quorum must be 1 or greater."),
        ("monitor mymaster 127.0.0.1 6380 1", "Duplicate master name."),
        ("monitor x no.such.host.invalid 6379 1", "Can't resolve instance hostname."),
        ("monitor x 127.0.0.1 65536 1", "Invalid port number."),
        ("monitor x 127.0.0.1 -1 1", "Invalid port number."),
        ("monitor x 127.0.0.1 6379", "Unrecognized sentinel configuration statement."),
        ("down-after-milliseconds mymaster 0", "negative or zero time parameter."),
        ("down-after-milliseconds mymaster abc", "negative or zero time parameter."),
        ("down-after-milliseconds other 1", "No such master with specified name."),
        ("down-after-milliseconds mymaster", "Unrecognized sentinel configuration statement."),
        ("down-after-milliseconds mymaster 1 2", "Unrecognized sentinel configuration statement."),
        ("failover-timeout mymaster -1", "negative or zero time parameter."),
        ("failover-timeout other 1", "No such master with specified name."),
        ("parallel-syncs other 1", "No such master with specified name."),
        (
            "notification-script mymaster /no/such/file",
            "Notification script seems non existing or non executable.",
        ),
        ("notification-script other /bin/true", "No such master with specified name."),
        (
            "client-reconfig-script mymaster /no/such/file",
            "Client reconfiguration script seems non existing or non executable.",
        ),
        ("auth-pass other x", "No such master with specified name."),
        ("auth-user other x", "No such master with specified name."),
        ("config-epoch other 1", "No such master with specified name."),
        ("leader-epoch other 1", "No such master with specified name."),
        ("current-epoch", "Unrecognized sentinel configuration statement."),
        ("myid abc", "Malformed Sentinel id in myid option."),
        ("known-replica other 127.0.0.1 1", "No such master with specified name."),
        ("known-replica mymaster no.such.host.invalid 1", "Can't resolve instance hostname."),
        ("known-replica mymaster 127.0.0.1 99999", "Invalid port number."),
        ("known-slave mymaster 127.0.0.1", "Unrecognized sentinel configuration statement."),
        (
            "known-replica mymaster 127.0.0.1 1\nsentinel known-slave mymaster 127.0.0.1 1",
            "Duplicate hostname and port for replica.",
        ),
        (
            "known-sentinel mymaster 127.0.0.1 1 a\nsentinel known-sentinel mymaster 127.0.0.1 2 a",
            "Duplicate runid for sentinel.",
        ),
        ("known-sentinel other 127.0.0.1 1 a", "No such master with specified name."),
        (
            "rename-command mymaster CONFIG a\nsentinel rename-command mymaster config b",
            "Same command renamed multiple times with rename-command.",
        ),
        ("rename-command mymaster CONFIG", "Unrecognized sentinel configuration statement."),
        ("deny-scripts-reconfig maybe", "Please specify yes or no for the deny-scripts-reconfig options."),
        ("resolve-hostnames maybe", "Please specify yes or no for the resolve-hostnames option."),
        ("announce-hostnames maybe", "Please specify yes or no for the announce-hostnames option."),
        ("master-reboot-down-after-period mymaster -1", "negative time parameter."),
        ("no-such-option mymaster 1", "Unrecognized sentinel configuration statement."),
    ] {
        let text = format!("{MONITOR}sentinel {line}\n");
        let error = read(&text).expect_err(line);
        assert_eq!(error.reason, reason, "{line}");
        let at = 2 + u32::from(line.contains('\n'));
        assert_eq!(error.line, at, "{line}");
    }
    let error = read("user bob +nonsense\nsentinel auth-pass a b\n").expect_err("users are checked as well");
    assert_eq!(error.line, 1);
    let error = read("port 1\nsentinel auth-pass a b\nbogus\n").expect_err("the ordinary lines come first");
    assert_eq!((error.line, error.reason.as_str()), (3, "Bad directive or wrong number of arguments"));
}

#[test]
fn the_fatal_text_is_the_one_of_redis() {
    let error = read("sentinel monitor m 127.0.0.1 1 0").expect_err("quorum 0");
    assert_eq!(
        error.fatal("Redis 7.4.0"),
        "\n*** FATAL CONFIG FILE ERROR (Redis 7.4.0) ***\nReading the configuration file, at line 1\n>>> 'sentinel monitor m 127.0.0.1 1 0'\nQuorum must be 1 or greater.\n"
    );
}

#[test]
fn order_in_the_file_does_not_matter() {
    let config = accepted(
        "sentinel known-replica m cache-2 6380\nsentinel down-after-milliseconds m 5000\nsentinel config-epoch m 7\nsentinel monitor m cache-1 6379 2\nsentinel resolve-hostnames yes\nsentinel current-epoch 3\n",
    );
    let master = config.master("m").expect("it is monitored");
    assert_eq!(master.addr, Addr { host: "cache-1".into(), ip: None, port: 6379 });
    assert_eq!(master.settings.down_after, Millis(5000));
    assert_eq!(master.replicas, [Addr { host: "cache-2".into(), ip: None, port: 6380 }]);
    assert_eq!((master.config_epoch, config.current_epoch), (7, 7), "the current epoch is never behind");
}

/// As redis-sentinel 7.0.15 rewrote it after a failover, with the sentinel-specific lines that the
/// versions from 6.2 to Valkey 8 spell differently.
#[test]
fn files_of_all_versions_are_read_unchanged() {
    let config = accepted(
        r#"port 5000
# comment
protected-mode no
dir "/tmp"
loglevel verbose
sentinel myid c4d52c4e6aab6f9d1a6d1d6e9bdb12b94ed87b4a
sentinel
SENTINEL Deny-Scripts-Reconfig no
sentinel monitor mymaster 127.0.0.1 6380 2
sentinel down-after-milliseconds mymaster 2000x
sentinel failover-timeout mymaster 10000
sentinel parallel-syncs mymaster 10
sentinel auth-pass mymaster "with \"quotes\" and blanks"
sentinel auth-user mymaster watcher
sentinel notification-script mymaster /bin/true
sentinel client-reconfig-script mymaster /bin/true
sentinel config-epoch mymaster 4
sentinel leader-epoch mymaster 5
sentinel known-replica mymaster 127.0.0.1 6379
sentinel known-slave mymaster ::1 6381
sentinel known-sentinel mymaster 127.0.0.1 5001
sentinel known-sentinel mymaster 127.0.0.1 5001 8a3fa9a15ed3ec5e8b8c3a7a5d4b2d9c8e7f6a5b
sentinel rename-command mymaster config GUESSME
sentinel primary-reboot-down-after-period mymaster 11
sentinel announce-ip "10.0.0.1"
sentinel announce-ip ""
sentinel announce-port 5555
sentinel sentinel-user s
sentinel sentinel-pass p
user default on nopass sanitize-payload ~* &* +@all
latency-tracking-info-percentiles 50 99 99.9
# Generated by CONFIG REWRITE
sentinel current-epoch 5
"#,
    );
    assert_eq!((config.settings.port, config.current_epoch), (5000, 5));
    assert_eq!(config.my_id.as_deref(), Some("c4d52c4e6aab6f9d1a6d1d6e9bdb12b94ed87b4a"));
    let settings = &config.settings;
    assert!(!settings.deny_scripts_reconfig);
    assert_eq!((settings.announce_ip.as_deref(), settings.announce_port), (Some("10.0.0.1"), 5555));
    assert_eq!(settings.sentinel_user.as_deref(), Some("s"));
    assert_eq!(settings.sentinel_pass, Some(Secret::new(*b"p")));
    let [master] = config.masters.as_slice() else { panic!("one master") };
    assert_eq!((master.config_epoch, master.leader_epoch), (4, 5));
    let found = &master.settings;
    assert_eq!((found.quorum, found.parallel_syncs), (2, 10));
    assert_eq!((found.down_after, found.failover_timeout), (Millis(2000), Millis(10000)));
    assert_eq!(found.master_reboot_down_after, Millis(11));
    assert_eq!(found.auth_pass, Some(Secret::new(*b"with \"quotes\" and blanks")));
    assert_eq!(found.auth_user.as_deref(), Some("watcher"));
    assert_eq!(found.notification_script.as_deref(), Some("/bin/true"));
    assert_eq!(found.client_reconfig_script.as_deref(), Some("/bin/true"));
    assert_eq!(found.renamed_commands.get("CONFIG").map(String::as_str), Some("GUESSME"));
    assert_eq!(master.replicas, [Addr::new("127.0.0.1", 6379), Addr::new("::1", 6381)]);
    let peer = (Addr::new("127.0.0.1", 5001), "8a3fa9a15ed3ec5e8b8c3a7a5d4b2d9c8e7f6a5b".to_string());
    assert_eq!(master.sentinels, vec![peer]);
    assert_eq!(config.server.acl.users().count(), 1);
}

#[test]
fn numbers_are_read_leniently() {
    let config = accepted(&format!(
        "{MONITOR}sentinel parallel-syncs mymaster many\nsentinel current-epoch 9z\nsentinel leader-epoch mymaster 99999999999999999999999\n"
    ));
    assert_eq!(config.masters[0].settings.parallel_syncs, 0);
    assert_eq!(config.current_epoch, 9);
    assert_eq!(config.masters[0].leader_epoch, u64::MAX);
}

#[test]
fn a_sentinel_has_defaults_of_its_own() {
    let config = accepted("");
    assert_eq!(config.settings.port, 26379);
    assert!(!config.options.protected_mode());
    assert!(config.settings.deny_scripts_reconfig);
}

#[test]
fn passwords_do_not_show() {
    let config = accepted(&format!(
        "{MONITOR}sentinel auth-pass mymaster hunter2\nsentinel sentinel-pass hunter2\nrequirepass hunter2\nuser bob >hunter2\n"
    ));
    assert_eq!(config.settings.requirepass, Some(Secret::new(*b"hunter2")));
    assert!(!format!("{config:?}").contains("hunter2"));
}
