//! File descriptors: as many as `maxclients` needs, or fewer clients
//! (`server.c: adjustOpenFilesLimit`).

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors kept for everything that is not a client.
const RESERVED: u64 = 32;

/// What the process can afford.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// How many clients may be connected.
    pub(crate) maxclients: u32,
    /// What to tell the operator.
    pub(crate) warnings: Vec<String>,
}

/// Raises the limit on descriptors so that `maxclients` clients and `links` links fit, or lowers
/// `maxclients`.
pub(crate) fn budget(maxclients: u32, links: u64) -> Budget {
    let reserved = RESERVED + links;
    let needed = u64::from(maxclients) + reserved;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        let warnings = vec!["Unable to obtain the current NOFILE limit".to_owned()];
        return Budget { maxclients, warnings };
    };
    let mut granted = soft;
    if soft < needed {
        // Beyond the hard limit only a privileged process may go; the hard limit itself is free.
        if setrlimit(Resource::RLIMIT_NOFILE, needed, hard.max(needed)).is_ok() {
            granted = needed;
        } else if setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_ok() {
            granted = hard;
        }
    }
    fit(maxclients, reserved, granted)
}

fn fit(maxclients: u32, reserved: u64, granted: u64) -> Budget {
    let needed = u64::from(maxclients) + reserved;
    if granted >= needed {
        return Budget { maxclients, warnings: Vec::new() };
    }
    let affordable = u32::try_from(granted.saturating_sub(reserved)).unwrap_or(maxclients).max(1);
    Budget {
        maxclients: affordable,
        warnings: vec![
            format!(
                "You requested maxclients of {maxclients} requiring at least {needed} max file descriptors."
            ),
            format!(
                "Current maximum open files is {granted}. maxclients has been reduced to {affordable} to \
                 compensate for low ulimit. If you need higher maxclients increase 'ulimit -n'."
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_reduced_to_what_fits() {
        assert_eq!(fit(1000, 40, 2000), Budget { maxclients: 1000, warnings: Vec::new() });
        let budget = fit(10_000, 40, 1024);
        assert_eq!(budget.maxclients, 984);
        assert!(budget.warnings[1].contains("maxclients has been reduced to 984 "));
        assert_eq!(fit(10, 40, 8).maxclients, 1);
    }
}
