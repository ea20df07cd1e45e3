//! SORT and SORT_RO (`sort.c`).
//!
//! Differs from Redis: ALPHA compares bytes, whatever the locale of the process. Elements that compare equal keep
//! the order that they had.

use alloc::vec::Vec;
use core::cmp::Ordering;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::{Categories, Flags};

use super::args::{self, is, own};
use crate::command::{Command, Keys, docs};
use crate::double::Double;
use crate::exec::Exec;
use crate::fault::{Answer, Fault};
use crate::number::{index, int};
use crate::types::{End, List, Str, Value};

const SORT: Categories =
    Categories::SET.and(Categories::SORTEDSET).and(Categories::LIST).and(Categories::DANGEROUS);

#[rustfmt::skip]
pub(super) const TABLE: &[Command] = &[
    Command::new("sort", -2, Flags::WRITE.and(Flags::DENYOOM), SORT,
        docs("generic", "1.0.0", "O(N+M*log(M)) for M returned elements of N", "Sorts a list, a set or a sorted set, and may store the result."),
        Keys::SortStore, |exec, args| sort(exec, args, Access::ReadWrite)),
    Command::new("sort_ro", -2, Flags::READONLY, SORT,
        docs("generic", "7.0.0", "O(N+M*log(M)) for M returned elements of N", "Sorts a list, a set or a sorted set."),
        Keys::Sort, |exec, args| sort(exec, args, Access::Read)),
];

/// What a command may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    ReadWrite,
}

/// The options of a request.
#[derive(Default)]
struct Options<'a> {
    is_descending: bool,
    is_alphabetic: bool,
    /// The first element and how many; negative for all.
    limit: Option<(i64, i64)>,
    by: Option<&'a Bytes>,
    get: Vec<&'a Bytes>,
    store: Option<&'a Bytes>,
}

impl<'a> Options<'a> {
    fn parse(mut words: &'a [Bytes], access: Access) -> Result<Self, Fault> {
        let mut options = Self::default();
        while let [name, rest @ ..] = words {
            words = match rest {
                rest if is(name, "asc") => {
                    options.is_descending = false;
                    rest
                }
                rest if is(name, "desc") => {
                    options.is_descending = true;
                    rest
                }
                rest if is(name, "alpha") => {
                    options.is_alphabetic = true;
                    rest
                }
                [start, count, rest @ ..] if is(name, "limit") => {
                    options.limit = Some((args::int(start)?, args::int(count)?));
                    rest
                }
                [key, rest @ ..] if is(name, "store") && access == Access::ReadWrite => {
                    options.store = Some(key);
                    rest
                }
                [pattern, rest @ ..] if is(name, "by") => {
                    options.by = Some(pattern);
                    rest
                }
                [pattern, rest @ ..] if is(name, "get") => {
                    options.get.push(pattern);
                    rest
                }
                _ => return Err(Fault::SYNTAX),
            };
        }
        Ok(options)
    }

    /// The part of so many elements that is asked for.
    fn part(&self, len: usize) -> core::ops::Range<usize> {
        let (start, count) = self.limit.unwrap_or((0, -1));
        let start = index(start.max(0)).min(len);
        let count = if count < 0 { len } else { index(count) };
        start..start.saturating_add(count).min(len)
    }
}

/// What an element is sorted by.
enum Weight {
    Number(Double),
    /// Something that BY found, or did not.
    Text(Option<Bytes>),
    /// The element.
    Itself,
}

impl Weight {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(left), Self::Number(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            // Numbers and texts do not meet.
            _ => Ordering::Equal,
        }
    }

    /// Whether elements of the same weight have an order.
    fn is_last_word(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

/// `SORT key [BY pattern] [LIMIT start count] [GET pattern ...] [ASC|DESC] [ALPHA] [STORE destination]`.
fn sort(exec: &mut Exec, args: &[Bytes], access: Access) -> Answer {
    let mut options = Options::parse(&args[2..], access)?;
    let (mut elements, is_set) = elements(exec, &args[1])?;
    // A pattern without a place for the element asks for the order that is there. A set has none that replicas
    // share, so it gets one before it is stored.
    let mut is_sorted = options.by.is_none_or(|pattern| pattern.contains(&b'*'));
    if !is_sorted && is_set && options.store.is_some() {
        (is_sorted, options.is_alphabetic, options.by) = (true, true, None);
    }
    if is_sorted {
        elements = sorted(exec, elements, &options)?;
    } else if options.is_descending && !is_set {
        elements.reverse();
    }
    let part = options.part(elements.len());
    let mut output = Vec::new();
    for element in &elements[part] {
        if options.get.is_empty() {
            output.push(Some(element.clone()));
        }
        for pattern in &options.get {
            output.push(look_up(exec, pattern, element));
        }
    }
    match options.store {
        None => Ok(Reply::Array(output.into_iter().map(Reply::from).collect())),
        Some(destination) => store(exec, destination, &output),
    }
}

/// The elements of a key in their own order, and whether they are those of a set.
fn elements(exec: &mut Exec, key: &[u8]) -> Result<(Vec<Bytes>, bool), Fault> {
    Ok(match exec.entry(key).map(|entry| &entry.value) {
        None => (Vec::new(), false),
        Some(Value::List(list)) => (list.iter().map(own).collect(), false),
        Some(Value::ZSet(zset)) => (zset.iter().map(|(member, _)| own(member)).collect(), false),
        Some(Value::Set(set)) => (set.iter().collect(), true),
        Some(_) => return Err(Fault::WRONG_TYPE),
    })
}

fn sorted(exec: &mut Exec, elements: Vec<Bytes>, options: &Options) -> Result<Vec<Bytes>, Fault> {
    let mut is_bad = false;
    let mut weighted = Vec::with_capacity(elements.len());
    for element in elements {
        let found = options.by.map(|pattern| look_up(exec, pattern, &element));
        let weight = match (found, options.is_alphabetic) {
            (Some(found), true) => Weight::Text(found),
            (None, true) => Weight::Itself,
            (Some(None), false) => Weight::Number(Double::ZERO),
            (Some(Some(text)), false) => number(&text, &mut is_bad),
            (None, false) => number(&element, &mut is_bad),
        };
        weighted.push((weight, element));
    }
    if is_bad {
        return Err(Fault::of("ERR One or more scores can't be converted into double"));
    }
    weighted.sort_by(|(left_weight, left), (right_weight, right)| {
        let by_weight = left_weight.cmp(right_weight);
        let order =
            if left_weight.is_last_word() { by_weight } else { by_weight.then_with(|| left.cmp(right)) };
        if options.is_descending { order.reverse() } else { order }
    });
    Ok(weighted.into_iter().map(|(_, element)| element).collect())
}

/// A number as `strtod` reads it: blanks in front are skipped, and nothing is zero.
fn number(text: &[u8], is_bad: &mut bool) -> Weight {
    let text = text.trim_ascii_start();
    let number = if text.is_empty() { Some(Double::ZERO) } else { Double::parse(text) };
    let is_infinite = |number: Double| number == Double::INFINITY || number == Double::NEG_INFINITY;
    // What has digits and is infinite was too large.
    let number = number.filter(|number| !(is_infinite(*number) && text.iter().any(u8::is_ascii_digit)));
    *is_bad |= number.is_none();
    Weight::Number(number.unwrap_or(Double::ZERO))
}

/// What a pattern of BY or GET means for an element: the string, or the field behind `->`, of the key that comes
/// of putting the element in the place of the first `*`.
fn look_up(exec: &mut Exec, pattern: &[u8], element: &Bytes) -> Option<Bytes> {
    if pattern == b"#" {
        return Some(element.clone());
    }
    let star = pattern.iter().position(|byte| *byte == b'*')?;
    let (prefix, rest) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = rest.windows(2).position(|pair| pair == b"->").filter(|at| at + 2 < rest.len());
    let postfix = &rest[..arrow.unwrap_or(rest.len())];
    let key = [prefix, element, postfix].concat();
    match arrow {
        None => exec.get::<Str>(&key).ok()?.map(Str::bytes),
        Some(at) => {
            let field = &rest[at + 2..];
            exec.expire_field(&key, field);
            exec.hash(&key).ok()??.get(field).map(own)
        }
    }
}

fn store(exec: &mut Exec, destination: &Bytes, output: &[Option<Bytes>]) -> Answer {
    if !output.is_empty() {
        let mut list = List::default();
        for element in output {
            list.push(End::Right, element.as_deref().unwrap_or_default());
        }
        list.choose_encoding(exec.keyspace.settings.list_max_listpack_size);
        exec.touch(destination);
        exec.set(destination, list);
        exec.count_changes(output.len() - 1);
    } else if exec.touch(destination) {
        exec.remove(destination);
    }
    Ok(Reply::Integer(int(output.len())))
}
