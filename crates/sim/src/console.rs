//! An operator's connection to a node: one command, one reply.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder};
use picket_sansio::Time;

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
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    conn: Option<ConnId>,
    request: Bytes,
    decoder: ReplyDecoder,
    /// Whom it asks and what, if that is to be told.
    pub(crate) question: Option<(NodeId, Vec<String>)>,
    /// The reply, or why there is none.
    pub(crate) result: Option<Result<Reply, &'static str>>,
}

impl Console {
    pub(crate) fn is_idle(&self) -> bool {
        self.conn.is_none()
    }

    pub(crate) fn ask(&mut self, ctx: &mut Context<'_>, to: SocketAddr, args: &[impl AsRef<[u8]>]) {
        self.decoder = ReplyDecoder::new();
        self.result = None;
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        self.request = picket_resp::command(&args);
        self.conn = Some(ctx.dial(to));
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match signal {
            Signal::Opened { conn } if Some(conn) == self.conn => ctx.send(conn, self.request.clone()),
            Signal::Data { conn, bytes } if Some(conn) == self.conn => {
                self.decoder.extend(&bytes);
                match self.decoder.next() {
                    Ok(Some(reply)) => self.finish(ctx, conn, Ok(reply)),
                    Ok(None) => {}
                    Err(_) => self.finish(ctx, conn, Err("the reply is no RESP")),
                }
            }
            Signal::Closed { conn, reason } if Some(conn) == self.conn => {
                self.conn = None;
                self.conclude(ctx, Err(reason));
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
            let answer = Answer { at: ctx.now, node, words, result: result.clone() };
            ctx.effects.push(Effect::Answered(answer));
        }
        self.result = Some(result);
    }
}
