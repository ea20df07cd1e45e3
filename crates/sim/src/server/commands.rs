//! The commands of the model.

use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;

use super::{Answering, Server, encode, text};
use crate::context::Context;
use crate::ids::ConnId;

impl Server {
    /// Runs one request; `None` if the reply was sent already or there is none.
    pub(super) fn run(&mut self, ctx: &mut Context<'_>, conn: ConnId, args: Vec<Bytes>) -> Option<Reply> {
        let name = args[0].to_ascii_uppercase();
        let session = self.sessions.get_mut(&conn)?;
        if !session.is_authenticated && name != b"AUTH" {
            return Some(Reply::error("NOAUTH Authentication required."));
        }
        if self.answering == Answering::Busy && name != b"SCRIPT" && name != b"AUTH" {
            let words =
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
            return Some(Reply::error(words));
        }
        if self.is_loading(ctx.now)
            && !matches!(&name[..], b"INFO" | b"AUTH" | b"CLIENT" | b"SUBSCRIBE" | b"PUBLISH")
        {
            return Some(Reply::error("LOADING Redis is loading the dataset in memory"));
        }
        let session = self.sessions.get_mut(&conn)?;
        if let Some(queued) = &mut session.queued
            && !matches!(&name[..], b"EXEC" | b"MULTI" | b"DISCARD")
        {
            queued.push(args);
            return Some(Reply::simple("QUEUED"));
        }
        if !session.channels.is_empty() && !matches!(&name[..], b"SUBSCRIBE" | b"PING") {
            return Some(Reply::error(
                "ERR Can't execute this: only (P|S)SUBSCRIBE / PING are allowed in this context",
            ));
        }
        match &name[..] {
            b"MULTI" => {
                session.queued = Some(Vec::new());
                Some(Reply::ok())
            }
            b"EXEC" => {
                let Some(queued) = session.queued.take() else {
                    return Some(Reply::error("ERR EXEC without MULTI"));
                };
                let mut replies = Vec::new();
                for command in queued {
                    let name = command[0].to_ascii_uppercase();
                    replies.extend(self.execute(ctx, conn, &name, &command));
                }
                Some(Reply::Array(replies))
            }
            b"SUBSCRIBE" => {
                for channel in &args[1..] {
                    let count = {
                        let session = self.sessions.get_mut(&conn)?;
                        session.channels.insert(channel.clone());
                        session.channels.len()
                    };
                    let count = i64::try_from(count).unwrap_or(i64::MAX);
                    let items =
                        [Reply::bulk("subscribe"), Reply::bulk(channel.clone()), Reply::Integer(count)];
                    self.reply(ctx, conn, &Reply::Array(items.into()));
                }
                None
            }
            b"PSYNC" => self.psync(ctx, conn, &args),
            b"REPLCONF" => {
                let offset = args.get(2).and_then(|offset| text(offset).parse().ok());
                if let (Some((_, confirmed)), Some(offset)) = (&mut session.replica, offset) {
                    *confirmed = offset;
                }
                None
            }
            _ => self.execute(ctx, conn, &name, &args),
        }
    }

    /// Runs a command that can stand in a transaction.
    fn execute(&mut self, ctx: &mut Context<'_>, conn: ConnId, name: &[u8], args: &[Bytes]) -> Option<Reply> {
        Some(match (name, args) {
            (b"PING", _) => self.ping(conn),
            (b"AUTH", [_, .., password]) => self.auth(conn, password),
            (b"INFO", _) => Reply::bulk(self.info(ctx.now)),
            (b"ROLE", _) => self.role(),
            (b"PUBLISH", [_, channel, message]) => {
                if self.upstream.is_none() {
                    self.propagate(ctx, args);
                }
                Reply::Integer(self.deliver(ctx, channel, message))
            }
            (b"SET", [_, _, number]) => self.add(ctx, number, args),
            (b"SLAVEOF" | b"REPLICAOF", [_, host, port]) => self.slaveof(ctx, &text(host), &text(port)),
            (b"CONFIG", [_, sub]) if sub.eq_ignore_ascii_case(b"REWRITE") => {
                self.saved_master =
                    self.upstream.as_ref().map(|upstream| (upstream.host.clone(), upstream.port));
                Reply::ok()
            }
            (b"CLIENT", [_, sub, kind, which])
                if sub.eq_ignore_ascii_case(b"KILL") && kind.eq_ignore_ascii_case(b"TYPE") =>
            {
                Reply::Integer(self.client_kill(ctx, conn, which))
            }
            (b"CLIENT", [_, sub, _]) if sub.eq_ignore_ascii_case(b"SETNAME") => Reply::ok(),
            (b"SCRIPT", [_, sub]) if sub.eq_ignore_ascii_case(b"KILL") => {
                if self.answering == Answering::Busy {
                    self.answering = Answering::Normally;
                    Reply::ok()
                } else {
                    Reply::error("NOTBUSY No scripts in execution right now.")
                }
            }
            _ => Reply::error("ERR unknown command"),
        })
    }

    fn ping(&self, conn: ConnId) -> Reply {
        if self.sessions.get(&conn).is_some_and(|session| !session.channels.is_empty()) {
            return Reply::Array([Reply::bulk("pong"), Reply::bulk("")].into());
        }
        match self.answering {
            Answering::MasterDown => Reply::error(
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            ),
            Answering::Misconf => {
                Reply::error("MISCONF Redis is configured to save RDB snapshots, but it cannot.")
            }
            _ => Reply::simple("PONG"),
        }
    }

    fn auth(&mut self, conn: ConnId, password: &[u8]) -> Reply {
        let Some(wanted) = &self.options.password else {
            return Reply::error(
                "ERR AUTH <password> called without any password configured for the default user.",
            );
        };
        if wanted.as_bytes() != password {
            return Reply::error("WRONGPASS invalid username-password pair or user is disabled.");
        }
        if let Some(session) = self.sessions.get_mut(&conn) {
            session.is_authenticated = true;
        }
        Reply::ok()
    }

    fn add(&mut self, ctx: &mut Context<'_>, number: &[u8], args: &[Bytes]) -> Reply {
        if self.upstream.is_some() {
            return Reply::error("READONLY You can't write against a read only replica.");
        }
        let Ok(number) = text(number).parse() else { return Reply::error("ERR value is not an integer") };
        self.data.insert(number);
        self.propagate(ctx, args);
        Reply::Integer(1)
    }

    /// Hands a message to whoever subscribed here.
    pub(super) fn deliver(&self, ctx: &mut Context<'_>, channel: &Bytes, message: &Bytes) -> i64 {
        let mut count = 0;
        let mut encoded = None;
        for (conn, session) in &self.sessions {
            if session.channels.contains(channel) {
                let bytes = encoded.get_or_insert_with(|| {
                    let items =
                        [Reply::bulk("message"), Reply::bulk(channel.clone()), Reply::bulk(message.clone())];
                    encode(&Reply::Array(items.into()))
                });
                ctx.send(*conn, bytes.clone());
                count += 1;
            }
        }
        count
    }

    fn client_kill(&mut self, ctx: &mut Context<'_>, own: ConnId, which: &[u8]) -> i64 {
        let pubsub = which.eq_ignore_ascii_case(b"pubsub");
        let victims: Vec<ConnId> = self
            .sessions
            .iter()
            .filter(|(conn, session)| {
                **conn != own && session.replica.is_none() && session.channels.is_empty() != pubsub
            })
            .map(|(conn, _)| *conn)
            .collect();
        for victim in &victims {
            self.drop_session(ctx, *victim);
        }
        i64::try_from(victims.len()).unwrap_or(i64::MAX)
    }
}
