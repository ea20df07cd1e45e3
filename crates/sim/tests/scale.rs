//! Masters that die together: elections do not void each other, whoever votes beside us.
#![cfg(feature = "scale")]

use picket_sansio::Millis;
use picket_sim::Latency;
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

/// The other thing that it is for: of 100 masters that die at once under five redis-sentinels, with config files in
/// memory, some lose their first election, and such a one is replaced after another 20 seconds or more; all were replaced
/// after 6 to 29 seconds. How many lose it is chance: up to 4 of real ones were seen to, of the model's from none to 41 in
/// these runs. What a line costs is what published figures are made with.
#[test]
fn the_model_of_a_stock_sentinel_loses_elections_as_stock_sentinels_do() {
    let mut lost = Vec::new();
    for seed in 1..=4 {
        let mut plan = Plan::new(5, 100);
        plan.shape.stock = 5;
        plan.fsync = Latency { from_us: 60, to_us: 120 };
        let outcome = run(&plan, seed);
        assert_eq!(outcome.switched(), 100, "seed {seed}");
        lost.push(100 - outcome.first_elections());
        let spans = outcome.spans(|fate| fate.switched);
        let (median, last) = (spans[50], spans[99]);
        assert!((Millis(2_000)..Millis(6_000)).contains(&median), "seed {seed}: {median}");
        let is_late = (Millis(20_000)..Millis(29_000)).contains(&last);
        assert_eq!(is_late, lost.last() != Some(&0), "seed {seed}: {last}, {lost:?} lost");
    }
    assert!((4..=120).contains(&lost.iter().sum::<usize>()), "{lost:?} of 100 each");
}

/// Where Picket has the majority, its elections are as quick as among themselves; where stock has it, one of its
/// Sentinels may be elected, which takes its time but loses nothing.
#[test]
fn a_quorum_of_both_kinds_replaces_every_master_by_the_first_election() {
    for (sentinels, stock, within) in [(5, 2, 1_200), (17, 8, 1_200), (5, 3, 5_000)] {
        let mut plan = Plan::new(sentinels, 10);
        plan.shape.stock = stock;
        let outcome = run(&plan, 1);
        let counted = (outcome.first_elections(), outcome.switched());
        assert_eq!(counted, (10, 10), "{stock} of {sentinels} are stock");
        let last = outcome.spans(|fate| fate.switched).last().copied();
        assert!(last <= Some(Millis(within)), "{stock} of {sentinels} are stock: {last:?}");
    }
}
