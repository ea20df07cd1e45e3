//! `CLIENT` (`networking.c: clientCommand`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis, Time};

use super::client::Replies;
use super::client_filter::{ClientType, Filter};
use super::dispatch::unknown_form;
use super::handshake::is_valid_attribute;
use super::{
    CloseReason, NOT_AN_INTEGER, Pause, SYNTAX_ERROR, Server, ServerOutput, UnblockWith, help, shown,
};
use crate::command::ClientSubcommand;
use crate::config::parse_integer;

impl Server {
    pub(super) fn run_client(&mut self, id: ClientId, subcommand: ClientSubcommand, args: &[Bytes]) {
        let outcome = match subcommand {
            ClientSubcommand::Caching => self.client_caching(id, &args[2]),
            ClientSubcommand::Getname => Ok(self.client_getname(id)),
            ClientSubcommand::Getredir => {
                let number = self.clients.get(id).map_or(-1, |client| client.tracking.redirect_number());
                Ok(Reply::Integer(number))
            }
            ClientSubcommand::Help => Ok(self.client_help()),
            ClientSubcommand::Id => Ok(Reply::Integer(i64::try_from(id.0).unwrap_or(i64::MAX))),
            ClientSubcommand::Info => Ok(Reply::text(self.client_lines([id]))),
            ClientSubcommand::Kill => self.client_kill(id, args),
            ClientSubcommand::List => self.client_list(args),
            ClientSubcommand::NoEvict => self.client_switch(id, &args[2], |client, on| client.no_evict = on),
            ClientSubcommand::NoTouch => self.client_switch(id, &args[2], |client, on| client.no_touch = on),
            ClientSubcommand::Pause => self.client_pause(args),
            ClientSubcommand::Reply => return self.client_reply(id, &args[2]),
            ClientSubcommand::Setinfo => self.client_setinfo(id, &args[2], &args[3]),
            ClientSubcommand::Setname => Ok(self.set_client_name(id, &args[2])),
            ClientSubcommand::Tracking => self.client_tracking(id, args),
            ClientSubcommand::Trackinginfo => Ok(self.client_trackinginfo(id)),
            ClientSubcommand::Unblock => self.client_unblock(args),
            ClientSubcommand::Unpause => {
                self.unpause();
                Ok(Reply::ok())
            }
        };
        self.reply(id, &outcome.unwrap_or_else(Reply::error));
        // A client that killed itself gets its answer first.
        if self.clients.get(id).is_some_and(|client| client.killed) {
            self.close_now(id, CloseReason::Killed);
        }
    }

    fn client_getname(&self, id: ClientId) -> Reply {
        match self.clients.get(id) {
            Some(client) if !client.name.is_empty() => Reply::bulk_copy(&client.name),
            _ => Reply::Null,
        }
    }

    fn client_help(&self) -> Reply {
        let has_no_touch = self.options.table.by_full_name(b"client|no-touch").is_some();
        let extra = if has_no_touch { help::CLIENT_NO_TOUCH } else { &[] };
        help::help("client", &[help::CLIENT, extra].concat())
    }

    fn client_lines(&self, ids: impl IntoIterator<Item = ClientId>) -> String {
        let mut text = String::new();
        for id in ids {
            if let Some(client) = self.clients.get(id) {
                text.push_str(&client.info(id, self.now));
                text.push('\n');
            }
        }
        text
    }

    fn client_list(&self, args: &[Bytes]) -> Result<Reply, String> {
        let ids: Vec<ClientId> = match args {
            [_, _] => self.clients.ids().collect(),
            [_, _, option, name] if option.eq_ignore_ascii_case(b"type") => {
                let kind = ClientType::parse(name)?;
                let fitting = self.clients.iter().filter(|(_, client)| kind.fits(client));
                fitting.map(|(id, _)| id).collect()
            }
            [_, _, option, ids @ ..] if option.eq_ignore_ascii_case(b"id") && !ids.is_empty() => {
                let mut numbers = Vec::with_capacity(ids.len());
                for id in ids {
                    let number = parse_integer(id).ok_or("ERR Invalid client ID")?;
                    numbers.push(ClientId(u64::try_from(number).unwrap_or(0)));
                }
                numbers
            }
            _ => return Err(SYNTAX_ERROR.into()),
        };
        Ok(Reply::text(self.client_lines(ids)))
    }

    fn client_kill(&mut self, me: ClientId, args: &[Bytes]) -> Result<Reply, String> {
        let old_form = args.len() == 3;
        let filter = if old_form { Filter::address(&args[2]) } else { Filter::parse(&args[2..], &self.acl)? };
        let fitting = self.clients.iter().filter(|(id, client)| filter.fits(*id, client, me, self.now));
        let victims: Vec<ClientId> = fitting.map(|(id, _)| id).collect();
        for id in &victims {
            if *id == me {
                if let Some(client) = self.clients.get_mut(*id) {
                    client.killed = true;
                }
            } else {
                self.close_now(*id, CloseReason::Killed);
            }
        }
        match (old_form, victims.len()) {
            (true, 0) => Err("ERR No such client".into()),
            (true, _) => Ok(Reply::ok()),
            (false, count) => Ok(Reply::Integer(i64::try_from(count).unwrap_or(i64::MAX))),
        }
    }

    fn client_switch(
        &mut self,
        id: ClientId,
        word: &[u8],
        set: impl FnOnce(&mut super::client::Client, bool),
    ) -> Result<Reply, String> {
        let on = match word.to_ascii_lowercase().as_slice() {
            b"on" => true,
            b"off" => false,
            _ => return Err(SYNTAX_ERROR.into()),
        };
        if let Some(client) = self.clients.get_mut(id) {
            set(client, on);
        }
        Ok(Reply::ok())
    }

    fn client_pause(&mut self, args: &[Bytes]) -> Result<Reply, String> {
        if args.len() > 4 {
            return Err(unknown_form("CLIENT", args));
        }
        let all = match args.get(3).map(|mode| mode.to_ascii_lowercase()).as_deref() {
            None | Some(b"all") => true,
            Some(b"write") => false,
            Some(_) => return Err("ERR CLIENT PAUSE mode must be WRITE or ALL".into()),
        };
        let millis = parse_integer(&args[2]).ok_or("ERR timeout is not an integer or out of range")?;
        let millis = u64::try_from(millis).map_err(|_| "ERR timeout is negative")?;
        let until = millis
            .checked_mul(1000)
            .and_then(|micros| self.now.0.checked_add(micros))
            .map(Time)
            .filter(|_| i64::try_from(millis).is_ok_and(|millis| self.wall_allows(millis)))
            .ok_or("ERR timeout is out of range")?;
        // The longer and the stricter of two pauses wins.
        self.pause = match self.pause {
            Pause::None if all => Pause::All { until },
            Pause::None => Pause::Writes { until },
            Pause::All { until: old } => Pause::All { until: until.max(old) },
            Pause::Writes { until: old } if all => Pause::All { until: until.max(old) },
            Pause::Writes { until: old } => Pause::Writes { until: until.max(old) },
        };
        Ok(Reply::ok())
    }

    /// Whether the calendar can hold an instant that far away.
    fn wall_allows(&self, millis: i64) -> bool {
        i64::try_from(self.wall().as_millis()).is_ok_and(|now| now.checked_add(millis).is_some())
    }

    fn client_reply(&mut self, id: ClientId, word: &[u8]) {
        let Some(client) = self.clients.get_mut(id) else {
            return;
        };
        match word.to_ascii_lowercase().as_slice() {
            b"on" => {
                client.replies = Replies::On;
                self.reply(id, &Reply::ok());
            }
            b"off" => client.replies = Replies::Off,
            b"skip" if client.replies != Replies::Off => client.replies = Replies::SkipNext,
            b"skip" => {}
            _ => self.reply(id, &Reply::error(SYNTAX_ERROR)),
        }
    }

    fn client_setinfo(&mut self, id: ClientId, attribute: &[u8], value: &[u8]) -> Result<Reply, String> {
        let Some(client) = self.clients.get_mut(id) else {
            return Ok(Reply::Null);
        };
        let slot = match attribute.to_ascii_lowercase().as_slice() {
            b"lib-name" => &mut client.lib_name,
            b"lib-ver" => &mut client.lib_ver,
            _ => return Err(format!("ERR Unrecognized option '{}'", shown(attribute))),
        };
        if !is_valid_attribute(value) {
            let attribute = shown(attribute).to_ascii_lowercase();
            return Err(format!("ERR {attribute} cannot contain spaces, newlines or special characters."));
        }
        *slot = value.to_vec();
        Ok(Reply::ok())
    }

    fn client_unblock(&mut self, args: &[Bytes]) -> Result<Reply, String> {
        if args.len() > 4 {
            return Err(unknown_form("CLIENT", args));
        }
        let with = match args.get(3).map(|reason| reason.to_ascii_lowercase()).as_deref() {
            None | Some(b"timeout") => UnblockWith::Timeout,
            Some(b"error") => UnblockWith::Error,
            Some(_) => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
        };
        let number = parse_integer(&args[2]).ok_or(NOT_AN_INTEGER)?;
        let id = ClientId(u64::try_from(number).unwrap_or(0));
        let Some(client) = self.clients.get_mut(id).filter(|client| client.is_blocked) else {
            return Ok(Reply::Integer(0));
        };
        // The application ends the wait when it sees this; a second request finds nobody to wake.
        client.is_blocked = false;
        self.push_output(ServerOutput::Unblock { client: id, with });
        Ok(Reply::Integer(1))
    }

    /// Holds back all requests for a while, as `CLIENT PAUSE` does.
    pub fn pause_all(&mut self, now: Time, span: Millis) {
        self.now = now;
        let until = now + span;
        self.pause = match self.pause {
            Pause::None => Pause::All { until },
            Pause::All { until: old } | Pause::Writes { until: old } => Pause::All { until: until.max(old) },
        };
    }
}
