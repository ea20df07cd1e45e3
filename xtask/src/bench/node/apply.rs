//! How fast a replica applies what its master was loaded with, many requests at a time.
//!
//! The master is the same for all: the first stock server, or Picket where there is none. So the figures differ by
//! the replica alone.

use std::time::{Duration, Instant};

use picket_testkit::peers::Peer;

use super::super::process::processor_time;
use super::super::table::{Better, Table};
use super::contender::Contender;
use super::fill::{caught_up, fill, follow};
use super::requests::load;

/// Requests in flight of each client.
const PIPELINE: u32 = 64;

pub(super) fn measure(contenders: &[Contender], requests: u64, table: &mut Table) {
    let kind = contenders.get(1).unwrap_or(&contenders[0]);
    let master = kind.start();
    let name = kind.name;
    let write = || match Peer::RedisBenchmark.find() {
        Some(_) => {
            load(&master, "SET", PIPELINE, requests);
        }
        None => fill(&master, requests, |_| "xxx".to_owned()).expect("it takes the keys"),
    };
    let rate = |took: Duration| requests as f64 / took.as_secs_f64();
    for (column, contender) in contenders.iter().enumerate() {
        let mut replica = contender.start();
        follow(&master, &replica);
        let since = Instant::now();
        write();
        let took = caught_up(&master, &replica, since);
        let measure = format!("replica of {name} during a load, SET/s");
        table.add(&measure, Better::More, column, rate(took));

        // All of the load waits for a replica that stood still.
        replica.process().stop();
        write();
        let before = processor_time(replica.process().pid());
        let since = Instant::now();
        replica.process().cont();
        let took = caught_up(&master, &replica, since);
        let used = processor_time(replica.process().pid()) - before;
        let measure = format!("replica of {name} behind a load, SET/s");
        table.add(&measure, Better::More, column, rate(took));
        let measure = format!("replica of {name}, CPU microseconds per SET");
        table.add(&measure, Better::Less, column, used.as_secs_f64() * 1e6 / requests as f64);
    }
}
