//! What the tests of the simulator share: a cluster whose waits end in a readable panic.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::net::SocketAddr;

use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, NodeId, Shape, Stop, World};

pub const MASTER: &str = "mymaster";

/// A cluster in which everybody knows everybody.
#[track_caller]
pub fn settled(seed: u64, shape: &Shape) -> Cluster {
    Cluster::settled(seed, shape).unwrap_or_else(|stop| panic!("seed {seed}: not settled: {stop}"))
}

/// Ends the test with what happened lately.
#[track_caller]
pub fn fail(world: &World, what: &str) -> ! {
    let since = Time(world.now().0.saturating_sub(20_000_000));
    panic!(
        "{what} at {}\n--- transcript of the last 20 s ---\n{}",
        world.now(),
        world.transcript().text(since)
    )
}

/// Runs until the condition holds; answers how long that took.
#[track_caller]
pub fn drive(
    cluster: &mut Cluster,
    span: u64,
    what: &str,
    mut condition: impl FnMut(&Cluster) -> bool,
) -> Millis {
    let started = cluster.world.now();
    let deadline = started + Millis(span);
    loop {
        if let Some(violation) = cluster.world.violation() {
            let violation = violation.to_string();
            fail(&cluster.world, &violation);
        }
        if condition(cluster) {
            return cluster.world.now().since(started);
        }
        if cluster.world.next_at().is_none_or(|at| at > deadline) {
            fail(&cluster.world, &format!("within {span} ms: not {what}"));
        }
        cluster.world.step();
    }
}

/// Lets time pass.
#[track_caller]
pub fn pass(cluster: &mut Cluster, span: u64) {
    if let Err(stop) = cluster.world.run_for(Millis(span)) {
        fail(&cluster.world, &stop.to_string());
    }
}

/// A command to a node, which must be answered.
#[track_caller]
pub fn ask(cluster: &mut Cluster, node: NodeId, args: &[&str]) -> picket_resp::Reply {
    match cluster.world.command(node, args) {
        Ok(reply) => reply,
        Err(reason) => fail(&cluster.world, &format!("{args:?}: {reason}")),
    }
}

/// Waits until all running Sentinels name the same master, other than `old`.
#[track_caller]
pub fn drive_switch(cluster: &mut Cluster, span: u64, index: usize, old: SocketAddr) -> Millis {
    let name = Cluster::master_name(index);
    drive(cluster, span, "switched everywhere", |cluster| {
        cluster.agreed_master(&name).is_some_and(|master| cluster.world.addr(master) != old)
    })
}

/// The time of the first such line of anybody from `since` on.
#[track_caller]
pub fn first(world: &World, since: Time, start: &str) -> Time {
    match world.transcript().since(since).find(|entry| entry.text.starts_with(start)) {
        Some(entry) => entry.at,
        None => fail(world, &format!("no line {start:?}")),
    }
}

/// The time of the last such line of anybody from `since` on.
#[track_caller]
pub fn last(world: &World, since: Time, start: &str) -> Time {
    match world.transcript().since(since).rfind(|entry| entry.text.starts_with(start)) {
        Some(entry) => entry.at,
        None => fail(world, &format!("no line {start:?}")),
    }
}

/// Who said it first.
#[track_caller]
pub fn who(world: &World, since: Time, start: &str) -> NodeId {
    match world.transcript().since(since).find(|entry| entry.text.starts_with(start)) {
        Some(entry) => entry.node.expect("a node's line"),
        None => fail(world, &format!("no line {start:?}")),
    }
}

#[track_caller]
pub fn not_said(world: &World, since: Time, start: &str) {
    if world.transcript().count(since, start) != 0 {
        fail(world, &format!("a line {start:?}, which should not be"));
    }
}

/// Stops are told with their words.
pub fn words(stop: &Stop) -> String {
    stop.to_string()
}
