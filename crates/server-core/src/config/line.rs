//! Lines of a configuration file and what can be wrong with one
//! (the reading half of `config.c: loadServerConfigFromString`).

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use picket_resp::split_args;

/// One directive: where it stands, what it says, and its words.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigLine {
    /// Name of the file as the host knows it.
    pub file: Arc<str>,
    /// Line number, from 1.
    pub number: u32,
    /// The trimmed line.
    pub text: Vec<u8>,
    /// Its words with quotes resolved; never empty, and the first is lower-case.
    pub args: Vec<Vec<u8>>,
}

/// A line that cannot be accepted, and why.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Name of the file as the host knows it.
    pub file: Arc<str>,
    /// Line number, from 1.
    pub line: u32,
    /// The trimmed line.
    pub text: String,
    /// What is wrong with it, in Redis's words.
    pub reason: String,
}

/// The directives of `text`, in order; comments and blank lines are skipped. The iterator goes on
/// after an error, but a reader of configuration stops there, as Redis does.
pub fn lines<'a>(
    file: &Arc<str>,
    text: &'a [u8],
) -> impl Iterator<Item = Result<ConfigLine, ConfigError>> + use<'a> {
    let file = Arc::clone(file);
    text.split(|byte| *byte == b'\n').zip(1_u32..).filter_map(move |(raw, number)| {
        let text = trim(raw);
        if text.first().is_none_or(|first| *first == b'#') {
            return None;
        }
        let mut line = ConfigLine { file: Arc::clone(&file), number, text: text.to_vec(), args: Vec::new() };
        match split_args(text) {
            Ok(words) => line.args = words,
            Err(_) => return Some(Err(line.error("Unbalanced quotes in configuration line"))),
        }
        line.args.first_mut()?.make_ascii_lowercase();
        Some(Ok(line))
    })
}

impl ConfigLine {
    /// The directive's name, lower-case.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.args.first().map_or(&[], Vec::as_slice)
    }

    /// An error about this line.
    pub fn error(&self, reason: impl Into<String>) -> ConfigError {
        ConfigError {
            file: Arc::clone(&self.file),
            line: self.number,
            text: String::from_utf8_lossy(&self.text).into_owned(),
            reason: reason.into(),
        }
    }
}

impl ConfigError {
    /// The text a server prints before it exits; `version` is what stands in the brackets
    /// (`Redis 7.0.15`, `Version 8.0.1`).
    #[must_use]
    pub fn fatal(&self, version: &str) -> String {
        alloc::format!(
            "\n*** FATAL CONFIG FILE ERROR ({version}) ***\nReading the configuration file, at line {}\n>>> '{}'\n{}\n",
            self.line,
            self.text,
            self.reason
        )
    }
}

// The text of a line may hold a password: `Debug` tells where it stands, not what it says.
impl fmt::Debug for ConfigLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {} …", self.file, self.number, shown(self.name()))
    }
}

impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// `raw` without the blanks that Redis trims from both ends of a line.
pub(super) fn trim(raw: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let Some(start) = raw.iter().position(|byte| !blank(byte)) else {
        return &[];
    };
    let end = raw.iter().rposition(|byte| !blank(byte)).unwrap_or(start);
    &raw[start..=end]
}

/// Bytes as text for a message; what is not UTF-8 is shown with replacement characters.
pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    type Outcome = Result<Vec<Vec<u8>>, (u32, String)>;

    fn words(text: &[u8]) -> Vec<Outcome> {
        lines(&Arc::from("x.conf"), text)
            .map(|line| line.map(|line| line.args).map_err(|error| (error.line, error.reason)))
            .collect()
    }

    #[test]
    fn comments_and_blank_lines_are_skipped_and_words_unquoted() {
        let text = b"# c\n\n \t\r\n  PORT  1 \r\nbind \"a b\" 'c\\'d' \"\\x41\\n\"\nx\"y\"";
        assert_eq!(
            words(text),
            vec![
                Ok(vec![b"port".to_vec(), b"1".to_vec()]),
                Ok(vec![b"bind".to_vec(), b"a b".to_vec(), b"c'd".to_vec(), b"A\n".to_vec()]),
                Ok(vec![b"xy".to_vec()]),
            ]
        );
    }

    #[test]
    fn a_fatal_error_reads_as_redis_prints_it() {
        let error = lines(&Arc::from("x.conf"), b"port 1\n bogus-but \"unclosed ")
            .find_map(Result::err)
            .expect("the second line is broken");
        assert_eq!(
            error.fatal("Redis 7.0.15"),
            "\n*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***\nReading the configuration file, at line 2\n>>> 'bogus-but \"unclosed'\nUnbalanced quotes in configuration line\n"
        );
        assert_eq!(error.to_string(), "x.conf:2: Unbalanced quotes in configuration line");
    }
}
