//! Full synchronisation: each kind from its own kind, and Picket from and to the others, all with the same data.

use std::time::Duration;

use picket_testkit::{DataServer, wait_until};

use super::super::process::{forget_peak, peak, processor_time};
use super::super::table::{Better, Table};
use super::contender::Contender;
use super::fill::{fill, follow, noise};

/// Length of a value.
const VALUE_LEN: usize = 1000;
/// How long a master may take to notice that its replica is gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

pub(super) fn measure(contenders: &[Contender], gb: f64, table: &mut Table) {
    let count = (gb * 1e9 / VALUE_LEN as f64).ceil() as u64;
    for (from, of) in contenders.iter().enumerate() {
        let mut master = of.start();
        fill(&master, count, |number| noise(number, VALUE_LEN)).expect("it takes the keys");
        for (to, by) in contenders.iter().enumerate() {
            // Stock servers of different makers do not all read each other's files.
            if from != to && !of.program.is_picket() && !by.program.is_picket() {
                continue;
            }
            wait_until(GONE_WITHIN, "the master is free of replicas", || {
                master.replication("connected_slaves") == "0"
            });
            let mut replica = by.start();
            forget_peak(master.process().pid());
            let before = processor_time(master.process().pid());
            let took = follow(&master, &replica);
            assert_eq!(keys(&master), keys(&replica), "the replica has all of it");
            let of_the_kind = [
                (to, format!("full sync of {gb} GB from {}, seconds", of.name), took.as_secs_f64()),
                (
                    to,
                    format!("its replica, CPU seconds ({})", of.name),
                    processor_time(replica.process().pid()).as_secs_f64(),
                ),
                (to, format!("its replica, peak resident MiB ({})", of.name), peak(replica.process().pid())),
                (
                    from,
                    format!("its master, CPU seconds (to {})", by.name),
                    (processor_time(master.process().pid()) - before).as_secs_f64(),
                ),
                (
                    from,
                    format!("its master, peak resident MiB (to {})", by.name),
                    peak(master.process().pid()),
                ),
            ];
            for (column, measure, sample) in of_the_kind {
                table.add(&measure, Better::Less, column, sample);
            }
            if from == to {
                table.add("full sync among its own kind, seconds", Better::Less, to, took.as_secs_f64());
            }
        }
    }
}

fn keys(server: &DataServer) -> Option<i64> {
    server.cmd(&["DBSIZE"]).ok()?.int()
}
