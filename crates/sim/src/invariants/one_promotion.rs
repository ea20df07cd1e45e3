//! A leader sends SLAVEOF NO ONE to one replica only in the failover that it was elected for; a second
//! choice needs a new epoch, because an epoch stands for one configuration.

use alloc::format;
use alloc::string::{String, ToString};
use picket_sansio::collections::BTreeMap;

use picket_sentinel_core::Event;

use super::{Observation, is_alone};
use crate::ids::NodeId;
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct OnePromotion {
    /// The epoch in which a Sentinel leads a failover of a master, and whether it does so on an operator's
    /// word alone.
    leads: BTreeMap<(NodeId, String), (u64, bool)>,
    promoted: BTreeMap<(String, u64), String>,
}

impl OnePromotion {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        let Observation::Event { node, event } = what else { return Ok(()) };
        match event {
            Event::Elected { instance, epoch, forced, ballots, .. } => {
                let alone = is_alone(*forced, ballots);
                self.leads.insert((*node, instance.master_name().to_string()), (*epoch, alone));
                Ok(())
            }
            Event::StateWaitPromotion { instance } => {
                let master = instance.master_name().to_string();
                let Some((epoch, alone)) = self.leads.get(&(*node, master.clone())).copied() else {
                    return Err(format!(
                        "{} promotes {} without being elected",
                        world.name(*node),
                        instance.name
                    ));
                };
                if alone {
                    return Ok(());
                }
                match self.promoted.insert((master.clone(), epoch), instance.name.clone()) {
                    Some(other) => {
                        Err(format!("{other} and {} promoted in epoch {epoch} of {master}", instance.name))
                    }
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}
