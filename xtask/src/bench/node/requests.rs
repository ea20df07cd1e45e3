//! Requests per second, as redis-benchmark counts them, and what the server used of the processor for each.

use std::process::Command;

use picket_testkit::peers::Peer;
use picket_testkit::{DataServer, Proc};

use super::super::process::processor_time;
use super::super::table::{Better, Table};
use super::contender::Contender;
use super::fill::PATIENCE;

/// Different keys, as in `-r`.
const KEYS: &str = "100000";

/// SET and GET with one and with sixteen requests of each of fifty clients in flight.
pub(super) fn measure(contenders: &[Contender], requests: u64, table: &mut Table) {
    let mut servers: Vec<_> = contenders.iter().map(Contender::start).collect();
    for (pipeline, requests) in [(1, requests.div_ceil(10)), (16, requests)] {
        for command in ["SET", "GET"] {
            for (column, server) in servers.iter_mut().enumerate() {
                let before = processor_time(server.process().pid());
                let rate = load(server, command, pipeline, requests);
                let used = processor_time(server.process().pid()) - before;
                let measure = format!("{command} -P {pipeline}, requests/s");
                table.add(&measure, Better::More, column, rate);
                let measure = format!("{command} -P {pipeline}, CPU microseconds per request");
                table.add(&measure, Better::Less, column, used.as_secs_f64() * 1e6 / requests as f64);
            }
        }
    }
}

/// Runs redis-benchmark to its end and gives what it counted.
pub(super) fn load(server: &DataServer, test: &str, pipeline: u32, requests: u64) -> f64 {
    let mut command = Command::new(Peer::RedisBenchmark.path());
    command.args(["-p", &server.port().to_string(), "-t", &test.to_lowercase(), "-r", KEYS, "--csv"]);
    command.args(["-n", &requests.to_string(), "-P", &pipeline.to_string()]);
    let log = server.folder().join(format!("benchmark-{test}-{pipeline}.log"));
    // What an earlier run of the same kind has said is not this one's.
    let _ = std::fs::remove_file(log.with_extension("out"));
    let mut process = Proc::spawn("redis-benchmark", command, &log).expect("it can be run");
    let status = process.wait_exit(PATIENCE);
    let text = process.log_text();
    assert!(status.success(), "redis-benchmark failed: {text}");
    rate(&text, test).unwrap_or_else(|| panic!("redis-benchmark counted no {test}: {text}"))
}

/// The requests per second of a test in what `--csv` prints.
fn rate(csv: &str, test: &str) -> Option<f64> {
    let line = csv.lines().find_map(|line| line.strip_prefix(&format!("\"{test}\",\"")))?;
    line.split('"').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_test_asked_for() {
        let csv =
            "\"test\",\"rps\",\"avg_latency_ms\"\n\"SET\",\"1234.50\",\"0.1\"\n\"GET\",\"99.00\",\"0.2\"\n";
        assert_eq!(rate(csv, "SET"), Some(1234.5));
        assert_eq!(rate(csv, "GET"), Some(99.0));
        assert_eq!(rate(csv, "INCR"), None);
    }
}
