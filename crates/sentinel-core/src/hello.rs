//! Hello messages: the eight fields by which Sentinels find each other and spread configurations.

use alloc::string::String;
use core::fmt;

/// The channel on every monitored server.
pub(crate) const CHANNEL: &str = "__sentinel__:hello";

/// A hello message. It owns nothing: hellos come and go by the thousands, and say nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) run_id: &'a str,
    pub(crate) current_epoch: u64,
    pub(crate) master_name: &'a str,
    pub(crate) master_host: &'a str,
    pub(crate) master_port: u16,
    pub(crate) config_epoch: u64,
}

impl<'a> Hello<'a> {
    /// Reads a payload; `None` if it is not one: wrong number of fields, numbers that are none,
    /// text that is no text. A run id must be 40 characters, as MYID is.
    pub(crate) fn parse(payload: &'a [u8]) -> Option<Self> {
        let text = core::str::from_utf8(payload).ok()?;
        let mut fields = text.split(',');
        let mut next = || fields.next();
        let hello = Self {
            host: next()?,
            port: next()?.parse().ok()?,
            run_id: next()?,
            current_epoch: next()?.parse().ok()?,
            master_name: next()?,
            master_host: next()?,
            master_port: next()?.parse().ok()?,
            config_epoch: next()?.parse().ok()?,
        };
        let sane = next().is_none()
            && hello.run_id.len() == 40
            && hello.run_id.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && is_host(hello.host)
            && is_host(hello.master_host);
        sane.then_some(hello)
    }
}

/// A run id, or the `*` that stands for none: what can be kept, logged and compared without harm.
pub(crate) fn run_id(bytes: &[u8]) -> Option<String> {
    let sane = bytes == b"*"
        || (!bytes.is_empty() && bytes.len() <= 64 && bytes.iter().all(u8::is_ascii_alphanumeric));
    sane.then(|| String::from_utf8_lossy(bytes).into_owned())
}

/// A host that can stand in a config file line: it is one word without quotes or control characters.
pub(crate) fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-_%".contains(&byte))
}

impl fmt::Display for Hello<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{},{},{},{},{},{},{},{}",
            self.host,
            self.port,
            self.run_id,
            self.current_epoch,
            self.master_name,
            self.master_host,
            self.master_port,
            self.config_epoch
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const GOOD: &str = "127.0.0.1,26379,0123456789abcdef0123456789abcdef01234567,7,mymaster,10.0.0.1,6379,3";

    #[test]
    fn a_hello_is_read_and_written_alike() {
        assert_eq!(Hello::parse(GOOD.as_bytes()).unwrap().to_string(), GOOD);
    }

    #[test]
    fn nonsense_is_no_hello() {
        let long = GOOD.replace("127.0.0.1", &"a".repeat(256));
        for bad in [
            "",
            ",,,,,,,",
            "a,b,c,d,e,f,g,h",
            &GOOD.replace("26379", "66379"),
            &GOOD.replace(",7,", ",-7,"),
            &GOOD.replace(",7,", ",99999999999999999999,"),
            &GOOD.replace("01234567,", ","),
            &GOOD.replace("10.0.0.1", "10.0.0.1\n"),
            &GOOD.replace("10.0.0.1", ""),
            &alloc::format!("{GOOD},"),
            &long,
        ] {
            assert_eq!(Hello::parse(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Hello::parse(b"\xff\xfe"), None);
    }
}
