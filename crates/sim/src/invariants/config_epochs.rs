//! The configuration epoch of a master only grows while a Sentinel watches it, and one epoch stands for one
//! address, whoever says it: but for an epoch in which an operator's failover went through without a
//! majority, which is settled afterwards.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use picket_sentinel_core::{Addr, Event};

use super::{Observation, is_alone};
use crate::ids::NodeId;
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct ConfigEpochs {
    /// In the order in which each Sentinel has them.
    last: BTreeMap<NodeId, Vec<Seen>>,
    address: BTreeMap<(String, u64), (String, String)>,
    /// Epochs that somebody led in on an operator's word alone.
    unsettled: BTreeSet<(String, u64)>,
}

/// A configuration as it was seen last.
#[derive(Clone, Debug)]
struct Seen {
    master: String,
    epoch: u64,
    host: String,
    port: u16,
}

impl ConfigEpochs {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Started { node } => {
                self.last.remove(node);
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
                if let Some(last) = self.last.get_mut(node) {
                    last.retain(|seen| seen.master != instance.master_name());
                }
                Ok(())
            }
            Observation::Configurations { node, of } => self.look(world, *node, *of),
            _ => Ok(()),
        }
    }

    /// Looks at what has changed since the last time.
    fn look(&mut self, world: &World, node: NodeId, of: Option<&[String]>) -> Result<(), String> {
        let Some(core) = world.sentinel_core(node) else { return Ok(()) };
        match of {
            Some(masters) => masters
                .iter()
                .filter_map(|master| Some((master.as_str(), core.configuration(master)?)))
                .try_for_each(|(master, (epoch, server))| {
                    self.note(world, node, (master, epoch, server), None)
                }),
            None => core
                .configurations()
                .enumerate()
                .try_for_each(|(place, seen)| self.note(world, node, seen, Some(place))),
        }
    }

    /// Notes a configuration, which is expected at that place of the list.
    fn note(
        &mut self,
        world: &World,
        node: NodeId,
        (name, epoch, server): (&str, u64, &Addr),
        place: Option<usize>,
    ) -> Result<(), String> {
        let last = self.last.entry(node).or_default();
        let is_there = |place: &usize| last.get(*place).is_some_and(|seen| seen.master == name);
        let place = place.filter(is_there).or_else(|| last.iter().position(|seen| seen.master == name));
        let now = || Seen { master: name.to_string(), epoch, host: server.host.clone(), port: server.port };
        match place.map(|place| &mut last[place]) {
            Some(seen) if (seen.epoch, seen.port) == (epoch, server.port) && seen.host == server.host => {
                return Ok(());
            }
            Some(seen) if epoch < seen.epoch => {
                let me = world.name(node);
                return Err(format!("{me} went back from {} to {epoch} about {name}", seen.epoch));
            }
            Some(seen) => *seen = now(),
            None => last.push(now()),
        }
        let me = world.name(node);
        // A name and what it stands for are one address.
        let host = world.dns.last_ip(&server.host).map_or(server.host.clone(), |ip| ip.to_string());
        let addr = format!("{host}:{}", server.port);
        let key = (name.to_string(), epoch);
        // Epoch 0 is what operators wrote, each for himself.
        if epoch == 0 || self.unsettled.contains(&key) {
            return Ok(());
        }
        let known = self.address.entry(key).or_insert_with(|| (addr.clone(), me.to_string()));
        if known.0 != addr {
            return Err(format!(
                "epoch {epoch} of {name} is {} for {} and {addr} for {me}",
                known.0, known.1
            ));
        }
        Ok(())
    }
}
