//! A TCP or Unix connection, as one type.

use std::io::{self, IoSlice, Read as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;

use socket2::SockRef;
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

/// A connected socket.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Waits until the socket is ready for `interest`.
    pub(crate) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Self::Tcp(stream) => stream.ready(interest).await,
            Self::Unix(stream) => stream.ready(interest).await,
        }
    }

    /// Reads what is there; `Ok(0)` is the end. After a read that leaves room in the buffer the socket counts as
    /// empty until the system says otherwise, which saves the call that would find it so.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut partial = None;
        let mut read = |socket: SockRef<'_>| {
            let count = (&*socket).read(buffer)?;
            if count == 0 || count == buffer.len() {
                return Ok(count);
            }
            partial = Some(count);
            Err(io::ErrorKind::WouldBlock.into())
        };
        let result = match self {
            Self::Tcp(stream) => stream.try_io(Interest::READABLE, || read(SockRef::from(stream))),
            Self::Unix(stream) => stream.try_io(Interest::READABLE, || read(SockRef::from(stream))),
        };
        partial.map_or(result, Ok)
    }

    /// Writes what the system takes at once.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    /// Writes what the system takes at once of several pieces.
    pub(crate) fn try_write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write_vectored(pieces),
            Self::Unix(stream) => stream.try_write_vectored(pieces),
        }
    }

    /// Whether small pieces go out at once.
    pub(crate) fn set_nodelay(&self, nodelay: bool) {
        if let Self::Tcp(stream) = self {
            // A connection without this option works all the same.
            let _ = stream.set_nodelay(nodelay);
        }
    }

    /// The number of the socket, as CLIENT LIST shows it.
    pub(crate) fn number(&self) -> u32 {
        let number = match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        };
        u32::try_from(number).unwrap_or(0)
    }

    /// Says that nothing more will be written.
    pub(crate) fn finish(&self) {
        // The peer may be gone already; then there is nobody to tell.
        let _ = match self {
            Self::Tcp(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            Self::Unix(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
        };
    }
}
