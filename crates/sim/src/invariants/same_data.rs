//! Two data nodes at the same offset of the same history have the same data, however the one got in step with the
//! other: a partial resynchronisation never yields different data (`replication.c: masterTryPartialResynchronization`).
//!
//! Looked at once for each time that a link comes up, at the first moment at which both are equally far. Writable
//! replicas are left out: their clients may change what they have.

use alloc::format;
use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use picket_replication::LinkState;

use super::Observation;
use crate::ids::{NodeId, Power, Run};
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct SameData {
    /// Replicas with their masters, since their links are up.
    up: BTreeMap<NodeId, Link>,
}

#[derive(Clone, Debug)]
struct Link {
    master: NodeId,
    run: Run,
    is_compared: bool,
}

impl SameData {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        let Observation::Data { node } = what else { return Ok(()) };
        self.note(world, *node);
        let mut result = Ok(());
        for (replica, link) in &mut self.up {
            if (replica != node && link.master != *node) || link.is_compared {
                continue;
            }
            if let Some(same) = compare(world, *replica, link) {
                link.is_compared = true;
                result = result.and(same);
            }
        }
        result
    }

    /// Sees links come up and go down. A link that goes elsewhere is down in between.
    fn note(&mut self, world: &World, node: NodeId) {
        let is_up = world.core(node).is_some_and(|core| core.replica_link().state() == LinkState::Connected);
        let run = world.node(node).run;
        if !is_up {
            self.up.remove(&node);
        } else if self.up.get(&node).is_none_or(|link| link.run != run) {
            let master = world.standing(node).and_then(|standing| world.node_at(standing.follows?));
            match master {
                Some(master) => self.up.insert(node, Link { master, run, is_compared: false }),
                None => self.up.remove(&node),
            };
        }
    }
}

/// Whether both have the same data; none while they are not equally far.
fn compare(world: &World, replica: NodeId, link: &Link) -> Option<Result<(), String>> {
    let runs = |node| world.power(node) == Power::Running;
    if !runs(replica) || !runs(link.master) || world.node(replica).run != link.run {
        return None;
    }
    let (core, master) = (world.core(replica)?, world.core(link.master)?);
    let (history, of_master) = (core.history(), master.history());
    let is_equally_far =
        (history.replid, history.master_repl_offset) == (of_master.replid, of_master.master_repl_offset);
    if !is_equally_far || !core.settings().flag("replica-read-only") {
        return None;
    }
    let (digest, of_its_master) = (core.keyspace().digest(), master.keyspace().digest());
    if digest == of_its_master {
        return Some(Ok(()));
    }
    let (name, master, offset) = (world.name(replica), world.name(link.master), history.master_repl_offset);
    Some(Err(format!("{name} has {digest} and {master} has {of_its_master} at offset {offset}")))
}
