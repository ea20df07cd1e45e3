//! The elections about one master, until it is replaced: how many stood, and whether the first of them did it.

use alloc::collections::BTreeMap;

/// What is seen of them, by what stock Sentinels and ours publish alike, told in the order of each Sentinel.
///
/// A master is replaced *by the first election* if until then
///
/// - nobody gave an election or a failover up (`-failover-abort-...`) in an epoch before the winner's, and
/// - nobody stood for it who had stood or voted in an epoch before.
///
/// So rivals that stand beside each other are one election, also where their epochs differ, as those of stock Sentinels do
/// when many masters fall; whoever stands after it has seen an election begins another, however soon. The clock says
/// nothing: a lost election takes a stock Sentinel ten seconds and one of ours a few milliseconds. A candidate that makes
/// room for a newer one has not given up, since stock has no word for that; it has if it stands again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elections {
    /// The epoch in which each Sentinel first stood or voted.
    first: BTreeMap<u32, u64>,
    /// That of its last candidacy, unless it was given up.
    standing: BTreeMap<u32, u64>,
    candidacies: u32,
    /// The least that was given up.
    given_up: Option<u64>,
    has_stood_again: bool,
    won: Option<u64>,
}

impl Elections {
    /// `+try-failover`: a Sentinel stands.
    pub fn stands(&mut self, who: u32, epoch: u64) {
        let first = *self.first.entry(who).or_insert(epoch);
        self.has_stood_again |= first < epoch;
        self.candidacies += 1;
        self.standing.insert(who, epoch);
    }

    /// `+vote-for-leader`: a Sentinel votes, for itself or for another.
    pub fn votes(&mut self, who: u32, epoch: u64) {
        self.first.entry(who).or_insert(epoch);
    }

    /// `-failover-abort-...`: a Sentinel's candidacy or failover came to nothing.
    pub fn gives_up(&mut self, who: u32) {
        if let Some(epoch) = self.standing.remove(&who) {
            self.given_up = Some(self.given_up.map_or(epoch, |least| least.min(epoch)));
        }
    }

    /// `+elected-leader`: a Sentinel has won. The last one before the master was replaced did it.
    pub fn is_elected(&mut self, who: u32) {
        self.won = self.standing.get(&who).copied();
    }

    /// How often anybody stood.
    #[must_use]
    pub fn candidacies(&self) -> u32 {
        self.candidacies
    }

    /// Whether the first election replaced the master.
    #[must_use]
    pub fn won_by_the_first(&self) -> bool {
        let is_first = |won: u64| self.given_up.is_none_or(|given_up| won <= given_up);
        !self.has_stood_again && self.won.is_some_and(is_first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Seen {
        Stands(u32, u64),
        Votes(u32, u64),
        GivesUp(u32),
        Elected(u32),
    }
    use Seen::{Elected, GivesUp, Stands, Votes};

    #[track_caller]
    fn check(seen: &[Seen], is_first: bool) {
        let mut elections = Elections::default();
        for seen in seen {
            match *seen {
                Stands(who, epoch) => elections.stands(who, epoch),
                Votes(who, epoch) => elections.votes(who, epoch),
                GivesUp(who) => elections.gives_up(who),
                Elected(who) => elections.is_elected(who),
            }
        }
        assert_eq!(elections.won_by_the_first(), is_first);
    }

    #[test]
    fn rivals_of_one_epoch_are_one_election_whoever_gives_up() {
        check(&[Stands(1, 5), Votes(1, 5), Stands(2, 5), Votes(2, 5), GivesUp(1), Elected(2)], true);
    }

    #[test]
    fn who_stands_in_a_newer_epoch_without_having_voted_stands_beside_the_other() {
        check(&[Stands(1, 5), Votes(1, 5), Stands(2, 9), Votes(2, 9), Votes(1, 9), Elected(2)], true);
    }

    #[test]
    fn an_older_election_that_was_given_up_was_the_first() {
        check(&[Stands(1, 5), GivesUp(1), Stands(2, 6), Elected(2)], false);
        // Also where it takes its candidate a while to see it.
        check(&[Stands(1, 5), Stands(2, 6), GivesUp(1), Elected(2)], false);
    }

    #[test]
    fn who_stands_after_it_voted_or_stood_begins_another_election() {
        check(&[Stands(1, 5), Votes(2, 5), Stands(2, 6), Elected(2)], false);
        check(&[Stands(1, 5), Votes(1, 6), Stands(1, 7), Elected(1)], false);
        // Even if somebody else wins.
        check(&[Stands(1, 5), Votes(2, 5), Stands(2, 6), Elected(1)], false);
    }

    #[test]
    fn a_failover_that_was_given_up_was_won_in_vain() {
        check(&[Stands(1, 5), Elected(1), GivesUp(1), Stands(2, 6), Elected(2)], false);
    }

    #[test]
    fn nobody_elected_is_no_first_election() {
        check(&[Stands(1, 5), Votes(1, 5)], false);
    }
}
