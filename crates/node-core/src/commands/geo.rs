//! Commands on places (`geo.c`), without searches.

use alloc::format;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is};
use super::zset::{Increment, zadd};
use crate::command::{Command, Keys, docs};
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::geo::{Point, Unit};
use crate::number;
use crate::types::ZSet;

const READ: Flags = Flags::READONLY;
pub(super) const GEO: Categories = Categories::GEO;

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("geoadd", -5, Flags::WRITE.and(Flags::DENYOOM), GEO,
        docs("geo", "3.2.0", "O(log(N)) for each member", "Gives members places."), Keys::One(1), geoadd),
    Command::new("geodist", -4, READ, GEO,
        docs("geo", "3.2.0", "O(1)", "Returns how far two members are from each other."), Keys::One(1), geodist),
    Command::new("geohash", -2, READ, GEO,
        docs("geo", "3.2.0", "O(1) for each member", "Returns the geohashes of members."), Keys::One(1), geohash),
    Command::new("geopos", -2, READ, GEO,
        docs("geo", "3.2.0", "O(1) for each member", "Returns the places of members."), Keys::One(1), geopos),
];

/// Longitude and latitude.
pub(super) fn point(longitude: &[u8], latitude: &[u8]) -> Result<Point, Fault> {
    let (longitude, latitude) = (args::double(longitude)?, args::double(latitude)?);
    Point::new(longitude, latitude).ok_or_else(|| {
        let (longitude, latitude) = (longitude.decimal_text(), latitude.decimal_text());
        Fault::new(format!("ERR invalid longitude,latitude pair {longitude},{latitude}"))
    })
}

pub(super) fn unit(word: &[u8]) -> Result<Unit, Fault> {
    Unit::parse(word).ok_or(Fault::of("ERR unsupported unit provided. please use M, KM, FT, MI"))
}

/// The place of a member.
pub(super) fn place(zset: &ZSet, member: &[u8]) -> Option<Point> {
    zset.score(member).map(Point::of_score)
}

pub(super) fn coordinates(point: Point) -> Reply {
    Reply::Array([point.longitude(), point.latitude()].map(|degrees| Reply::Double(degrees.text())).into())
}

/// `GEOADD key [NX|XX] [CH] longitude latitude member [...]`: the ZADD that it means.
fn geoadd(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let is_option = |word: &&Bytes| ["nx", "xx", "ch"].iter().any(|option| is(word, option));
    let options_len = args[2..].iter().take_while(is_option).count();
    let (options, members) = args[2..].split_at(options_len);
    let has = |name: &str| options.iter().any(|option| is(option, name));
    if !members.len().is_multiple_of(3) || has("nx") && has("xx") {
        return Err(Fault::SYNTAX);
    }
    let mut words = Vec::from([Bytes::from_static(b"zadd"), args[1].clone()]);
    words.extend_from_slice(options);
    for member in members.chunks_exact(3) {
        let score = point(&member[0], &member[1])?.score();
        words.extend([number::text(score), member[2].clone()]);
    }
    let answer = zadd(exec, &words, Increment::No);
    exec.propagate_if_changed(words);
    answer
}

/// `GEODIST key member member [unit]`.
fn geodist(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let unit = match &args[4..] {
        [] => Unit::Meter,
        [word] => unit(word)?,
        _ => return Err(Fault::SYNTAX),
    };
    let Some(zset) = exec.get::<ZSet>(&args[1])? else {
        return Ok(Reply::Null);
    };
    Ok(match (place(zset, &args[2]), place(zset, &args[3])) {
        (Some(from), Some(to)) => Reply::Bulk(from.distance(to).text(unit)),
        _ => Reply::Null,
    })
}

/// `GEOHASH key [member ...]`.
fn geohash(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let zset = exec.get::<ZSet>(&args[1])?;
    let hash = |member: &Bytes| match zset.and_then(|zset| place(zset, member)) {
        Some(point) => Reply::bulk_copy(point.geohash()),
        None => Reply::Null,
    };
    Ok(Reply::Array(args[2..].iter().map(hash).collect()))
}

/// `GEOPOS key [member ...]`.
fn geopos(exec: &mut Exec, args: &[Bytes]) -> Answer {
    let zset = exec.get::<ZSet>(&args[1])?;
    let position = |member: &Bytes| match zset.and_then(|zset| place(zset, member)) {
        Some(point) => coordinates(point),
        None => Reply::NullArray,
    };
    Ok(Reply::Array(args[2..].iter().map(position).collect()))
}
