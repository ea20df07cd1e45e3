//! Children end with a process that is told to, and when they are told themselves. A program of its own: what is done
//! with signals is a matter of the whole process.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use picket_testkit::Proc;
use picket_testkit::process::end_children_on_signals;
use picket_testkit::wait::{holds_within, wait_for};

const PATIENCE: Duration = Duration::from_secs(20);
/// What is tested here.
const NAME: &str = "children_end_with_a_process_that_is_told_to";
/// The argument of the program as the process that is told to end.
const PARENT: &str = "--as-parent";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.as_slice() {
        [_, mode, folder] if mode == PARENT => parent(Path::new(folder)),
        // Runners of tests ask what there is.
        [_, mode, more @ ..] if mode == "--list" => {
            if !more.iter().any(|word| word == "--ignored") {
                println!("{NAME}: test");
            }
        }
        _ => {
            for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
                check(signal);
            }
            println!("{NAME} ... ok");
        }
    }
}

/// Starts a child that it tells to end, and another; says which that is, and waits for its own end.
fn parent(folder: &Path) {
    end_children_on_signals();
    let sleeper = |name: &str| {
        let mut command = Command::new("sleep");
        command.arg("600");
        Proc::spawn(name, command, &folder.join(name)).expect("sleep runs")
    };
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let mut told = sleeper("told");
        told.signal(signal);
        assert_eq!(
            told.wait_exit(PATIENCE).signal(),
            Some(signal as i32),
            "a child inherits what is blocked"
        );
    }
    let mut child = sleeper("child");
    fs::write(folder.join("pid.new"), child.pid().to_string()).expect("written");
    fs::rename(folder.join("pid.new"), folder.join("pid")).expect("renamed");
    child.wait_exit(PATIENCE * 3);
}

fn check(signal: Signal) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(PARENT).arg(folder.path());
    let mut parent = Proc::spawn("parent", command, &folder.path().join("parent")).expect("it runs");
    let (child, _) = wait_for(PATIENCE * 2, "the parent has a child", || {
        assert!(parent.is_running(), "the parent ended: {}", parent.log_text());
        fs::read_to_string(folder.path().join("pid")).ok()?.parse::<u32>().ok()
    });
    assert!(is_alive(child));
    parent.signal(signal);
    assert_eq!(parent.wait_exit(PATIENCE).code(), Some(128 + signal as i32));
    assert!(holds_within(PATIENCE, || !is_alive(child)), "{child} outlives its parent");
}

/// Ended and not waited for, as by whoever adopts the children of the dead, is not alive.
fn is_alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}
