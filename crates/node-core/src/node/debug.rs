//! DEBUG: what test suites of Redis ask for (`debug.c`).

use alloc::format;
use alloc::string::{String, ToString as _};

use bytes::{Bytes, BytesMut};
use picket_replication::ReplId;
use picket_resp::Reply;
use picket_sansio::{ClientId, Millis};
use picket_server_core::LogLevel;

use super::io::NodeOutput;
use super::{LoadFigures, Node};
use crate::access::idle_seconds;
use crate::double::Double;
use crate::exec::{Context, Effect, Origin};
use crate::load::{LoadProgress, LoadRole, OldData};
use crate::number::parse_i64;
use crate::rdb_value::dump_payload;
use crate::snapshot::{Progress, Snapshot, SnapshotContent};

impl Node {
    /// `DEBUG subcommand ...`.
    pub(super) fn debug(&mut self, client: ClientId, args: &[Bytes]) -> Option<Reply> {
        if !self.is_allowed("enable-debug-command", client) {
            return Some(Reply::error(
                "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it \
                 from a local connection, otherwise you need to set this option in the configuration file, and then \
                 restart the server.",
            ));
        }
        let subcommand = args[1].to_ascii_lowercase();
        Some(match (subcommand.as_slice(), &args[2..]) {
            (b"sleep", [seconds]) => match Double::parse(seconds).and_then(Double::seconds_to_millis) {
                Some(millis) => {
                    let span = Millis(u64::try_from(millis).unwrap_or(0));
                    self.collect();
                    self.push(NodeOutput::Sleep(span));
                    // What follows in the same round happens after it.
                    self.now = self.now + span;
                    Reply::ok()
                }
                None => Reply::error("ERR value is not a valid float"),
            },
            (b"set-active-expire", [value]) => match parse_i64(value) {
                Some(value) => {
                    self.active_expire = value != 0;
                    Reply::ok()
                }
                None => Reply::error("ERR value is not an integer or out of range"),
            },
            (b"digest", []) => Reply::text(self.keyspace.digest()),
            (b"digest-value", keys) => {
                let db = self.clients.get(&client).map_or(0, |state| state.session.db);
                Reply::array(keys.iter().map(|key| Reply::text(self.keyspace.digest_value(db, key))))
            }
            (b"reload", options) => self.reload(options),
            (b"change-repl-id", []) => {
                self.note(
                    LogLevel::Notice,
                    "Changing replication IDs after receiving change-repl-id".to_string(),
                );
                let replid = ReplId::random(&mut self.prng);
                self.side.change_replid(replid);
                Reply::ok()
            }
            (b"replicate", words) if !words.is_empty() => {
                let db = self.clients.get(&client).map_or(0, |state| state.session.db);
                self.propagate(alloc::vec![Effect { db, args: words.to_vec() }], true);
                Reply::ok()
            }
            (b"log", [text]) => {
                let text = shown(text);
                self.note(LogLevel::Warning, format!("DEBUG LOG: {text}"));
                Reply::ok()
            }
            (b"error", [text]) => Reply::error(text.clone()),
            (b"jmap" | b"segfault" | b"panic" | b"assert" | b"oom", _) => {
                Reply::error(format!("ERR Picket does not crash on request: DEBUG {}", shown(&subcommand)))
            }
            (b"populate", [count, rest @ ..]) => self.populate(client, count, rest),
            (b"protocol", [kind]) => protocol(kind),
            (b"stringmatch-len", [pattern, text]) => {
                let matched =
                    picket_server_core::glob_match(pattern, text, picket_server_core::Case::Sensitive);
                Reply::Integer(i64::from(matched))
            }
            (b"pause-cron", [on]) => {
                self.is_cron_paused = &on[..] == b"1";
                Reply::ok()
            }
            // What these change does not exist here, so nothing has to be done.
            (
                b"quicklist-packed-threshold"
                | b"dict-resizing"
                | b"set-disable-deny-scripts"
                | b"replybuffer"
                | b"mallctl"
                | b"hexpire",
                _,
            ) => Reply::ok(),
            (b"htstats", [db, ..]) => {
                let db = parse_i64(db).and_then(|db| self.keyspace.dbs().get(usize::try_from(db).ok()?));
                match db {
                    Some(db) => {
                        let (keys, expires) = (db.len(), db.expiries_len());
                        Reply::text(format!(
                            "[Dictionary HT]\n number of elements: {keys}\n[Expires HT]\n number of elements: {expires}\n"
                        ))
                    }
                    None => Reply::error("ERR Out of range database"),
                }
            }
            (b"htstats-key", [key, ..]) => {
                let db = self.clients.get(&client).map_or(0, |state| state.session.db);
                match self.keyspace.dbs()[db as usize].get(key) {
                    Some(entry) if matches!(entry.value.encoding(), "hashtable" | "skiplist") => {
                        Reply::text("Tables grow at once here: none is being rehashed.\n")
                    }
                    Some(_) => Reply::error(
                        "ERR The value stored at the specified key is not represented using an hash table",
                    ),
                    None => Reply::error("ERR no such key"),
                }
            }
            (b"object", [key]) => self.debug_object(client, key),
            (b"help", []) => help(),
            _ => Reply::error(format!(
                "ERR unknown subcommand or wrong number of arguments for '{}'. Try DEBUG HELP.",
                shown(&args[1])
            )),
        })
    }

    /// Saves everything and loads it again, in memory.
    fn reload(&mut self, options: &[Bytes]) -> Reply {
        for option in options {
            if !matches!(option.to_ascii_lowercase().as_slice(), b"nosave" | b"noflush" | b"merge") {
                return Reply::error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
            }
        }
        if !self.is_ready || self.loading.is_some() {
            return Reply::error("LOADING Redis is loading the dataset in memory");
        }
        self.abandon_snapshot("DEBUG RELOAD");
        match self.reload_in_memory() {
            Ok(()) => Reply::ok(),
            Err(reason) => Reply::error(format!("ERR Error trying to load the RDB dump: {reason}")),
        }
    }

    /// Looks at a key as nobody uses it: it is not removed, and does not count as used.
    fn debug_object(&mut self, client: ClientId, key: &Bytes) -> Reply {
        /// Behind the type and the value of a DUMP stand a version and a checksum.
        const DUMP_OVERHEAD: usize = 11;
        let db = self.clients.entry(client).or_default().session.db;
        let Some(entry) = self.keyspace.dbs()[db as usize].get(key) else {
            return Reply::error("ERR no such key");
        };
        let dump = dump_payload(&entry.value, self.keyspace.settings().list_max_listpack_size);
        let len = dump.map_or(0, |dump| dump.len().saturating_sub(DUMP_OVERHEAD));
        Reply::simple(format!(
            "Value at:0 refcount:1 encoding:{} serializedlength:{len} lru:{} lru_seconds_idle:{}",
            entry.value.encoding(),
            entry.access,
            idle_seconds(entry.access, self.now_ms())
        ))
    }

    /// Saves all data into memory and loads it from there.
    fn reload_in_memory(&mut self) -> Result<(), String> {
        let options = self.snapshot_options(SnapshotContent::Everything);
        let text = |error: &dyn core::fmt::Display| error.to_string();
        let mut snapshot = Snapshot::start(&mut self.keyspace, options).map_err(|error| text(&error))?;
        let mut rdb = BytesMut::new();
        while snapshot.next(&mut self.keyspace, 1 << 20, &mut rdb).map_err(|error| text(&error))?
            == Progress::More
        {}
        let role = if self.is_master() { LoadRole::Master } else { LoadRole::Replica };
        let mut loader = self.loader(role, OldData::KeepUntilLoaded);
        loader.push(&rdb.freeze());
        while loader.step(u64::MAX).map_err(|error| text(&error))? == LoadProgress::More {}
        let loaded = loader.finish(&mut self.keyspace).map_err(|error| text(&error))?;
        self.load_figures =
            LoadFigures { keys_loaded: loaded.keys_loaded, keys_expired: loaded.keys_expired };
        Ok(())
    }

    /// `DEBUG POPULATE count [prefix [size]]`.
    fn populate(&mut self, client: ClientId, count: &Bytes, rest: &[Bytes]) -> Reply {
        let Some(count) = parse_i64(count).filter(|count| *count >= 0) else {
            return Reply::error("ERR value is not an integer or out of range");
        };
        let prefix = rest.first().cloned().unwrap_or_else(|| Bytes::from_static(b"key"));
        let size = match rest.get(1).map(|size| parse_i64(size).and_then(|size| usize::try_from(size).ok())) {
            Some(None) => return Reply::error("ERR value is out of range, must be positive"),
            Some(Some(size)) if size as u64 > self.live.keyspace.proto_max_bulk_len => {
                return Reply::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
            }
            Some(Some(size)) => size,
            None => 0,
        };
        // As in Redis, replicas are not told.
        let context = Context { origin: Origin::ReplicaClient, ..self.client_context(client) };
        let state = self.clients.entry(client).or_default();
        for number in 0..count {
            let key: Bytes = [&prefix[..], b":", number.to_string().as_bytes()].concat().into();
            let mut value = format!("value:{number}").into_bytes();
            if size > 0 {
                value.resize(size, 0);
            }
            let args = [Bytes::from_static(b"SETNX"), key, value.into()];
            self.keyspace.execute(&mut state.session, context, &args);
        }
        Reply::ok()
    }
}

/// `DEBUG PROTOCOL kind`: a reply of each kind.
fn protocol(kind: &[u8]) -> Reply {
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => Reply::bulk("Hello World"),
        b"integer" => Reply::Integer(12345),
        b"double" => Reply::Double(Bytes::from_static(b"3.141")),
        b"bignum" => Reply::BigNumber(Bytes::from_static(b"1234567999999999999999999999999999999")),
        b"null" => Reply::Null,
        b"array" => Reply::array((0..3).map(Reply::Integer)),
        b"set" => Reply::set((0..3).map(Reply::Integer)),
        b"map" => Reply::map((0..3).map(|number| (Reply::Integer(number), Reply::Bool(number == 1)))),
        b"push" => Reply::push([Reply::bulk("server-cpu-usage"), Reply::Integer(42)]),
        b"true" => Reply::Bool(true),
        b"false" => Reply::Bool(false),
        b"verbatim" => Reply::text("This is a verbatim\nstring"),
        _ => Reply::error(
            "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|push|verbatim|true|false",
        ),
    }
}

fn help() -> Reply {
    picket_server_core::help(
        "DEBUG",
        &[
            "CHANGE-REPL-ID",
            "    Gives the replication histories other names.",
            "DIGEST",
            "    Tells a digest of all data.",
            "DIGEST-VALUE <key> [<key> ...]",
            "    Tells digests of values.",
            "ERROR <text>",
            "    Answers an error.",
            "LOG <text>",
            "    Writes into the log.",
            "OBJECT <key>",
            "    Tells about a value.",
            "PAUSE-CRON <0|1>",
            "    Stops what is done every 100 ms: active expiry and save points.",
            "POPULATE <count> [<prefix>] [<size>]",
            "    Makes keys that do not exist.",
            "PROTOCOL <kind>",
            "    Answers a reply of that kind.",
            "RELOAD",
            "    Saves all data and loads it again.",
            "REPLICATE <command> [<arg> ...]",
            "    Puts a command into the replication stream.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Whether expired keys are removed before anybody looks.",
            "SLEEP <seconds>",
            "    Does nothing for that long.",
            "STRINGMATCH-LEN <pattern> <text>",
            "    Tells whether a pattern matches.",
        ],
    )
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
