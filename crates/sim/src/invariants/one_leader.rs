//! At most one Sentinel is elected for a master in an epoch (Raft's election safety; design.md).
//! An operator's failover counts as well, unless no majority answered: then it is no election.

use alloc::format;
use alloc::string::{String, ToString};
use picket_sansio::collections::BTreeMap;

use picket_sentinel_core::Event;

use super::{Observation, is_alone};
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct OneLeader(BTreeMap<(String, u64), String>);

impl OneLeader {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        let Observation::Event { node, event: Event::Elected { instance, epoch, forced, ballots, .. } } =
            what
        else {
            return Ok(());
        };
        if is_alone(*forced, ballots) {
            return Ok(());
        }
        let me = world.name(*node).to_string();
        let key = (instance.master_name().to_string(), *epoch);
        match self.0.insert(key, me.clone()) {
            Some(other) => Err(format!("{other} and {me} lead {} in epoch {epoch}", instance.master_name())),
            None => Ok(()),
        }
    }
}
