//! The few directives of a config file that the model knows.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::str::FromStr;

use super::instances::Master;

/// Reads a file.
///
/// # Errors
/// Which line makes no sense.
pub(super) fn read(text: &str, now: u64) -> Result<Vec<Master>, String> {
    let mut masters: Vec<Master> = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let bad = || format!("not understood: {line:?}");
        match words[..] {
            ["sentinel", "monitor", name, ip, port, quorum] => {
                let addr = format!("{ip}:{port}").parse().map_err(|_| bad())?;
                masters.push(Master::new(name.to_string(), addr, number(quorum).ok_or_else(bad)?, now));
            }
            ["sentinel", option, name, value] => {
                let master = masters.iter_mut().find(|master| master.name == name).ok_or_else(bad)?;
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
    Ok(masters)
}

fn number<T: FromStr>(word: &str) -> Option<T> {
    word.parse().ok()
}
