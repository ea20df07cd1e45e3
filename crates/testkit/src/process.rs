//! A child process that never outlives its test.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::wait::{holds_within, wait_for, wait_until};

/// How long a server may take to answer.
const START_WITHIN: Duration = Duration::from_secs(15);
/// How often another port is tried when the first is taken by somebody who does not know our leases.
pub(crate) const PORT_TRIES: u32 = 5;

/// The children that run.
static CHILDREN: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// From now on SIGTERM, SIGINT and SIGHUP end all children of this process, and then the process.
///
/// The signals are caught, not blocked: a program that is started gets the system's own ways back for what is caught,
/// but inherits what is blocked, and could not be told to end.
///
/// # Panics
/// When the system refuses.
pub fn end_children_on_signals() {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).expect("signals can be caught");
    std::thread::spawn(move || {
        let code = signals.forever().next().map_or(1, |signal| 128 + signal);
        // Held until the end: no child is started any more.
        let children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        for pid in children.iter() {
            // It has not been waited for, so the pid is still its own.
            let _ = kill(pid_of(*pid), Signal::SIGKILL);
        }
        std::process::exit(code);
    });
}

fn pid_of(pid: u32) -> Pid {
    Pid::from_raw(i32::try_from(pid).expect("a pid is an i32 in the kernel too"))
}

/// How many lines of a process's log are shown when its test fails.
const LOG_TAIL_LINES: usize = 60;

/// A running or ended child process with its log file.
///
/// Dropping it kills it. If the test is failing, the end of its log is printed first.
#[derive(Debug)]
pub struct Proc {
    name: String,
    child: Child,
    log: PathBuf,
    stderr: PathBuf,
    status: Option<ExitStatus>,
}

impl Proc {
    /// Starts `command`; stdout and stderr go to `<log>.out`, so that nothing can block on a full pipe.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> io::Result<Self> {
        let stderr = log.with_extension("out");
        let out = fs::File::options().create(true).append(true).open(&stderr)?;
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        children.insert(child.id());
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), stderr, status: None })
    }

    /// Starts a server and waits until `is_up`; `None` if it ended because its port was taken.
    ///
    /// # Panics
    /// When it does not come up, or ends for another reason.
    #[must_use]
    #[track_caller]
    pub fn start_server(
        name: &str,
        command: Command,
        log: &Path,
        mut is_up: impl FnMut() -> bool,
    ) -> Option<Self> {
        let mut process =
            Self::spawn(name, command, log).unwrap_or_else(|error| panic!("{name} cannot be run: {error}"));
        let up = holds_within(START_WITHIN, || !process.is_running() || is_up());
        if process.is_running() {
            assert!(up, "{name} did not answer within {START_WITHIN:?}");
            return Some(process);
        }
        let log = process.log_text();
        assert!(log.contains("ddress already in use"), "{name} ended at its start:\n{log}");
        None
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs (a stopped process runs).
    pub fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// How it ended, if it did.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
            self.status = self.child.try_wait().unwrap_or(None);
            if self.status.is_some() {
                children.remove(&self.child.id());
            }
        }
        self.status
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// When it has not ended within `deadline`.
    #[track_caller]
    pub fn wait_exit(&mut self, deadline: Duration) -> ExitStatus {
        let what = format!("{} (pid {}) ends", self.name, self.pid());
        wait_for(deadline, &what, || self.exit_status()).0
    }

    /// Sends a signal, unless it has ended already (its pid might be somebody else's by now).
    pub fn signal(&mut self, signal: Signal) {
        if !self.is_running() {
            return;
        }
        // It may end between the check and the signal; until it is waited for, its pid stays taken.
        let _ = kill(pid_of(self.pid()), signal);
    }

    /// `kill -9`, and waits for the end.
    pub fn kill9(&mut self) {
        self.signal(Signal::SIGKILL);
        if self.status.is_none() {
            // Not `Child::wait`: its number must not be somebody else's while it is still registered.
            let ends = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(pid_of(self.pid())), ends) == Err(Errno::EINTR) {}
            self.exit_status();
        }
    }

    /// SIGTERM, and waits for the orderly end.
    ///
    /// # Panics
    /// When it has not ended after ten seconds.
    #[track_caller]
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait_exit(Duration::from_secs(10))
    }

    /// SIGSTOP: alive for the kernel, silent for its peers.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGSTOP);
    }

    /// SIGCONT.
    pub fn cont(&mut self) {
        self.signal(Signal::SIGCONT);
    }

    /// All it has logged, and what it wrote to stdout and stderr.
    #[must_use]
    pub fn log_text(&self) -> String {
        let read = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        read(&self.log).unwrap_or_default() + &read(&self.stderr).unwrap_or_default()
    }

    /// Waits until the log has `text`: a log may be written by a thread of its own, so that what a line
    /// tells can be seen by other ways before the line is there.
    ///
    /// # Panics
    /// When it is not there within `deadline`.
    #[track_caller]
    pub fn wait_logged(&self, deadline: Duration, text: &str) {
        wait_until(deadline, &format!("{} logs {text:?}", self.name), || self.log_contains(text));
    }

    /// Whether the log has `text` by now.
    #[must_use]
    pub fn log_contains(&self, text: &str) -> bool {
        self.log_text().contains(text)
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log_text();
            let lines: Vec<_> = log.lines().collect();
            let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
            eprintln!("--- the end of the log of {} (pid {}):\n{}", self.name, self.pid(), tail.join("\n"));
        }
        self.signal(Signal::SIGKILL);
        if self.status.is_none() {
            // A process in the kernel's hands may take a moment; a destructor must not hang on it.
            holds_within(Duration::from_secs(5), || !self.is_running());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    fn sleeper(folder: &Path) -> Proc {
        let mut command = Command::new("sleep");
        command.arg("600");
        Proc::spawn("sleeper", command, &folder.join("log")).expect("spawn")
    }

    fn exists(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}/stat")).exists()
    }

    #[test]
    fn is_gone_after_drop_and_after_a_panic() {
        let folder = tempfile::tempdir().expect("folder");
        let mut process = sleeper(folder.path());
        assert!(process.is_running());
        let pid = process.pid();
        drop(process);
        assert!(!exists(pid));

        let process = sleeper(folder.path());
        let pid = process.pid();
        let result = std::thread::spawn(move || {
            let _held = process;
            panic!("as a failing test does");
        })
        .join();
        assert!(result.is_err());
        assert!(!exists(pid));
    }

    #[test]
    fn a_stopped_process_can_be_killed() {
        let folder = tempfile::tempdir().expect("folder");
        let mut process = sleeper(folder.path());
        process.stop();
        assert!(process.is_running());
        process.kill9();
        assert_eq!(process.exit_status().and_then(|status| status.signal()), Some(9));
    }
}
