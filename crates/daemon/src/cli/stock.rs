//! The command lines of redis-sentinel and redis-server and their Valkey twins.

use super::directives::collect;
use super::{Invocation, StartOptions, UsageError, help};
use crate::logging::LogFormat;
use crate::version::{Brand, own_line};

/// Whose command line this is: `None` for Picket's own.
pub(super) fn brand_of(program: &str) -> Option<Brand> {
    let name = program.rsplit('/').next().unwrap_or(program);
    let brand = if name.contains("valkey-") { Brand::Valkey } else { Brand::Redis };
    if ["redis-sentinel", "valkey-sentinel"].iter().any(|stock| name.contains(stock)) {
        return Some(brand);
    }
    if !["redis-server", "valkey-server"].iter().any(|stock| name.contains(stock)) {
        return None;
    }
    Some(brand)
}

/// Whether a stock command line starts a sentinel rather than a data node.
fn is_sentinel(program: &str, args: &[String]) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    name.contains("-sentinel") || args.iter().any(|arg| arg == "--sentinel")
}

/// Reads the arguments of a stock command line.
pub(super) fn parse(program: &str, brand: Brand, args: &[String]) -> Result<Invocation, UsageError> {
    match args.first().map(String::as_str) {
        Some("-v" | "--version") => {
            return Ok(Invocation::Print(format!("{}\n{}\n", brand.stock_line(), own_line())));
        }
        Some("-h" | "--help") => return Ok(Invocation::Print(help::stock(program))),
        Some(option @ ("--test-memory" | "--check-system")) => {
            return Err(UsageError {
                message: format!("{option} tests the machine, not the server: Picket does not offer it"),
                code: 1,
            });
        }
        _ => {}
    }
    let (config_file, rest) = match args.split_first() {
        Some((first, rest)) if !first.starts_with('-') => (Some(first.clone()), rest),
        // `redis-server --sentinel my.conf`: the mark is no option, so the file still comes first.
        Some((mark, rest)) if mark == "--sentinel" => match rest.split_first() {
            Some((file, more)) if !file.starts_with('-') && !is_sentinel_directive(file) => {
                (Some(file.clone()), more)
            }
            _ => (None, args),
        },
        _ => (None, args),
    };
    let directives = collect(rest);
    let start = if is_sentinel(program, args) { Invocation::Sentinel } else { Invocation::Node };
    Ok(start(StartOptions {
        config_file,
        read_stdin: directives.read_stdin,
        directives: directives.lines,
        log_format: LogFormat::Text,
        brand,
        http: None,
    }))
}

/// Whether the word after a leading `--sentinel` begins a directive rather than naming a file.
fn is_sentinel_directive(word: &str) -> bool {
    const WORDS: [&str; 20] = [
        "monitor",
        "myid",
        "down-after-milliseconds",
        "failover-timeout",
        "parallel-syncs",
        "notification-script",
        "client-reconfig-script",
        "auth-pass",
        "auth-user",
        "config-epoch",
        "leader-epoch",
        "current-epoch",
        "rename-command",
        "announce-ip",
        "announce-port",
        "deny-scripts-reconfig",
        "sentinel-user",
        "sentinel-pass",
        "resolve-hostnames",
        "announce-hostnames",
    ];
    WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(line: &str, config_file: Option<&str>, lines: &str, read_stdin: bool) {
        let ((Ok(Invocation::Sentinel(options)), true) | (Ok(Invocation::Node(options)), false)) =
            (parse("redis-server", Brand::Redis, &words(line)), line.contains("--sentinel"))
        else {
            panic!("{line} starts a server");
        };
        assert_eq!(options.config_file.as_deref(), config_file);
        assert_eq!(options.directives, lines);
        assert_eq!(options.read_stdin, read_stdin);
    }

    #[test]
    fn the_sentinel_mark_may_stand_anywhere() {
        check("a.conf --sentinel", Some("a.conf"), "", false);
        check("--sentinel a.conf", Some("a.conf"), "", false);
        check("a.conf --sentinel --port 1", Some("a.conf"), "port \"1\"\n", false);
        check("a.conf --port 1 --sentinel", Some("a.conf"), "port \"1\"\n", false);
        check("--sentinel myid x", None, "sentinel \"myid\" \"x\"\n", false);
    }

    #[test]
    fn standard_input_is_a_lone_dash() {
        check("a.conf -", Some("a.conf"), "", true);
        check("-", None, "", true);
        check("", None, "", false);
    }

    #[test]
    fn version_and_help_print() {
        for option in ["-v", "--version", "-h", "--help"] {
            assert!(matches!(
                parse("redis-sentinel", Brand::Redis, &words(option)),
                Ok(Invocation::Print(_))
            ));
        }
        assert!(parse("redis-sentinel", Brand::Redis, &words("--check-system")).is_err());
    }
}
