//! The few directives of a config file that the model knows.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use super::instances::{Master, Peer, Replica};

/// What a file says.
pub(super) struct File {
    pub(super) my_id: Option<String>,
    pub(super) masters: Vec<Master>,
}

/// Reads a file.
///
/// # Errors
/// Which line makes no sense.
pub(super) fn read(text: &str, now: u64) -> Result<File, String> {
    let mut masters: Vec<Master> = Vec::new();
    let mut my_id = None;
    for line in text.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let bad = || format!("not understood: {line:?}");
        match words[..] {
            ["sentinel", "monitor", name, ip, port, quorum] => {
                let addr = format!("{ip}:{port}").parse().map_err(|_| bad())?;
                masters.push(Master::new(name.to_string(), addr, number(quorum).ok_or_else(bad)?, now));
            }
            ["sentinel", "myid", id] => my_id = Some(id.to_string()),
            ["sentinel", "known-replica", name, ip, port] => {
                let addr = format!("{ip}:{port}").parse().map_err(|_| bad())?;
                master_of(&mut masters, name).ok_or_else(bad)?.replicas.push(Replica::new(addr, now));
            }
            ["sentinel", "known-sentinel", name, ip, port, run_id] => {
                let addr = format!("{ip}:{port}").parse().map_err(|_| bad())?;
                let master = master_of(&mut masters, name).ok_or_else(bad)?;
                // One file can be for many: nobody is its own peer.
                if my_id.as_deref() != Some(run_id) {
                    master.peers.push(Peer::new(addr, run_id));
                }
            }
            ["sentinel", option, name, value] => {
                let master = master_of(&mut masters, name).ok_or_else(bad)?;
                match option {
                    "down-after-milliseconds" => master.down_after = number(value).ok_or_else(bad)?,
                    "failover-timeout" => master.failover_timeout = number(value).ok_or_else(bad)?,
                    "parallel-syncs" => master.parallel_syncs = number(value).ok_or_else(bad)?,
                    _ => return Err(bad()),
                }
            }
            ["port", _] | [] => {}
            _ => return Err(bad()),
        }
    }
    Ok(File { my_id, masters })
}

/// From the end: as a rule a directive follows the line that names its master.
fn master_of<'a>(masters: &'a mut [Master], name: &str) -> Option<&'a mut Master> {
    masters.iter_mut().rev().find(|master| master.name == name)
}

fn number<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}
