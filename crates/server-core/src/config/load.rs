//! Reading a whole configuration, `include` lines and all
//! (`config.c: loadServerConfigFromString`, `loadServerConfig`).

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::directive::find_directive;
use super::line::{ConfigError, ConfigLine, lines, shown};
use super::settings::Settings;

/// How deep `include` may nest; a file that includes itself ends here with an error.
const DEPTH_MAX: u32 = 16;
/// How many files one configuration may consist of.
const FILES_MAX: u32 = 1024;

/// A file that an `include` line named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// Its name, for messages.
    pub file: String,
    /// What is in it.
    pub text: Vec<u8>,
}

/// Answers an `include` line: its pattern in, the files out, or why there are none.
pub type Include<'a> = dyn FnMut(&[u8]) -> Result<Vec<Included>, String> + 'a;

/// What a reader accepts beside the ordinary directives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LoadOptions<'a> {
    /// First words whose lines are collected for the application, in order.
    pub words: &'a [&'a str],
    /// First words that belong to another kind of program, each with what to say about it.
    pub foreign: &'a [(&'a str, &'a str)],
}

/// The lines that the ordinary directives did not consume, in the order of the files.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Loaded {
    /// `user <name> <rules…>`; at least a name.
    pub users: Vec<ConfigLine>,
    /// `rename-command <old> <new>`.
    pub renames: Vec<ConfigLine>,
    /// `loadmodule …` and settings of modules (`name.setting value`).
    pub modules: Vec<ConfigLine>,
    /// Lines of the application's own words.
    pub application: Vec<ConfigLine>,
}

/// Reads `text`, the content of `file`, into `settings` and returns the rest. `include` gets the
/// pattern of each `include` line and answers with the files it stands for, or with the reason why
/// there are none.
///
/// # Errors
/// The first line that cannot be accepted.
pub fn load(
    file: &str,
    text: &[u8],
    settings: &mut Settings,
    options: LoadOptions<'_>,
    include: &mut Include<'_>,
) -> Result<Loaded, ConfigError> {
    let mut loaded = Loaded::default();
    let mut reader = Reader { settings, options, include, loaded: &mut loaded, files: 1 };
    reader.read(&Arc::from(file), text, 0)?;
    Ok(loaded)
}

struct Reader<'a> {
    settings: &'a mut Settings,
    options: LoadOptions<'a>,
    include: &'a mut Include<'a>,
    loaded: &'a mut Loaded,
    files: u32,
}

impl Reader<'_> {
    fn read(&mut self, file: &Arc<str>, text: &[u8], depth: u32) -> Result<(), ConfigError> {
        for line in lines(file, text) {
            self.line(line?, depth)?;
        }
        Ok(())
    }

    fn line(&mut self, line: ConfigLine, depth: u32) -> Result<(), ConfigError> {
        if let Some(directive) = find_directive(line.name()) {
            return self.settings.read(directive, &line.args[1..]).map_err(|reason| line.error(reason));
        }
        let is = |list: &[&str]| list.iter().any(|word| word.as_bytes() == line.name());
        match (line.name(), line.args.len()) {
            (b"include", 2) => return self.include(&line, depth),
            (b"user", 2..) => self.loaded.users.push(line),
            (b"rename-command", 3) => self.loaded.renames.push(line),
            (b"loadmodule", 2..) => self.loaded.modules.push(line),
            (name, count) if name.contains(&b'.') => {
                if count < 2 {
                    return Err(line.error("Module config specified without value"));
                }
                self.loaded.modules.push(line);
            }
            _ if is(self.options.words) => self.loaded.application.push(line),
            (name, _) => {
                let foreign = self.options.foreign.iter().find(|(word, _)| word.as_bytes() == name);
                let reason =
                    foreign.map_or("Bad directive or wrong number of arguments", |(_, reason)| *reason);
                return Err(line.error(reason));
            }
        }
        Ok(())
    }

    fn include(&mut self, line: &ConfigLine, depth: u32) -> Result<(), ConfigError> {
        if depth == DEPTH_MAX {
            return Err(line.error(alloc::format!("include nested more than {DEPTH_MAX} deep")));
        }
        let pattern = &line.args[1];
        let files = (self.include)(pattern).map_err(|reason| line.error(reason))?;
        for Included { file, text } in files {
            self.files += 1;
            if self.files > FILES_MAX {
                let reason =
                    alloc::format!("more than {FILES_MAX} files included, the last by '{}'", shown(pattern));
                return Err(line.error(reason));
            }
            self.read(&Arc::from(file), &text, depth + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    const SENTINEL: LoadOptions<'_> = LoadOptions { words: &["sentinel"], foreign: &[] };

    fn read(text: &str) -> Result<(Settings, Loaded), (u32, String)> {
        let mut settings = Settings::new();
        let mut include = |pattern: &[u8]| match pattern {
            b"more.conf" => Ok(vec![Included { file: "more.conf".into(), text: b"timeout 7".into() }]),
            b"self.conf" => {
                Ok(vec![Included { file: "self.conf".into(), text: b"include self.conf".into() }])
            }
            _ => Err("Fatal error, can't open config file".to_string()),
        };
        load("x.conf", text.as_bytes(), &mut settings, SENTINEL, &mut include)
            .map(|loaded| (settings, loaded))
            .map_err(|error| (error.line, error.reason))
    }

    /// What redis-sentinel 7.0.15 and the snapshot of October 2024 say of these lines.
    #[test]
    fn refusals_are_worded_as_redis_words_them() {
        for (line, reason) in [
            ("port abc", "argument couldn't be parsed into an integer"),
            ("port 0x10", "argument couldn't be parsed into an integer"),
            ("port 007", "argument couldn't be parsed into an integer"),
            ("port 70000", "argument must be between 0 and 65535 inclusive"),
            ("timeout 1 2", "wrong number of arguments"),
            (
                "loglevel foo",
                "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
            ),
            ("protected-mode maybe", "argument must be 'yes' or 'no'"),
            ("maxmemory xx", "argument must be a memory value"),
            ("unixsocketperm 9", "argument couldn't be parsed as an octal number"),
            ("bind a b c d e f g h i j k l m n o p q r", "Too many bind addresses specified."),
            (
                "client-output-buffer-limit foo 1 2 3",
                "Invalid client class specified in buffer limit configuration.",
            ),
            (
                "client-output-buffer-limit normal 1 2",
                "Wrong number of arguments in buffer limit configuration.",
            ),
            ("save a b", "Invalid save parameters"),
            ("user", "Bad directive or wrong number of arguments"),
            ("nosuch x", "Bad directive or wrong number of arguments"),
            ("aclfile", "wrong number of arguments"),
            (
                "syslog-facility x",
                "argument(s) must be one of the following: user, local0, local1, local2, local3, local4, local5, local6, local7",
            ),
            (
                "latency-tracking-info-percentiles 101",
                "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]",
            ),
            ("maxclients 0", "argument must be between 1 and 4294967295 inclusive"),
            ("acllog-max-len -1", "argument must be between 0 and 9223372036854775807 inclusive"),
            ("requirepass", "wrong number of arguments"),
            ("proto-max-bulk-len 5", "argument must be between 1048576 and 9223372036854775807 inclusive"),
            ("notify-keyspace-events q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."),
            ("supervised x", "argument(s) must be one of the following: upstart, systemd, auto, no"),
            (
                "shutdown-on-sigterm foo",
                "argument(s) must be one of the following: default, save, nosave, now, force",
            ),
            ("bad.module", "Module config specified without value"),
            ("tls-auth-clients x", "argument(s) must be one of the following: no, yes, optional"),
            ("enable-debug-command foo", "argument(s) must be one of the following: no, yes, local"),
            ("include other.conf", "Fatal error, can't open config file"),
            ("include self.conf", "include nested more than 16 deep"),
        ] {
            let text = alloc::format!("port 1\n{line}\n");
            let error = read(&text).expect_err(line);
            assert_eq!(error.1, reason, "{line}");
        }
    }

    #[test]
    fn lines_go_where_they_belong() {
        let (settings, loaded) = read(
            "include more.conf\nuser bob on\nsentinel monitor m 127.0.0.1 1 2\nsentinel\nrename-command ping \"\"\nloadmodule x.so\nlist-max-ziplist-value 3\nbind \"1.1.1.1 2.2.2.2\"",
        )
        .expect("every line is fine");
        assert_eq!(settings.timeout_s(), 7);
        assert_eq!(settings.bind(), [&b"1.1.1.1"[..], b"2.2.2.2"]);
        let numbers = |lines: &[ConfigLine]| lines.iter().map(|line| line.number).collect::<Vec<_>>();
        assert_eq!(numbers(&loaded.users), [2]);
        assert_eq!(numbers(&loaded.application), [3, 4]);
        assert_eq!(numbers(&loaded.renames), [5]);
        assert_eq!(numbers(&loaded.modules), [6]);
    }
}
