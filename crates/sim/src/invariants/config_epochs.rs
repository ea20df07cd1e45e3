//! The configuration epoch of a master only grows while a Sentinel watches it, and one epoch stands for one
//! address, whoever says it: but for an epoch in which an operator's failover went through without a
//! majority, which is settled afterwards.

use alloc::format;
use alloc::string::{String, ToString};
use picket_sansio::collections::{BTreeMap, BTreeSet};

use picket_sentinel_core::Event;

use super::{Observation, is_alone};
use crate::ids::NodeId;
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigEpochs {
    last: BTreeMap<(NodeId, String), u64>,
    address: BTreeMap<(String, u64), (String, String)>,
    /// Epochs that somebody led in on an operator's word alone.
    unsettled: BTreeSet<(String, u64)>,
}

impl ConfigEpochs {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Started { node } => {
                self.last.retain(|(known, _), _| known != node);
                Ok(())
            }
            Observation::Event { event: Event::Elected { instance, epoch, forced, ballots, .. }, .. } => {
                if is_alone(*forced, ballots) {
                    self.unsettled.insert((instance.master_name().to_string(), *epoch));
                }
                Ok(())
            }
            Observation::Event { node, event: Event::Unmonitor { instance } } => {
                // Watched again, it begins with an operator's word.
                self.last.remove(&(*node, instance.master_name().to_string()));
                Ok(())
            }
            Observation::Status { node, status } => {
                for master in &status.masters {
                    let epoch = master.config_epoch;
                    let last = self.last.entry((*node, master.name.clone())).or_insert(epoch);
                    let me = world.name(*node);
                    if epoch < *last {
                        return Err(format!("{me} went back from {last} to {epoch} about {}", master.name));
                    }
                    *last = epoch;
                    let server = &master.server.addr;
                    // A name and what it stands for are one address.
                    let host =
                        world.dns.last_ip(&server.host).map_or(server.host.clone(), |ip| ip.to_string());
                    let addr = format!("{host}:{}", server.port);
                    // Epoch 0 is what operators wrote, each for himself.
                    if epoch == 0 || self.unsettled.contains(&(master.name.clone(), epoch)) {
                        continue;
                    }
                    let known = self
                        .address
                        .entry((master.name.clone(), epoch))
                        .or_insert_with(|| (addr.clone(), me.to_string()));
                    if known.0 != addr {
                        return Err(format!(
                            "epoch {epoch} of {} is {} for {} and {addr} for {me}",
                            master.name, known.0, known.1
                        ));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
