//! Commands on HyperLogLogs (`hyperloglog.c`).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::Prng;
use picket_server_core::{Categories, Flags};

use super::args::is;
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::hyperloglog::{self as hll, Corrupt, Encoding, Opcode, Register, Registers};
use crate::types::Str;

const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const HYPERLOGLOG: Categories = Categories::HYPERLOGLOG;
const DEBUGGING: Categories = HYPERLOGLOG.and(Categories::ADMIN).and(Categories::DANGEROUS);

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("pfadd", -2, WRITE.and(Flags::FAST), HYPERLOGLOG,
        docs("hyperloglog", "2.8.9", "O(1) for each element", "Adds elements to a HyperLogLog."), Keys::One(1), pfadd),
    Command::new("pfcount", -2, Flags::READONLY.and(Flags::MAY_REPLICATE), HYPERLOGLOG,
        docs("hyperloglog", "2.8.9", "O(N) in the number of keys", "Estimates how many elements HyperLogLogs have seen."),
        Keys::AllFrom(1), pfcount),
    Command::new("pfdebug", 3, WRITE.and(Flags::ADMIN), DEBUGGING,
        docs("hyperloglog", "2.8.9", "", "Looks into a HyperLogLog."), Keys::One(2), pfdebug),
    Command::new("pfmerge", -2, WRITE, HYPERLOGLOG,
        docs("hyperloglog", "2.8.9", "O(N) in the number of keys", "Stores the union of HyperLogLogs."),
        Keys::AllFrom(1), pfmerge),
    Command::new("pfselftest", 1, Flags::ADMIN, DEBUGGING,
        docs("hyperloglog", "2.8.9", "", "Tests the HyperLogLog."), Keys::None, pfselftest),
];

const NOT_A_HYPERLOGLOG: Fault = Fault::of("WRONGTYPE Key is not a valid HyperLogLog string value.");

fn corrupt(_: Corrupt) -> Fault {
    Fault::of("INVALIDOBJ Corrupted HLL object detected")
}

/// The representation of the HyperLogLog of a key, if there is one.
fn encoding(exec: &mut Exec, key: &[u8]) -> Result<Option<Encoding>, Fault> {
    let string = exec.get::<Str>(key)?;
    string.map(|string| hll::encoding(&string.view()).ok_or(NOT_A_HYPERLOGLOG)).transpose()
}

/// `PFADD key [element ...]`.
fn pfadd(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let sparse_len_max = exec.keyspace.settings.hll_sparse_max_bytes;
    let found = encoding(exec, key)?;
    let raise_all = |bytes: &mut Vec<u8>| -> Result<usize, Corrupt> {
        let mut raised = 0;
        for element in &args[2..] {
            raised += usize::from(hll::raise(bytes, Register::of(element), sparse_len_max)?);
        }
        Ok(raised)
    };
    let raised = match found {
        None => {
            let mut bytes = hll::empty();
            let raised = raise_all(&mut bytes).map_err(corrupt)?;
            hll::outdate(&mut bytes);
            exec.set(key, Str::raw(bytes));
            exec.count_changes(raised);
            return Ok(Reply::Integer(1));
        }
        Some(Encoding::Dense) => raise_all(exec.get_or_create::<Str>(key)?.buffer()).map_err(corrupt)?,
        Some(Encoding::Sparse) => {
            // A damaged one is found out halfway, and then keeps what it was.
            let mut bytes =
                exec.get::<Str>(key)?.map(|string| string.view().into_owned()).unwrap_or_default();
            let raised = raise_all(&mut bytes).map_err(corrupt)?;
            if raised > 0 {
                *exec.get_or_create::<Str>(key)?.buffer() = bytes;
            }
            raised
        }
    };
    if raised > 0 {
        hll::outdate(exec.get_or_create::<Str>(key)?.buffer());
        exec.changed_by(key, raised);
    }
    Ok(Reply::Integer(i64::from(raised > 0)))
}

/// `PFCOUNT key [key ...]`. That of one key is kept in its value, which is a change.
fn pfcount(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let reply = |estimate: u64| Ok(Reply::Integer(estimate.cast_signed()));
    let [_, key] = args else {
        return reply(union(exec, &args[1..])?.estimate());
    };
    if encoding(exec, key)?.is_none() {
        return reply(0);
    }
    let Some(string) = exec.get_mut::<Str>(key)? else {
        return reply(0);
    };
    if let Some(estimate) = hll::cached_estimate(&string.view()) {
        return reply(estimate);
    }
    let estimate = hll::estimate(&string.view()).map_err(corrupt)?;
    hll::cache_estimate(string.buffer(), estimate);
    exec.changed(key);
    reply(estimate)
}

fn union(exec: &mut Exec, keys: &[Bytes]) -> Result<Registers, Fault> {
    let mut registers = Registers::new();
    for key in keys {
        if encoding(exec, key)?.is_some()
            && let Some(string) = exec.get::<Str>(key)?
        {
            registers.merge(&string.view()).map_err(corrupt)?;
        }
    }
    Ok(registers)
}

/// `PFMERGE destination [source ...]`: the destination is one of the sources.
fn pfmerge(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let key = &args[1];
    let sparse_len_max = exec.keyspace.settings.hll_sparse_max_bytes;
    let registers = union(exec, &args[1..])?;
    let mut any_dense = false;
    for key in &args[1..] {
        any_dense |= encoding(exec, key)? == Some(Encoding::Dense);
    }
    let old = exec.get::<Str>(key)?.map(|string| string.view().into_owned());
    let mut bytes = old.unwrap_or_else(hll::empty);
    if any_dense {
        hll::make_dense(&mut bytes).map_err(corrupt)?;
    }
    for register in registers.raised() {
        hll::raise(&mut bytes, register, sparse_len_max).map_err(corrupt)?;
    }
    hll::outdate(&mut bytes);
    *exec.get_or_create::<Str>(key)?.buffer() = bytes;
    exec.changed(key);
    Ok(Reply::ok())
}

/// `PFDEBUG GETREG|DECODE|ENCODING|TODENSE key`.
fn pfdebug(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let (subcommand, key) = (&args[1], &args[2]);
    let found = encoding(exec, key)?.ok_or(Fault::of("ERR The specified key does not exist"))?;
    let is_sparse = found == Encoding::Sparse;
    let bytes = exec.get_or_create::<Str>(key)?.buffer();
    let reply = if is(subcommand, "encoding") {
        return Ok(Reply::simple(if is_sparse { "sparse" } else { "dense" }));
    } else if is(subcommand, "decode") {
        if !is_sparse {
            return Err(Fault::of("ERR HLL encoding is not sparse"));
        }
        return Ok(Reply::from(decoded(bytes)));
    } else if is(subcommand, "todense") {
        hll::make_dense(bytes).map_err(corrupt)?;
        Reply::Integer(i64::from(is_sparse))
    } else if is(subcommand, "getreg") {
        hll::make_dense(bytes).map_err(corrupt)?;
        let mut registers = Registers::new();
        registers.merge(bytes).map_err(corrupt)?;
        Reply::array(registers.values().iter().map(|value| i64::from(*value)))
    } else {
        let subcommand = String::from_utf8_lossy(subcommand);
        return Err(Fault::new(format!("ERR Unknown PFDEBUG subcommand '{subcommand}'")));
    };
    if is_sparse {
        exec.changed(key);
    }
    Ok(reply)
}

fn decoded(bytes: &[u8]) -> String {
    let text = |opcode| match opcode {
        Opcode::Zeros(len) => format!("z:{len}"),
        Opcode::LongZeros(len) => format!("Z:{len}"),
        Opcode::Values(value, len) => format!("v:{value},{len}"),
    };
    let texts: Vec<String> = hll::opcodes(hll::body(bytes)).map(text).collect();
    texts.join(" ")
}

/// `PFSELFTEST`: both representations agree and the estimate is near.
///
/// Differs from Redis: it ends at 100 000 elements, because ten million keep the server from its work for seconds.
fn pfselftest(exec: &mut Exec, _: &[Bytes]) -> Answer {
    const ELEMENTS: u64 = 100_000;
    let sparse_len_max = exec.keyspace.settings.hll_sparse_max_bytes;
    let seed = Prng::new(exec.keyspace.prng.next_u64()).next_u64();
    let (mut any, mut dense) = (hll::empty(), hll::empty());
    hll::make_dense(&mut dense).map_err(corrupt)?;
    let mut checkpoint = 1;
    for number in 1..=ELEMENTS {
        let register = Register::of(&(number ^ seed).to_le_bytes());
        hll::raise(&mut any, register, sparse_len_max).map_err(corrupt)?;
        hll::raise(&mut dense, register, sparse_len_max).map_err(corrupt)?;
        if number < checkpoint {
            continue;
        }
        checkpoint *= 10;
        if number < sparse_len_max / 2 && hll::encoding(&any) != Some(Encoding::Sparse) {
            return Err(Fault::of("ERR TESTFAILED sparse encoding not used"));
        }
        let estimate = hll::estimate(&dense).map_err(corrupt)?;
        if hll::estimate(&any).map_err(corrupt)? != estimate {
            return Err(Fault::of("ERR TESTFAILED dense/sparse disagree"));
        }
        // Six times the standard error of 1.04 / sqrt(16384).
        let error_max = (number * 104 * 6).div_ceil(12_800);
        let error = estimate.abs_diff(number);
        if error > error_max {
            let text = format!("ERR TESTFAILED Too big error. card:{number} abserr:{error}");
            return Err(Fault::new(text));
        }
    }
    Ok(Reply::ok())
}
