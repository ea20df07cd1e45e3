//! An operator's connection to a node: one command, one reply.

use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::Bytes;
use picket_resp::{Reply, ReplyDecoder};

use crate::context::{Context, Signal};
use crate::ids::ConnId;

#[derive(Clone, Debug, Default)]
pub(crate) struct Console {
    conn: Option<ConnId>,
    request: Bytes,
    decoder: ReplyDecoder,
    /// The reply, or why there is none.
    pub(crate) result: Option<Result<Reply, &'static str>>,
}

impl Console {
    pub(crate) fn ask(&mut self, ctx: &mut Context<'_>, to: SocketAddr, args: &[&str]) {
        self.decoder = ReplyDecoder::new();
        self.result = None;
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
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
                self.result = Some(Err(reason));
            }
            Signal::Opened { .. }
            | Signal::Data { .. }
            | Signal::Closed { .. }
            | Signal::Accepted { .. }
            | Signal::Persisted { .. }
            | Signal::Resolved { .. }
            | Signal::Timer { .. } => {}
        }
    }

    fn finish(&mut self, ctx: &mut Context<'_>, conn: ConnId, result: Result<Reply, &'static str>) {
        ctx.close(conn);
        self.conn = None;
        self.result = Some(result);
    }
}
