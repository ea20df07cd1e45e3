//! Why this replica was chosen and not that one.

use std::net::SocketAddr;

use picket_sansio::Time;
use picket_sentinel_core::{Event, Ineligible};
use picket_sim::{Told, World};

/// Lines of the transcript in which the last choice is looked for.
const LOOKBACK: usize = 3_000;
/// Characters of a run id that are shown.
const RUN_ID_SHOWN: usize = 8;

/// The last choice of a replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaChoice {
    /// When, counted from the beginning.
    pub at_us: u64,
    /// The Sentinel that chose.
    pub by: String,
    /// Those that could be promoted, the chosen one first.
    pub ranked: Vec<Candidate>,
    /// Those that could not, and why.
    pub rejected: Vec<(String, Ineligible)>,
    /// What put the first before the second; none if there was no second.
    pub decided_by: Option<Criterion>,
}

/// A replica that could be promoted, with the facts that it was ranked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// It finished its last synchronisation.
    pub in_sync: bool,
    /// `replica-priority`; lower is better.
    pub priority: u32,
    /// Its replication offset.
    pub offset: u64,
    /// The beginning of its run id.
    pub run_id: String,
}

/// What replicas are compared by, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    /// Whether it finished its last synchronisation.
    InSync,
    /// The lower priority.
    Priority,
    /// The higher offset.
    Offset,
    /// The smaller run id.
    RunId,
}

/// The last choice that any Sentinel made, in vain or not.
#[must_use]
pub fn replica_choice(world: &World, begin: Time) -> Option<ReplicaChoice> {
    let transcript = world.transcript();
    let mut latest = transcript.behind(transcript.len().saturating_sub(LOOKBACK)).rev();
    latest.find_map(|entry| {
        let Told::Sentinel(event) = &entry.told else { return None };
        let (ranking, rejected) = match &**event {
            Event::Selected { ranking, rejected, .. } => (&ranking[..], rejected),
            Event::AbortNoGoodReplica { rejected, .. } => (&[][..], rejected),
            _ => return None,
        };
        let ranked: Vec<Candidate> = ranking
            .iter()
            .map(|ranked| Candidate {
                name: name_of(world, &ranked.replica),
                in_sync: ranked.in_sync,
                priority: ranked.priority,
                offset: ranked.offset,
                run_id: ranked.run_id.chars().take(RUN_ID_SHOWN).collect(),
            })
            .collect();
        let decided_by = match &ranked[..] {
            [first, second, ..] => Some(Criterion::between(first, second)),
            _ => None,
        };
        Some(ReplicaChoice {
            at_us: entry.at.0.saturating_sub(begin.0),
            by: entry.who.clone(),
            ranked,
            rejected: rejected
                .iter()
                .map(|rejected| (name_of(world, &rejected.replica), rejected.why.clone()))
                .collect(),
            decided_by,
        })
    })
}

impl Criterion {
    fn between(first: &Candidate, second: &Candidate) -> Self {
        if first.in_sync != second.in_sync {
            Self::InSync
        } else if first.priority != second.priority {
            Self::Priority
        } else if first.offset != second.offset {
            Self::Offset
        } else {
            Self::RunId
        }
    }
}

fn name_of(world: &World, addr: &str) -> String {
    let node = addr.parse::<SocketAddr>().ok().and_then(|addr| world.node_at(addr));
    node.map_or_else(|| addr.to_owned(), |node| world.name(node).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Speed};
    use crate::picture::tests::engine;

    fn fail_over(engine: &mut Engine) -> ReplicaChoice {
        engine.inject("kill redis-1").expect("it can be killed");
        engine.set_speed(Speed::REAL);
        engine.set_playing(true);
        for _ in 0..100 {
            engine.tick(100_000, |_| false);
        }
        replica_choice(engine.world(), engine.timeline().beginning()).expect("somebody chose")
    }

    #[test]
    fn nobody_has_chosen_before_there_was_a_failover() {
        let engine = engine();
        assert_eq!(replica_choice(engine.world(), engine.timeline().beginning()), None);
    }

    #[test]
    fn a_choice_tells_the_facts_and_what_decided() {
        let mut engine = engine();
        engine.inject("run redis-3 CONFIG SET replica-priority 10").expect("it can be set");
        engine.set_playing(true);
        for _ in 0..150 {
            engine.tick(100_000, |_| false);
        }
        let choice = fail_over(&mut engine);
        let names: Vec<&str> = choice.ranked.iter().map(|one| one.name.as_str()).collect();
        assert_eq!((names, choice.decided_by), (vec!["redis-3", "redis-2"], Some(Criterion::Priority)));
        assert!(choice.by.starts_with("sentinel-"));
        assert_eq!((choice.ranked[0].priority, choice.ranked[1].priority), (10, 100));
    }

    #[test]
    fn who_may_not_be_master_is_left_out_and_told_why() {
        let mut engine = engine();
        engine.inject("run redis-2 CONFIG SET replica-priority 0").expect("it can be set");
        engine.set_playing(true);
        for _ in 0..150 {
            engine.tick(100_000, |_| false);
        }
        let choice = fail_over(&mut engine);
        assert_eq!(choice.rejected, [("redis-2".to_owned(), Ineligible::PriorityZero)]);
        assert_eq!((choice.ranked.len(), choice.decided_by), (1, None));
    }
}
