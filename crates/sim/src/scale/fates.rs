//! What became of each master, out of the milestones of all Sentinels.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use picket_sansio::{Millis, Time};

use super::elections::Elections;
use super::milestones::{Milestone, Milestones, Step};
use crate::cluster::Cluster;
use crate::ids::NodeId;

/// What became of one master; all spans count from its death.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// The first Sentinel noticed.
    pub subjectively_down: Option<Millis>,
    /// The first Sentinel knew that enough others had noticed.
    pub objectively_down: Option<Millis>,
    /// The first one stood for election.
    pub stood: Option<Millis>,
    /// The one that replaced it was elected.
    pub elected: Option<Millis>,
    /// The first Sentinel named its successor.
    pub switched: Option<Millis>,
    /// The last Sentinel did.
    pub known_to_all: Option<Millis>,
    /// How many candidacies there were.
    pub candidacies: u32,
    /// The first election replaced it: [`Elections::won_by_the_first`].
    pub by_first_election: bool,
}

/// What became of all masters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// One for each master.
    pub fates: Vec<Fate>,
    /// How many steps the world took.
    pub steps: u64,
}

impl Outcome {
    /// How often anybody stood for election, for all masters together.
    #[must_use]
    pub fn candidacies(&self) -> u64 {
        self.fates.iter().map(|fate| u64::from(fate.candidacies)).sum()
    }

    /// How many were replaced by the first election.
    #[must_use]
    pub fn first_elections(&self) -> usize {
        self.fates.iter().filter(|fate| fate.by_first_election).count()
    }

    /// How many were replaced at all.
    #[must_use]
    pub fn switched(&self) -> usize {
        self.fates.iter().filter(|fate| fate.switched.is_some()).count()
    }

    /// The spans of one kind, the shortest first; a master without it has none.
    #[must_use]
    pub fn spans(&self, of: impl Fn(&Fate) -> Option<Millis>) -> Vec<Millis> {
        let mut spans: Vec<Millis> = self.fates.iter().filter_map(of).collect();
        spans.sort_unstable();
        spans
    }
}

/// What the milestones say of masters that died then.
pub(super) fn fates(deaths: &[Time], noted: &Milestones, sentinels: usize) -> Vec<Fate> {
    let mut of: BTreeMap<&str, Vec<&Milestone>> = BTreeMap::new();
    for milestone in &noted.0 {
        of.entry(milestone.master.as_str()).or_default().push(milestone);
    }
    let fate = |(index, died): (usize, &Time)| {
        let name = Cluster::master_name(index);
        fate(*died, of.get(name.as_str()).map_or(&[][..], Vec::as_slice), sentinels)
    };
    deaths.iter().enumerate().map(fate).collect()
}

fn fate(died: Time, noted: &[&Milestone], sentinels: usize) -> Fate {
    let first = |step: Step| noted.iter().find(|milestone| milestone.step == step);
    let since = |at: Time| at.since(died);
    let mut fate = Fate {
        subjectively_down: first(Step::SubjectivelyDown).map(|noted| since(noted.at)),
        objectively_down: first(Step::ObjectivelyDown).map(|noted| since(noted.at)),
        ..Fate::default()
    };
    // A Sentinel can name more than one successor, the one after the other; its first counts.
    let mut switches: BTreeMap<NodeId, Time> = BTreeMap::new();
    for noted in noted.iter().filter(|noted| noted.step == Step::Switched) {
        switches.entry(noted.node).or_insert(noted.at);
    }
    let Some(switched) = switches.values().min().copied() else { return fate };
    fate.switched = Some(since(switched));
    if switches.len() >= sentinels {
        fate.known_to_all = switches.values().max().map(|at| since(*at));
    }
    let mut elections = Elections::default();
    for noted in noted.iter().take_while(|noted| noted.at <= switched) {
        let who = noted.node.0;
        match noted.step {
            Step::Stands(epoch) => {
                fate.stood.get_or_insert(since(noted.at));
                elections.stands(who, epoch);
            }
            Step::Votes(epoch) => elections.votes(who, epoch),
            Step::GivenUp => elections.gives_up(who),
            Step::Elected => {
                fate.elected = Some(since(noted.at));
                elections.is_elected(who);
            }
            Step::SubjectivelyDown | Step::ObjectivelyDown | Step::Switched => {}
        }
    }
    fate.candidacies = elections.candidacies();
    fate.by_first_election = elections.won_by_the_first();
    fate
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(steps: &[(u64, u32, Step)]) -> Milestones {
        let milestone = |(at, node, step): &(u64, u32, Step)| Milestone {
            at: Time(at * 1000),
            node: NodeId(*node),
            master: Cluster::master_name(0),
            step: *step,
        };
        Milestones(steps.iter().map(milestone).collect())
    }

    fn only(steps: &[(u64, u32, Step)]) -> Fate {
        fates(&[Time(10_000)], &noted(steps), 2)[0]
    }

    #[test]
    fn a_rival_that_stands_beside_the_winner_was_in_the_same_election() {
        let fate = only(&[
            (20, 1, Step::Stands(5)),
            (20, 1, Step::Votes(5)),
            (21, 2, Step::Stands(6)),
            (22, 1, Step::Votes(6)),
            (40, 2, Step::Elected),
            (50, 2, Step::Switched),
            (60, 1, Step::Switched),
            (70, 1, Step::GivenUp),
        ]);
        assert!(fate.by_first_election);
        assert_eq!((fate.switched, fate.known_to_all), (Some(Millis(40)), Some(Millis(50))));
        assert_eq!((fate.stood, fate.elected, fate.candidacies), (Some(Millis(10)), Some(Millis(30)), 2));
    }

    #[test]
    fn who_stands_after_it_voted_is_in_the_second_election_though_nobody_gave_up() {
        let fate = only(&[
            (20, 1, Step::Stands(5)),
            (22, 2, Step::Votes(5)),
            (31, 2, Step::Stands(6)),
            (40, 2, Step::Elected),
            (50, 2, Step::Switched),
        ]);
        assert!(!fate.by_first_election);
        assert_eq!((fate.switched, fate.known_to_all), (Some(Millis(40)), None));
    }

    #[test]
    fn a_sentinel_that_names_two_successors_is_one_sentinel() {
        let fate = only(&[
            (20, 1, Step::Stands(5)),
            (30, 1, Step::Elected),
            (40, 1, Step::Switched),
            (50, 1, Step::Switched),
        ]);
        assert_eq!((fate.switched, fate.known_to_all), (Some(Millis(30)), None));
    }

    #[test]
    fn a_master_that_was_not_replaced_says_so() {
        let fate = only(&[(20, 1, Step::SubjectivelyDown), (21, 1, Step::Stands(1))]);
        assert_eq!((fate.subjectively_down, fate.switched), (Some(Millis(10)), None));
        assert!(!fate.by_first_election);
    }
}
