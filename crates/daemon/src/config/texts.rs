//! The texts that a configuration consists of: the file, standard input, the command line. Later ones win.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use picket_server_core::config::{
    ConfigError, ConfigLine, Included, LoadOptions, Loaded, Settings, find_directive, lines,
    load as read_lines,
};

use super::advice::advice;
use crate::cli::StartOptions;
use crate::errno::strerror;
use crate::version::Brand;

/// Why a server does not start. All of these end the process with code 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StartError {
    /// A line to write to the log.
    Log(String),
    /// Text for standard error.
    Stderr(String),
}

/// What was read, before it is understood. It may hold passwords.
pub(super) struct Texts {
    path: Option<PathBuf>,
    /// Names, for messages, and contents.
    parts: Vec<(String, Vec<u8>)>,
    brand: Brand,
}

/// Where a configuration came from.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The file that is rewritten, absolute; `None` if all of it came from elsewhere.
    pub(crate) path: Option<PathBuf>,
    /// The lines that name places on disk, for errors about those.
    places: Vec<ConfigLine>,
    brand: Brand,
}

/// Directives that name places on disk.
const PLACES: [&[u8]; 2] = [b"dir", b"logfile"];
/// More than any configuration needs; a device given by mistake ends here.
const TEXT_MAX_BYTES: u64 = 64 * 1024 * 1024;

impl Texts {
    /// Reads what a command line names.
    ///
    /// # Errors
    /// What cannot be read.
    pub(super) fn read(options: &StartOptions, stdin: &mut dyn Read) -> Result<Self, StartError> {
        let path = options.config_file.as_ref().map(|file| {
            // Only an empty name has no absolute form; opening it then says what is wrong.
            std::path::absolute(file).unwrap_or_else(|_| PathBuf::from(file))
        });
        let mut parts = Vec::new();
        if let Some(path) = &path {
            let text = read_file(path).map_err(|error| StartError::Log(cannot_open(path, &error)))?;
            parts.push((path.display().to_string(), text));
        }
        if options.read_stdin {
            let text = read_limited(stdin).map_err(|error| {
                StartError::Log(format!("Fatal error, can't read standard input: {}", strerror(&error)))
            })?;
            parts.push(("standard input".to_owned(), text));
        }
        if !options.directives.is_empty() {
            parts.push(("the command line".to_owned(), options.directives.clone().into_bytes()));
        }
        Ok(Self { path, parts, brand: options.brand })
    }

    /// Reads the lines of all of them into `settings` and returns the rest.
    ///
    /// # Errors
    /// The first line that cannot be accepted.
    pub(super) fn load(
        &self,
        settings: &mut Settings,
        options: LoadOptions<'_>,
    ) -> Result<Loaded, ConfigError> {
        let mut all = Loaded::default();
        for (name, text) in &self.parts {
            let more = read_lines(name, text, settings, options, &mut include)?;
            all.users.extend(more.users);
            all.renames.extend(more.renames);
            all.modules.extend(more.modules);
            all.application.extend(more.application);
        }
        Ok(all)
    }

    /// The error that the value of a directive is not accepted: at its last line, if that is in one of the texts
    /// themselves.
    pub(super) fn refuse(&self, directive: &str, reason: String) -> ConfigError {
        let is_it =
            |line: &ConfigLine| find_directive(line.name()).is_some_and(|found| found.name == directive);
        error_at(self.lines().filter(is_it).last().as_ref(), directive, reason)
    }

    /// The stock text of an error.
    pub(super) fn fatal(&self, error: &ConfigError) -> StartError {
        StartError::Stderr(fatal(error, self.brand))
    }

    /// Where all of it came from.
    pub(super) fn origin(&self) -> Origin {
        let places = self.lines().filter(|line| PLACES.contains(&line.name())).collect();
        Origin { path: self.path.clone(), places, brand: self.brand }
    }

    /// All lines that are no mistakes.
    pub(super) fn lines(&self) -> impl Iterator<Item = ConfigLine> {
        self.parts
            .iter()
            .flat_map(|(file, text)| lines(&Arc::from(file.as_str()), text).collect::<Vec<_>>())
            .filter_map(Result::ok)
    }
}

impl Origin {
    /// The error of a directive whose value was accepted but turns out not to work.
    pub(crate) fn error(&self, directive: &str, reason: String) -> StartError {
        let line = self.places.iter().rfind(|line| line.name() == directive.as_bytes());
        StartError::Stderr(fatal(&error_at(line, directive, reason), self.brand))
    }
}

fn error_at(line: Option<&ConfigLine>, directive: &str, reason: String) -> ConfigError {
    match line {
        Some(line) => line.error(reason),
        None => {
            ConfigError { file: Arc::from("an included file"), line: 0, text: directive.to_owned(), reason }
        }
    }
}

/// The files that an `include` line stands for: one that must exist, or those that match a pattern.
fn include(pattern: &[u8]) -> Result<Vec<Included>, String> {
    let pattern =
        std::str::from_utf8(pattern).map_err(|_| "the name of an included file is not UTF-8".to_owned())?;
    let paths = if pattern.contains(['*', '?', '[']) {
        let matches = glob::glob(pattern).map_err(|error| format!("bad pattern '{pattern}': {error}"))?;
        matches.filter_map(Result::ok).collect()
    } else {
        vec![PathBuf::from(pattern)]
    };
    let read = |path: PathBuf| {
        let text = read_file(&path).map_err(|error| cannot_open(&path, &error))?;
        Ok(Included { file: path.display().to_string(), text })
    };
    paths.into_iter().map(read).collect()
}

/// The stock text, what to do about it, and the name of the file, which stock leaves to be guessed.
fn fatal(error: &ConfigError, brand: Brand) -> String {
    let mut error = error.clone();
    error.text = without_secrets(&error.text);
    let mut text = error.fatal(&brand.in_brackets());
    if let Some(advice) = advice(&error) {
        text.push_str(&format!("{advice}\n"));
    }
    text.push_str(&format!("(in {})\n", error.file));
    text
}

/// The line without what it may hold of passwords: standard error ends up in logs.
///
/// Differs from Redis, which prints the whole line.
fn without_secrets(line: &str) -> String {
    const SECRET: [&str; 4] = ["requirepass", "masterauth", "user", "tls-key-file-pass"];
    const SECRET_SENTINEL: [&str; 2] = ["auth-pass", "sentinel-pass"];
    let words: Vec<&str> = line.split_whitespace().collect();
    let is = |index: usize, list: &[&str]| {
        words
            .get(index)
            .is_some_and(|word| list.iter().any(|secret| word.trim_matches('"').eq_ignore_ascii_case(secret)))
    };
    let shown = match (is(0, &["sentinel"]), words.len()) {
        (true, 4..) if is(1, &SECRET_SENTINEL[..1]) => 3,
        (true, 3..) if is(1, &SECRET_SENTINEL) => 2,
        (false, 3..) if is(0, &["user"]) => 2,
        (false, 2..) if is(0, &SECRET) => 1,
        _ => return line.to_owned(),
    };
    format!("{} ******", words[..shown].join(" "))
}

fn cannot_open(path: &Path, error: &io::Error) -> String {
    format!("Fatal error, can't open config file '{}': {}", path.display(), strerror(error))
}

/// A whole file of reasonable size, or what the system said.
pub(crate) fn read_text(path: &Path) -> Result<Vec<u8>, String> {
    read_file(path).map_err(|error| strerror(&error))
}

pub(super) fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    read_limited(&mut File::open(path)?)
}

fn read_limited(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    from.take(TEXT_MAX_BYTES + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > TEXT_MAX_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "more than 64 MiB of configuration"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_line_does_not_show_its_password() {
        for (line, shown) in [
            ("requirepass hunter2 x", "requirepass ******"),
            ("sentinel auth-pass nobody hunter2", "sentinel auth-pass nobody ******"),
            ("sentinel \"sentinel-pass\" hunter2 x", "sentinel \"sentinel-pass\" ******"),
            ("user bob on >hunter2 +nonsense", "user bob ******"),
            ("port hunter2", "port hunter2"),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }
}
