//! Binary `picket`: keeps Redis and Valkey deployments alive.
//!
//! The command line ([`cli`]), configuration files ([`config`]), the log ([`logging`]), and the host
//! ([`host`]) that connects a sans-IO core to sockets, disk, clock and processes. What a Sentinel does
//! is decided in `picket-sentinel-core`, what a data node does in `picket-node-core`.

mod cli;
mod config;
mod demo;
mod errno;
mod host;
#[cfg(feature = "ui")]
mod http;
#[cfg(not(feature = "ui"))]
#[path = "http_left_out.rs"]
mod http;
mod logging;
mod node;
mod sentinel;
mod start;
mod version;

use std::io::Write as _;
use std::process::ExitCode;

use cli::Invocation;

fn main() -> ExitCode {
    let argv: Result<Vec<String>, _> = std::env::args_os().map(std::ffi::OsString::into_string).collect();
    let Ok(argv) = argv else {
        eprintln!("picket: an argument is not UTF-8");
        return ExitCode::from(2);
    };
    let code = match cli::parse(&argv) {
        Ok(Invocation::Print(text)) => {
            // Whoever closes the pipe early has seen enough.
            let _ = std::io::stdout().write_all(text.as_bytes());
            0
        }
        Ok(Invocation::Sentinel(options)) => sentinel::run(&options),
        Ok(Invocation::Check(options)) => sentinel::check(&options),
        Ok(Invocation::Node(options)) => node::run(&options),
        Ok(Invocation::CheckNode(options)) => node::check(&options),
        Ok(Invocation::Demo(options)) => demo::run(&options),
        Err(error) => {
            eprintln!("{}", error.message.trim_end());
            return ExitCode::from(error.code);
        }
    };
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
