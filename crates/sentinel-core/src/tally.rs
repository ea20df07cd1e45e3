//! Counting an election. Mirrors `sentinel.c: sentinelGetLeader`.

use alloc::string::{String, ToString};
use picket_sansio::collections::BTreeMap;

use crate::failover::Election;
use crate::reason::Choice;

/// How an election stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tally {
    /// We have the votes.
    Won,
    /// We can still get them.
    Open,
    /// We cannot; `rival` has them or may have them.
    Lost { rival: Option<String> },
}

/// Counts an election. `undecided` voters may still answer.
pub(crate) fn tally(election: &Election, my_id: &str, undecided: u32, needed: u32) -> Tally {
    let mut mine = u32::from(election.own_vote_durable);
    let own_open = u32::from(!election.own_vote_durable && !election.own_vote_failed);
    let mut rivals: BTreeMap<&str, u32> = BTreeMap::new();
    for choice in election.ballots.values() {
        match choice {
            Choice::For(run_id) if run_id == my_id => mine += 1,
            Choice::For(run_id) => *rivals.entry(run_id).or_default() += 1,
            Choice::Refused { .. } => (),
        }
    }
    if mine >= needed && election.own_vote_durable {
        return Tally::Won;
    }
    if !election.own_vote_failed && mine + own_open + undecided >= needed {
        return Tally::Open;
    }
    let rival = rivals.iter().find(|(_, votes)| **votes + undecided >= needed);
    Tally::Lost { rival: rival.map(|(run_id, _)| (*run_id).to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PeerId;
    use picket_sansio::Time;

    const ME: &str = "me";

    fn election(own: bool, choices: &[Choice]) -> Election {
        Election {
            epoch: 5,
            since: Time(0),
            own_vote_durable: own,
            own_vote_failed: false,
            ballots: choices.iter().enumerate().map(|(n, c)| (PeerId(n as u32), c.clone())).collect(),
            motive: crate::failover::Motive::ObjectivelyDown,
        }
    }

    fn for_(who: &str) -> Choice {
        Choice::For(who.to_string())
    }

    #[track_caller]
    fn check(own: bool, choices: &[Choice], undecided: u32, needed: u32, expected: &Tally) {
        assert_eq!(&tally(&election(own, choices), ME, undecided, needed), expected);
    }

    #[test]
    fn the_own_vote_counts_only_when_it_is_durable() {
        check(false, &[for_(ME)], 0, 2, &Tally::Open);
        check(false, &[for_(ME), for_(ME)], 0, 2, &Tally::Open);
        check(true, &[for_(ME)], 0, 2, &Tally::Won);
        let mut failed = election(false, &[for_(ME), for_(ME)]);
        failed.own_vote_failed = true;
        assert_eq!(tally(&failed, ME, 3, 2), Tally::Lost { rival: None });
    }

    #[test]
    fn an_election_is_open_while_the_undecided_can_lift_us() {
        check(true, &[for_("b")], 2, 3, &Tally::Open);
        check(true, &[for_("b")], 1, 3, &Tally::Lost { rival: None });
        check(true, &[Choice::Refused { epoch: 9 }], 1, 3, &Tally::Lost { rival: None });
    }

    #[test]
    fn a_rival_that_may_have_won_is_named() {
        check(true, &[for_("b"), for_("b")], 0, 2, &Tally::Lost { rival: Some("b".to_string()) });
        check(true, &[for_("b"), for_("b")], 1, 3, &Tally::Lost { rival: Some("b".to_string()) });
        check(true, &[for_("b"), for_("c")], 0, 3, &Tally::Lost { rival: None });
    }

    #[test]
    fn a_quorum_above_the_majority_is_needed_too() {
        check(true, &[for_(ME), for_(ME)], 0, 4, &Tally::Lost { rival: None });
        check(true, &[for_(ME), for_(ME), for_(ME)], 0, 4, &Tally::Won);
    }
}
