//! Client-side caching (`tracking.c`), as far as it shows to a client. The state is kept so that
//! libraries that ask for tracking get the answers they expect; a server without keys never has an
//! invalidation to send.
//!
//! Differs from Redis: a server with keys refuses `CLIENT TRACKING ON`, because a cache that is never told of
//! changes would serve old values.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::ClientId;

use super::{NOT_AN_INTEGER, SYNTAX_ERROR, Server};
use crate::config::parse_integer;

/// What a client asked of tracking.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Tracking {
    on: bool,
    redirect: Option<ClientId>,
    broadcast: bool,
    opt_in: bool,
    opt_out: bool,
    no_loop: bool,
    /// `CLIENT CACHING` spoke about the next command.
    caching: bool,
    prefixes: Vec<Bytes>,
}

impl Tracking {
    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    pub(super) fn is_broadcast(&self) -> bool {
        self.on && self.broadcast
    }

    /// -1 while off, 0 without a redirection.
    pub(super) fn redirect_number(&self) -> i64 {
        match self.redirect {
            _ if !self.on => -1,
            Some(id) => i64::try_from(id.0).unwrap_or(i64::MAX),
            None => 0,
        }
    }
}

impl Server {
    pub(super) fn client_tracking(&mut self, id: ClientId, args: &[Bytes]) -> Result<Reply, String> {
        let wanted = self.parse_tracking(&args[3..])?;
        if args[2].eq_ignore_ascii_case(b"on") && self.options.table.all().any(|command| command.has_keys()) {
            return Err("ERR CLIENT TRACKING is not supported by this server".into());
        }
        let Some(client) = self.clients.get_mut(id) else {
            return Ok(Reply::Null);
        };
        if args[2].eq_ignore_ascii_case(b"off") {
            client.tracking = Tracking::default();
            return Ok(Reply::ok());
        }
        if !args[2].eq_ignore_ascii_case(b"on") {
            return Err(SYNTAX_ERROR.into());
        }
        let current = &client.tracking;
        let error = if !wanted.broadcast && !wanted.prefixes.is_empty() {
            "ERR PREFIX option requires BCAST mode to be enabled"
        } else if current.on && current.broadcast != wanted.broadcast {
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode."
        } else if wanted.broadcast && (wanted.opt_in || wanted.opt_out) {
            "ERR OPTIN and OPTOUT are not compatible with BCAST"
        } else if wanted.opt_in && wanted.opt_out {
            "ERR You can't specify both OPTIN mode and OPTOUT mode"
        } else if current.on && (wanted.opt_in && current.opt_out || wanted.opt_out && current.opt_in) {
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode."
        } else {
            let mut prefixes = current.prefixes.clone();
            for prefix in wanted.prefixes {
                if !prefixes.contains(&prefix) {
                    prefixes.push(prefix);
                }
            }
            if wanted.broadcast && prefixes.is_empty() {
                prefixes.push(Bytes::new());
            }
            client.tracking = Tracking { on: true, prefixes, ..wanted };
            return Ok(Reply::ok());
        };
        Err(error.into())
    }

    fn parse_tracking(&self, mut rest: &[Bytes]) -> Result<Tracking, String> {
        let mut wanted = Tracking::default();
        while let Some((option, values)) = rest.split_first() {
            rest = values;
            match (option.to_ascii_lowercase().as_slice(), values) {
                (b"redirect", [value, more @ ..]) => {
                    rest = more;
                    if wanted.redirect.is_some() {
                        return Err("ERR A client can only redirect to a single other client".into());
                    }
                    let number = parse_integer(value).ok_or(NOT_AN_INTEGER)?;
                    let target = ClientId(u64::try_from(number).unwrap_or(0));
                    if !self.clients.contains_key(target) {
                        return Err("ERR The client ID you want redirect to does not exist".into());
                    }
                    wanted.redirect = Some(target);
                }
                (b"prefix", [value, more @ ..]) => {
                    rest = more;
                    wanted.prefixes.push(Bytes::copy_from_slice(value));
                }
                (b"bcast", _) => wanted.broadcast = true,
                (b"optin", _) => wanted.opt_in = true,
                (b"optout", _) => wanted.opt_out = true,
                (b"noloop", _) => wanted.no_loop = true,
                _ => return Err(SYNTAX_ERROR.into()),
            }
        }
        Ok(wanted)
    }

    pub(super) fn client_caching(&mut self, id: ClientId, word: &[u8]) -> Result<Reply, String> {
        let Some(client) = self.clients.get_mut(id) else {
            return Ok(Reply::Null);
        };
        let tracking = &mut client.tracking;
        if !tracking.on {
            return Err("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled".into());
        }
        let (needed, error) = if word.eq_ignore_ascii_case(b"yes") {
            (tracking.opt_in, "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
        } else if word.eq_ignore_ascii_case(b"no") {
            (tracking.opt_out, "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
        } else {
            (false, SYNTAX_ERROR)
        };
        if !needed {
            return Err(error.into());
        }
        tracking.caching = true;
        Ok(Reply::ok())
    }

    pub(super) fn client_trackinginfo(&self, id: ClientId) -> Reply {
        let Some(client) = self.clients.get(id) else {
            return Reply::Null;
        };
        let tracking = &client.tracking;
        let broken = tracking.redirect.is_some_and(|target| !self.clients.contains_key(target));
        let flags = [
            ("off", !tracking.on),
            ("on", tracking.on),
            ("bcast", tracking.broadcast),
            ("optin", tracking.opt_in),
            ("caching-yes", tracking.opt_in && tracking.caching),
            ("optout", tracking.opt_out),
            ("caching-no", tracking.opt_out && tracking.caching),
            ("noloop", tracking.no_loop),
            ("broken_redirect", broken),
        ];
        let flags = Reply::set(flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| name));
        let prefixes = Reply::Array(tracking.prefixes.iter().cloned().map(Reply::Bulk).collect());
        Reply::map([
            ("flags", flags),
            ("redirect", Reply::Integer(tracking.redirect_number())),
            ("prefixes", prefixes),
        ])
    }
}
