//! Telling the process that started us that we are ready (`server.c: redisIsSupervised`).

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use picket_server_core::Supervised;

/// Who watches over this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    /// Nobody.
    Nobody,
    /// Upstart.
    Upstart,
    /// systemd, which listens there.
    Systemd(String),
}

/// Who watches over this process, and what to tell the operator if the setting does not fit the
/// environment.
pub(crate) fn supervisor(
    setting: Supervised,
    environment: impl Fn(&str) -> Option<String>,
) -> (Supervisor, Option<&'static str>) {
    let upstart = environment("UPSTART_JOB").filter(|job| !job.is_empty());
    let systemd = environment("NOTIFY_SOCKET").filter(|socket| !socket.is_empty());
    match (setting, upstart, systemd) {
        (Supervised::Upstart | Supervised::Auto, Some(_), _) => (Supervisor::Upstart, None),
        (Supervised::Systemd | Supervised::Auto, _, Some(socket)) => (Supervisor::Systemd(socket), None),
        (Supervised::Upstart, None, _) => {
            (Supervisor::Nobody, Some("upstart supervision requested, but UPSTART_JOB not found!"))
        }
        (Supervised::Systemd, _, None) => (
            Supervisor::Nobody,
            Some("systemd supervision requested or auto-detected, but NOTIFY_SOCKET not found!"),
        ),
        (Supervised::Auto | Supervised::No, _, _) => (Supervisor::Nobody, None),
    }
}

/// Says that clients can be served.
///
/// # Errors
/// What the system said.
pub(crate) fn ready(supervisor: &Supervisor) -> io::Result<()> {
    match supervisor {
        Supervisor::Nobody => Ok(()),
        // Upstart waits for the process to stop itself, and continues it.
        Supervisor::Upstart => Ok(nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP)?),
        Supervisor::Systemd(path) => {
            let address = match path.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name)?,
                None => SocketAddr::from_pathname(path)?,
            };
            let message = b"STATUS=Ready to accept connections\nREADY=1\n";
            UnixDatagram::unbound()?.send_to_addr(message, &address).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_hears_that_we_are_ready() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let listener = UnixDatagram::bind(&path).expect("bound");
        let path = path.display().to_string();
        let environment = |name: &str| (name == "NOTIFY_SOCKET").then(|| path.clone());
        for setting in [Supervised::Systemd, Supervised::Auto] {
            let (found, complaint) = supervisor(setting, environment);
            assert_eq!(complaint, None);
            ready(&found).expect("sent");
            let mut buffer = [0; 128];
            let count = listener.recv(&mut buffer).expect("a datagram");
            assert!(buffer[..count].ends_with(b"READY=1\n"));
        }
    }

    #[test]
    fn a_setting_without_its_environment_is_a_complaint() {
        for setting in [Supervised::Upstart, Supervised::Systemd] {
            let (found, complaint) = supervisor(setting, |_| None);
            assert_eq!(found, Supervisor::Nobody);
            assert!(complaint.is_some());
        }
        assert_eq!(supervisor(Supervised::No, |_| Some("x".into())), (Supervisor::Nobody, None));
    }
}
