//! Scripts as child processes: exact arguments, no shell, our environment, no descriptors but the
//! three standard ones (everything else here is opened close-on-exec).

use std::collections::HashMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use picket_sansio::ScriptId;
use picket_sentinel_core::ScriptOutcome;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

/// The exit code that stands for a file which could not be executed.
const EXEC_FAILED: i32 = 2;
/// Reported when the system does not say how a process ended.
const UNKNOWN_CODE: i32 = 1;

/// Running scripts, each with the switch that kills it.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    running: HashMap<ScriptId, oneshot::Sender<()>>,
}

impl Scripts {
    /// Notes a script that is about to start; the receiver hears when it is to be killed.
    pub(crate) fn add(&mut self, script: ScriptId) -> oneshot::Receiver<()> {
        let (kill, killed) = oneshot::channel();
        self.running.insert(script, kill);
        killed
    }

    /// Kills a script; unknown and ended ones are left alone.
    pub(crate) fn kill(&mut self, script: ScriptId) {
        if let Some(kill) = self.running.remove(&script) {
            let _ = kill.send(());
        }
    }

    /// Forgets a script that has ended.
    pub(crate) fn remove(&mut self, script: ScriptId) {
        self.running.remove(&script);
    }
}

/// Starts a script.
///
/// # Errors
/// How the script counts as ended when it did not start.
pub(crate) fn start(argv: &[String]) -> Result<Child, ScriptOutcome> {
    let (path, args) = argv.split_first().ok_or(ScriptOutcome::Exited(EXEC_FAILED))?;
    Command::new(path).args(args).spawn().map_err(|error| not_started(&error))
}

/// Waits for the end of a script, and brings it about when `killed` says so.
pub(crate) async fn wait(mut child: Child, killed: oneshot::Receiver<()>) -> ScriptOutcome {
    let ended = tokio::select! {
        ended = child.wait() => Some(ended),
        Ok(()) = killed => None,
        else => None,
    };
    match ended {
        Some(status) => outcome(&status),
        None => {
            // It may have ended in this very moment; waiting tells.
            let _ = child.start_kill();
            outcome(&child.wait().await)
        }
    }
}

/// Whether `path` is a file that may be executed.
pub(crate) fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
        && access(path, AccessFlags::X_OK).is_ok()
}

fn not_started(error: &io::Error) -> ScriptOutcome {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE) => ScriptOutcome::NotStarted,
        _ => ScriptOutcome::Exited(EXEC_FAILED),
    }
}

fn outcome(status: &io::Result<ExitStatus>) -> ScriptOutcome {
    let Ok(status) = status else { return ScriptOutcome::Exited(UNKNOWN_CODE) };
    match status.signal() {
        Some(signal) => ScriptOutcome::Signaled(signal),
        None => ScriptOutcome::Exited(status.code().unwrap_or(UNKNOWN_CODE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};

    fn on_runtime<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(work)
    }

    fn argv(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn exit_codes_and_signals_are_told_apart() {
        on_runtime(async {
            for (code, expected) in [
                ("exit 0", ScriptOutcome::Exited(0)),
                ("exit 7", ScriptOutcome::Exited(7)),
                ("kill -TERM $$", ScriptOutcome::Signaled(15)),
            ] {
                let mut scripts = Scripts::default();
                let killed = scripts.add(ScriptId(1));
                let child = start(&argv(&["/bin/sh", "-c", code])).expect("there is a shell");
                assert_eq!(wait(child, killed).await, expected, "{code}");
            }
        });
    }

    #[test]
    fn a_script_that_runs_on_is_killed() {
        on_runtime(async {
            let mut scripts = Scripts::default();
            let killed = scripts.add(ScriptId(1));
            let child = start(&argv(&["/bin/sh", "-c", "exec sleep 600"])).expect("there is a shell");
            scripts.kill(ScriptId(1));
            assert_eq!(wait(child, killed).await, ScriptOutcome::Signaled(9));
        });
    }

    #[test]
    fn what_cannot_be_executed_counts_as_exit_2() {
        on_runtime(async {
            let outcome = start(&argv(&["/does/not/exist"])).expect_err("there is no such file");
            assert_eq!(outcome, ScriptOutcome::Exited(2));
        });
    }

    #[test]
    fn only_files_with_the_bit_are_executable() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("s.sh");
        std::fs::write(&path, "#!/bin/sh\n").expect("written");
        set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        assert!(!is_executable(&path));
        set_permissions(&path, Permissions::from_mode(0o755)).expect("set");
        assert!(is_executable(&path));
        assert!(!is_executable(folder.path()));
        assert!(!is_executable(Path::new("/does/not/exist")));
    }
}
