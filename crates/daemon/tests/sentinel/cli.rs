//! The names and argument forms under which the program is run, signals, pid file, exit codes.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use picket_testkit::client::once;
use picket_testkit::conf::{Folder, values};
use picket_testkit::peers::Peer;
use picket_testkit::{PortLease, Proc, Program, SentinelProcess, wait_until};

use crate::common::{EndOnDrop, SOON, needs_redis, ours};

/// The program under test under another name, in `folder`.
fn named(folder: &Folder, name: &str) -> PathBuf {
    let target = match ours() {
        Program::Stock => std::fs::canonicalize(Peer::RedisServer.path()).expect("redis-server exists"),
        Program::Picket(path) => path,
    };
    let link = folder.join(name);
    symlink(target, &link).expect("a symlink can be made");
    link
}

fn conf(folder: &Folder, port: &PortLease, lines: &str) -> PathBuf {
    let text = format!(
        "port {}\nbind 127.0.0.1\ndir {}\nsentinel monitor m 127.0.0.1 1 1\n{lines}",
        port.number(),
        folder.path().display()
    );
    folder.write("sentinel.conf", &text)
}

fn run(folder: &Folder, program: &Path, args: &[&str]) -> Proc {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder.path());
    Proc::spawn("a sentinel", command, &folder.join("log.txt")).expect("the program can be run")
}

#[track_caller]
fn wait_for_sentinel(addr: &str) {
    wait_until(SOON, &format!("a sentinel answers on {addr}"), || {
        once(addr, &["SENTINEL", "MYID"]).is_ok_and(|reply| reply.text().is_some_and(|id| id.len() == 40))
    });
}

fn output(program: &Path, args: &[&str]) -> Output {
    Command::new(program).args(args).stdin(Stdio::null()).output().expect("the program can be run")
}

#[test]
fn the_stock_names_and_forms_start_a_sentinel() {
    needs_redis!();
    let mut forms = vec![
        ("redis-sentinel", vec!["CONF"]),
        ("redis-sentinel", vec!["CONF", "--sentinel"]),
        ("redis-server", vec!["CONF", "--sentinel"]),
        ("redis-server", vec!["CONF", "--loglevel", "verbose", "--sentinel"]),
    ];
    if ours().is_picket() {
        forms.push(("valkey-sentinel", vec!["CONF"]));
        forms.push(("picket", vec!["sentinel", "CONF"]));
    }
    for (name, args) in forms {
        let port = PortLease::take();
        let folder = Folder::new("cli");
        let program = named(&folder, name);
        let conf = conf(&folder, &port, "").display().to_string();
        let args: Vec<_> = args.iter().map(|arg| if *arg == "CONF" { conf.as_str() } else { arg }).collect();
        let mut process = run(&folder, &program, &args);
        wait_for_sentinel(&port.addr());
        let status = process.terminate();
        assert_eq!(status.code(), Some(0), "{name} {args:?}");
    }
}

#[test]
fn directives_on_the_command_line_win_over_the_file() {
    needs_redis!();
    let folder = Folder::new("cli");
    let (in_file, on_line) = (PortLease::take(), PortLease::take());
    let conf = conf(&folder, &in_file, "").display().to_string();
    let program = named(&folder, "redis-sentinel");
    let port = on_line.number().to_string();
    let _process = run(&folder, &program, &[&conf, "--port", &port, "--requirepass", "two words"]);
    wait_until(SOON, "it answers on the port of the command line", || {
        let mut client = picket_testkit::Client::connect(&on_line.addr()).ok();
        client
            .as_mut()
            .is_some_and(|client| client.cmd(&["AUTH", "two words"]).is_ok_and(|reply| reply.is_ok()))
    });
    assert!(once(&in_file.addr(), &["PING"]).is_err());
}

#[test]
fn more_configuration_comes_from_stdin() {
    needs_redis!();
    let folder = Folder::new("cli");
    let port = PortLease::take();
    let conf = conf(&folder, &port, "");
    let program = named(&folder, "redis-sentinel");
    let mut child = Command::new(program)
        .arg(conf)
        .arg("-")
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be run");
    child.stdin.take().expect("piped").write_all(b"sentinel monitor piped 127.0.0.1 2 7\n").expect("write");
    let child = EndOnDrop(child);
    wait_for_sentinel(&port.addr());
    let master = once(&port.addr(), &["SENTINEL", "MASTER", "piped"]).expect("a reply");
    assert_eq!(master.field_text("quorum"), "7", "{master}");
    drop(child);
}

#[test]
fn version_and_help_exit_at_once() {
    needs_redis!();
    let folder = Folder::new("cli");
    let program = named(&folder, "redis-sentinel");
    for flag in ["--version", "-v"] {
        let output = output(&program, &[flag]);
        assert_eq!(output.status.code(), Some(0), "{flag}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("v=") && text.contains("bits="), "{flag}: {text}");
    }
    for flag in ["--help", "-h"] {
        let output = output(&program, &[flag]);
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("Usage"), "{flag}: {text}");
    }
}

#[test]
fn signals_end_it_in_order_and_the_pid_file_goes() {
    needs_redis!();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let folder = Folder::new("cli");
        let port = PortLease::take();
        let pidfile = folder.join("sentinel.pid");
        let conf = conf(&folder, &port, &format!("pidfile {}\nlogfile log.txt\n", pidfile.display()));
        let program = named(&folder, "redis-sentinel");
        let mut process = run(&folder, &program, &[&conf.display().to_string()]);
        wait_for_sentinel(&port.addr());
        let pid = std::fs::read_to_string(&pidfile).expect("the pid file is there");
        assert_eq!(pid.trim(), process.pid().to_string());
        process.signal(signal);
        assert_eq!(process.wait_exit(SOON).code(), Some(0), "{signal}");
        assert!(!pidfile.exists(), "{signal}");
        let log = process.log_text();
        let mut from = 0;
        for line in [
            &format!("Received {signal} scheduling shutdown..."),
            "User requested shutdown...",
            "Sentinel is now ready to exit, bye bye...",
        ] {
            let found = log[from..]
                .find(line)
                .unwrap_or_else(|| panic!("{line:?} is missing or out of order: {log}"));
            from += found;
        }
    }
}

#[test]
fn shutdown_is_a_command_too() {
    needs_redis!();
    let mut sentinel = SentinelProcess::start(&ours(), "sentinel monitor m 127.0.0.1 1 1\n");
    let mut client = sentinel.client().expect("connect");
    client.send_raw(b"SHUTDOWN\r\n").expect("send");
    assert!(client.is_closed_by_peer());
    assert_eq!(sentinel.process().wait_exit(SOON).code(), Some(0));
}

#[test]
fn daemonized_it_leaves_the_terminal_and_writes_its_pid() {
    needs_redis!();
    let folder = Folder::new("cli");
    let port = PortLease::take();
    let pidfile = folder.join("sentinel.pid");
    let lines = format!("daemonize yes\npidfile {}\nlogfile log.txt\n", pidfile.display());
    let conf = conf(&folder, &port, &lines);
    let program = named(&folder, "redis-sentinel");
    let mut parent = run(&folder, &program, &[&conf.display().to_string()]);
    assert_eq!(parent.wait_exit(SOON).code(), Some(0));
    wait_until(SOON, "the pid is written", || {
        std::fs::read_to_string(&pidfile).is_ok_and(|text| text.ends_with('\n'))
    });
    let text = std::fs::read_to_string(&pidfile).expect("the pid file");
    let daemon = Daemon(Pid::from_raw(text.trim().parse().expect("a pid")));
    wait_for_sentinel(&port.addr());
    let info = once(&port.addr(), &["INFO", "server"]).expect("INFO").text().unwrap_or_default();
    assert!(info.contains(&format!("process_id:{}\r\n", daemon.0)), "{info}");
    kill(daemon.0, Signal::SIGTERM).expect("the daemon runs");
    wait_until(SOON, "the daemon has removed its pid file", || !pidfile.exists());
}

/// Ends the daemon by the pid that it wrote, also when the test fails.
struct Daemon(Pid);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

#[test]
fn a_generated_id_is_on_disk_before_anybody_hears_of_it() {
    needs_redis!();
    let sentinel = SentinelProcess::start(&ours(), "sentinel monitor m 127.0.0.1 1 1\n");
    let text = sentinel.conf_text();
    assert_eq!(values(&text, "sentinel myid"), [sentinel.myid().as_str()]);
}

#[test]
fn check_explains_a_file_without_starting_or_touching_it() {
    needs_redis!();
    let Program::Picket(picket) = ours() else { return };
    let folder = Folder::new("cli");
    let port = PortLease::take();
    let good = conf(&folder, &port, "sentinel down-after-milliseconds m 1234\n");
    let before = std::fs::read(&good).expect("the file");
    let checked = output(&picket, &["sentinel", "--check", &good.display().to_string()]);
    let said = String::from_utf8_lossy(&checked.stdout);
    assert_eq!(checked.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    assert!(said.contains("1234") && said.contains("127.0.0.1"), "{said}");
    assert_eq!(std::fs::read(&good).expect("the file"), before);
    assert!(once(&port.addr(), &["PING"]).is_err());

    let bad = folder.write("bad.conf", "port 1\nsentinel monitor m 127.0.0.1 1 0\n");
    let checked = output(&picket, &["sentinel", "--check", &bad.display().to_string()]);
    let said =
        String::from_utf8_lossy(&checked.stdout).into_owned() + &String::from_utf8_lossy(&checked.stderr);
    assert_eq!(checked.status.code(), Some(1), "{said}");
    for expected in ["bad.conf", "line 2", "Quorum must be 1 or greater."] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn json_log_lines_are_json() {
    needs_redis!();
    let Program::Picket(picket) = ours() else { return };
    let folder = Folder::new("cli");
    let port = PortLease::take();
    let conf = conf(&folder, &port, "logfile log.txt\nsentinel auth-pass m json-secret-55aa\n")
        .display()
        .to_string();
    let mut process = run(&folder, &picket, &["sentinel", &conf, "--log-format", "json"]);
    wait_for_sentinel(&port.addr());
    process.wait_logged(SOON, "+monitor");
    process.terminate();
    let log = std::fs::read_to_string(folder.join("log.txt")).expect("the log");
    for line in log.lines() {
        let value: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(value.is_object(), "{line}");
    }
    assert!(!log.contains("json-secret"));
}
