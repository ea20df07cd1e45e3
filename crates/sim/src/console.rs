//! An operator's connection to a node: one command, one reply.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder};
use picket_sansio::{Millis, Time};

use crate::context::{Context, Effect, Signal};
use crate::ids::{ConnId, NodeId};

/// A command of an operator that was answered, or was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When.
    pub at: Time,
    /// Whom the operator asked.
    pub node: NodeId,
    /// The command.
    pub words: Vec<String>,
    /// The reply, or why there is none.
    pub result: Result<Reply, &'static str>,
    /// Bytes of the snapshot and the stream that followed the reply to a PSYNC before the operator hung up.
    pub stream_bytes: u64,
}

/// For how long an operator lets a stream run on.
const STREAM_SPAN: Millis = Millis(200);

#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    conn: Option<ConnId>,
    request: Bytes,
    decoder: ReplyDecoder,
    /// Whom it asks and what, if that is to be told.
    pub(crate) question: Option<(NodeId, Vec<String>)>,
    /// The reply, or why there is none.
    pub(crate) result: Option<Result<Reply, &'static str>>,
    /// The reply that a stream follows, and its bytes so far.
    stream: Option<(Reply, u64)>,
    /// Tells the timer of the present stream from older ones.
    serial: u64,
}

impl Console {
    pub(crate) fn is_idle(&self) -> bool {
        self.conn.is_none()
    }

    pub(crate) fn ask(&mut self, ctx: &mut Context<'_>, to: SocketAddr, args: &[impl AsRef<[u8]>]) {
        self.decoder = ReplyDecoder::new();
        self.result = None;
        self.stream = None;
        self.serial += 1;
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        self.request = picket_resp::command(&args);
        self.conn = Some(ctx.dial(to));
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match signal {
            Signal::Opened { conn } if Some(conn) == self.conn => ctx.send(conn, self.request.clone()),
            Signal::Data { conn, bytes } if Some(conn) == self.conn => {
                let len = bytes.len() as u64;
                if let Some((_, stream_bytes)) = &mut self.stream {
                    *stream_bytes += len;
                    return;
                }
                self.decoder.extend(&bytes);
                match self.decoder.next() {
                    Ok(Some(reply)) if begins_stream(&reply) => {
                        let line =
                            bytes.windows(2).position(|end| end == b"\r\n").map_or(0, |at| at as u64 + 2);
                        self.stream = Some((reply, len.saturating_sub(line)));
                        ctx.timer(STREAM_SPAN, "stream", self.serial);
                    }
                    Ok(Some(reply)) => self.finish(ctx, conn, Ok(reply)),
                    Ok(None) => {}
                    Err(_) => self.finish(ctx, conn, Err("the reply is no RESP")),
                }
            }
            Signal::Closed { conn, reason } if Some(conn) == self.conn => {
                self.conn = None;
                let result = match &self.stream {
                    Some((reply, _)) => Ok(reply.clone()),
                    None => Err(reason),
                };
                self.conclude(ctx, result);
            }
            Signal::Timer { tag } if tag.serial == self.serial => {
                if let (Some(conn), Some((reply, _))) = (self.conn, &self.stream) {
                    let reply = reply.clone();
                    self.finish(ctx, conn, Ok(reply));
                }
            }
            Signal::Opened { .. }
            | Signal::Data { .. }
            | Signal::Closed { .. }
            | Signal::Taken { .. }
            | Signal::Accepted { .. }
            | Signal::Persisted { .. }
            | Signal::ClockJumped
            | Signal::Resolved { .. }
            | Signal::Timer { .. } => {}
        }
    }

    fn finish(&mut self, ctx: &mut Context<'_>, conn: ConnId, result: Result<Reply, &'static str>) {
        ctx.close(conn);
        self.conn = None;
        self.conclude(ctx, result);
    }

    fn conclude(&mut self, ctx: &mut Context<'_>, result: Result<Reply, &'static str>) {
        if let Some((node, words)) = self.question.take() {
            let stream_bytes = self.stream.take().map_or(0, |(_, bytes)| bytes);
            let answer = Answer { at: ctx.now, node, words, result: result.clone(), stream_bytes };
            ctx.effects.push(Effect::Answered(Box::new(answer)));
        }
        self.result = Some(result);
    }
}

/// What a master says before a snapshot or a stream that is no RESP reply.
fn begins_stream(reply: &Reply) -> bool {
    let begins = |text: &[u8]| [&b"FULLRESYNC"[..], b"CONTINUE"].iter().any(|word| text.starts_with(word));
    matches!(reply, Reply::Simple(text) if begins(text))
}
