//! Finding and reading the text of a configuration.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use picket_sentinel_core::{Config, SENTINEL_WORDS, default_options};
use picket_server_core::config::{
    ConfigError, ConfigLine, Included, LoadOptions, Loaded, lines, load as read_lines,
};

use super::unsupported;
use crate::cli::SentinelOptions;
use crate::errno::strerror;
use crate::host::is_executable;
use crate::version::Brand;

/// A configuration that was read and accepted.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// What it says.
    pub(crate) config: Config,
    /// The file that it is remembered in, absolute; `None` if all of it came from elsewhere.
    pub(crate) path: Option<PathBuf>,
    /// The lines that name places on disk, for errors about those.
    places: Vec<ConfigLine>,
    /// Directives that have no effect here though an operator may count on them.
    pub(crate) ignored: Vec<String>,
}

impl Source {
    /// The error of a directive whose value was accepted but turns out not to work.
    pub(crate) fn error(&self, directive: &str, reason: String, brand: Brand) -> StartError {
        let line = self.places.iter().rfind(|line| line.name() == directive.as_bytes());
        let error = match line {
            Some(line) => line.error(reason),
            None => ConfigError {
                file: Arc::from("an included file"),
                line: 0,
                text: directive.to_owned(),
                reason,
            },
        };
        let main_file = self.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        StartError::Stderr(fatal(&error, &main_file, brand))
    }
}

/// Why a Sentinel does not start. All of these end the process with code 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StartError {
    /// A line to write to the log.
    Log(String),
    /// Text for standard error.
    Stderr(String),
}

/// Directives that name places on disk.
const PLACES: [&[u8]; 2] = [b"dir", b"logfile"];
/// More than any configuration needs; a device given by mistake ends here.
const TEXT_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Reads the configuration that a command line names. Later sources win: the file, standard input, the
/// command line.
///
/// # Errors
/// What to say, and where.
pub(crate) fn load(options: &SentinelOptions, stdin: &mut dyn Read) -> Result<Source, StartError> {
    let path = options.config_file.as_ref().map(|file| {
        // Only an empty name has no absolute form; opening it then says what is wrong.
        std::path::absolute(file).unwrap_or_else(|_| PathBuf::from(file))
    });
    let mut texts = Vec::new();
    if let Some(path) = &path {
        let text = read_file(path).map_err(|error| StartError::Log(cannot_open(path, &error)))?;
        texts.push((path.display().to_string(), text));
    }
    if options.read_stdin {
        let text = read_limited(stdin).map_err(|error| {
            StartError::Log(format!("Fatal error, can't read standard input: {}", strerror(&error)))
        })?;
        texts.push(("standard input".to_owned(), text));
    }
    if !options.directives.is_empty() {
        texts.push(("the command line".to_owned(), options.directives.clone().into_bytes()));
    }
    let main_file = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let parsed =
        parse(&texts).map_err(|error| StartError::Stderr(fatal(&error, &main_file, options.brand)))?;
    let (mut config, ignored, has_users) = parsed;
    load_acl_file(&mut config, has_users).map_err(StartError::Log)?;
    let places = texts
        .iter()
        .flat_map(|(file, text)| lines(&Arc::from(file.as_str()), text))
        .filter_map(Result::ok)
        .filter(|line| PLACES.contains(&line.name()))
        .collect();
    Ok(Source { config, path, places, ignored })
}

fn parse(texts: &[(String, Vec<u8>)]) -> Result<(Config, Vec<String>, bool), ConfigError> {
    let mut settings = default_options();
    let words = LoadOptions { words: SENTINEL_WORDS, foreign: &[] };
    let mut all = Loaded::default();
    for (name, text) in texts {
        let more = read_lines(name, text, &mut settings, words, &mut include)?;
        all.users.extend(more.users);
        all.renames.extend(more.renames);
        all.modules.extend(more.modules);
        all.application.extend(more.application);
    }
    unsupported::check(&settings, &all, texts)?;
    let ignored = unsupported::ignored(&settings);
    let has_users = !all.users.is_empty();
    // Scripts are found from the directory that the process will work in, as at run time.
    let working_folder = PathBuf::from(OsStr::from_bytes(settings.dir().unwrap_or_default()));
    let executable = |path: &str| is_executable(&working_folder.join(path));
    Ok((Config::parse(settings, all, &executable)?, ignored, has_users))
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

/// The stock text, and the name of the file where it is another than the one that was asked for.
fn fatal(error: &ConfigError, main_file: &str, brand: Brand) -> String {
    let mut error = error.clone();
    error.text = without_secrets(&error.text);
    let mut text = error.fatal(&brand.in_brackets());
    if &*error.file != main_file {
        text.push_str(&format!("(in {})\n", error.file));
    }
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

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
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

    const MONITOR: &str = "sentinel monitor m 127.0.0.1 6379 2\n";

    fn options(file: &Path) -> SentinelOptions {
        SentinelOptions { config_file: Some(file.display().to_string()), ..SentinelOptions::default() }
    }

    fn write(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn stderr(options: &SentinelOptions) -> String {
        match load(options, &mut io::empty()) {
            Err(StartError::Stderr(text)) => text,
            other => panic!("a message for standard error, not {other:?}"),
        }
    }

    fn log(options: &SentinelOptions) -> String {
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
            SentinelOptions { read_stdin: true, directives: "port \"3\"\n".to_owned(), ..options(&file) };
        let source = load(&options, &mut &b"port 2\nmaxclients 200"[..]).expect("all is well");
        assert_eq!(source.config.options.port(), 3);
        assert_eq!(source.config.options.maxclients(), 200);
        assert_eq!(source.config.options.timeout_s(), 7);
        assert_eq!(source.config.masters.len(), 1);
        assert_eq!(source.path.as_deref(), Some(file.as_path()));
    }

    #[test]
    fn the_path_is_absolute() {
        let options =
            SentinelOptions { config_file: Some("no-such.conf".into()), ..SentinelOptions::default() };
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
    fn errors_name_the_line_and_a_foreign_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = write(&folder, "s.conf", "port 1\nbogus yes\n");
        assert!(
            stderr(&options(&file))
                .ends_with("at line 2\n>>> 'bogus yes'\nBad directive or wrong number of arguments\n")
        );
        let more = write(&folder, "more.conf", "\nbogus yes\n");
        let file = write(&folder, "t.conf", &format!("include {}\n", more.display()));
        let text = stderr(&options(&file));
        assert!(
            text.contains("at line 2\n") && text.ends_with(&format!("(in {})\n", more.display())),
            "{text}"
        );
    }

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
