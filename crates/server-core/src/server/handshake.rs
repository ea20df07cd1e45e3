//! PING, HELLO and AUTH.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::{Protocol, Reply};
use picket_sansio::ClientId;

use super::{SYNTAX_ERROR, Server, shown};
use crate::acl::{DEFAULT_USER, Denial};
use crate::config::parse_integer;

const WRONGPASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const NAME_ERROR: &str = "ERR Client names cannot contain spaces, newlines or special characters.";

impl Server {
    pub(super) fn run_ping(&mut self, id: ClientId, args: &[Bytes]) {
        if args.len() > 2 {
            self.reply(id, &Reply::error("ERR wrong number of arguments for 'ping' command"));
            return;
        }
        let Some(client) = self.clients.get(id) else {
            return;
        };
        let message = args.get(1).cloned();
        let reply = if client.is_pubsub() && client.protocol == Protocol::Resp2 {
            Reply::Array([Reply::from("pong"), Reply::Bulk(message.unwrap_or_default())].into())
        } else {
            message.map_or_else(|| Reply::simple("PONG"), Reply::Bulk)
        };
        self.reply(id, &reply);
    }

    pub(super) fn run_auth(&mut self, id: ClientId, args: &[Bytes]) {
        let (user, password) = match args {
            [_, password] => {
                if self.acl.default_user().is_nopass() {
                    self.reply(id, &Reply::error(
                        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
                    ));
                    return;
                }
                (DEFAULT_USER, password)
            }
            [_, user, password] => (&user[..], password),
            _ => {
                self.reply(id, &Reply::error(SYNTAX_ERROR));
                return;
            }
        };
        let reply = match self.log_in(id, user, password, &args[0]) {
            Ok(()) => Reply::ok(),
            Err(error) => Reply::error(error),
        };
        self.reply(id, &reply);
    }

    pub(super) fn run_hello(&mut self, id: ClientId, args: &[Bytes]) {
        let reply = match self.hello(id, args) {
            Ok(reply) => reply,
            Err(error) => Reply::error(error),
        };
        self.reply(id, &reply);
    }

    fn hello(&mut self, id: ClientId, args: &[Bytes]) -> Result<Reply, String> {
        let protocol = match args.get(1).map(|version| parse_integer(version)) {
            None => None,
            Some(Some(2)) => Some(Protocol::Resp2),
            Some(Some(3)) => Some(Protocol::Resp3),
            Some(Some(_)) => return Err("NOPROTO unsupported protocol version".into()),
            Some(None) => return Err("ERR Protocol version is not an integer or out of range".into()),
        };
        let mut login: Option<(&Bytes, &Bytes)> = None;
        let mut name: Option<&Bytes> = None;
        let mut rest = args.get(2..).unwrap_or_default();
        while let Some((option, values)) = rest.split_first() {
            rest = match values {
                [user, password, more @ ..] if option.eq_ignore_ascii_case(b"auth") => {
                    login = Some((user, password));
                    more
                }
                [value, more @ ..] if option.eq_ignore_ascii_case(b"setname") => {
                    if !is_valid_attribute(value) {
                        return Err(NAME_ERROR.into());
                    }
                    name = Some(value);
                    more
                }
                _ => return Err(format!("ERR Syntax error in HELLO option '{}'", shown(option))),
            };
        }
        if let Some((user, password)) = login {
            self.log_in(id, user, password, &args[0])?;
        }
        let needs_authentication = self.acl.needs_authentication();
        let Some(client) = self.clients.get_mut(id) else {
            return Ok(Reply::Null);
        };
        if !client.authenticated && needs_authentication {
            return Err("NOAUTH HELLO must be called with the client already authenticated; log in with AUTH first, or say HELLO <proto> AUTH <user> <pass> to do both at once".into());
        }
        if let Some(name) = name {
            client.name = name.to_vec();
        }
        if let Some(protocol) = protocol {
            client.protocol = protocol;
        }
        let proto = match client.protocol {
            Protocol::Resp2 => 2_i64,
            Protocol::Resp3 => 3,
        };
        let identity = &self.options.identity;
        let mut fields: Vec<(&str, Reply)> = [
            ("server", Reply::from(identity.name.as_str())),
            ("version", Reply::from(identity.valkey_version.as_ref().unwrap_or(&identity.version).as_str())),
            ("proto", Reply::Integer(proto)),
            ("id", Reply::Integer(i64::try_from(id.0).unwrap_or(i64::MAX))),
            ("mode", Reply::from(identity.mode.as_str())),
        ]
        .into();
        if let Some(role) = &identity.role {
            fields.push(("role", Reply::from(role.as_str())));
        }
        fields.push(("modules", Reply::Array(Vec::new())));
        Ok(Reply::map(fields))
    }

    fn log_in(&mut self, id: ClientId, user: &[u8], password: &[u8], command: &Bytes) -> Result<(), String> {
        if !self.acl.authenticate(user, password) {
            self.log_denial(id, Denial::Auth, command.to_vec(), Some(user));
            return Err(WRONGPASS.into());
        }
        if let Some(client) = self.clients.get_mut(id) {
            client.set_user(user);
            client.set_authenticated(true);
        }
        Ok(())
    }

    pub(super) fn set_client_name(&mut self, id: ClientId, name: &[u8]) -> Reply {
        if !is_valid_attribute(name) {
            return Reply::error(NAME_ERROR);
        }
        if let Some(client) = self.clients.get_mut(id) {
            client.name = name.to_vec();
        }
        Reply::ok()
    }
}

/// Whether a name has nothing in it that would break a line of `CLIENT LIST`.
pub(super) fn is_valid_attribute(value: &[u8]) -> bool {
    value.iter().all(|byte| (b'!'..=b'~').contains(byte))
}
