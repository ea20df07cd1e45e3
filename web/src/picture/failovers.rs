//! Where each Sentinel is in a failover, since when, what it waits for, and why it did not vote for others.

use picket_sansio::Time;
use picket_sentinel_core::{Event, LossReason, RefusalReason, Status, TiltReason, WaitReason};
use picket_sim::{Entry, NodeId, Told, World};

use super::State;

/// Lines of the transcript in which the last steps of a Sentinel are looked for.
const LOOKBACK: usize = 600;

/// How a failover ended without a new master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abort {
    /// The votes could not suffice any more.
    CannotWin,
    /// The votes did not come in time.
    VotesTimedOut,
    /// No replica could be promoted.
    NoGoodReplica,
    /// The promotion was not seen in time.
    PromotionTimedOut,
    /// Somebody else leads a newer one.
    SteppedDown,
}

/// What a Sentinel waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Nothing: the master is up.
    Nothing,
    /// That enough Sentinels agree that the master is down.
    Agreement {
        /// Who agree, itself included.
        agree: u32,
        /// How many must.
        quorum: u32,
    },
    /// Somebody else, for whom it voted, to finish.
    Voted(String),
    /// Its next attempt, after an election that it lost.
    AfterLoss,
    /// Its next attempt, after a failover that failed.
    AfterFailure,
    /// To know who else is there: it has just come.
    Listening,
    /// That enough Sentinels can be reached.
    Majority {
        /// Who can be reached.
        reachable: u32,
        /// How many must.
        needed: u32,
    },
    /// Its turn to stand for election.
    Turn,
    /// Votes.
    Votes {
        /// Who voted for it, itself included.
        given: u32,
        /// How many must.
        needed: u32,
    },
    /// Fresh INFO of the replicas.
    FreshInfo,
    /// A connection to the replica that was chosen.
    Connection(String),
    /// That the replica that was chosen says that it is a master.
    Promotion(String),
    /// That the other replicas follow the new master.
    Replicas {
        /// Those that do.
        follow: u32,
        /// All others.
        all: u32,
    },
    /// That it can trust itself again.
    TiltEnd {
        /// For how long its process did not run.
        stalled_ms: u64,
    },
}

/// A vote that was asked for and not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Who asked.
    pub candidate: String,
    /// For which epoch.
    pub epoch: u64,
    /// Why not.
    pub why: WhyNot,
}

/// Why a vote was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhyNot {
    /// The vote of that epoch went to somebody, where that is known.
    Voted(Option<String>, u64),
    /// A configuration of that epoch is in force.
    Configured(u64),
    /// No election can have reached that epoch.
    Implausible,
    /// It is promoting a replica itself.
    Promoting,
}

/// A Sentinel in a failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its state; none while it does not run.
    pub state: Option<State>,
    /// For how long it has been in it; none if it was since the beginning.
    pub for_us: Option<u64>,
    /// It distrusts itself.
    pub is_tilt: bool,
    /// What it waits for.
    pub waits: Waits,
    /// Sentinels that said lately that the master is down.
    pub agreeing: Vec<String>,
    /// For whom it voted last, and in which epoch.
    pub voted: Option<(String, u64)>,
    /// The last vote that it did not give.
    pub refusal: Option<Refusal>,
    /// How its last failover was aborted, and how long ago.
    pub abort: Option<(Abort, u64)>,
}

/// All Sentinels in their failovers.
#[must_use]
pub fn failovers(world: &World, now: Time) -> Vec<Progress> {
    let transcript = world.transcript();
    let lines: Vec<&Entry> = transcript.behind(transcript.len().saturating_sub(LOOKBACK)).rev().collect();
    world.sentinels().map(|id| Progress::of(world, now, id, &lines)).collect()
}

impl Progress {
    /// There is nothing to tell but that all is well.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.state == Some(State::None)
            && self.waits == Waits::Nothing
            && self.voted.is_none()
            && self.refusal.is_none()
            && self.abort.is_none()
    }

    /// `lines` begins with the latest.
    fn of(world: &World, now: Time, id: NodeId, lines: &[&Entry]) -> Self {
        let status = world.sentinel(id);
        let events: Vec<(Time, &Event)> = lines
            .iter()
            .filter(|entry| entry.node == Some(id))
            .filter_map(|entry| match &entry.told {
                Told::Sentinel(event) => Some((entry.at, &**event)),
                _ => None,
            })
            .collect();
        let begun = events.iter().find_map(|(at, event)| Some((*at, State::begun_by(event)?)));
        let state =
            status.as_ref().and_then(|status| Some(State::of(status.masters.first()?.failover_state)));
        let master = status.as_ref().and_then(|status| status.masters.first());
        let refused = master.and_then(|master| master.refused.as_ref());
        Self {
            id,
            name: world.name(id).to_owned(),
            state,
            for_us: begun
                .filter(|(_, begun)| Some(*begun) == state)
                .map(|(at, _)| now.0.saturating_sub(at.0)),
            is_tilt: status.as_ref().is_some_and(|status| status.tilt_since.is_some()),
            waits: status.as_ref().map_or(Waits::Nothing, |status| waits(world, status, &events)),
            agreeing: master.map_or_else(Vec::new, |master| {
                let agreeing = master.peers.iter().filter(|peer| peer.agrees_down);
                agreeing.map(|peer| world.name_of_id(&peer.run_id)).collect()
            }),
            voted: events.iter().find_map(|(_, event)| match event {
                Event::Voted { run_id, epoch, .. } => Some((world.name_of_id(run_id), *epoch)),
                _ => None,
            }),
            refusal: refused.map(|refused| Refusal {
                candidate: world.name_of_id(&refused.candidate),
                epoch: refused.epoch,
                why: match &refused.why {
                    RefusalReason::Voted { leader, epoch } => {
                        WhyNot::Voted(leader.as_ref().map(|leader| world.name_of_id(leader)), *epoch)
                    }
                    RefusalReason::Configured { epoch } => WhyNot::Configured(*epoch),
                    RefusalReason::Implausible => WhyNot::Implausible,
                    RefusalReason::Promoting => WhyNot::Promoting,
                },
            }),
            abort: events
                .iter()
                .find_map(|(at, event)| Some((ended_by(event)?, now.0.saturating_sub(at.0))))
                .and_then(|(end, ago)| end.map(|abort| (abort, ago))),
        }
    }
}

/// The end of a failover, and how it was aborted if it was.
fn ended_by(event: &Event) -> Option<Option<Abort>> {
    Some(match event {
        Event::AbortNotElected { why: LossReason::CannotWin, .. } => Some(Abort::CannotWin),
        Event::AbortNotElected { why: LossReason::TimedOut, .. } => Some(Abort::VotesTimedOut),
        Event::AbortNoGoodReplica { .. } => Some(Abort::NoGoodReplica),
        Event::AbortReplicaTimeout { .. } => Some(Abort::PromotionTimedOut),
        Event::SteppedDown { .. } => Some(Abort::SteppedDown),
        Event::FailoverEnd { .. } | Event::SwitchMaster { .. } => None,
        _ => return None,
    })
}

fn waits(world: &World, status: &Status, events: &[(Time, &Event)]) -> Waits {
    let Some(master) = status.masters.first() else { return Waits::Nothing };
    if status.tilt_since.is_some() {
        let stalled = events.iter().find_map(|(_, event)| match event {
            Event::TiltEntered { reason: TiltReason::Stalled(span) } => Some(span.0),
            _ => None,
        });
        return Waits::TiltEnd { stalled_ms: stalled.unwrap_or_default() };
    }
    let chosen = || {
        let chosen = events.iter().find_map(|(_, event)| match event {
            Event::Selected { instance, .. } => Some((instance.host.as_str(), instance.port)),
            _ => None,
        });
        let node = chosen.and_then(|(host, port)| {
            let ip = host.parse().ok()?;
            world.node_at(std::net::SocketAddr::new(ip, port))
        });
        match (node, chosen) {
            (Some(node), _) => world.name(node).to_owned(),
            (None, Some((host, port))) => format!("{host}:{port}"),
            (None, None) => "?".to_owned(),
        }
    };
    let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    match State::of(master.failover_state) {
        State::WaitStart => {
            let epoch = master.failover_epoch.unwrap_or_default();
            let is_for_me = |run_id: &str, of: u64| run_id == status.my_id && of == epoch;
            let own = master.vote.0.as_deref().is_some_and(|run_id| is_for_me(run_id, master.vote.1));
            let votes = master.peers.iter().filter_map(|peer| peer.vote.as_ref());
            let given = votes.filter(|(run_id, of)| is_for_me(run_id, *of)).count() + usize::from(own);
            let majority = count(master.peers.len()).saturating_add(1) / 2 + 1;
            Waits::Votes { given: count(given), needed: majority.max(master.quorum) }
        }
        State::SelectSlave => Waits::FreshInfo,
        State::SendSlaveofNoone => Waits::Connection(chosen()),
        State::WaitPromotion => Waits::Promotion(chosen()),
        State::ReconfSlaves | State::UpdateConfig => {
            let follow = master.replicas.iter().filter(|replica| replica.in_line).count();
            Waits::Replicas { follow: count(follow), all: count(master.replicas.len()) }
        }
        State::None if master.o_down => {
            let reason = events.iter().find_map(|(_, event)| match event {
                Event::FailoverDelayed { why, .. } => Some(match why {
                    WaitReason::VotedFor(run_id) => Waits::Voted(world.name_of_id(run_id)),
                    WaitReason::Lost => Waits::AfterLoss,
                    WaitReason::Failed => Waits::AfterFailure,
                    WaitReason::Listening => Waits::Listening,
                }),
                Event::NoMajority { reachable, needed, .. } => {
                    Some(Waits::Majority { reachable: *reachable, needed: *needed })
                }
                Event::ObjectivelyDown { .. } => Some(Waits::Turn),
                _ => None,
            });
            reason.unwrap_or(Waits::Turn)
        }
        State::None if master.server.s_down => {
            let agree = master.peers.iter().filter(|peer| peer.agrees_down).count() + 1;
            Waits::Agreement { agree: count(agree), quorum: master.quorum }
        }
        State::None => Waits::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::picture::tests::engine;

    #[track_caller]
    fn play_until(engine: &mut Engine, wanted: impl Fn(&[Progress]) -> bool) -> Vec<Progress> {
        for _ in 0..50_000 {
            let found = failovers(engine.world(), engine.timeline().now());
            if wanted(&found) {
                return found;
            }
            engine.step();
        }
        panic!("it did not come to that: {:#?}", failovers(engine.world(), engine.timeline().now()));
    }

    #[test]
    fn a_failover_goes_through_its_states_and_each_says_what_it_waits_for() {
        let mut engine = engine();
        let calm = failovers(engine.world(), engine.timeline().now());
        assert!(calm.iter().all(Progress::is_idle));
        engine.inject("kill redis-1").expect("it can be killed");
        play_until(&mut engine, |all| {
            all.iter().any(|one| matches!(one.waits, Waits::Agreement { agree: 1, quorum: 2 }))
        });
        let mut before = None;
        for state in [State::WaitStart, State::WaitPromotion, State::ReconfSlaves] {
            let is_in = |one: &Progress| one.state == Some(state);
            let all = play_until(&mut engine, |all| all.iter().any(is_in));
            let one = all.iter().find(|one| is_in(one)).expect("it is there");
            match (&one.waits, state) {
                (Waits::Votes { given, needed: 2 }, State::WaitStart) => assert!(*given <= 2),
                (Waits::Promotion(name), State::WaitPromotion) => {
                    assert!(name.starts_with("redis-"), "{name}");
                }
                (Waits::Replicas { .. }, State::ReconfSlaves) => {}
                other => panic!("{other:?}"),
            }
            assert!(one.for_us.is_some_and(|us| us < 1_000_000), "{one:?}");
            assert!(before.replace(one.id).is_none_or(|before| before == one.id), "one leads to the end");
        }
        let all = play_until(&mut engine, |all| all.iter().all(|one| one.state == Some(State::None)));
        assert!(all.iter().all(|one| one.abort.is_none() && !one.is_idle()), "{all:?}");
        assert!(all.iter().all(|one| one.voted.as_ref().is_some_and(|(_, epoch)| *epoch == 1)), "{all:?}");
        assert!(all.iter().any(|one| one.for_us.is_some()));
    }

    #[test]
    fn who_cannot_win_says_so_and_why() {
        let mut engine = engine();
        for node in ["redis-1", "sentinel-2", "sentinel-3"] {
            engine.inject(&format!("kill {node}")).expect("it can be killed");
        }
        let all = play_until(&mut engine, |all| matches!(all[0].waits, Waits::Agreement { .. }));
        assert_eq!(all[0].waits, Waits::Agreement { agree: 1, quorum: 2 });
        assert_eq!((all[1].state, &all[1].waits), (None, &Waits::Nothing), "it does not run");
    }

    #[test]
    fn states_have_the_names_of_the_wire() {
        assert!(State::ALL.into_iter().all(|state| State::of(state.word()) == state));
        assert_eq!(State::of("something else"), State::None);
    }
}
