//! A Sentinel's configuration: reading it from all its sources.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use picket_sentinel_core::{Config, SENTINEL_WORDS, default_options};
use picket_server_core::config::{ConfigError, ConfigLine, LoadOptions};

use super::texts::{Origin, StartError, Texts, read_file};
use super::unsupported::{self, SENTINEL};
use crate::cli::StartOptions;
use crate::errno::strerror;
use crate::host::is_executable;

/// Settings of a master that are numbers.
const NUMBERS_OF_A_MASTER: [&str; 5] = [
    "down-after-milliseconds",
    "failover-timeout",
    "parallel-syncs",
    "master-reboot-down-after-period",
    "primary-reboot-down-after-period",
];

/// A configuration that was read and accepted.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What it says.
    pub(crate) config: Config,
    /// Where it came from.
    pub(crate) origin: Origin,
    /// Directives that have no effect here though an operator may count on them.
    pub(crate) ignored: Vec<String>,
    /// Lines on which something else stands where a number should, which is read as far as it is one.
    pub(crate) half_read: Vec<HalfRead>,
}

/// A word of a line that should be a number and is none.
#[derive(Clone, Debug)]
pub(crate) struct HalfRead {
    line: ConfigLine,
    word: String,
}

impl HalfRead {
    /// Looks at the words of a line that are read as leniently as redis-sentinel reads them, with C's `atoi`.
    fn of(line: ConfigLine) -> Option<Self> {
        let is = |place: usize, name: &str| {
            line.args.get(place).is_some_and(|arg| arg.eq_ignore_ascii_case(name.as_bytes()))
        };
        let numbers = match () {
            () if !is(0, "sentinel") => return None,
            () if is(1, "monitor") => 4..6,
            () if is(1, "announce-port") => 2..3,
            () if NUMBERS_OF_A_MASTER.iter().any(|name| is(1, name)) => 3..4,
            () => return None,
        };
        let is_number = |word: &[u8]| {
            let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
        };
        let word = line.args.get(numbers)?.iter().find(|word| !is_number(word))?;
        Some(Self { word: String::from_utf8_lossy(word).into_owned(), line })
    }
}

impl fmt::Display for HalfRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line: ConfigLine { file, number, .. }, word } = self;
        write!(
            f,
            "{file}:{number}: '{word}' is no whole number: only the digits that it begins with are read, as \
             redis-sentinel reads it"
        )
    }
}

/// Reads the configuration that a command line names. Later sources win: the file, standard input, the
/// command line.
///
/// # Errors
/// What to say, and where.
pub(crate) fn load(options: &StartOptions, stdin: &mut dyn Read) -> Result<Source, StartError> {
    let texts = Texts::read(options, stdin)?;
    let (mut config, ignored, has_users) = parse(&texts).map_err(|error| texts.fatal(&error))?;
    load_acl_file(&mut config, has_users).map_err(StartError::Log)?;
    let half_read = texts.lines().filter_map(HalfRead::of).collect();
    Ok(Source { config, origin: texts.origin(), ignored, half_read })
}

fn parse(texts: &Texts) -> Result<(Config, Vec<String>, bool), ConfigError> {
    let mut settings = default_options();
    let all = texts.load(&mut settings, LoadOptions { words: SENTINEL_WORDS, foreign: &[] })?;
    unsupported::check(&SENTINEL, &settings, &all, texts)?;
    let ignored = unsupported::ignored(&settings);
    let has_users = !all.users.is_empty();
    // Scripts are found from the directory that the process will work in, as at run time.
    let working_folder = PathBuf::from(OsStr::from_bytes(settings.dir().unwrap_or_default()));
    let executable = |path: &str| is_executable(&working_folder.join(path));
    Ok((Config::parse(settings, all, &executable)?, ignored, has_users))
}

/// Reads the users of `aclfile`.
fn load_acl_file(config: &mut Config, has_users: bool) -> Result<(), String> {
    if config.options.aclfile().is_empty() {
        return Ok(());
    }
    let name = String::from_utf8_lossy(config.options.aclfile()).into_owned();
    if has_users {
        return Err(format!(
            "Users are defined in the config file and aclfile '{name}' is set: use one of both"
        ));
    }
    let problem = match read_file(Path::new(&name)) {
        Ok(text) => config.server.acl.load_file(&name, &text).err(),
        Err(error) => Some(format!("Error loading ACLs, opening file '{name}': {}", strerror(&error))),
    };
    problem.map_or(Ok(()), |problem| Err(format!("Aborting startup because of ACL errors: {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    const MONITOR: &str = "sentinel monitor m 127.0.0.1 6379 2\n";

    fn options(file: &Path) -> StartOptions {
        StartOptions { config_file: Some(file.display().to_string()), ..StartOptions::default() }
    }

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn stderr(options: &StartOptions) -> String {
        match load(options, &mut io::empty()) {
            Err(StartError::Stderr(text)) => text,
            other => panic!("a message for standard error, not {other:?}"),
        }
    }

    fn log(options: &StartOptions) -> String {
        match load(options, &mut io::empty()) {
            Err(StartError::Log(line)) => line,
            other => panic!("a line for the log, not {other:?}"),
        }
    }

    #[test]
    fn later_sources_win() {
        let folder = tempfile::tempdir().expect("a folder");
        let more = write(&folder, "more.conf", "timeout 7\n");
        let text = format!("port 1\nmaxclients 100\ninclude {}\n{MONITOR}", more.display());
        let file = write(&folder, "s.conf", &text);
        let options =
            StartOptions { read_stdin: true, directives: "port \"3\"\n".to_owned(), ..options(&file) };
        let source = load(&options, &mut &b"port 2\nmaxclients 200"[..]).expect("all is well");
        assert_eq!(source.config.options.port(), 3);
        assert_eq!(source.config.options.maxclients(), 200);
        assert_eq!(source.config.options.timeout_s(), 7);
        assert_eq!(source.config.masters.len(), 1);
        assert_eq!(source.origin.path.as_deref(), Some(file.as_path()));
    }

    #[test]
    fn the_path_is_absolute() {
        let options = StartOptions { config_file: Some("no-such.conf".into()), ..StartOptions::default() };
        let here = std::env::current_dir().expect("a directory").join("no-such.conf");
        assert_eq!(
            load(&options, &mut io::empty()).expect_err("missing"),
            StartError::Log(format!(
                "Fatal error, can't open config file '{}': No such file or directory",
                here.display()
            ))
        );
    }

    #[test]
    fn included_files_may_be_a_pattern_that_matches_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        write(&folder, "a.inc", "timeout 7\n");
        write(&folder, "b.inc", "maxclients 77\n");
        let here = folder.path().display();
        let file = write(&folder, "s.conf", &format!("include {here}/*.inc\ninclude {here}/*.none\n"));
        let source = load(&options(&file), &mut io::empty()).expect("patterns may match nothing");
        assert_eq!((source.config.options.timeout_s(), source.config.options.maxclients()), (7, 77));

        let file = write(&folder, "t.conf", &format!("include {here}/missing.inc\n"));
        assert!(stderr(&options(&file)).contains("missing.inc': No such file or directory\n"));
    }

    #[test]
    fn errors_name_the_line_and_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = write(&folder, "s.conf", "port 1\nbogus yes\n");
        let text = stderr(&options(&file));
        let says = "at line 2\n>>> 'bogus yes'\nBad directive or wrong number of arguments\n";
        assert!(text.ends_with(&format!("{says}(in {})\n", file.display())), "{text}");
        let more = write(&folder, "more.conf", "\nbogus yes\n");
        let file = write(&folder, "t.conf", &format!("include {}\n", more.display()));
        let text = stderr(&options(&file));
        assert!(
            text.contains("at line 2\n") && text.ends_with(&format!("(in {})\n", more.display())),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_implemented_is_refused_by_name() {
        let folder = tempfile::tempdir().expect("a folder");
        for (line, says) in [
            ("tls-port 6380", "tls-port"),
            ("tls-replication yes", "tls-replication"),
            ("loadmodule /x.so", "loadmodule"),
        ] {
            let file = write(&folder, "s.conf", line);
            let text = stderr(&options(&file));
            assert!(text.contains(&format!("at line 1\n>>> '{line}'\n")) && text.contains(says), "{text}");
        }
    }

    #[test]
    fn users_come_from_the_acl_file_or_from_the_config_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let acl = write(&folder, "users.acl", "user default on nopass ~* &* +@all\nuser bob on >x +ping\n");
        let file = write(&folder, "s.conf", &format!("aclfile {}\n", acl.display()));
        let source = load(&options(&file), &mut io::empty()).expect("all is well");
        assert!(source.config.server.acl.user(b"bob").is_some());

        let file = write(&folder, "t.conf", &format!("user bob on\naclfile {}\n", acl.display()));
        assert!(log(&options(&file)).contains("use one of both"));
        let bad = write(&folder, "bad.acl", "port 1\n");
        let file = write(&folder, "u.conf", &format!("aclfile {}\n", bad.display()));
        assert!(log(&options(&file)).contains("ACL errors"));
        let file = write(&folder, "v.conf", "aclfile /no/such/file\n");
        assert!(log(&options(&file)).ends_with("opening file '/no/such/file': No such file or directory"));
    }
}
