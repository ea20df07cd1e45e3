//! `picket sentinel --check`: what would be watched, with which settings, and what looks wrong.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use picket_sansio::Millis;
use picket_sentinel_core::{Config, MasterConfig};

use super::Source;
use crate::sentinel::writable;
use crate::start::folder_doubt;

/// The explanation of a configuration that was accepted, and its warnings.
pub(crate) fn explain(source: &Source) -> String {
    let mut text = String::new();
    let mut warnings = Vec::new();
    process(&mut text, source, &mut warnings);
    places(source, &mut warnings);
    for master in &source.config.masters {
        describe(&mut text, master);
        doubts(master, &mut warnings);
    }
    if warnings.is_empty() {
        text.push_str("\nNo warnings.\n");
    } else {
        text.push_str("\nWarnings:\n");
        for warning in warnings {
            let _ = writeln!(text, "  - {warning}");
        }
    }
    text
}

/// What a start would trip over on this machine.
fn places(source: &Source, warnings: &mut Vec<String>) {
    let options = &source.config.options;
    if let Some(path) = source.origin.path.as_deref() {
        warnings.extend(writable(Some(path)).err());
        warnings.extend(folder_doubt(path));
    }
    let dir = options.dir().map(|dir| PathBuf::from(OsStr::from_bytes(dir)));
    if let Some(dir) = &dir
        && !dir.is_dir()
    {
        warnings.push(format!("dir {} is no directory: it will not start", dir.display()));
    }
    let mut folder_of = |what: &str, file: &[u8]| {
        let file = dir.clone().unwrap_or_default().join(OsStr::from_bytes(file));
        if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty())
            && !folder.is_dir()
        {
            warnings.push(format!("{what}: there is no directory {}: it will not start", folder.display()));
        }
    };
    if !options.logfile().is_empty() {
        folder_of("logfile", options.logfile());
    }
    if let Some(path) = options.unixsocket() {
        folder_of("unixsocket", path);
    }
    if options.daemonize() && options.logfile().is_empty() {
        warnings.push("daemonize is set and logfile is not: nothing that it says will be seen".to_owned());
    }
}

fn process(text: &mut String, source: &Source, warnings: &mut Vec<String>) {
    let Config { settings, options, masters, my_id, current_epoch, .. } = &source.config;
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let file = source.origin.path.as_ref().map_or("(none)".to_owned(), |path| path.display().to_string());
    let bind: Vec<String> = options.bind().into_iter().map(shown).collect();
    let _ = writeln!(text, "The configuration is valid.\n");
    field(text, "config file", &file);
    field(text, "listens on", &format!("{} port {}", bind.join(" "), options.port()));
    if let Some(path) = options.unixsocket() {
        field(text, "unix socket", &shown(path));
    }
    if settings.announce_ip.is_some() || settings.announce_port != 0 {
        let ip = settings.announce_ip.as_deref().unwrap_or("its own address");
        let port = if settings.announce_port == 0 { options.port() } else { settings.announce_port };
        field(text, "announces", &format!("{ip} port {port}"));
    }
    field(text, "sentinel id", my_id.as_deref().unwrap_or("(made at the first start)"));
    field(text, "epoch", &current_epoch.to_string());
    let log = shown(options.logfile());
    field(text, "log", if log.is_empty() { "standard output" } else { &log });
    field(
        text,
        "host names",
        if settings.resolve_hostnames { "are resolved" } else { "are refused, only IPs" },
    );
    field(text, "masters", &masters.len().to_string());

    if source.origin.path.is_none() {
        warnings.push("there is no config file: a sentinel needs one to save its state in".to_owned());
    }
    if masters.is_empty() {
        warnings.push("no master is watched until a client says SENTINEL MONITOR".to_owned());
    }
    if options.port() == 0 && settings.announce_port == 0 {
        warnings
            .push("port is 0 and announce-port is not set: other sentinels cannot find this one".to_owned());
    }
    if options.requirepass().is_some() && settings.sentinel_pass.is_none() {
        warnings.push(
            "requirepass is set and sentinel-pass is not: it is used for the other sentinels too, so all need the same"
                .to_owned(),
        );
    }
    if settings.announce_hostnames && !settings.resolve_hostnames {
        warnings.push("announce-hostnames has little effect without resolve-hostnames".to_owned());
    }
    for name in &source.ignored {
        warnings.push(format!("{name} has no effect here"));
    }
    warnings.extend(source.half_read.iter().map(ToString::to_string));
}

fn describe(text: &mut String, master: &MasterConfig) {
    let settings = &master.settings;
    let voters = voters(master);
    let needed = needed(master);
    let others = master.sentinels.len();
    let _ = writeln!(text, "\n{} at {}", master.name, master.addr);
    field(
        text,
        "quorum",
        &format!("{} must agree that it is down", count(settings.quorum.into(), "sentinel")),
    );
    field(
        text,
        "election",
        &match others {
            0 => format!(
                "{} or more: a majority of all that will be found, at least quorum",
                count(needed, "vote")
            ),
            _ => {
                format!("{} of {voters} known voters (majority {})", count(needed, "vote"), majority(voters))
            }
        },
    );
    field(text, "down after", &format!("{} without a valid reply", settings.down_after));
    field(text, "failover timeout", &settings.failover_timeout.to_string());
    field(text, "parallel syncs", &settings.parallel_syncs.to_string());
    if settings.master_reboot_down_after != Millis(0) {
        field(text, "down after reboot", &settings.master_reboot_down_after.to_string());
    }
    let user = settings.auth_user.as_deref().unwrap_or("default");
    let auth = if settings.auth_pass.is_some() { format!("as user {user}") } else { "none".to_owned() };
    field(text, "authenticates", &auth);
    for (name, script) in [
        ("notification", &settings.notification_script),
        ("reconfiguration", &settings.client_reconfig_script),
    ] {
        if let Some(path) = script {
            field(text, name, path);
        }
    }
    for (command, renamed) in &settings.renamed_commands {
        field(text, "renamed", &format!("{command} is {renamed}"));
    }
    field(
        text,
        "epochs",
        &format!("configuration {}, last vote {}", master.config_epoch, master.leader_epoch),
    );
    let replicas: Vec<String> = master.replicas.iter().map(ToString::to_string).collect();
    field(text, "known replicas", &listed(&replicas, "none yet: found through the master"));
    let sentinels: Vec<String> =
        master.sentinels.iter().map(|(addr, run_id)| format!("{addr} ({})", short(run_id))).collect();
    field(text, "known sentinels", &listed(&sentinels, "none yet: found through the servers"));
}

fn doubts(master: &MasterConfig, warnings: &mut Vec<String>) {
    let name = &master.name;
    let settings = &master.settings;
    let voters = voters(master);
    let quorum = u64::from(settings.quorum);
    let mut warn = |text: String| warnings.push(format!("{name}: {text}"));
    if !master.sentinels.is_empty() {
        if quorum > voters {
            warn(format!(
                "quorum {quorum} is more than the {voters} known sentinels: it can never be reached"
            ));
        } else if quorum > majority(voters) {
            warn(format!(
                "quorum {quorum} is more than the majority of {voters} ({}): a failover needs {quorum} votes",
                majority(voters)
            ));
        } else if quorum < majority(voters) {
            warn(format!(
                "quorum {quorum} is less than the majority of {voters} ({0}): {quorum} can call the master down, \
                 but a failover still needs {0} votes",
                majority(voters)
            ));
        }
        if voters.is_multiple_of(2) {
            warn(format!(
                "{voters} sentinels stand the loss of no more than {} do: use an odd number",
                voters - 1
            ));
        }
        if voters < 3 {
            warn(format!("with {voters} sentinels the loss of one prevents every failover: use at least 3"));
        }
        let far = |host: &str| !is_loopback(host);
        if is_loopback(&master.addr.host) && master.sentinels.iter().any(|(addr, _)| far(&addr.host)) {
            warn(
                "its address is this machine's loopback, which means another server to sentinels elsewhere"
                    .into(),
            );
        }
    } else if quorum == 1 {
        warn("quorum 1: a single sentinel can call the master down".into());
    } else {
        warn(format!(
            "no other sentinel is known yet: nothing is failed over before {} found",
            if quorum == 2 { "another is".to_owned() } else { format!("{} others are", quorum - 1) }
        ));
    }
    if settings.down_after < Millis(1000) {
        warn(format!(
            "down-after-milliseconds {} is very small: a pause counts as a death",
            settings.down_after.0
        ));
    }
    if settings.failover_timeout < settings.down_after.times(2) {
        warn(format!(
            "failover-timeout {} ms leaves little time beside down-after-milliseconds {}",
            settings.failover_timeout.0, settings.down_after.0
        ));
    }
    let replicas = u64::try_from(master.replicas.len()).unwrap_or(u64::MAX);
    if replicas > 1 && u64::from(settings.parallel_syncs) >= replicas {
        warn(format!(
            "parallel-syncs {}: after a failover all replicas may synchronise at once and serve nobody meanwhile",
            settings.parallel_syncs
        ));
    }
    if settings.auth_user.is_some() && settings.auth_pass.is_none() {
        warn("auth-user has no effect without auth-pass".into());
    }
}

/// Known other Sentinels, and this one.
fn voters(master: &MasterConfig) -> u64 {
    u64::try_from(master.sentinels.len()).unwrap_or(u64::MAX).saturating_add(1)
}

fn majority(voters: u64) -> u64 {
    voters / 2 + 1
}

fn needed(master: &MasterConfig) -> u64 {
    majority(voters(master)).max(master.settings.quorum.into())
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn field(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<18}{value}");
}

fn count(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn listed(items: &[String], none: &str) -> String {
    if items.is_empty() { none.to_owned() } else { items.join(", ") }
}

fn short(run_id: &str) -> &str {
    run_id.get(..8).unwrap_or(run_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::StartOptions;
    use crate::config::load;

    fn explained(text: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.conf");
        std::fs::write(&path, text).expect("written");
        let options =
            StartOptions { config_file: Some(path.display().to_string()), ..StartOptions::default() };
        explain(&load(&options, &mut std::io::empty()).expect("valid"))
    }

    fn sentinels(count: u32) -> String {
        (0..count).map(|n| format!("sentinel known-sentinel m 10.0.0.{n} 26379 {n:040}\n")).collect()
    }

    #[test]
    fn a_sound_configuration_has_no_warnings() {
        let text = explained(&format!("sentinel monitor m 10.0.0.9 6379 2\n{}", sentinels(2)));
        assert!(text.contains("m at 10.0.0.9:6379"), "{text}");
        assert!(text.contains("2 votes of 3 known voters (majority 2)"), "{text}");
        assert!(text.contains("down after        30000 ms"), "{text}");
        assert!(text.ends_with("\nNo warnings.\n"), "{text}");
    }

    #[test]
    fn doubtful_settings_are_named() {
        let base = |quorum: u32| format!("sentinel monitor m 10.0.0.9 6379 {quorum}\n");
        for (text, says) in [
            (base(5) + &sentinels(2), "can never be reached"),
            (base(3) + &sentinels(2), "a failover needs 3 votes"),
            (base(1) + &sentinels(2), "a failover still needs 2 votes"),
            (base(2) + &sentinels(3), "use an odd number"),
            (base(2) + &sentinels(1), "use at least 3"),
            (base(2) + "sentinel down-after-milliseconds m 50\n", "is very small"),
            (base(1), "a single sentinel"),
            (base(2), "before another is found"),
            (base(3), "before 2 others are found"),
            (base(2) + "sentinel down-after-milliseconds m 30s\n", "s.conf:2: '30s' is no whole number"),
            (base(2) + "sentinel parallel-syncs m one\n", "s.conf:2: 'one' is no whole number"),
            ("sentinel monitor m 10.0.0.9 6379 2x\n".to_owned(), "s.conf:1: '2x' is no whole number"),
            (String::new(), "no master is watched"),
            ("sentinel monitor m 127.0.0.1 6379 2\n".to_owned() + &sentinels(2), "loopback"),
            (base(2) + "sentinel auth-user m bob\n", "auth-user has no effect"),
        ] {
            let explained = explained(&text);
            assert!(explained.contains(says), "{text} should say '{says}':\n{explained}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        let text = explained(
            "requirepass hunter2\nsentinel monitor m 10.0.0.9 6379 2\nsentinel auth-pass m hunter3\n",
        );
        assert!(!text.contains("hunter"), "{text}");
        assert!(text.contains("as user default"), "{text}");
    }
}
