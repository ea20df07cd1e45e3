//! `picket <command> …`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::directives::collect;
use super::help::{Topic, help};
use super::suggest::hint;
use super::{Invocation, StartOptions, UsageError};
use crate::demo::DemoOptions;
use crate::logging::LogFormat;
use crate::version::{Brand, own_line};

const COMMANDS: [&str; 4] = ["sentinel", "node", "demo", "help"];

/// Reads the arguments after the program's name.
pub(super) fn parse(args: &[String]) -> Result<Invocation, UsageError> {
    let Some((command, rest)) = args.split_first() else {
        return Err(UsageError { message: help(Topic::Overview), code: 2 });
    };
    match command.as_str() {
        "sentinel" => server(rest, &SENTINEL),
        "node" => server(rest, &NODE),
        "demo" => demo(rest),
        "help" => topic(rest),
        "-h" | "--help" => Ok(Invocation::Print(help(Topic::Overview))),
        "-v" | "-V" | "--version" => Ok(Invocation::Print(format!("{}\n", own_line()))),
        unknown => Err(unknown_word("command", unknown, &COMMANDS)),
    }
}

fn topic(args: &[String]) -> Result<Invocation, UsageError> {
    let topic = match args.first().map(String::as_str) {
        None => Topic::Overview,
        Some("sentinel") => Topic::Sentinel,
        Some("node") => Topic::Node,
        Some("demo") => Topic::Demo,
        Some("help") => Topic::Help,
        Some(unknown) => return Err(unknown_word("command", unknown, &COMMANDS)),
    };
    Ok(Invocation::Print(help(topic)))
}

/// A command that starts a server.
struct Server {
    topic: Topic,
    example: &'static str,
    run: fn(StartOptions) -> Invocation,
    check: fn(StartOptions) -> Invocation,
}

const SENTINEL: Server = Server {
    topic: Topic::Sentinel,
    example: "picket sentinel --check sentinel.conf",
    run: Invocation::Sentinel,
    check: Invocation::Check,
};

const NODE: Server = Server {
    topic: Topic::Node,
    example: "picket node --check redis.conf",
    run: Invocation::Node,
    check: Invocation::CheckNode,
};

fn server(args: &[String], server: &Server) -> Result<Invocation, UsageError> {
    let mut rest = Vec::new();
    let mut check = false;
    let mut log_format = LogFormat::Text;
    let mut http = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-h" | "--help" => return Ok(Invocation::Print(help(server.topic))),
            "-v" | "--version" => return Ok(Invocation::Print(format!("{}\n", own_line()))),
            "--check" => check = true,
            "--log-format" => {
                let value = args.next().ok_or_else(|| UsageError::new("--log-format takes text or json"))?;
                log_format = read_log_format(value)?;
            }
            "--http" if server.topic == Topic::Sentinel => {
                let value = args.next().ok_or_else(|| UsageError::new(HTTP_TAKES))?;
                http = Some(read_http(value)?);
            }
            other => match other.split_once('=') {
                Some(("--log-format", value)) => log_format = read_log_format(value)?,
                Some(("--http", value)) if server.topic == Topic::Sentinel => http = Some(read_http(value)?),
                _ => rest.push(arg.clone()),
            },
        }
    }
    let config_file = match rest.first() {
        Some(first) if !first.starts_with('-') => Some(rest.remove(0)),
        _ => None,
    };
    let directives = collect(&rest);
    let options = StartOptions {
        config_file,
        read_stdin: directives.read_stdin,
        directives: directives.lines,
        log_format,
        brand: Brand::Redis,
        http,
    };
    if !check {
        return Ok((server.run)(options));
    }
    if options.config_file.is_none() && !options.read_stdin {
        return Err(UsageError::new(format!("--check needs a config file: {}", server.example)));
    }
    Ok((server.check)(options))
}

fn read_log_format(value: &str) -> Result<LogFormat, UsageError> {
    match value {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(UsageError::new(format!("--log-format takes text or json, not '{other}'"))),
    }
}

/// What `--http` says of what it takes.
const HTTP_TAKES: &str = "--http takes an IP address with its port, such as 127.0.0.1:8080";

fn read_http(value: &str) -> Result<SocketAddr, UsageError> {
    value.parse().map_err(|_| UsageError::new(format!("{HTTP_TAKES}, not '{value}'")))
}

fn demo(args: &[String]) -> Result<Invocation, UsageError> {
    const OPTIONS: [&str; 6] =
        ["--kill-master", "--redis-server", "--down-after", "--http", "--keep", "--help"];
    let mut options = DemoOptions::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (arg.as_str(), None),
        };
        let mut value = |what: &str| {
            let given = inline.clone().or_else(|| args.next().cloned());
            given.ok_or_else(|| UsageError::new(format!("{name} takes {what}")))
        };
        match name {
            "-h" | "--help" => return Ok(Invocation::Print(help(Topic::Demo))),
            // The one story that there is, so it is also what a plain `picket demo` tells, before it goes on.
            "--kill-master" => options.story_only = true,
            "--http" => options.http = Some(read_http(&value("an IP address with its port")?)?),
            "--redis-server" => {
                options.redis_server = Some(PathBuf::from(value("the path of a redis-server")?));
            }
            "--down-after" => {
                let given = value("milliseconds")?;
                options.down_after_ms =
                    given.parse().ok().filter(|ms| (100..=60_000).contains(ms)).ok_or_else(|| {
                        UsageError::new(format!("--down-after takes 100 to 60000 ms, not '{given}'"))
                    })?;
            }
            "--keep" => options.keep = true,
            unknown => return Err(unknown_word("option of demo", unknown, &OPTIONS)),
        }
    }
    Ok(Invocation::Demo(options))
}

fn unknown_word(what: &str, word: &str, known: &[&str]) -> UsageError {
    let hint = hint(word, known);
    UsageError::new(format!("unknown {what} '{word}': {hint}\nTry 'picket help'."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, UsageError> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_sentinel_takes_its_file_its_format_and_directives() {
        let Ok(Invocation::Sentinel(options)) =
            parsed("sentinel --log-format json --http 127.0.0.1:80 a.conf --port 1 -")
        else {
            panic!("a sentinel starts");
        };
        assert_eq!(options.config_file.as_deref(), Some("a.conf"));
        assert_eq!(options.log_format, LogFormat::Json);
        assert_eq!(options.http, "127.0.0.1:80".parse().ok());
        assert_eq!(options.directives, "port \"1\"\n");
        assert!(options.read_stdin);
    }

    #[test]
    fn check_is_a_mode_and_needs_a_file() {
        for line in ["sentinel --check a.conf", "sentinel a.conf --check"] {
            assert!(matches!(parsed(line), Ok(Invocation::Check(options)) if options.config_file.is_some()));
        }
        assert_eq!(parsed("sentinel --check").expect_err("no file").code, 2);
    }

    #[test]
    fn mistakes_are_named_and_corrected() {
        for (line, says) in [
            ("sentinal x", "did you mean 'sentinel'?"),
            ("frobnicate", "known: sentinel, node, demo, help"),
            ("demo --kil-master", "did you mean '--kill-master'?"),
            ("demo --down-after 5", "100 to 60000"),
            ("demo --down-after", "takes milliseconds"),
            ("sentinel a.conf --log-format xml", "text or json"),
            ("sentinel a.conf --http 8080", "such as 127.0.0.1:8080, not '8080'"),
            ("sentinel a.conf --http=localhost:80", "not 'localhost:80'"),
            ("sentinel a.conf --http", "takes an IP address with its port"),
            ("demo --http x", "not 'x'"),
            ("help senitnel", "did you mean 'sentinel'?"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.message.contains(says), "{line}: {}", error.message);
            assert_eq!(error.code, 2);
        }
    }

    #[test]
    fn demo_options_are_read_in_both_spellings() {
        let expected = DemoOptions {
            redis_server: Some(PathBuf::from("/x/redis-server")),
            down_after_ms: 500,
            keep: true,
            story_only: true,
            http: "127.0.0.1:99".parse().ok(),
        };
        for line in [
            "demo --kill-master --redis-server /x/redis-server --down-after 500 --keep --http 127.0.0.1:99",
            "demo --redis-server=/x/redis-server --http=127.0.0.1:99 --kill-master --down-after=500 --keep",
        ] {
            assert_eq!(parsed(line), Ok(Invocation::Demo(expected.clone())));
        }
    }
}
