//! The `sentinel ...` lines of a config file (`sentinel.c: sentinelHandleConfiguration`).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use picket_sansio::{Millis, Secret};
use picket_server_core::config::{ConfigError, ConfigLine};

use super::{Config, MasterConfig};
use crate::addr::Addr;
use crate::election::EPOCH_MAX;
use crate::settings::{MasterSettings, Periods};

/// Applies `lines` in the three passes.
pub(super) fn apply(
    config: &mut Config,
    lines: &[ConfigLine],
    is_executable: &dyn Fn(&str) -> bool,
) -> Result<(), ConfigError> {
    for pass in [Pass::Globals, Pass::Monitor, Pass::Rest] {
        for line in lines {
            // The word `sentinel` alone says nothing and is accepted.
            let Some((name, args)) = line.args.get(1..).and_then(<[_]>::split_first) else { continue };
            let name = name.to_ascii_lowercase();
            if Pass::of(&name) == pass {
                directive(config, &name, args, is_executable).map_err(|reason| line.error(reason))?;
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Globals,
    Monitor,
    Rest,
}

impl Pass {
    fn of(name: &[u8]) -> Self {
        match name {
            b"announce-ip"
            | b"announce-port"
            | b"deny-scripts-reconfig"
            | b"sentinel-user"
            | b"sentinel-pass"
            | b"current-epoch"
            | b"myid"
            | b"resolve-hostnames"
            | b"announce-hostnames" => Self::Globals,
            b"monitor" => Self::Monitor,
            _ => Self::Rest,
        }
    }
}

fn directive(
    config: &mut Config,
    name: &[u8],
    args: &[Vec<u8>],
    is_executable: &dyn Fn(&str) -> bool,
) -> Result<(), &'static str> {
    match (name, args) {
        (b"announce-ip", [ip]) => {
            if !ip.is_empty() {
                config.settings.announce_ip = Some(text(ip)?);
            }
        }
        (b"announce-port", [port]) => {
            config.settings.announce_port = u16::try_from(integer(port)).map_err(|_| INVALID_PORT)?;
        }
        (b"deny-scripts-reconfig", [word]) => {
            config.settings.deny_scripts_reconfig =
                yes_or_no(word).ok_or("Please specify yes or no for the deny-scripts-reconfig options.")?;
        }
        (b"resolve-hostnames", [word]) => {
            config.settings.resolve_hostnames =
                yes_or_no(word).ok_or("Please specify yes or no for the resolve-hostnames option.")?;
        }
        (b"announce-hostnames", [word]) => {
            config.settings.announce_hostnames =
                yes_or_no(word).ok_or("Please specify yes or no for the announce-hostnames option.")?;
        }
        (b"sentinel-user", [user]) => {
            if !user.is_empty() {
                config.settings.sentinel_user = Some(text(user)?);
            }
        }
        (b"sentinel-pass", [pass]) => {
            if !pass.is_empty() {
                config.settings.sentinel_pass = Some(Secret::new(pass.clone()));
            }
        }
        (b"current-epoch", [epoch]) => raise(&mut config.current_epoch, natural(epoch)),
        (b"myid", [id]) => {
            if id.len() != 40 || !id.iter().all(u8::is_ascii_alphanumeric) {
                return Err("Malformed Sentinel id in myid option.");
            }
            config.my_id = Some(text(id)?);
        }
        (b"monitor", [name, host, port, quorum]) => monitor(config, name, host, port, quorum)?,
        (b"known-sentinel", [_, _, _]) => {} // A form without run id, from before there were any.
        _ => {
            let resolve_hostnames = config.settings.resolve_hostnames;
            let parameters = Parameters { args, is_executable, resolve_hostnames };
            return master_directive(config, name, parameters);
        }
    }
    Ok(())
}

fn monitor(
    config: &mut Config,
    name: &[u8],
    host: &[u8],
    port: &[u8],
    quorum: &[u8],
) -> Result<(), &'static str> {
    let quorum = u32::try_from(integer(quorum)).ok().filter(|quorum| *quorum > 0);
    let quorum = quorum.ok_or("Quorum must be 1 or greater.")?;
    let name = text(name)?;
    let addr = address(host, port, config.settings.resolve_hostnames)?;
    if config.master(&name).is_some() {
        return Err("Duplicate master name.");
    }
    config.masters.push(MasterConfig {
        name,
        addr,
        settings: MasterSettings::new(quorum, &Periods::default()),
        config_epoch: 0,
        leader_epoch: 0,
        replicas: Vec::new(),
        sentinels: Vec::new(),
    });
    Ok(())
}

#[derive(Clone, Copy)]
struct Parameters<'a> {
    /// The master's name, then the values.
    args: &'a [Vec<u8>],
    is_executable: &'a dyn Fn(&str) -> bool,
    resolve_hostnames: bool,
}

/// How many values each option of a master has behind the name.
fn value_count(name: &[u8]) -> Option<usize> {
    Some(match name {
        b"down-after-milliseconds"
        | b"failover-timeout"
        | b"parallel-syncs"
        | b"notification-script"
        | b"client-reconfig-script"
        | b"auth-pass"
        | b"auth-user"
        | b"config-epoch"
        | b"leader-epoch"
        | b"master-reboot-down-after-period"
        | b"primary-reboot-down-after-period" => 1,
        b"known-replica" | b"known-slave" | b"rename-command" => 2,
        b"known-sentinel" => 3,
        _ => return None,
    })
}

fn master_directive(
    config: &mut Config,
    name: &[u8],
    parameters: Parameters<'_>,
) -> Result<(), &'static str> {
    let Parameters { args, is_executable, resolve_hostnames } = parameters;
    let Some((master, values)) =
        args.split_first().filter(|(_, values)| value_count(name) == Some(values.len()))
    else {
        return Err("Unrecognized sentinel configuration statement.");
    };
    let found = config.masters.iter_mut().find(|found| found.name.as_bytes() == master.as_slice());
    let master = found.ok_or("No such master with specified name.")?;
    let settings = &mut master.settings;
    match (name, values) {
        (b"down-after-milliseconds", [value]) => settings.down_after = positive_time(value)?,
        (b"failover-timeout", [value]) => settings.failover_timeout = positive_time(value)?,
        (b"parallel-syncs", [value]) => {
            settings.parallel_syncs = u32::try_from(integer(value).max(0)).unwrap_or(u32::MAX);
        }
        (b"master-reboot-down-after-period" | b"primary-reboot-down-after-period", [value]) => {
            let ms = u64::try_from(integer(value)).map_err(|_| "negative time parameter.")?;
            settings.master_reboot_down_after = Millis(ms);
        }
        (b"notification-script", [path]) => {
            let path = text(path)?;
            if !is_executable(&path) {
                return Err("Notification script seems non existing or non executable.");
            }
            settings.notification_script = Some(path);
        }
        (b"client-reconfig-script", [path]) => {
            let path = text(path)?;
            if !is_executable(&path) {
                return Err("Client reconfiguration script seems non existing or non executable.");
            }
            settings.client_reconfig_script = Some(path);
        }
        (b"auth-pass", [pass]) => settings.auth_pass = Some(Secret::new(pass.clone())),
        (b"auth-user", [user]) => settings.auth_user = Some(text(user)?),
        (b"config-epoch", [epoch]) => {
            master.config_epoch = natural(epoch);
            raise(&mut config.current_epoch, natural(epoch));
        }
        (b"leader-epoch", [epoch]) => {
            master.leader_epoch = natural(epoch);
            raise(&mut config.current_epoch, natural(epoch));
        }
        (b"known-replica" | b"known-slave", [host, port]) => {
            let addr = address(host, port, resolve_hostnames)?;
            if master.replicas.iter().any(|known| known.port == addr.port && known.host == addr.host) {
                return Err("Duplicate hostname and port for replica.");
            }
            master.replicas.push(addr);
        }
        (b"known-sentinel", [host, port, run_id]) => {
            let (addr, run_id) = (address(host, port, resolve_hostnames)?, text(run_id)?);
            if master.sentinels.iter().any(|(_, known)| *known == run_id) {
                return Err("Duplicate runid for sentinel.");
            }
            master.sentinels.push((addr, run_id));
        }
        (b"rename-command", [command, renamed]) => {
            let command = text(command)?.to_ascii_uppercase();
            if settings.renamed_commands.insert(command, text(renamed)?).is_some() {
                return Err("Same command renamed multiple times with rename-command.");
            }
        }
        _ => return Err("Unrecognized sentinel configuration statement."),
    }
    Ok(())
}

const INVALID_PORT: &str = "Invalid port number.";

/// Names that do not resolve are accepted where names are accepted at all: they may later.
fn address(host: &[u8], port: &[u8], resolve_hostnames: bool) -> Result<Addr, &'static str> {
    let port = u16::try_from(integer(port)).map_err(|_| INVALID_PORT)?;
    let addr = Addr::new(&text(host)?, port);
    if addr.is_numeric() || resolve_hostnames { Ok(addr) } else { Err("Can't resolve instance hostname.") }
}

fn positive_time(word: &[u8]) -> Result<Millis, &'static str> {
    let ms = u64::try_from(integer(word)).ok().filter(|ms| *ms > 0);
    ms.map(Millis).ok_or("negative or zero time parameter.")
}

/// Raises an epoch; a number that no election can have reached is a mistake in the file.
fn raise(epoch: &mut u64, to: u64) {
    if to <= EPOCH_MAX {
        *epoch = to.max(*epoch);
    }
}

fn yes_or_no(word: &[u8]) -> Option<bool> {
    match word.to_ascii_lowercase().as_slice() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => None,
    }
}

/// The number at the start of `word`, 0 if there is none, the nearest if it is too large: files are
/// read as leniently as C's `atoi` reads.
fn integer(word: &[u8]) -> i64 {
    let word = word.trim_ascii_start();
    let (digits, negative) = match word {
        [b'-', rest @ ..] => (rest, true),
        [b'+', rest @ ..] => (rest, false),
        _ => (word, false),
    };
    let size = i64::try_from(natural(digits)).unwrap_or(i64::MAX);
    if negative { -size } else { size }
}

fn natural(word: &[u8]) -> u64 {
    word.iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

fn text(word: &[u8]) -> Result<String, &'static str> {
    core::str::from_utf8(word).map(ToString::to_string).map_err(|_| "Only UTF-8 text is accepted here.")
}
