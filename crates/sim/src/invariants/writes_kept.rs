//! An acknowledged write that had reached the replica which is promoted is never lost by it (design.md): for as long as
//! its process runs and is a master, it has every write that was acknowledged before its promotion and that it had then.
//!
//! Lost without a fault of anybody are writes that never reached it (replication is asynchronous), those of a master
//! which becomes a replica of another, and those of a process that ends without having saved them, or whose disk is
//! wiped: in all of these the node is no master any more, or another run. An operator may remove writes by hand; after
//! such a command nothing is said about this world any more.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use picket_sansio::collections::BTreeMap;

use picket_replication::NodeRole;

use super::{Observation, may_remove};
use crate::ids::{NodeId, Run};
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct WritesKept {
    nodes: BTreeMap<NodeId, Node>,
    /// An operator may have removed some.
    is_off: bool,
}

/// A data node as it was seen last.
#[derive(Clone, Debug)]
struct Node {
    run: Run,
    is_master: bool,
    /// Keys that it had.
    keys: u64,
    /// The acknowledged writes that it had when it was promoted.
    had: Arc<[u64]>,
}

impl WritesKept {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Commanded { words } => {
                self.is_off |= may_remove(words);
                Ok(())
            }
            Observation::Data { node } if !self.is_off => self.look(world, *node),
            _ => Ok(()),
        }
    }

    fn look(&mut self, world: &World, node: NodeId) -> Result<(), String> {
        let Some(core) = world.core(node) else { return Ok(()) };
        let run = world.node(node).run;
        let is_master = core.master_side().role() == NodeRole::Master;
        let keys = core.db(0).len() as u64;
        let before = self.nodes.get_mut(&node).filter(|before| before.run == run);
        let Some(before) = before else {
            self.nodes.insert(node, Node { run, is_master, keys, had: Arc::default() });
            return Ok(());
        };
        let is_promoted = is_master && !before.is_master;
        // Keys that go are rare, and only then is there something to look for.
        let has_shrunk = keys < before.keys;
        (before.is_master, before.keys) = (is_master, keys);
        if is_promoted {
            let acknowledged = world.acknowledged_numbers();
            before.had = acknowledged.filter(|number| world.has_write(node, *number)).collect();
        } else if !is_master {
            before.had = Arc::default();
        } else if has_shrunk
            && let Some(lost) = before.had.iter().find(|number| !world.has_write(node, **number))
        {
            let name = world.name(node);
            return Err(format!("{name} was promoted with the write {lost} and has it no more"));
        }
        Ok(())
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
        timeline.seek(timeline.now() + Millis(100));
    }

    #[test]
    fn a_write_that_is_gone_is_found() {
        let scenario: Scenario = "redis 1\nsentinels 0\n".parse().expect("a scenario");
        let mut timeline = scenario.timeline(Detail::Nothing).expect("it begins");
        let node = timeline.world().find("redis-1").expect("it is there");
        let look = |kept: &mut WritesKept, timeline: &Timeline| {
            kept.check(timeline.world(), &Observation::Data { node })
        };
        run(&mut timeline, "run redis-1 SET write:7 7");
        let mut kept = WritesKept::default();
        assert_eq!(look(&mut kept, &timeline), Ok(()));
        // As if it had been promoted with it.
        kept.nodes.get_mut(&node).expect("it was seen").had = [7].into();
        assert_eq!(look(&mut kept, &timeline), Ok(()));
        run(&mut timeline, "run redis-1 DEL write:7");
        let mut told = kept.clone();
        let words = ["DEL".into(), "write:7".into()];
        assert_eq!(told.check(timeline.world(), &Observation::Commanded { words: &words }), Ok(()));
        assert_eq!(look(&mut told, &timeline), Ok(()), "an operator did it");
        let lost = look(&mut kept, &timeline).expect_err("nobody said why it is gone");
        assert_eq!(lost, "redis-1 was promoted with the write 7 and has it no more");
    }

    #[test]
    fn a_promoted_replica_that_loses_writes_is_noticed() {
        let text = "redis 2\nsentinels 3\nwriter 10ms\nat 1s kill redis-1\nby 5s expect agreed redis-2\nat 6s heal\n";
        let world = text.parse::<Scenario>().expect("a scenario").run().expect("it comes true");
        let redis = world.find("redis-2").expect("it is there");
        let mut writes = world.writes(world.find("writer-1").expect("there"), 0);
        let key = alloc::format!("write:{}", writes.next().expect("it wrote from the start").number);
        drop(writes);
        // An operator may take writes away; that is no fault of the node.
        let mut by_hand = world.clone();
        by_hand.act(&format!("run redis-2 DEL {key}").parse().expect("an action")).expect("it runs");
        by_hand.run_for(Millis(1_000)).expect("no violation");
        // Behind everybody's back it is one.
        let mut broken = world;
        let result = broken.command_unseen(redis, &["DEL", &key]);
        let property = broken.violation().map(|violation| violation.property);
        assert_eq!(property, Some("a promoted replica keeps the writes that reached it"), "{result:?}");
    }

    #[test]
    fn commands_that_can_remove_writes_are_known() {
        let words = |text: &str| -> alloc::vec::Vec<String> { text.split(' ').map(String::from).collect() };
        for (command, may) in [
            ("flushall", true),
            ("DEL write:7", true),
            ("CONFIG SET maxmemory 1", true),
            ("DEBUG RELOAD", true),
            ("SPOP set", false),
            ("SET flushall 1", false),
            ("REPLICAOF NO ONE", false),
        ] {
            assert_eq!(may_remove(&words(command)), may, "{command}");
        }
    }
}
