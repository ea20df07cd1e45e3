//! A link that is cut again and again, at any moment of handshake, payload and stream.

use picket_testkit::{DataProgram, DataServer, Proxy, wait_until};

use crate::common::{SOON, needs_redis, ours};
use crate::load::{Load, Random};
use crate::same::{DEBUG, assert_same, assert_same_digests, follow, ok, stat};
use crate::sample::{cmd, run};

/// Replicas that suffer at the same time, and rounds after which all is compared. In a round each replica is cut twice
/// before it has a copy, and then as often twice: in the stream, and when it has just come back or is about to.
const REPLICAS: u64 = 9;
const ROUNDS: u64 = 2;
const RETURNS: u64 = 2;
const CUTS: u64 = REPLICAS * ROUNDS * (2 + 2 * RETURNS);
/// Less than a snapshot of the data has.
const PAYLOAD: u64 = 150_000;

#[track_caller]
fn survives_cuts(master: &DataProgram, replica: &DataProgram, seed: u64) {
    let master = DataServer::start_as(master, &[DEBUG, "repl-backlog-size 32mb"]);
    let many: Vec<_> =
        (0..1500).map(|n| cmd!["SET", format!("much:{n}"), format!("{n}").repeat(50)]).collect();
    run(&master, &many);
    // Others than these can be tried by hand.
    let seed = std::env::var("PICKET_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(seed);
    let mut random = Random(seed.max(1));
    let replicas: Vec<(DataServer, Proxy)> = (0..REPLICAS)
        .map(|number| {
            let load = ["disabled", "swapdb"][usize::try_from(number % 2).unwrap_or(0)];
            let replica = DataServer::start_as(replica, &[DEBUG, &format!("repl-diskless-load {load}")]);
            (replica, Proxy::to(master.port()))
        })
        .collect();
    let all: Vec<&DataServer> = replicas.iter().map(|(replica, _)| replica).collect();
    // One more behind the first of them: it has no link of its own to the master that could be cut.
    let below = DataServer::start_as(master.program(), &[DEBUG]);
    follow(&below, all[0].port());
    let all_below: Vec<&DataServer> = all.iter().copied().chain([&below]).collect();
    let load = Load::start(&master, 1);
    let mut returns = 0;
    let mut ordered = 0;
    let wait_for_cuts = |ordered: usize| {
        wait_until(SOON * 2, "the cuts were made", || {
            replicas.iter().all(|(_, proxy)| proxy.orders_done() == ordered)
        });
    };
    for round in 0..ROUNDS {
        ok(&master, &["CONFIG", "SET", "repl-diskless-sync", if round % 2 == 0 { "yes" } else { "no" }]);
        // A history that nobody knows: the round begins with full copies for all.
        ok(&master, &["DEBUG", "CHANGE-REPL-ID"]);
        load.pause(false);
        ordered += 2;
        for (replica, proxy) in &replicas {
            let early = if random.below(2) == 0 { random.below(90) } else { random.below(PAYLOAD) };
            proxy.order([early, random.below(PAYLOAD)]);
            proxy.cut_now();
            follow(replica, proxy.port());
        }
        wait_for_cuts(ordered);
        for _ in 0..RETURNS {
            wait_until(SOON * 2, "all links are up", || {
                replicas.iter().all(|(replica, proxy)| replica.follows(proxy.port()))
            });
            ordered += 1;
            for (_, proxy) in &replicas {
                load.wait_for(random.below(200));
                proxy.order([random.below(3000)]);
                proxy.cut_now();
                returns += 1;
            }
            wait_for_cuts(ordered);
        }
        load.pause(true);
        assert_same_digests(&master, &all_below);
    }
    load.stop();
    assert_same(&master, &all_below);
    let made = returns + replicas.iter().map(|(_, proxy)| proxy.cuts() as u64).sum::<u64>();
    let (full, partial) = (stat(&master, "sync_full"), stat(&master, "sync_partial_ok"));
    eprintln!("seed {seed}: {made} cuts, {full} full and {partial} partial resynchronizations");
    assert!((100..=CUTS).contains(&made), "{made} of {CUTS} cuts hit");
    assert!(partial >= returns, "each link that was up and is cut goes on where it was");
    assert!(full <= REPLICAS * ROUNDS * 3, "a whole copy is made only where one was not complete: {full}");
    for replica in all_below {
        assert!(!replica.log_text().contains("CRITICAL"));
    }
}

#[test]
fn a_node_comes_back_after_a_hundred_cuts() {
    needs_redis!();
    survives_cuts(&DataProgram::Redis, &ours(), 1);
}

#[test]
fn a_node_takes_its_replicas_back_after_a_hundred_cuts() {
    needs_redis!();
    survives_cuts(&ours(), &DataProgram::Redis, 2);
}

#[test]
fn two_nodes_come_through_a_hundred_cuts() {
    survives_cuts(&ours(), &ours(), 3);
}
