//! Loopback ports that stay ours for as long as a process may be restarted on them.
//!
//! Ports are taken below the range from which the kernel serves outgoing connections: a sentinel that
//! keeps dialling the closed port of a killed master would otherwise meet itself there sooner or later
//! (a TCP self-connect), and the restarted server would find its port taken. A file lock reserves the port
//! between test processes; it goes with the process that held it, however that ended.

use std::fs::{self, File, TryLockError};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};

const FIRST: u16 = 10_240;
const LAST: u16 = 32_000;

/// A port on 127.0.0.1 that nobody listens on and no other lease names.
#[derive(Debug)]
pub struct PortLease {
    port: u16,
    _lock: File,
}

impl PortLease {
    /// Reserves a free port.
    ///
    /// # Panics
    /// When not one port of the whole range is free.
    #[must_use]
    pub fn take() -> Self {
        let folder = lock_folder().expect("the folder of port locks can be made");
        for _ in FIRST..LAST {
            let port = next_candidate();
            match Self::try_port(&folder, port) {
                Ok(Some(lease)) => return lease,
                Ok(None) => {}
                Err(error) => panic!("cannot reserve port {port}: {error}"),
            }
        }
        panic!("no free port between {FIRST} and {LAST}");
    }

    fn try_port(folder: &std::path::Path, port: u16) -> io::Result<Option<Self>> {
        let lock =
            File::options().create(true).truncate(false).write(true).open(folder.join(port.to_string()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // All interfaces, not loopback alone: a sentinel binds `* -::*` unless told otherwise.
        let free = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok();
        Ok(free.then_some(Self { port, _lock: lock }))
    }

    /// The number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:<port>`.
    #[must_use]
    pub fn addr(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn lock_folder() -> io::Result<PathBuf> {
    let uid = nix::unistd::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("picket-test-ports-{uid}"));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Walks the range, each process from a place of its own.
fn next_candidate() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = LAST - FIRST;
    let spread = u16::try_from(u64::from(std::process::id()) * 7919 % u64::from(span)).unwrap_or(0);
    let step = NEXT.fetch_add(1, Ordering::Relaxed) % span;
    FIRST + (spread + step) % span
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn leases_held_together_never_name_the_same_port() {
        let leases: Vec<_> = (0..50).map(|_| PortLease::take()).collect();
        let numbers: BTreeSet<_> = leases.iter().map(PortLease::number).collect();
        assert_eq!(numbers.len(), leases.len());
    }

    #[test]
    fn a_port_in_use_is_passed_over() {
        let lease = PortLease::take();
        let port = lease.number();
        drop(lease);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port was free");
        let folder = lock_folder().expect("folder");
        assert!(PortLease::try_port(&folder, port).expect("lock file").is_none());
        drop(listener);
        assert!(PortLease::try_port(&folder, port).expect("lock file").is_some());
    }
}
