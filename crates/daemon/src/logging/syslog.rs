//! `syslog-enabled`: datagrams to the system's log socket, as RFC 3164 has them.

use std::os::unix::net::UnixDatagram;

use picket_server_core::LogLevel;

/// The system log.
#[derive(Debug)]
pub(crate) struct Syslog {
    socket: UnixDatagram,
    path: String,
    ident: String,
    facility: u8,
}

impl Syslog {
    /// Where the system listens.
    pub(crate) const PATH: &'static str = "/dev/log";

    /// Opens the log at `path` for lines of `ident`; `facility` is `user` or `local0` to `local7`.
    ///
    /// # Errors
    /// If nobody listens there.
    pub(crate) fn open(path: &str, ident: &str, facility: &str) -> std::io::Result<Self> {
        UnixDatagram::unbound()?.connect(path)?;
        let socket = UnixDatagram::unbound()?;
        // A full socket loses lines rather than time.
        socket.set_nonblocking(true)?;
        let facility = match facility.strip_prefix("local").and_then(|number| number.parse::<u8>().ok()) {
            Some(number @ 0..=7) => 16 + number,
            _ => 1,
        };
        Ok(Self { socket, path: path.to_owned(), ident: ident.to_owned(), facility })
    }

    /// Sends a line. The daemon that listens may be restarted at any time, so each line finds it anew.
    pub(super) fn send(&self, level: LogLevel, line: &str, pid: u32) {
        let severity = match level {
            LogLevel::Debug => 7,
            LogLevel::Verbose => 6,
            LogLevel::Notice => 5,
            LogLevel::Warning | LogLevel::Nothing => 4,
        };
        let datagram = format!("<{}>{}[{pid}]: {line}", self.facility * 8 + severity, self.ident);
        let _ = self.socket.send_to(datagram.as_bytes(), &self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_facility_severity_and_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let listener = UnixDatagram::bind(&path).expect("bound");
        let path = path.to_str().expect("a plain path");
        Syslog::open(path, "picket", "local3").expect("opened").send(LogLevel::Warning, "hello", 7);
        let mut buffer = [0; 64];
        let count = listener.recv(&mut buffer).expect("a datagram");
        assert_eq!(&buffer[..count], b"<156>picket[7]: hello");
        assert!(Syslog::open("/no/such/log", "picket", "user").is_err());
    }
}
