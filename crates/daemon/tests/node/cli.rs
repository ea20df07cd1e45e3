//! The names and argument forms under which a node is run; signals, pid file, exit codes.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use picket_testkit::client::once;
use picket_testkit::conf::Folder;
use picket_testkit::{PortLease, Proc, Reply, wait_until};

use crate::common::{SOON, node};

const PICKET: &str = env!("CARGO_BIN_EXE_picket");

/// The program under a stock name.
fn named(folder: &Folder, name: &str) -> PathBuf {
    let link = folder.join(name);
    symlink(PICKET, &link).expect("a symlink can be made");
    link
}

fn run(folder: &Folder, program: &Path, args: &[&str]) -> Proc {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder.path());
    Proc::spawn("a node", command, &folder.join("log.txt")).expect("the program can be run")
}

#[track_caller]
fn wait_for_node(port: &PortLease) {
    wait_until(SOON, &format!("a node answers on {}", port.addr()), || {
        once(&port.addr(), &["PING"]).is_ok_and(|reply| reply == Reply::Status("PONG".into()))
    });
}

#[test]
fn the_stock_names_start_a_node() {
    for name in ["redis-server", "valkey-server"] {
        let folder = Folder::new("names");
        let port = PortLease::take();
        let program = named(&folder, name);
        let number = port.number().to_string();
        let mut process = run(&folder, &program, &["--port", &number, "--save", "", "--bind", "127.0.0.1"]);
        wait_for_node(&port);
        let info = once(&port.addr(), &["INFO", "server"]).expect("a reply").text().expect("text");
        assert_eq!(info.contains("valkey_version:"), name.starts_with("valkey"), "{info}");
        assert!(process.terminate().success());

        for option in ["-v", "--version"] {
            let output = Command::new(&program).arg(option).output().expect("it runs");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && text.contains(" server v="), "{text}");
        }
        for option in ["-h", "--help"] {
            let output = Command::new(&program).arg(option).output().expect("it runs");
            assert!(output.status.success() && output.stdout.starts_with(b"Usage: "));
        }
    }
}

#[test]
fn later_sources_win_and_standard_input_is_one() {
    let folder = Folder::new("sources");
    let ports: Vec<PortLease> = (0..2).map(|_| PortLease::take()).collect();
    let conf = folder
        .write("redis.conf", &format!("port {}\nbind 127.0.0.1\nsave \"\"\ntimeout 7\n", ports[0].number()));
    let mut child = EndOnDrop(
        Command::new(PICKET)
            .args(["node", conf.to_str().expect("a plain path"), "--timeout", "9", "-"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program can be run"),
    );
    let mut stdin = child.0.stdin.take().expect("a pipe");
    stdin.write_all(format!("port {}\ntimeout 8\n", ports[1].number()).as_bytes()).expect("it reads");
    drop(stdin);
    wait_for_node(&ports[1]);
    let reply = once(&ports[1].addr(), &["CONFIG", "GET", "timeout"]).expect("a reply");
    assert_eq!(reply.texts(), ["timeout", "9"]);
}

/// A child that does not outlive its test.
struct EndOnDrop(std::process::Child);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_log_says_what_scripts_wait_for() {
    let mut server = node(&["always-show-logo yes", "loglevel verbose", "activedefrag yes"]);
    let pid = server.process().pid();
    server.wait_logged(SOON, "Ready to accept connections");
    let log = server.log_text();
    let of = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text} is missing in\n{log}"));
    assert!(of(&format!("PID: {pid}")) < of("Server initialized"));
    assert!(of("Server initialized") < of("Ready to accept connections"));
    of("activedefrag is set and has no effect here");
    // Until it is configured it speaks as Redis does then.
    let configured = of("monotonic clock");
    let starts =
        |part: &str, letter: char| part.lines().all(|line| line.starts_with(&format!("{pid}:{letter} ")));
    let line = log[..configured].rfind('\n').map_or(0, |at| at + 1);
    assert!(starts(&log[..line], 'C') && starts(&log[line..], 'M'), "{log}");
    let quiet = node(&[]);
    let line = format!("Running mode=standalone, port={}.", quiet.port());
    quiet.wait_logged(SOON, &line);
}

#[test]
fn a_replica_speaks_as_one_from_the_beginning() {
    let free = PortLease::take();
    let mut server = node(&[&format!("replicaof 127.0.0.1 {}", free.number())]);
    let pid = server.process().pid();
    server.wait_logged(SOON, "Ready to accept connections");
    let log = server.log_text();
    let letters: Vec<&str> =
        log.lines().filter_map(|line| line.strip_prefix(&format!("{pid}:"))?.get(..2)).collect();
    assert!(letters.contains(&"C ") && letters.contains(&"S ") && !letters.contains(&"M "), "{log}");
    assert!(letters.is_sorted(), "{log}");
}

#[test]
fn a_file_that_is_not_there_is_no_matter_of_a_sentinel() {
    let output = Command::new(PICKET).args(["node", "/no/such.conf"]).output().expect("it runs");
    let log = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(log.contains(":C ") && log.contains("/no/such.conf") && log.contains("No such file"), "{log}");
}

#[test]
fn debug_sleep_holds_up_everybody() {
    let server = node(&["enable-debug-command yes"]);
    let mut client = server.client().expect("connected");
    let before = std::time::Instant::now();
    assert!(client.cmd(&["DEBUG", "SLEEP", "0.3"]).expect("a reply").is_ok());
    assert!(before.elapsed() >= std::time::Duration::from_millis(300));
}

#[test]
fn a_signal_ends_it_in_order() {
    let folder = Folder::new("pid");
    let pid_file = folder.join("node.pid");
    let mut server = node(&[&format!("pidfile {}", pid_file.display())]);
    let pid = server.process().pid();
    assert_eq!(std::fs::read_to_string(&pid_file).expect("a pid file"), format!("{pid}\n"));
    let status = server.process().terminate();
    assert_eq!(status.code(), Some(0));
    let log = server.log_text();
    for text in ["Received SIGTERM scheduling shutdown...", "User requested shutdown...", "bye bye..."] {
        assert!(log.contains(text), "{text} is missing in\n{log}");
    }
    assert!(!pid_file.exists());
}

#[test]
fn a_taken_port_is_named() {
    let first = node(&[]);
    let folder = Folder::new("taken");
    let port = first.port().to_string();
    let mut second = run(&folder, Path::new(PICKET), &["node", "--port", &port, "--bind", "127.0.0.1"]);
    assert_eq!(second.wait_exit(SOON).code(), Some(1));
    let log = second.log_text();
    assert!(
        log.contains(&format!(
            "Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
        )),
        "{log}"
    );
}
