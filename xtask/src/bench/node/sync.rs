//! Full synchronisation: each kind from its own kind, and Picket from and to the others, all with the same data.

use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use picket_testkit::{DataServer, wait_until};

use super::super::process::{forget_peak, peak, processor_time};
use super::super::table::{Better, Table};
use super::MIB;
use super::contender::Contender;
use super::fill::{fill, follow, noise};

/// Length of a value, and of a key.
const VALUE_LEN: usize = 1000;
const KEY_LEN: usize = 16;
const OWN_KIND: &str = "full sync among its own kind, seconds";
/// How long a master may take to notice that its replica is gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

pub(super) fn measure(contenders: &[Contender], gb: f64, table: &mut Table) {
    let count = (gb * 1e9 / VALUE_LEN as f64).ceil() as u64;
    let bytes = count * (KEY_LEN + VALUE_LEN) as u64;
    // At best it takes as long as the bytes take through a socket, and as much memory as they are.
    let (wire, data) = (through_a_socket(bytes).as_secs_f64(), bytes as f64 / MIB);
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
                (
                    to,
                    format!("full sync of {gb} GB from {}, seconds", of.name),
                    took.as_secs_f64(),
                    Some(wire),
                ),
                (
                    to,
                    format!("its replica, CPU seconds ({})", of.name),
                    processor_time(replica.process().pid()).as_secs_f64(),
                    None,
                ),
                (
                    to,
                    format!("its replica, peak resident MiB ({})", of.name),
                    peak(replica.process().pid()),
                    Some(data),
                ),
                (
                    from,
                    format!("its master, CPU seconds (to {})", by.name),
                    (processor_time(master.process().pid()) - before).as_secs_f64(),
                    None,
                ),
                (
                    from,
                    format!("its master, peak resident MiB (to {})", by.name),
                    peak(master.process().pid()),
                    Some(data),
                ),
            ];
            for (column, measure, sample, limit) in of_the_kind {
                table.add(&measure, Better::Less, column, sample);
                if let Some(limit) = limit {
                    table.physical(&measure, limit);
                }
            }
            if from == to {
                table.add(OWN_KIND, Better::Less, to, took.as_secs_f64());
                table.physical(OWN_KIND, wire);
            }
        }
    }
}

/// How long so many bytes take from one thread to another over loopback.
fn through_a_socket(bytes: u64) -> Duration {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let addr = listener.local_addr().expect("it is bound");
    let since = Instant::now();
    let sender = thread::spawn(move || {
        let mut stream = TcpStream::connect(addr)?;
        io::copy(&mut io::repeat(b'x').take(bytes), &mut stream)
    });
    let (mut stream, _) = listener.accept().expect("the sender connects");
    let taken = io::copy(&mut stream, &mut io::sink()).expect("the sender sends");
    let took = since.elapsed();
    let sent = sender.join().expect("it ends").expect("it is taken");
    assert_eq!((taken, sent), (bytes, bytes), "all of it went through");
    took
}

fn keys(server: &DataServer) -> Option<i64> {
    server.cmd(&["DBSIZE"]).ok()?.int()
}
