//! DUMP and RESTORE (`cluster.c: dumpCommand, restoreCommand`).

use bytes::Bytes;
use picket_rdb::{RdbEvent, RdbLimits, dump};
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::expire::{self, is_past};
use crate::access;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::index::HashKey;
use crate::number;
use crate::rdb_value::{ValueBuilder, dump_payload};
use crate::settings::Settings;
use crate::types::Value;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("dump", 2, Flags::READONLY, Categories::KEYSPACE,
        docs("generic", "2.6.0", "O(N) in the size of the value", "Gives the value of a key as RESTORE takes it."),
        Keys::One(1), dump),
    Command::new("restore", -4, Flags::WRITE.and(Flags::DENYOOM), Categories::KEYSPACE.and(Categories::DANGEROUS),
        docs("generic", "2.6.0", "O(N) in the size of the value", "Makes a key of what DUMP gave."),
        Keys::One(1), restore),
];

/// `DUMP key`.
fn dump(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let list_size = exec.keyspace.settings.list_max_listpack_size;
    let Some(entry) = exec.entry(&args[1]) else {
        return Ok(Reply::Null);
    };
    dump_payload(&entry.value, list_size)
        .map(Reply::Bulk)
        .map_err(|error| Fault::new(alloc::format!("ERR {error}")))
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`.
fn restore(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let options = Options::parse(&args[4..])?;
    if !options.replace && exec.touch(key) {
        return Err(Fault::new("BUSYKEY Target key name already exists."));
    }
    let ttl = args::int(&args[2])?;
    if ttl < 0 {
        return Err(Fault::new("ERR Invalid TTL value, must be >= 0"));
    }
    let value = decode(args[3].clone(), exec.keyspace.hash_key, &exec.keyspace.settings)?;
    let from = if options.absttl { expire::From::Epoch } else { expire::From::Now };
    let expire_at =
        if ttl == 0 { None } else { Some(expire::absolute(exec, ttl, expire::Unit::Millis, from)) };
    // A sum beyond all time is never reached.
    let expire_at = expire_at.map(|at| at.unwrap_or(i64::MAX));
    if let Some(at) = expire_at
        && is_past(exec, at)
    {
        if options.replace && exec.remove(key) {
            let lazy = exec.keyspace.settings.lazyfree_lazy_server_del;
            exec.propagate_del(key, lazy);
        }
        return Ok(Reply::ok());
    }
    exec.set_in(exec.session.db, key, value, expire_at.map(|at| u64::try_from(at).unwrap_or(0)));
    if let Some(position) = exec.db().position(key) {
        let known = access::known(&exec.keyspace.settings, exec.now_ms(), options.idle_s, options.freq);
        exec.db_mut().note_access(position, known);
    }
    if let (Some(at), false) = (expire_at, options.absttl) {
        let mut canonical = args.to_vec();
        canonical[2] = number::text(at);
        canonical.push(Bytes::from_static(b"ABSTTL"));
        exec.propagate(canonical);
    }
    Ok(Reply::ok())
}

/// The value of a payload.
fn decode(payload: Bytes, hash_key: HashKey, settings: &Settings) -> Result<Value, Fault> {
    let bad_format = || Fault::new("ERR Bad data format");
    let fault = |error: dump::DumpError| match error {
        dump::DumpError::VersionOrChecksum => Fault::new("ERR DUMP payload version or checksum are wrong"),
        dump::DumpError::BadFormat(_) => bad_format(),
    };
    let (value_type, mut reader) = dump::open(payload, RdbLimits::default()).map_err(fault)?;
    let mut value = ValueBuilder::new(value_type, hash_key);
    loop {
        match reader.next() {
            Ok(Some(RdbEvent::ValueEnd)) => break,
            Ok(Some(element)) => value.add(element, settings).map_err(|_| bad_format())?,
            Ok(None) | Err(_) => return Err(bad_format()),
        }
    }
    reader.finish().map_err(|_| bad_format())?;
    value.finish(settings).ok_or_else(bad_format)
}

#[derive(Default)]
struct Options {
    replace: bool,
    absttl: bool,
    idle_s: Option<u64>,
    freq: Option<u8>,
}

impl Options {
    fn parse(words: &[Bytes]) -> Result<Self, Fault> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if is(word, "replace") {
                options.replace = true;
            } else if is(word, "absttl") {
                options.absttl = true;
            } else if is(word, "idletime")
                && options.freq.is_none()
                && let Some(idle) = words.next()
            {
                let idle = u64::try_from(args::int(idle)?);
                let fault = Fault::new("ERR Invalid IDLETIME value, must be >= 0");
                options.idle_s = Some(idle.map_err(|_| fault)?);
            } else if is(word, "freq")
                && options.idle_s.is_none()
                && let Some(freq) = words.next()
            {
                let freq = u8::try_from(args::int(freq)?);
                let fault = Fault::new("ERR Invalid FREQ value, must be >= 0 and <= 255");
                options.freq = Some(freq.map_err(|_| fault)?);
            } else {
                return Err(Fault::SYNTAX);
            }
        }
        Ok(options)
    }
}
