//! A RESP2 or RESP3 reply as tests look at it, and its reader.

use std::fmt;
use std::io::{self, BufRead, ErrorKind};

/// A reply of any server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `+text`.
    Status(String),
    /// `-text`.
    Error(String),
    /// `:number`.
    Int(i64),
    /// `$length` or RESP3's verbatim string, whose three-letter format is dropped.
    Bulk(Vec<u8>),
    /// `$-1`, `*-1` or RESP3's `_`.
    Nil,
    /// `*count`, and RESP3's set.
    Array(Vec<Reply>),
    /// RESP3's map, in the order of the wire.
    Map(Vec<(Reply, Reply)>),
    /// RESP3's push message.
    Push(Vec<Reply>),
    /// RESP3's boolean.
    Bool(bool),
    /// RESP3's double or big number, as it was spelled.
    Number(String),
}

/// How deep a reply may nest before it is taken for nonsense.
const DEPTH_MAX: u32 = 32;
/// The longest string a test expects; more is taken for nonsense.
const BULK_MAX: usize = 64 << 20;

impl Reply {
    /// Reads one reply.
    ///
    /// # Errors
    /// What the stream gives, and `InvalidData` for bytes that are no reply.
    pub fn read(from: &mut impl BufRead) -> io::Result<Self> {
        Self::read_nested(from, 0)
    }

    fn read_nested(from: &mut impl BufRead, depth: u32) -> io::Result<Self> {
        if depth > DEPTH_MAX {
            return Err(nonsense("nested too deep"));
        }
        let line = read_line(from)?;
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| nonsense("an empty line"))?;
        match kind {
            "+" => Ok(Self::Status(rest.to_owned())),
            "-" => Ok(Self::Error(rest.to_owned())),
            ":" => Ok(Self::Int(number(rest)?)),
            "$" | "=" if rest == "-1" => Ok(Self::Nil),
            "$" => Ok(Self::Bulk(read_bulk(from, rest)?)),
            "=" => Ok(Self::Bulk(read_bulk(from, rest)?.split_off(4))),
            "!" => Ok(Self::Error(String::from_utf8_lossy(&read_bulk(from, rest)?).into_owned())),
            "*" if rest == "-1" => Ok(Self::Nil),
            "_" => Ok(Self::Nil),
            "#" => Ok(Self::Bool(rest == "t")),
            "," | "(" => Ok(Self::Number(rest.to_owned())),
            "*" | "~" => Ok(Self::Array(Self::read_many(from, rest, 1, depth)?)),
            ">" => Ok(Self::Push(Self::read_many(from, rest, 1, depth)?)),
            "%" => {
                let mut flat = Self::read_many(from, rest, 2, depth)?.into_iter();
                let mut pairs = Vec::new();
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    pairs.push((key, value));
                }
                Ok(Self::Map(pairs))
            }
            _ => Err(nonsense(&format!("{line:?}"))),
        }
    }

    fn read_many(from: &mut impl BufRead, count: &str, each: i64, depth: u32) -> io::Result<Vec<Self>> {
        (0..number(count)? * each).map(|_| Self::read_nested(from, depth + 1)).collect()
    }

    /// The text of a status, bulk string or number; `None` for everything else, errors among it.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Status(text) | Self::Number(text) => Some(text.clone()),
            Self::Bulk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Self::Int(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The text of an error.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Error(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an integer reply.
    #[must_use]
    pub fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether this is the status `OK`.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Status(text) if text == "OK")
    }

    /// The elements of an array or push; empty for everything else.
    #[must_use]
    pub fn items(&self) -> &[Reply] {
        match self {
            Self::Array(items) | Self::Push(items) => items,
            _ => &[],
        }
    }

    /// The texts of an array's elements, empty text for what has none.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.items().iter().map(|item| item.text().unwrap_or_default()).collect()
    }

    /// The value named `key` of a map, or of an array that spells a map flat.
    #[must_use]
    pub fn field(&self, key: &str) -> Option<&Reply> {
        let is_key = |reply: &Reply| reply.text().as_deref() == Some(key);
        match self {
            Self::Map(pairs) => pairs.iter().find(|(name, _)| is_key(name)).map(|(_, value)| value),
            Self::Array(items) => items.chunks_exact(2).find(|pair| is_key(&pair[0])).map(|pair| &pair[1]),
            _ => None,
        }
    }

    /// The text of [`Reply::field`], empty if there is none.
    #[must_use]
    pub fn field_text(&self, key: &str) -> String {
        self.field(key).and_then(Self::text).unwrap_or_default()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) => write!(f, "(error) {text}"),
            Self::Nil => f.write_str("(nil)"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Array(items) | Self::Push(items) => f.debug_list().entries(items).finish(),
            Self::Map(pairs) => f.debug_map().entries(pairs.iter().map(|(k, v)| (k, v))).finish(),
            other => f.write_str(&other.text().unwrap_or_default()),
        }
    }
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "the connection was closed"));
    }
    if !line.ends_with(b"\r\n") {
        return Err(nonsense("a line without CRLF"));
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn read_bulk(from: &mut impl BufRead, length: &str) -> io::Result<Vec<u8>> {
    let length = usize::try_from(number(length)?).map_err(|_| nonsense("a negative length"))?;
    if length > BULK_MAX {
        return Err(nonsense("a string longer than any test expects"));
    }
    let mut bytes = vec![0; length + 2];
    from.read_exact(&mut bytes)?;
    if !bytes.ends_with(b"\r\n") {
        return Err(nonsense("a bulk string without CRLF"));
    }
    bytes.truncate(length);
    Ok(bytes)
}

fn number(text: &str) -> io::Result<i64> {
    text.parse().map_err(|_| nonsense(&format!("{text:?} where a number belongs")))
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("not RESP: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mut wire: &[u8], expected: &Reply) {
        assert_eq!(&Reply::read(&mut wire).expect("a reply"), expected);
        assert!(wire.is_empty(), "{} bytes left", wire.len());
    }

    #[test]
    fn reads_both_protocols() {
        check(b"+OK\r\n", &Reply::Status("OK".into()));
        check(b"-ERR no\r\n", &Reply::Error("ERR no".into()));
        check(b":-3\r\n", &Reply::Int(-3));
        check(b"$2\r\na\n\r\n", &Reply::Bulk(b"a\n".to_vec()));
        check(b"$-1\r\n", &Reply::Nil);
        check(b"_\r\n", &Reply::Nil);
        check(b"=6\r\ntxt:hi\r\n", &Reply::Bulk(b"hi".to_vec()));
        check(b"*2\r\n:1\r\n*0\r\n", &Reply::Array(vec![Reply::Int(1), Reply::Array(vec![])]));
        check(b"%1\r\n+a\r\n#t\r\n", &Reply::Map(vec![(Reply::Status("a".into()), Reply::Bool(true))]));
        check(b">1\r\n,1.5\r\n", &Reply::Push(vec![Reply::Number("1.5".into())]));
    }

    #[test]
    fn refuses_nonsense() {
        for wire in ["?\r\n", "$x\r\n", "$99999999999\r\n", "$1\r\nabc", "+half", ""] {
            assert!(Reply::read(&mut wire.as_bytes()).is_err(), "{wire:?}");
        }
        let deep = "*1\r\n".repeat(100);
        assert!(Reply::read(&mut deep.as_bytes()).is_err());
    }

    #[test]
    fn fields_are_found_in_maps_and_flat_arrays() {
        let flat = Reply::Array(vec![Reply::Status("a".into()), Reply::Int(1)]);
        assert_eq!(flat.field_text("a"), "1");
        assert_eq!(flat.field_text("b"), "");
        let map = Reply::Map(vec![(Reply::Status("a".into()), Reply::Int(1))]);
        assert_eq!(map.field("a"), Some(&Reply::Int(1)));
    }
}
