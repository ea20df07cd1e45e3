//! `picket sentinel --http`: the page, or how to build it, and nothing that a browser does harms the Sentinel.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use picket_testkit::client::once;
use picket_testkit::conf::Folder;
use picket_testkit::{PortLease, Proc, wait_until};

use crate::common::SOON;

struct Served {
    sentinel: PortLease,
    http: PortLease,
    process: Proc,
    _folder: Folder,
}

fn config(folder: &Folder, port: u16) -> String {
    let dir = folder.path().display();
    let text = format!("port {port}\nbind 127.0.0.1\ndir {dir}\nsentinel monitor m 127.0.0.1 1 1\n");
    folder.write("sentinel.conf", &text).display().to_string()
}

fn picket(conf: &str, http: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_picket"));
    command.args(["sentinel", conf, "--http", http]);
    command
}

fn start() -> Served {
    let folder = Folder::new("http");
    let (sentinel, http) = (PortLease::take(), PortLease::take());
    let conf = config(&folder, sentinel.number());
    let command = picket(&conf, &format!("127.0.0.1:{}", http.number()));
    let process = Proc::spawn("a sentinel", command, &folder.join("log.txt")).expect("it can be run");
    let served = Served { sentinel, http, process, _folder: folder };
    wait_until(SOON, "the page is served", || {
        TcpStream::connect(("127.0.0.1", served.http.number())).is_ok()
    });
    served
}

impl Served {
    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.http.number())).expect("it listens");
        stream.set_read_timeout(Some(SOON)).expect("a timeout can be set");
        stream
    }

    /// What is answered to these bytes, until the connection ends.
    fn answer(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it ends the connection");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn request(&self, line: &str) -> String {
        self.answer(&format!("{line} HTTP/1.1\r\nHost: picket\r\nConnection: close\r\n\r\n"))
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn the_page_is_served_or_how_to_build_it() {
    let served = start();
    let whole = served.request("GET /");
    match status(&whole) {
        "200" => {
            assert!(whole.contains("content-type: text/html; charset=utf-8\r\n"), "{whole}");
            assert!(whole.contains("<script type=\"module\" src=\"start.js\">"), "{whole}");
            let tag = whole.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
            let again = served.answer(&format!(
                "GET / HTTP/1.1\r\nHost: picket\r\nIf-None-Match: {tag}\r\nConnection: close\r\n\r\n"
            ));
            assert_eq!(status(&again), "304", "{again}");
            let packed = served.answer(
                "GET /index.html HTTP/1.1\r\nHost: picket\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n",
            );
            assert!(packed.contains("content-encoding: gzip\r\n"), "{packed}");
            assert_eq!(status(&served.request("GET /nothing")), "404");
        }
        _ => {
            assert!(
                status(&whole) == "503" && whole.contains("`cargo xtask web` builds the page"),
                "{whole}"
            );
        }
    }
    for header in [
        "content-security-policy: default-src 'self'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(whole.contains(header), "{header} is missing in {whole}");
    }
    let head = served.request("HEAD /");
    assert_eq!(status(&head), status(&whole));
    assert!(head.ends_with("\r\n\r\n") && !head.contains("content-length: 0\r\n"), "{head}");
}

#[test]
fn nonsense_is_refused() {
    let served = start();
    for (line, expected) in
        [("POST /", "405"), ("DELETE /index.html", "405"), ("GET", "400"), ("\u{1}", "400")]
    {
        let answer = served.request(line);
        assert_eq!(status(&answer), expected, "{line:?} is answered {answer:?}");
    }
    for path in ["/../Cargo.toml", "/%2e%2e/Cargo.toml", "//etc/passwd", "/index.html/x"] {
        let answer = served.request(&format!("GET {path}"));
        assert!(matches!(status(&answer), "404" | "503"), "{path} is answered {answer:?}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(1 << 16));
    assert!(matches!(status(&served.answer(&long)), "414" | "431"));
}

#[test]
fn those_who_say_nothing_are_let_go_and_hold_nobody_up() {
    let served = start();
    let begun = Instant::now();
    // More than may be connected at once.
    let mut silent: Vec<TcpStream> = (0..80).map(|_| served.connect()).collect();
    silent[0].write_all(b"GET / HTTP/1.1\r\nHos").expect("it is connected");
    // The Sentinel answers meanwhile, and the page after those have been let go.
    let own = format!("127.0.0.1:{}", served.sentinel.number());
    assert!(once(&own, &["SENTINEL", "MYID"]).is_ok());
    assert!(!status(&served.request("GET /")).is_empty());
    let mut rest = Vec::new();
    silent[0].read_to_end(&mut rest).expect("the connection was ended");
    assert!(begun.elapsed() < Duration::from_secs(40), "it took {:?}", begun.elapsed());
}

#[test]
fn the_end_of_the_sentinel_is_the_end_of_the_page() {
    let mut served = start();
    let _idle = served.connect();
    assert!(served.process.terminate().success());
    assert!(TcpStream::connect(("127.0.0.1", served.http.number())).is_err());
}

#[test]
fn an_address_that_cannot_be_had_is_told_and_nothing_starts() {
    let folder = Folder::new("http");
    let lease = PortLease::take();
    let conf = config(&folder, lease.number());
    let run = |http: &str| -> Output {
        picket(&conf, http).stdin(Stdio::null()).output().expect("the program can be run")
    };
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("it is bound").to_string();
    let output = run(&addr);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("Can't serve the page on {addr}: Address already in use")), "{said}");
    for nonsense in ["8080", "localhost:80", "127.0.0.1:99999"] {
        let output = run(nonsense);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("--http takes an IP address with its port"), "{said}");
    }
}
