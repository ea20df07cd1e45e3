//! A small blocking RESP client with timeouts.

use std::io::{self, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::Reply;

/// How long a reply may take before the call fails.
const TIMEOUT: Duration = Duration::from_secs(10);

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects; connecting and every later reply may take ten seconds.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn connect(addr: &str) -> io::Result<Self> {
        Self::connect_within(addr, TIMEOUT)
    }

    /// Connects with another time limit for connecting and for each reply.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn connect_within(addr: &str, timeout: Duration) -> io::Result<Self> {
        let addr = addr
            .to_socket_addrs()?
            .next()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("{addr} names no address")))?;
        let stream = TcpStream::connect_timeout(&addr, timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(timeout))?;
        stream.set_write_timeout(Some(timeout))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends one command and reads its reply. An error reply is a reply.
    ///
    /// # Errors
    /// When the connection fails, times out or answers something that is no RESP.
    pub fn cmd(&mut self, args: &[&str]) -> io::Result<Reply> {
        self.send_raw(&encode(args))?;
        self.read()
    }

    /// Like [`Client::cmd`] for arguments that are no text.
    ///
    /// # Errors
    /// When the connection fails, times out or answers something that is no RESP.
    pub fn cmd_bytes<A: AsRef<[u8]>>(&mut self, args: &[A]) -> io::Result<Reply> {
        self.send_raw(&encode_bytes(args))?;
        self.read()
    }

    /// Sends commands without waiting in between, then reads all replies.
    ///
    /// # Errors
    /// When the connection fails, times out or answers something that is no RESP.
    pub fn pipeline<A: AsRef<[u8]>>(&mut self, commands: &[Vec<A>]) -> io::Result<Vec<Reply>> {
        let mut replies = Vec::with_capacity(commands.len());
        // Few enough that neither side waits for the other with full buffers.
        for some in commands.chunks(100) {
            self.send_raw(&some.iter().flat_map(|args| encode_bytes(args)).collect::<Vec<u8>>())?;
            for _ in some {
                replies.push(self.read()?);
            }
        }
        Ok(replies)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the connection fails.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads one reply.
    ///
    /// # Errors
    /// When the connection fails, times out or answers something that is no RESP.
    pub fn read(&mut self) -> io::Result<Reply> {
        Reply::read(&mut self.stream)
    }

    /// Changes how long a reply may take; `None` waits for ever.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(timeout)
    }

    /// Whether the other side closes the connection before the time limit, whatever it sends first.
    pub fn is_closed_by_peer(&mut self) -> bool {
        let mut rest = [0; 4096];
        loop {
            match self.stream.read(&mut rest) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }

    /// A second handle on the socket, for closing it from another thread.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn socket(&self) -> io::Result<TcpStream> {
        self.stream.get_ref().try_clone()
    }
}

/// One command on a connection of its own.
///
/// # Errors
/// When the connection fails, times out or answers something that is no RESP.
pub fn once(addr: &str, args: &[&str]) -> io::Result<Reply> {
    Client::connect(addr)?.cmd(args)
}

/// A command as a RESP array.
#[must_use]
pub fn encode(args: &[&str]) -> Vec<u8> {
    encode_bytes(args)
}

/// A command of any bytes as a RESP array.
#[must_use]
pub fn encode_bytes<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args.iter().map(AsRef::as_ref) {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_command_and_its_reply() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let addr = listener.local_addr().expect("addr").to_string();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("accept");
            let mut seen = [0; 14];
            socket.read_exact(&mut seen).expect("a command");
            socket.write_all(b"+PO").and_then(|()| socket.write_all(b"NG\r\n")).expect("write");
            seen
        });
        let mut client = Client::connect(&addr).expect("connect");
        assert_eq!(client.cmd(&["PING"]).expect("reply"), Reply::Status("PONG".into()));
        assert_eq!(&server.join().expect("server"), b"*1\r\n$4\r\nPING\r\n");
        assert!(client.is_closed_by_peer());
    }

    #[test]
    fn silence_is_an_error_and_not_a_hang() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
        let addr = listener.local_addr().expect("addr").to_string();
        let mut client = Client::connect_within(&addr, Duration::from_millis(50)).expect("connect");
        assert!(client.cmd(&["PING"]).is_err());
    }
}
