//! What the command line asks for, as plain values.
//!
//! Two dialects share one binary: `picket <command> …`, and the command lines of redis-sentinel,
//! redis-server and their Valkey twins, chosen by the name that the program was called by.

mod directives;
mod help;
mod picket;
mod stock;
pub(crate) mod suggest;

use std::fmt;
use std::net::SocketAddr;

use crate::demo::DemoOptions;
use crate::logging::LogFormat;
use crate::version::Brand;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// Print this and exit 0.
    Print(String),
    /// Run a Sentinel.
    Sentinel(StartOptions),
    /// Validate and explain a Sentinel's configuration.
    Check(StartOptions),
    /// Run a data node.
    Node(StartOptions),
    /// Validate and explain a data node's configuration.
    CheckNode(StartOptions),
    /// Show a failover.
    Demo(DemoOptions),
}

/// Where a server's configuration comes from, and how it speaks.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct StartOptions {
    /// The config file as it was given.
    pub(crate) config_file: Option<String>,
    /// Whether standard input holds more configuration.
    pub(crate) read_stdin: bool,
    /// Directives of the command line, as lines of a config file.
    pub(crate) directives: String,
    /// How log lines are written.
    pub(crate) log_format: LogFormat,
    /// Whose texts are spoken.
    pub(crate) brand: Brand,
    /// Where the page is served; a Sentinel's only.
    pub(crate) http: Option<SocketAddr>,
}

/// A command line that makes no sense: what to say on stderr, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UsageError {
    pub(crate) message: String,
    pub(crate) code: u8,
}

impl UsageError {
    /// What is wrong, in the name of the program.
    fn new(what: impl fmt::Display) -> Self {
        Self { message: format!("picket: {what}"), code: 2 }
    }
}

/// Reads a whole command line, the program's name first.
pub(crate) fn parse(argv: &[String]) -> Result<Invocation, UsageError> {
    let (program, args) = match argv.split_first() {
        Some((program, args)) => (program.as_str(), args),
        None => ("picket", &[][..]),
    };
    match stock::brand_of(program) {
        Some(brand) => stock::parse(program, brand, args),
        None => picket::parse(args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, UsageError> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn the_name_of_the_program_chooses_the_dialect() {
        let Ok(Invocation::Sentinel(options)) = parsed("/usr/bin/redis-sentinel a.conf --port 1") else {
            panic!("redis-sentinel takes a config file");
        };
        assert_eq!(options.config_file.as_deref(), Some("a.conf"));
        assert_eq!(options.directives, "port \"1\"\n");
        assert_eq!(options.brand, Brand::Redis);

        let Ok(Invocation::Sentinel(options)) = parsed("./valkey-server --sentinel a.conf") else {
            panic!("valkey-server --sentinel is a sentinel");
        };
        assert_eq!(options.brand, Brand::Valkey);

        let Ok(Invocation::Node(options)) = parsed("/usr/bin/redis-server a.conf --port 1 -") else {
            panic!("redis-server takes a config file");
        };
        assert_eq!(options.config_file.as_deref(), Some("a.conf"));
        assert_eq!(options.directives, "port \"1\"\n");
        assert!(options.read_stdin);

        assert!(parsed("picket a.conf").is_err_and(|error| error.code == 2));
    }
}
