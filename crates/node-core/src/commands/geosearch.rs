//! Searches for places: GEOSEARCH, GEOSEARCHSTORE and the older GEORADIUS and GEORADIUSBYMEMBER
//! (`geo.c: georadiusGeneric`).
//!
//! Differs from Redis: places at the same distance keep the order in which they were found, also where COUNT cuts
//! between them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::Flags;

use super::args::{self, is};
use super::geo::{GEO, coordinates, place, point, unit};
use crate::command::{Command, Keys, docs};
use crate::double::Double;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::geo::{self, Form, Meters, Point, Shape, Unit};
use crate::number::{index, int};
use crate::types::ZSet;

const READ: Flags = Flags::READONLY;
const WRITE: Flags = Flags::WRITE.and(Flags::DENYOOM);
const COST: &str = "O(N+log(M)) for N places in the area and M near it";

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("georadius", -6, WRITE, GEO,
        docs("geo", "3.2.0", COST, "Searches around a place, and may store what it finds."), Keys::GeoStore(6),
        |exec, args| search(exec, args, Syntax::Radius { may_store: true })),
    Command::new("georadius_ro", -6, READ, GEO,
        docs("geo", "3.2.10", COST, "Searches around a place."), Keys::One(1),
        |exec, args| search(exec, args, Syntax::Radius { may_store: false })),
    Command::new("georadiusbymember", -5, WRITE, GEO,
        docs("geo", "3.2.0", COST, "Searches around a member, and may store what it finds."), Keys::GeoStore(5),
        |exec, args| search(exec, args, Syntax::RadiusByMember { may_store: true })),
    Command::new("georadiusbymember_ro", -5, READ, GEO,
        docs("geo", "3.2.10", COST, "Searches around a member."), Keys::One(1),
        |exec, args| search(exec, args, Syntax::RadiusByMember { may_store: false })),
    Command::new("geosearch", -7, READ, GEO,
        docs("geo", "6.2.0", COST, "Searches in an area."), Keys::One(1),
        |exec, args| search(exec, args, Syntax::Search)),
    Command::new("geosearchstore", -8, WRITE, GEO,
        docs("geo", "6.2.0", COST, "Searches in an area and stores what it finds."), Keys::Two(1),
        |exec, args| search(exec, args, Syntax::SearchStore)),
];

/// The command, which decides how its words are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Radius { may_store: bool },
    RadiusByMember { may_store: bool },
    Search,
    SearchStore,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// What a request says.
#[derive(Default)]
struct Request<'a> {
    /// The place in the middle; none also if it is a member of nothing.
    center: Option<Point>,
    from_member: bool,
    from_lonlat: bool,
    form: Option<(Form, Unit)>,
    with_dist: bool,
    with_hash: bool,
    with_coord: bool,
    order: Option<Order>,
    count: Option<usize>,
    /// The first `count` that are found, not the nearest.
    any: bool,
    store: Option<&'a Bytes>,
    /// Distances are stored as scores.
    store_distances: bool,
}

impl<'a> Request<'a> {
    fn parse(args: &'a [Bytes], syntax: Syntax, zset: Option<&ZSet>) -> Result<Self, Fault> {
        let mut request = Self::default();
        let options = match syntax {
            Syntax::Radius { .. } => {
                request.center = Some(point(&args[2], &args[3])?);
                request.form = Some(circle(&args[4], &args[5])?);
                &args[6..]
            }
            Syntax::RadiusByMember { .. } => {
                if let Some(zset) = zset {
                    request.center = Some(member(zset, &args[2])?);
                    request.form = Some(circle(&args[3], &args[4])?);
                }
                &args[5..]
            }
            Syntax::Search => &args[2..],
            Syntax::SearchStore => {
                request.store = Some(&args[1]);
                &args[3..]
            }
        };
        request.parse_options(options, syntax, zset)?;
        request.check(&args[0], syntax)?;
        Ok(request)
    }

    fn parse_options(
        &mut self,
        mut words: &'a [Bytes],
        syntax: Syntax,
        zset: Option<&ZSet>,
    ) -> Result<(), Fault> {
        while let [name, rest @ ..] = words {
            words = match rest {
                _ if self.set_flag(name) => rest,
                [count, rest @ ..] if is(name, "count") => {
                    let count = args::int(count)?;
                    if count <= 0 {
                        return Err(Fault::of("ERR COUNT must be > 0"));
                    }
                    self.count = Some(index(count));
                    rest
                }
                rest => match syntax {
                    Syntax::Search | Syntax::SearchStore => self.search_option(name, rest, syntax, zset)?,
                    Syntax::Radius { may_store } | Syntax::RadiusByMember { may_store } => match rest {
                        [key, rest @ ..] if may_store && (is(name, "store") || is(name, "storedist")) => {
                            self.store = Some(key);
                            self.store_distances = is(name, "storedist");
                            rest
                        }
                        _ => return Err(Fault::SYNTAX),
                    },
                },
            };
        }
        Ok(())
    }

    /// The options without a value that all commands have.
    fn set_flag(&mut self, name: &[u8]) -> bool {
        if is(name, "asc") {
            self.order = Some(Order::Ascending);
        } else if is(name, "desc") {
            self.order = Some(Order::Descending);
        } else {
            let flag = match name {
                name if is(name, "withdist") => &mut self.with_dist,
                name if is(name, "withhash") => &mut self.with_hash,
                name if is(name, "withcoord") => &mut self.with_coord,
                name if is(name, "any") => &mut self.any,
                _ => return false,
            };
            *flag = true;
        }
        true
    }

    /// The options of GEOSEARCH; what follows is returned.
    fn search_option(
        &mut self,
        name: &[u8],
        rest: &'a [Bytes],
        syntax: Syntax,
        zset: Option<&ZSet>,
    ) -> Result<&'a [Bytes], Fault> {
        let is_circle = matches!(self.form, Some((Form::Circle { .. }, _)));
        let is_rectangle = matches!(self.form, Some((Form::Rectangle { .. }, _)));
        match rest {
            rest if is(name, "storedist") && syntax == Syntax::SearchStore => {
                self.store_distances = true;
                Ok(rest)
            }
            [name_of_member, rest @ ..] if is(name, "frommember") && !self.from_lonlat => {
                self.from_member = true;
                self.center = zset.map(|zset| member(zset, name_of_member)).transpose()?;
                Ok(rest)
            }
            [longitude, latitude, rest @ ..] if is(name, "fromlonlat") && !self.from_member => {
                self.from_lonlat = true;
                self.center = Some(point(longitude, latitude)?);
                Ok(rest)
            }
            [radius, unit, rest @ ..] if is(name, "byradius") && !is_rectangle => {
                self.form = Some(circle(radius, unit)?);
                Ok(rest)
            }
            [width, height, unit, rest @ ..] if is(name, "bybox") && !is_circle => {
                self.form = Some(rectangle(width, height, unit)?);
                Ok(rest)
            }
            _ => Err(Fault::SYNTAX),
        }
    }

    fn check(&self, name: &[u8], syntax: Syntax) -> Result<(), Fault> {
        let is_search = matches!(syntax, Syntax::Search | Syntax::SearchStore);
        let name = String::from_utf8_lossy(name);
        if self.store.is_some() && (self.with_dist || self.with_hash || self.with_coord) {
            let what = if is_search { "GEOSEARCHSTORE" } else { "STORE option in GEORADIUS" };
            return Err(Fault::new(format!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        if is_search && !(self.from_member || self.from_lonlat) {
            return Err(Fault::new(format!(
                "ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for {name}"
            )));
        }
        if is_search && self.form.is_none() {
            return Err(Fault::new(format!(
                "ERR exactly one of BYRADIUS and BYBOX can be specified for {name}"
            )));
        }
        if self.any && self.count.is_none() {
            return Err(Fault::of("ERR the ANY argument requires COUNT argument"));
        }
        Ok(())
    }
}

fn member(zset: &ZSet, name: &[u8]) -> Result<Point, Fault> {
    place(zset, name).ok_or(Fault::of("ERR could not decode requested zset member"))
}

fn circle(radius: &[u8], unit_name: &[u8]) -> Result<(Form, Unit), Fault> {
    let radius = Double::parse(radius).ok_or(Fault::of("ERR need numeric radius"))?;
    if radius < Double::ZERO {
        return Err(Fault::of("ERR radius cannot be negative"));
    }
    Ok((Form::Circle { radius }, unit(unit_name)?))
}

fn rectangle(width: &[u8], height: &[u8], unit_name: &[u8]) -> Result<(Form, Unit), Fault> {
    let width = Double::parse(width).ok_or(Fault::of("ERR need numeric width"))?;
    let height = Double::parse(height).ok_or(Fault::of("ERR need numeric height"))?;
    if width < Double::ZERO || height < Double::ZERO {
        return Err(Fault::of("ERR height or width cannot be negative"));
    }
    Ok((Form::Rectangle { width, height }, unit(unit_name)?))
}

/// A member in the area.
struct Found {
    member: Bytes,
    score: Double,
    point: Point,
    distance: Meters,
}

/// What is in the area, in the order of the request and not more than it asks for.
fn find(zset: &ZSet, shape: &Shape, request: &Request) -> Vec<Found> {
    let limit = request.count.filter(|_| request.any).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for (first, end) in shape.score_ranges() {
        let start = zset.partition_point(|score, _| score < first);
        let in_cell = zset.range(start..zset.len()).take_while(|(_, score)| *score < end);
        let in_area = in_cell.filter_map(|(member, score)| {
            let point = Point::of_score(score);
            let distance = shape.distance(point)?;
            Some(Found { member: Bytes::copy_from_slice(member), score, point, distance })
        });
        found.extend(in_area.take(limit - found.len()));
    }
    // To cut without an order is to ask for the nearest.
    let nearest = (request.count.is_some() && !request.any).then_some(Order::Ascending);
    match request.order.or(nearest) {
        None => {}
        Some(Order::Ascending) => found.sort_by(|left, right| left.distance.cmp(right.distance)),
        Some(Order::Descending) => found.sort_by(|left, right| right.distance.cmp(left.distance)),
    }
    found.truncate(request.count.unwrap_or(usize::MAX));
    found
}

/// `GEOSEARCH key FROMMEMBER member|FROMLONLAT longitude latitude BYRADIUS radius unit|BYBOX width height unit
/// [ASC|DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]`, and its kin.
fn search(exec: &mut Exec, args: &[Bytes], syntax: Syntax) -> Answer {
    let source = &args[if syntax == Syntax::SearchStore { 2 } else { 1 }];
    let zset = exec.get::<ZSet>(source)?;
    let request = Request::parse(args, syntax, zset)?;
    let mut unit = Unit::Meter;
    let mut found = Vec::new();
    if let (Some(zset), Some(center), Some((form, form_unit))) = (zset, request.center, request.form) {
        unit = form_unit;
        found = find(zset, &Shape { center, form, unit }, &request);
    }
    match request.store {
        Some(destination) => {
            let score = |found: &Found| {
                if request.store_distances { found.distance.in_unit(unit) } else { found.score }
            };
            let members: Vec<_> = found.iter().map(|found| (found.member.clone(), score(found))).collect();
            store(exec, destination, &members)
        }
        None => Ok(Reply::Array(found.into_iter().map(|found| reply(found, &request, unit)).collect())),
    }
}

fn store(exec: &mut Exec, destination: &Bytes, members: &[(Bytes, Double)]) -> Answer {
    if !members.is_empty() {
        let zset = ZSet::of_members(members, exec.keyspace.hash_key, &exec.keyspace.settings);
        exec.touch(destination);
        exec.set(destination, zset);
        exec.count_changes(members.len() - 1);
    } else if exec.touch(destination) {
        exec.remove(destination);
    }
    Ok(Reply::Integer(int(members.len())))
}

fn reply(found: Found, request: &Request, unit: Unit) -> Reply {
    let member = Reply::Bulk(found.member);
    let distance = request.with_dist.then(|| Reply::Bulk(found.distance.text(unit)));
    let hash = request.with_hash.then(|| Reply::Integer(geo::bits(found.score).cast_signed()));
    let place = request.with_coord.then(|| coordinates(found.point));
    let more: Vec<Reply> = [distance, hash, place].into_iter().flatten().collect();
    if more.is_empty() {
        return member;
    }
    Reply::Array(core::iter::once(member).chain(more).collect())
}
