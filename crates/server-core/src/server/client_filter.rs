//! Which clients `CLIENT KILL` and `CLIENT LIST` mean.

use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use picket_sansio::{ClientId, Time};

use super::client::Client;
use super::{ReplicationLink, SYNTAX_ERROR, shown};
use crate::acl::Acl;
use crate::config::parse_integer;

/// Kinds of clients that can be told apart by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientType {
    Normal,
    Master,
    Replica,
    Pubsub,
}

/// All that is set has to fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    id: Option<u64>,
    addr: Option<String>,
    laddr: Option<String>,
    kind: Option<ClientType>,
    user: Option<Bytes>,
    max_age_s: Option<u64>,
    skip_me: bool,
}

impl ClientType {
    pub(super) fn parse(name: &[u8]) -> Result<Self, String> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(Self::Normal),
            b"master" | b"primary" => Ok(Self::Master),
            b"replica" | b"slave" => Ok(Self::Replica),
            b"pubsub" => Ok(Self::Pubsub),
            _ => Err(format!("ERR Unknown client type '{}'", shown(name))),
        }
    }

    pub(super) fn fits(self, client: &Client) -> bool {
        self == match client.facts.link {
            ReplicationLink::Master => Self::Master,
            ReplicationLink::Replica => Self::Replica,
            ReplicationLink::None if client.is_pubsub() => Self::Pubsub,
            ReplicationLink::None => Self::Normal,
        }
    }
}

impl Filter {
    /// The old form: one address, and also one's own.
    pub(super) fn address(addr: &[u8]) -> Self {
        Self { addr: Some(shown(addr)), skip_me: false, ..Self::everybody() }
    }

    fn everybody() -> Self {
        Self { id: None, addr: None, laddr: None, kind: None, user: None, max_age_s: None, skip_me: true }
    }

    /// Pairs of an option and its value.
    pub(super) fn parse(options: &[Bytes], acl: &Acl) -> Result<Self, String> {
        let mut filter = Self::everybody();
        for pair in options.chunks(2) {
            let [option, value] = pair else {
                return Err(SYNTAX_ERROR.into());
            };
            match option.to_ascii_lowercase().as_slice() {
                b"id" => {
                    let id = parse_integer(value).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
                    filter.id = Some(id.ok_or("ERR client-id should be greater than 0")?);
                }
                b"maxage" => {
                    let age = parse_integer(value).ok_or("ERR maxage is not an integer or out of range")?;
                    let age = u64::try_from(age).ok().filter(|age| *age > 0);
                    filter.max_age_s = Some(age.ok_or("ERR maxage should be greater than 0")?);
                }
                b"type" => filter.kind = Some(ClientType::parse(value)?),
                b"addr" => filter.addr = Some(shown(value)),
                b"laddr" => filter.laddr = Some(shown(value)),
                b"user" => {
                    if acl.user(value).is_none() {
                        return Err(format!("ERR No such user '{}'", shown(value)));
                    }
                    filter.user = Some(value.clone());
                }
                b"skipme" if value.eq_ignore_ascii_case(b"yes") => filter.skip_me = true,
                b"skipme" if value.eq_ignore_ascii_case(b"no") => filter.skip_me = false,
                _ => return Err(SYNTAX_ERROR.into()),
            }
        }
        Ok(filter)
    }

    pub(super) fn fits(&self, id: ClientId, client: &Client, me: ClientId, now: Time) -> bool {
        self.id.is_none_or(|wanted| wanted == id.0)
            && self.addr.as_ref().is_none_or(|addr| *addr == client.addresses.peer)
            && self.laddr.as_ref().is_none_or(|addr| *addr == client.addresses.local)
            && self.kind.is_none_or(|kind| kind.fits(client))
            && self.user.as_ref().is_none_or(|user| *user == client.user)
            && self.max_age_s.is_none_or(|age| now.since(client.created).0 / 1000 >= age)
            && !(self.skip_me && id == me)
    }
}
