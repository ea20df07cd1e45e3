//! What other Sentinels ask of this one.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use picket_resp::{Protocol, Reply};

use super::StockSentinel;
use crate::context::Context;
use crate::ids::ConnId;

impl StockSentinel {
    pub(super) fn on_requests(&mut self, ctx: &mut Context<'_>, conn: ConnId, bytes: &Bytes) {
        if let Some(requests) = self.clients.get_mut(&conn) {
            requests.extend(bytes);
        }
        loop {
            let Some(requests) = self.clients.get_mut(&conn) else { return };
            let Ok(Some(request)) = requests.next_owned() else { return };
            let words: Vec<String> =
                request.args().iter().map(|arg| String::from_utf8_lossy(arg).into_owned()).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let reply = self.answer(ctx, &words);
            let mut out = BytesMut::new();
            reply.encode(Protocol::Resp2, &mut out);
            self.unsent.push((conn, out.freeze()));
        }
    }

    fn answer(&mut self, ctx: &mut Context<'_>, words: &[&str]) -> Reply {
        let command = words.first().map(|word| word.to_ascii_uppercase()).unwrap_or_default();
        match (command.as_str(), words) {
            ("PING", _) => Reply::simple("PONG"),
            ("AUTH", _) => Reply::ok(),
            ("CLIENT", [_, sub, ..]) if sub.eq_ignore_ascii_case("SETNAME") => Reply::ok(),
            ("PUBLISH", [_, channel, payload]) if *channel == super::hello::CHANNEL => {
                self.on_hello(ctx, payload);
                Reply::int(1_u32)
            }
            ("SENTINEL", [_, sub, host, port, epoch, candidate])
                if sub.eq_ignore_ascii_case("IS-MASTER-DOWN-BY-ADDR") =>
            {
                self.is_master_down(ctx, host, port, epoch, candidate)
            }
            _ => Reply::error("ERR unknown command"),
        }
    }

    fn is_master_down(
        &mut self,
        ctx: &mut Context<'_>,
        host: &str,
        port: &str,
        epoch: &str,
        candidate: &str,
    ) -> Reply {
        let addr = alloc::format!("{host}:{port}").parse::<SocketAddr>().ok();
        let place = addr.and_then(|addr| self.places_at.get(&addr).copied());
        let is_down =
            place.is_some_and(|place| self.masters[place].server.s_down) && self.tilt_since.is_none();
        let vote = match (place, epoch.parse::<u64>()) {
            (Some(place), Ok(epoch)) if candidate != "*" => self.vote(ctx, place, epoch, candidate),
            _ => (None, 0),
        };
        let (leader, epoch) = vote;
        let items = [
            Reply::Integer(i64::from(is_down)),
            Reply::bulk(leader.unwrap_or_else(|| "*".to_string())),
            Reply::Integer(i64::try_from(epoch).unwrap_or(i64::MAX)),
        ];
        Reply::Array(items.into())
    }
}
