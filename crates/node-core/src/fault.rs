//! What commands answer when they cannot run: the error texts of Redis, each spelled once.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use picket_resp::Reply;

/// An error reply. Whatever a command finds wrong leaves the data as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Cow<'static, str>);

/// What a command answers.
pub(crate) type Answer = Result<Reply, Fault>;

macro_rules! texts {
    ($($name:ident = $text:literal,)*) => {
        impl Fault {
            $(pub(crate) const $name: Self = Self(Cow::Borrowed($text));)*
        }
    };
}

texts! {
    WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value",
    SYNTAX = "ERR syntax error",
    NOT_INTEGER = "ERR value is not an integer or out of range",
    NOT_FLOAT = "ERR value is not a valid float",
    NOT_BUSY = "NOTBUSY No scripts in execution right now.",
    SCRIPT_FLUSH_OPTION = "ERR SCRIPT FLUSH only support SYNC|ASYNC option",
    NO_SUCH_KEY = "ERR no such key",
    INDEX_OUT_OF_RANGE = "ERR index out of range",
    OUT_OF_RANGE = "ERR value is out of range",
    OUT_OF_RANGE_POSITIVE = "ERR value is out of range, must be positive",
    OVERFLOW = "ERR increment or decrement would overflow",
    DECREMENT_OVERFLOW = "ERR decrement would overflow",
    NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity",
    STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
    DB_OUT_OF_RANGE = "ERR DB index is out of range",
    SAME_OBJECT = "ERR source and destination objects are the same",
    INVALID_CURSOR = "ERR invalid cursor",
    OFFSET_OUT_OF_RANGE = "ERR offset is out of range",
    NUMKEYS = "ERR numkeys should be greater than 0",
    COUNT_POSITIVE = "ERR count should be greater than 0",
    LIMIT_NEGATIVE = "ERR LIMIT can't be negative",
    HASH_NOT_INTEGER = "ERR hash value is not an integer",
    HASH_NOT_FLOAT = "ERR hash value is not a float",
    MIN_MAX_NOT_FLOAT = "ERR min or max is not a float",
    MIN_MAX_NOT_STRING = "ERR min or max not valid string range item",
    SCORE_NAN = "ERR resulting score is not a number (NaN)",
    BIT_OFFSET = "ERR bit offset is not an integer or out of range",
    BITFIELD_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    INVALID_STREAM_ID = "ERR Invalid stream ID specified as stream command argument",
    XGROUP_NO_KEY = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
                     MKSTREAM option to create an empty stream automatically.",
    WEIGHT_NOT_FLOAT = "ERR weight value is not a float",
}

impl Fault {
    /// A fault with a text that is known when this is compiled, code first.
    pub(crate) const fn of(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// A fault with a text of its own, code first.
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    pub(crate) fn wrong_arity(command: &str) -> Self {
        Self(format!("ERR wrong number of arguments for '{command}' command").into())
    }

    pub(crate) fn not_run(command: &[u8]) -> Self {
        let command = shown(command, 128).to_uppercase();
        let words = "Picket keeps scripts and functions and passes them on, but does not run them";
        Self(format!("ERR {command} is not supported: {words}").into())
    }

    #[cfg(not(feature = "full"))]
    pub(crate) fn left_out(command: &[u8]) -> Self {
        let command = shown(command, 128).to_uppercase();
        Self(format!("ERR {command} is left out of this build of Picket").into())
    }

    pub(crate) fn invalid_expire(command: &str) -> Self {
        Self(format!("ERR invalid expire time in '{command}' command").into())
    }

    pub(crate) fn unknown_command(args: &[Bytes]) -> Self {
        const QUOTED_LEN_MAX: usize = 128;
        let name = args.first().map(|name| shown(name, QUOTED_LEN_MAX)).unwrap_or_default();
        let mut rest = String::new();
        for arg in args.iter().skip(1) {
            if rest.len() >= QUOTED_LEN_MAX {
                break;
            }
            rest += &format!("'{}' ", shown(arg, QUOTED_LEN_MAX - rest.len()));
        }
        Self(format!("ERR unknown command '{name}', with args beginning with: {rest}").into())
    }

    pub(crate) fn unknown_subcommand(container: &str, name: &[u8]) -> Self {
        Self(format!("ERR unknown subcommand '{}'. Try {container} HELP.", shown(name, 128)).into())
    }

    /// A subcommand with words that it does not take (`addReplySubcommandSyntaxError`).
    pub(crate) fn subcommand_syntax(container: &str, name: &[u8]) -> Self {
        let name = shown(name, 128);
        let text = format!(
            "ERR unknown subcommand or wrong number of arguments for '{name}'. Try {container} HELP."
        );
        Self(text.into())
    }

    /// The text that is sent.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

fn shown(bytes: &[u8], len_max: usize) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(len_max)]).into_owned()
}

impl From<Fault> for Reply {
    fn from(fault: Fault) -> Self {
        Self::Error(match fault.0 {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        })
    }
}
