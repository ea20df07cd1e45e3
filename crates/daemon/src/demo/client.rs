//! A small client: one command, one reply, never waiting longer than it was told.

use std::net::SocketAddr;
use std::time::Duration;

use picket_resp::{Reply, ReplyDecoder, command};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::errno::strerror;

/// How long anybody may take to answer a question.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// A connection to a server or a Sentinel.
pub(super) struct Client {
    stream: TcpStream,
    decoder: ReplyDecoder,
    patience: Duration,
}

impl Client {
    /// Connects; neither this nor any later call takes longer than `patience`.
    pub(super) async fn connect(to: SocketAddr, patience: Duration) -> Result<Self, String> {
        let stream = timeout(patience, TcpStream::connect(to))
            .await
            .map_err(|_| format!("{to} does not answer"))?
            .map_err(|error| strerror(&error))?;
        stream.set_nodelay(true).map_err(|error| strerror(&error))?;
        Ok(Self { stream, decoder: ReplyDecoder::new(), patience })
    }

    /// Sends a command and waits for its reply. After an error the connection is of no more use.
    pub(super) async fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<Reply, String> {
        match timeout(self.patience, exchange(&mut self.stream, &mut self.decoder, args)).await {
            Ok(result) => result,
            Err(_) => Err("no answer in time".to_owned()),
        }
    }

    /// A section of INFO as pairs of name and value.
    pub(super) async fn info(&mut self, section: &str) -> Result<Vec<(String, String)>, String> {
        let reply = self.call(&["INFO", section]).await?;
        let text = reply.as_str().ok_or("INFO is no text")?;
        let pairs = text.lines().filter_map(|line| line.split_once(':'));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }
}

async fn exchange<A: AsRef<[u8]>>(
    stream: &mut TcpStream,
    decoder: &mut ReplyDecoder,
    args: &[A],
) -> Result<Reply, String> {
    stream.write_all(&command(args)).await.map_err(|error| strerror(&error))?;
    let mut buffer = [0; 4096];
    loop {
        match decoder.next() {
            Ok(Some(Reply::Error(text))) => return Err(String::from_utf8_lossy(&text).into_owned()),
            Ok(Some(reply)) => return Ok(reply),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
        match stream.read(&mut buffer).await {
            Ok(0) => return Err("connection closed".to_owned()),
            Ok(count) => decoder.extend(&buffer[..count]),
            Err(error) => return Err(strerror(&error)),
        }
    }
}

/// Connects, asks one thing, and leaves.
pub(super) async fn ask<A: AsRef<[u8]>>(
    to: SocketAddr,
    args: &[A],
    patience: Duration,
) -> Result<Reply, String> {
    Client::connect(to, patience).await?.call(args).await
}

/// The value of a field in a reply of pairs.
pub(super) fn field(reply: &Reply, name: &str) -> Option<String> {
    let pairs = reply.as_pairs()?;
    let (_, value) = pairs.into_iter().find(|(key, _)| key.as_str() == Some(name))?;
    value.as_str().map(str::to_owned)
}
