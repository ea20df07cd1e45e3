//! Configuration errors: file, line and reason on stderr, exit code 1, and nothing is started.

use std::process::{Command, Stdio};

use picket_testkit::PortLease;
use picket_testkit::conf::Folder;
use picket_testkit::wait::wait_for;

use crate::common::{EndOnDrop, SOON, needs_redis, ours};

/// How a program ended by itself, and what it said.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Runs the program under test on a file until it ends by itself.
#[track_caller]
fn run(folder: &Folder, text: &str) -> Ended {
    let conf = folder.write("sentinel.conf", text);
    finish(folder, ours().command(&conf))
}

#[track_caller]
fn finish(folder: &Folder, mut command: Command) -> Ended {
    // Files and not pipes: what is refused may be long, and nobody reads while we wait.
    let (out, err) = (folder.join("stdout"), folder.join("stderr"));
    let create = |path| std::fs::File::create(path).expect("a file in the folder");
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(create(&out)).stderr(create(&err));
    let mut child = EndOnDrop(command.spawn().expect("the program can be run"));
    let (status, _) = wait_for(SOON, "the program refuses its configuration", || {
        child.0.try_wait().expect("a child of ours")
    });
    let read = |path| String::from_utf8_lossy(&std::fs::read(path).expect("the file")).into_owned();
    Ended { code: status.code(), stdout: read(&out), stderr: read(&err) }
}

#[test]
fn a_bad_line_is_named_with_its_number_and_reason() {
    needs_redis!();
    const MONITOR: &str = "sentinel monitor m 127.0.0.1 1 1";
    let cases: &[(&str, &str)] = &[
        ("sentinel monitor m 127.0.0.1 1 0", "Quorum must be 1 or greater."),
        ("sentinel monitor m 127.0.0.1 70000 1", "Invalid port number."),
        ("sentinel monitor m no.such.host.invalid 1 1", "Can't resolve instance hostname."),
        ("sentinel monitor m 127.0.0.1", "Unrecognized sentinel configuration statement."),
        ("sentinel no-such-directive m 1", "Unrecognized sentinel configuration statement."),
        ("sentinel down-after-milliseconds other 1000", "No such master with specified name."),
        ("sentinel down-after-milliseconds m 0", "negative or zero time parameter."),
        ("sentinel failover-timeout m -5", "negative or zero time parameter."),
        (
            "sentinel notification-script m /no/such/script",
            "Notification script seems non existing or non executable.",
        ),
        (
            "sentinel client-reconfig-script m /no/such/script",
            "Client reconfiguration script seems non existing or non executable.",
        ),
        ("sentinel myid short", "Malformed Sentinel id in myid option."),
        (
            "sentinel deny-scripts-reconfig maybe",
            "Please specify yes or no for the deny-scripts-reconfig options.",
        ),
        ("sentinel resolve-hostnames maybe", "Please specify yes or no for the resolve-hostnames option."),
        ("no-such-directive 1", "Bad directive or wrong number of arguments"),
        ("sentinel myid \"unbalanced", "Unbalanced quotes in configuration line"),
        ("port", "wrong number of arguments"),
        ("maxclients many", "argument couldn't be parsed into an integer"),
    ];
    for (line, reason) in cases {
        let port = PortLease::take();
        let folder = Folder::new("conf");
        // The line under test is the third; the masters it may name come after it.
        let needs_master = line.contains(" m ") && !line.contains("monitor");
        let after = if needs_master { MONITOR } else { "# end" };
        let text = format!("port {}\n# a comment\n{line}\n{after}\n", port.number());
        let output = run(&folder, &text);
        let stderr = &output.stderr;
        assert_eq!(output.code, Some(1), "{line}: {stderr}");
        assert!(stderr.contains("*** FATAL CONFIG FILE ERROR"), "{line}: {stderr}");
        assert!(stderr.contains("at line 3"), "{line}: {stderr}");
        assert!(stderr.contains(&format!(">>> '{line}'")), "{line}: {stderr}");
        assert!(stderr.contains(reason), "{line}: {stderr}");
        let now = std::fs::read_to_string(folder.join("sentinel.conf")).expect("the file");
        assert_eq!(now, text, "a refused file is left as it is");
    }
}

#[test]
fn duplicates_are_refused() {
    needs_redis!();
    let id = "b".repeat(40);
    let cases = [
        ("sentinel monitor m 127.0.0.1 1 1\nsentinel monitor m 127.0.0.1 2 1\n".to_owned(), "Duplicate master name."),
        (
            "sentinel monitor m 127.0.0.1 1 1\nsentinel known-replica m 127.0.0.1 2\nsentinel known-replica m 127.0.0.1 2\n"
                .to_owned(),
            "Duplicate hostname and port for replica.",
        ),
        (
            format!(
                "sentinel monitor m 127.0.0.1 1 1\nsentinel known-sentinel m 127.0.0.1 2 {id}\n\
                 sentinel known-sentinel m 127.0.0.1 3 {id}\n"
            ),
            "Duplicate runid for sentinel.",
        ),
        (
            "sentinel monitor m 127.0.0.1 1 1\nsentinel rename-command m A B\nsentinel rename-command m A C\n".to_owned(),
            "Same command renamed multiple times with rename-command.",
        ),
    ];
    for (lines, reason) in cases {
        let port = PortLease::take();
        let folder = Folder::new("conf");
        let output = run(&folder, &format!("port {}\n{lines}", port.number()));
        let stderr = &output.stderr;
        assert_eq!(output.code, Some(1), "{lines}: {stderr}");
        assert!(stderr.contains(reason), "{lines}: {stderr}");
    }
}

#[test]
fn a_missing_file_and_no_file_are_said() {
    needs_redis!();
    let folder = Folder::new("conf");
    let output = finish(&folder, ours().command(&folder.join("none.conf")));
    let said = output.said();
    assert_eq!(output.code, Some(1), "{said}");
    assert!(said.contains("Fatal error, can't open config file"), "{said}");
    assert!(said.contains("none.conf"), "{said}");

    let with_conf = ours().command(&folder.join("none.conf"));
    let mut without = Command::new(with_conf.get_program());
    let args: Vec<_> = with_conf.get_args().collect();
    without.args(&args[..args.len() - 1]);
    // A sentinel that took its default port here would disturb others.
    let port = PortLease::take();
    without.args(["--port", &port.number().to_string()]);
    let output = finish(&folder, without);
    let said = output.said();
    assert_eq!(output.code, Some(1), "{said}");
    assert!(said.contains("Sentinel needs config file on disk to save state"), "{said}");
}

#[test]
fn binary_noise_as_a_file_is_refused() {
    needs_redis!();
    let mut cases = vec!["\"\\x00\" 1\n".to_owned(), "\u{1}\u{2}\u{3}\n".to_owned(), "x".repeat(1 << 20)];
    if ours().is_picket() {
        // Stock reads up to the NUL and starts.
        cases.extend(["\u{0}\u{1}\n".to_owned(), "sentinel\u{0} monitor\n".to_owned()]);
    }
    for text in cases {
        let port = PortLease::take();
        let folder = Folder::new("conf");
        let output = run(&folder, &format!("port {}\n{text}", port.number()));
        assert_eq!(output.code, Some(1), "{:?}", text.chars().take(40).collect::<String>());
    }
}

#[test]
fn a_port_in_use_ends_the_start() {
    needs_redis!();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("addr").port();
    let folder = Folder::new("conf");
    let output = run(&folder, &format!("bind 127.0.0.1\nport {port}\n"));
    let said = output.said();
    assert_eq!(output.code, Some(1), "{said}");
    assert!(said.contains("ddress already in use"), "{said}");
}
