//! Masters that die together: elections do not void each other, whoever votes beside us.
#![cfg(feature = "scale")]

use picket_sansio::Millis;
use picket_sim::scale::{Outcome, Plan};

fn run(plan: &Plan, seed: u64) -> Outcome {
    plan.run(seed, |_| ()).unwrap_or_else(|stop| panic!("seed {seed}: {stop}"))
}

#[test]
fn forty_masters_that_die_together_are_replaced_by_the_first_election() {
    for seed in 1..=2 {
        let outcome = run(&Plan::new(5, 40), seed);
        assert_eq!((outcome.first_elections(), outcome.switched()), (40, 40), "seed {seed}");
        let last = outcome.spans(|fate| fate.known_to_all).last().copied();
        assert!(last.is_some_and(|last| last < Millis(1_500)), "seed {seed}: {last:?}");
    }
}

/// What the model is for: its times are those that redis-sentinel was seen to take, 1.04 s to `+sdown`, 1.15 s to
/// `+odown`, 2.27 s to `+switch-master` and 3.3 s until the last one names the new master.
#[test]
fn the_model_of_a_stock_sentinel_takes_the_time_that_a_stock_sentinel_takes() {
    let mut fates = Vec::new();
    for seed in 1..=20 {
        let mut plan = Plan::new(3, 1);
        plan.shape.stock = 3;
        fates.extend(run(&plan, seed).fates);
    }
    let median = |mut spans: Vec<Millis>| {
        spans.sort_unstable();
        spans[spans.len() / 2].0
    };
    let of = |what: fn(&picket_sim::scale::Fate) -> Option<Millis>| {
        median(fates.iter().filter_map(what).collect())
    };
    let seen = [
        (of(|fate| fate.subjectively_down), 1_040),
        (of(|fate| fate.objectively_down), 1_150),
        (of(|fate| fate.switched), 2_270),
        (of(|fate| fate.known_to_all), 3_300),
    ];
    for (modelled, real) in seen {
        assert!(modelled.abs_diff(real) <= real / 10, "{seen:?}");
    }
}

#[test]
fn a_quorum_of_both_kinds_replaces_every_master() {
    for stock in [2, 3] {
        let mut plan = Plan::new(5, 10);
        plan.shape.stock = stock;
        let outcome = run(&plan, 1);
        assert_eq!(outcome.switched(), 10, "{stock} of five are stock");
    }
}
