//! Orders of events in an election of three, as many as seconds allow; `cargo xtask sim --explore` looks
//! further.

use picket_sim::explore::{Bounds, Defect, Step, explore, explore_from, tell};

#[test]
fn no_order_of_events_makes_two_leaders_of_an_epoch() {
    let found = explore(&Bounds { depth: 6, ..Bounds::default() }).unwrap_or_else(|way| panic!("{way}"));
    assert!(found.states > 1_000 && !found.is_cut_short, "{found:?}");
    // All that can come between the questions and the choice of a replica.
    let bounds = Bounds { depth: 5, ..Bounds::default() };
    let found = explore_from(&bounds, &ELECTED[..5]).unwrap_or_else(|way| panic!("{way}"));
    assert!(found.elections > 0 && !found.is_cut_short, "nobody was elected: {found:?}");
    let bounds = Bounds { depth: 7, crashes: 0, ..Bounds::default() };
    let found = explore_from(&bounds, &ELECTED).unwrap_or_else(|way| panic!("{way}"));
    assert!(found.promotions > 0 && !found.is_cut_short, "nobody was promoted: {found:?}");
}

/// The first is elected by the second.
const ELECTED: [Step; 7] = [
    Step::Clock(0),
    Step::Clock(1),
    Step::Clock(0),
    Step::Request(0, 1, 0),
    Step::Written(1),
    Step::Written(0),
    Step::Reply(0, 1, 0),
];

/// The voter starts again while the third is about to stand.
#[test]
fn a_voter_that_starts_again_keeps_its_vote() {
    let begins = [&ELECTED[..], &[Step::Dies(1, false), Step::Starts(1)]].concat();
    let bounds = Bounds { depth: 6, ..Bounds::default() };
    let found = explore_from(&bounds, &begins).unwrap_or_else(|way| panic!("{way}"));
    assert!(found.states > 500 && !found.is_cut_short, "{found:?}");

    let forgetful = Bounds { defect: Defect::DiskForgets, ..bounds };
    let way = explore_from(&forgetful, &begins).expect_err("a voter that forgets its vote gives it twice");
    assert!(way.property.contains("votes for two") || way.property.contains("lead in"), "{way}");
    assert!(tell(&forgetful, &way.steps).ends_with(&way.property), "{way}");
}
