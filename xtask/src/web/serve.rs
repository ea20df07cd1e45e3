//! Serving a folder of a few files to browsers on this machine: GET and HEAD, one request to a connection.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The longest request head that is read.
const HEAD_LEN_MAX: u64 = 16 * 1024;
/// How long a browser may take over its request, and over taking the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the page may do in a browser; the binary says the same.
const POLICY: &str = include_str!("../../../web/policy.txt").trim_ascii_end();

/// Serves until the process ends.
pub(super) fn serve(folder: &Path, addr: SocketAddr) -> Result<(), String> {
    if !addr.ip().is_loopback() {
        return Err(format!(
            "{addr} is no loopback address: this server is for trying things out on one machine"
        ));
    }
    let (listener, addr) = listen(addr)?;
    println!("serving on http://{addr}/ until interrupted");
    accept(&listener, folder, &AtomicBool::new(false));
    Ok(())
}

/// A server that goes on beside what else is done, on a free port, until it is dropped.
pub(crate) struct Server {
    addr: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves a folder.
    pub(crate) fn start(folder: PathBuf) -> Result<Self, String> {
        let (listener, addr) = listen((Ipv4Addr::LOCALHOST, 0).into())?;
        let ends = Arc::new(AtomicBool::new(false));
        let thread = {
            let ends = ends.clone();
            std::thread::spawn(move || accept(&listener, &folder, &ends))
        };
        Ok(Self { addr, ends, thread: Some(thread) })
    }

    /// Where it is.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // It looks at the flag at each connection. One that fails found nobody who waits for one.
        let woken = TcpStream::connect(self.addr).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            // A thread that panicked has said so.
            let _: std::thread::Result<()> = thread.join();
        }
    }
}

fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), String> {
    let listener = TcpListener::bind(addr).map_err(|error| format!("{addr}: {error}"))?;
    let addr = listener.local_addr().map_err(|error| format!("{addr}: {error}"))?;
    Ok((listener, addr))
}

fn accept(listener: &TcpListener, folder: &Path, ends: &AtomicBool) {
    std::thread::scope(|scope| {
        for stream in listener.incoming() {
            if ends.load(Ordering::SeqCst) {
                return;
            }
            match stream {
                // A thread each: browsers open connections on which they say nothing.
                Ok(stream) => drop(scope.spawn(move || answer(folder, &stream))),
                Err(error) => eprintln!("a connection was lost: {error}"),
            }
        }
    });
}

/// Reads one request and answers it; a browser that goes away is no matter.
fn answer(folder: &Path, mut stream: &TcpStream) {
    let answered = (|| {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let head = read_head(stream)?;
        let response = respond(folder, &head);
        stream.write_all(&response)
    })();
    let _: io::Result<()> = answered;
}

/// The first line of a request; the rest of its head is read and dropped.
fn read_head(stream: &TcpStream) -> io::Result<String> {
    let mut reader = BufReader::new(stream.take(HEAD_LEN_MAX));
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    Ok(first)
}

/// The whole response to a request whose first line this is.
fn respond(folder: &Path, request: &str) -> Vec<u8> {
    let mut words = request.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if !matches!(method, "GET" | "HEAD") {
        return response("405 Method Not Allowed", "text/plain", b"GET and HEAD only\n", method);
    }
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let name = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
    // Names of files in this very folder: no folders below, none above.
    let file = (!name.contains(['/', '\\']) && !name.starts_with('.')).then(|| fs::read(folder.join(name)));
    match file {
        Some(Ok(bytes)) => response("200 OK", kind(name), &bytes, method),
        _ => response("404 Not Found", "text/plain", b"there is no such file\n", method),
    }
}

fn response(status: &str, kind: &str, body: &[u8], method: &str) -> Vec<u8> {
    let len = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len}\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: {POLICY}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    if method != "HEAD" {
        bytes.extend_from_slice(body);
    }
    bytes
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(folder: &Path, request: &str, status: &str, body: &str) {
        let text = String::from_utf8(respond(folder, request)).expect("the sample is text");
        let (head, found) = text.split_once("\r\n\r\n").expect("a head ends with an empty line");
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request:?} gives {head:?}");
        assert_eq!(found, body, "{request:?}");
    }

    #[test]
    fn files_of_the_folder_are_served_and_nothing_else() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
        let own = include_str!("serve.rs");
        check(&folder, "GET /serve.rs HTTP/1.1\r\n", "200", own);
        check(&folder, "GET /serve.rs?v=1 HTTP/1.1\r\n", "200", own);
        check(&folder, "HEAD /serve.rs HTTP/1.1\r\n", "200", "");
        for target in ["/../main.rs", "/..", "//etc/passwd", "/.hidden", "/nothing", ""] {
            check(&folder, &format!("GET {target} HTTP/1.1\r\n"), "404", "there is no such file\n");
        }
        check(&folder, "POST / HTTP/1.1\r\n", "405", "GET and HEAD only\n");
        check(&folder, "", "405", "GET and HEAD only\n");
    }

    #[test]
    fn a_server_beside_ends_when_it_is_dropped() {
        let server =
            Server::start(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")).expect("a free port");
        let addr = server.addr();
        let mut stream = TcpStream::connect(addr).expect("it listens");
        stream.write_all(b"GET /serve.rs HTTP/1.1\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(server);
        assert!(TcpStream::connect(addr).is_err(), "nobody listens any more");
    }

    #[test]
    fn only_this_machine_is_served() {
        let addr = "0.0.0.0:0".parse().expect("an address");
        assert!(serve(Path::new("."), addr).expect_err("it must refuse").contains("loopback"));
    }
}
