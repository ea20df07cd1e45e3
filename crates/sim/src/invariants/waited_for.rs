//! A write that W replicas acknowledged is not lost when one of them that had it is promoted: WAIT counts nobody who was
//! not so far, and whoever becomes master has every confirmed write up to the place at which its own history says that
//! it was.
//!
//! Places are taken from the cores' own replication ids and offsets, and followed through promotions (`replid2`): whoever
//! is at offset 500 of a history has what was written at 400 of it, and of the histories that it goes on from. What is
//! *not* claimed, because nobody can: that the replica which is promoted is one of those that had it; nor that who was so
//! far still is. A replica that has lost it since, by a restart from an older file, is counted by what it acknowledged
//! before, rightly, until the master knows that this connection is dead; and a confirmation takes its time to its client.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use picket_replication::{NodeRole, ReplId};

use super::{Observation, may_remove};
use crate::ids::{NodeId, Run};
use crate::log::Log;
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct WaitedFor {
    /// Writes on their way whose clients will wait.
    sent: BTreeSet<u64>,
    /// Where those stand that a master took and nobody has confirmed yet.
    taken: BTreeMap<u64, Taken>,
    confirmed: Log<(u64, Place)>,
    /// Histories that a node began with what it had: with a promotion, or because it had nobody to follow it before. Of
    /// which they are the continuation, and up to where.
    continues: BTreeMap<ReplId, Place>,
    /// How far each data node ever was in each history, in whichever run: no bytes of a history stand for two things, so
    /// whoever was beyond a write's place had that very write.
    reached: BTreeMap<NodeId, BTreeMap<ReplId, u64>>,
    /// The data nodes as they were seen last.
    seen: BTreeMap<NodeId, Seen>,
    /// A client has waited; nothing is noted before.
    is_on: bool,
    /// An operator may have removed some.
    is_off: bool,
}

/// A data node as it was seen last.
#[derive(Clone, Copy, Debug)]
struct Seen {
    run: Run,
    is_master: bool,
    at: Place,
}

/// A place in a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    history: ReplId,
    offset: u64,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    by: NodeId,
    place: Place,
}

impl WaitedFor {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Writes { number } => {
                self.is_on = true;
                // A client does one after the other: of the one before nobody will ask any more.
                let before = number - 1;
                self.sent.remove(&before);
                self.taken.remove(&before);
                self.sent.insert(*number);
                Ok(())
            }
            Observation::Confirmed { number, replicas } => self.confirm(*number, *replicas),
            Observation::Commanded { words } => {
                self.is_off |= may_remove(words);
                Ok(())
            }
            Observation::Data { node } if self.is_on => self.look(world, *node),
            _ => Ok(()),
        }
    }

    fn look(&mut self, world: &World, node: NodeId) -> Result<(), String> {
        let Some(core) = world.core(node) else { return Ok(()) };
        let (history, run) = (core.history(), world.node(node).run);
        let is_master = core.master_side().role() == NodeRole::Master;
        let place = Place { history: history.replid, offset: history.master_repl_offset };
        let reached = self.reached.entry(node).or_default().entry(place.history).or_default();
        *reached = place.offset.max(*reached);
        let before = self.seen.insert(node, Seen { run, is_master, at: place });
        let before = before.filter(|before| before.run == run);
        if !is_master {
            return Ok(());
        }
        if let Some(before) = before.filter(|before| before.is_master && before.at.history != place.history) {
            self.continues.insert(place.history, before.at);
        }
        let came = self.sent.iter().copied().filter(|number| world.has_write(node, *number));
        for number in came.collect::<Vec<u64>>() {
            self.sent.remove(&number);
            self.taken.insert(number, Taken { by: node, place });
        }
        if before.is_none_or(|before| before.is_master) {
            return Ok(());
        }
        let Some(second) = history.second_repl_offset else { return Ok(()) };
        let was = Place { history: history.replid2, offset: second.saturating_sub(1) };
        self.continues.insert(place.history, was);
        let mut had = self.confirmed.iter_from(0).filter(|(_, write)| self.covers(was, *write));
        match had.find(|(number, _)| !self.is_off && !world.has_write(node, *number)) {
            None => Ok(()),
            Some((number, Place { history, offset })) => Err(format!(
                "{} is promoted without the write {number}, which stands at {offset} of {history}; it was at {} of {}",
                world.name(node),
                was.offset,
                was.history
            )),
        }
    }

    fn confirm(&mut self, number: u64, replicas: u32) -> Result<(), String> {
        // A write that nobody was seen to take was taken by one who lost it before it was looked at.
        let Some(Taken { by, place }) = self.taken.remove(&number) else { return Ok(()) };
        let has = |(history, offset): (&ReplId, &u64)| {
            self.covers(Place { history: *history, offset: *offset }, place)
        };
        let others = self.reached.iter().filter(|(node, _)| **node != by);
        let count = others.filter(|(_, reached)| reached.iter().any(has)).count();
        if count < replicas as usize {
            return Err(format!(
                "WAIT counted {replicas} replicas for the write {number}, and {count} were so far"
            ));
        }
        self.confirmed.push((number, place));
        Ok(())
    }

    /// Whether who is at a place has what was written at another.
    fn covers(&self, at: Place, write: Place) -> bool {
        let mut at = at;
        for _ in 0..=self.continues.len() {
            if at.history == write.history {
                return write.offset <= at.offset;
            }
            match self.continues.get(&at.history) {
                Some(before) => at = Place { offset: before.offset.min(at.offset), ..*before },
                None => return false,
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use picket_sansio::Millis;

    use super::*;
    use crate::scenario::Scenario;
    use crate::timeline::Timeline;
    use crate::transcript::Detail;

    fn run(timeline: &mut Timeline, line: &str) {
        timeline.inject(line.parse().expect("an action")).expect("it can be done");
        timeline.seek(timeline.now() + Millis(200));
    }

    /// A write that the second has from the first.
    fn written() -> (Timeline, WaitedFor, NodeId) {
        let scenario: Scenario = "redis 2\nsentinels 0\n".parse().expect("a scenario");
        let mut timeline = scenario.timeline(Detail::Nothing).expect("it begins");
        let find = |timeline: &Timeline, name| timeline.world().find(name).expect("it is there");
        let (master, replica) = (find(&timeline, "redis-1"), find(&timeline, "redis-2"));
        let mut waited = WaitedFor::default();
        assert_eq!(waited.check(timeline.world(), &Observation::Writes { number: 7 }), Ok(()));
        run(&mut timeline, "run redis-1 SET write:7 7");
        for node in [master, replica] {
            assert_eq!(waited.check(timeline.world(), &Observation::Data { node }), Ok(()));
        }
        (timeline, waited, replica)
    }

    #[test]
    fn a_replica_that_had_it_not_is_not_counted() {
        let (timeline, mut waited, _) = written();
        let confirmed = Observation::Confirmed { number: 7, replicas: 2 };
        let two = waited.check(timeline.world(), &confirmed).expect_err("there is one");
        assert_eq!(two, "WAIT counted 2 replicas for the write 7, and 1 were so far");
    }

    #[test]
    fn a_confirmed_write_that_the_promoted_one_had_and_lacks_is_found() {
        let (mut timeline, mut waited, node) = written();
        let confirmed = Observation::Confirmed { number: 7, replicas: 1 };
        assert_eq!(waited.check(timeline.world(), &confirmed), Ok(()));
        run(&mut timeline, "run redis-2 REPLICAOF NO ONE");
        let data = Observation::Data { node };
        assert_eq!(waited.clone().check(timeline.world(), &data), Ok(()), "it has it");
        run(&mut timeline, "run redis-2 DEL write:7");
        let lost = waited.check(timeline.world(), &data).expect_err("nobody said why it is gone");
        assert!(lost.starts_with("redis-2 is promoted without the write 7, which stands at "), "{lost}");
    }
}
