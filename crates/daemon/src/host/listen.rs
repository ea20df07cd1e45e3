//! Listening sockets, from `bind`, `port` and `unixsocket` (`server.c: listenToPort`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UnixListener};

use crate::errno::strerror;

/// Opens a TCP listener for each address of `bind`.
///
/// # Errors
/// The log line that says which address cannot be had. Addresses with a leading `-` are left out
/// where this machine does not have them; a failure that says nothing about the machine, such as a
/// port in use, counts for them as well.
pub(crate) fn tcp(bind: &[String], port: u16, backlog: u32) -> Result<Vec<TcpListener>, String> {
    let mut listeners = Vec::new();
    for address in bind {
        let (name, optional) = match address.strip_prefix('-') {
            Some(name) => (name, true),
            None => (address.as_str(), false),
        };
        match open(name, port, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) if is_missing_family(&error) || (optional && is_missing_address(&error)) => {}
            Err(error) => {
                return Err(format!(
                    "Warning: Could not create server TCP listening socket {name}:{port}: bind: {}",
                    strerror(&error)
                ));
            }
        }
    }
    Ok(listeners)
}

/// Opens a Unix listener; a socket left over from an earlier run is replaced.
///
/// # Errors
/// What the system said.
pub(crate) fn unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let _ = std::fs::remove_file(path);
    let listener = StdUnixListener::bind(path)?;
    if mode != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    listener.set_nonblocking(true)?;
    UnixListener::from_std(listener)
}

/// Options of an accepted connection.
pub(crate) fn prepare_client(stream: &TcpStream, keepalive_s: u64) {
    let socket = SockRef::from(stream);
    // A connection without these options works all the same.
    let _ = socket.set_tcp_nodelay(true);
    if keepalive_s > 0 {
        let _ = socket.set_tcp_keepalive(&keepalive(keepalive_s));
    }
}

/// Probes after `seconds` of silence, then every third of that; three unanswered ones end it.
pub(crate) fn keepalive(seconds: u64) -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(Duration::from_secs(seconds))
        .with_interval(Duration::from_secs((seconds / 3).max(1)))
        .with_retries(3)
}

fn open(name: &str, port: u16, backlog: u32) -> io::Result<TcpListener> {
    let address = match name {
        "*" => SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        "::*" => SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
        name => match name.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::from((ip, port)),
            // Once, at start-up, before anything is monitored: this may block.
            Err(_) => (name, port)
                .to_socket_addrs()?
                .next()
                .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?,
        },
    };
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    TcpListener::from_std(socket.into())
}

fn is_missing_family(error: &io::Error) -> bool {
    let missing = [Errno::EAFNOSUPPORT, Errno::EPROTONOSUPPORT, Errno::ESOCKTNOSUPPORT, Errno::EPFNOSUPPORT];
    error.raw_os_error().is_some_and(|code| missing.contains(&Errno::from_raw(code)))
        || error.raw_os_error() == Some(Errno::ENOPROTOOPT as i32)
}

fn is_missing_address(error: &io::Error) -> bool {
    // A name that does not resolve has no code of the system.
    error.raw_os_error().is_none_or(|code| code == Errno::EADDRNOTAVAIL as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(bind: &[&str], port: u16) -> Result<Vec<TcpListener>, String> {
        let bind: Vec<String> = bind.iter().map(|address| (*address).to_owned()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let _inside = runtime.enter();
        tcp(&bind, port, 511)
    }

    #[test]
    fn optional_addresses_may_be_missing_and_others_may_not() {
        // 192.0.2.0/24 is documentation space: no machine has it.
        let listeners = listen(&["127.0.0.1", "-192.0.2.1"], 0).expect("the first is enough");
        assert_eq!(listeners.len(), 1);
        assert_eq!(
            listen(&["192.0.2.1"], 1).expect_err("not ours"),
            "Warning: Could not create server TCP listening socket 192.0.2.1:1: bind: Cannot assign requested address"
        );
    }

    #[test]
    fn a_port_in_use_is_an_error_even_for_an_optional_address() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let error = listen(&["-127.0.0.1"], port).expect_err("in use");
        assert!(error.ends_with(&format!("127.0.0.1:{port}: bind: Address already in use")), "{error}");
    }
}
