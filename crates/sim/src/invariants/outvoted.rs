//! A leader that was outvoted stops: whoever has told another that its vote of a newer epoch is somebody else's promotes
//! nobody in an older one (redis#2370).

use alloc::format;
use alloc::string::{String, ToString};
use picket_sansio::collections::BTreeMap;

use picket_sentinel_core::Event;

use super::{GivenVote, Observation};
use crate::ids::NodeId;
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct Outvoted {
    /// The epoch in which a Sentinel leads a failover of a master.
    leads: BTreeMap<(NodeId, String), u64>,
    /// The latest epoch in which it gave its vote about a master to another, and to whom.
    gave: BTreeMap<(NodeId, String), (u64, String)>,
}

impl Outvoted {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Answered { by, request, reply } => {
                if let Some(vote) = GivenVote::read(world, request, reply) {
                    let leader = world.name_of_id(&vote.leader);
                    if leader != world.name(*by) {
                        self.gives((*by, vote.master), vote.epoch, leader);
                    }
                }
                Ok(())
            }
            Observation::Event { node, event: Event::Elected { instance, epoch, .. } } => {
                self.leads.insert((*node, instance.master_name().to_string()), *epoch);
                Ok(())
            }
            Observation::Event { node, event: Event::StateWaitPromotion { instance } } => {
                // A stock Sentinel goes on: that is the hazard which this property is about.
                #[cfg(feature = "scale")]
                if matches!(world.node(*node).program, crate::node::Program::Stock(_)) {
                    return Ok(());
                }
                self.promotes(world.name(*node), &(*node, instance.master_name().to_string()))
            }
            _ => Ok(()),
        }
    }

    fn gives(&mut self, voter: (NodeId, String), epoch: u64, leader: String) {
        let known = self.gave.entry(voter).or_default();
        if epoch > known.0 {
            *known = (epoch, leader);
        }
    }

    fn promotes(&self, name: &str, who: &(NodeId, String)) -> Result<(), String> {
        match (self.leads.get(who), self.gave.get(who)) {
            (Some(epoch), Some((newer, leader))) if newer > epoch => Err(format!(
                "{name} promotes in epoch {epoch} and gave its vote of epoch {newer} to {leader}"
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_goes_on_after_a_newer_vote_is_found() {
        let me = (NodeId(0), "mymaster".to_string());
        let mut outvoted = Outvoted::default();
        outvoted.leads.insert(me.clone(), 5);
        outvoted.gives(me.clone(), 4, "sentinel-2".into());
        assert_eq!(outvoted.promotes("sentinel-1", &me), Ok(()), "an older vote is nobody's business");
        outvoted.gives(me.clone(), 6, "sentinel-3".into());
        outvoted.gives(me.clone(), 4, "sentinel-2".into());
        assert_eq!(
            outvoted.promotes("sentinel-1", &me),
            Err("sentinel-1 promotes in epoch 5 and gave its vote of epoch 6 to sentinel-3".into())
        );
        outvoted.leads.insert(me.clone(), 7);
        assert_eq!(outvoted.promotes("sentinel-1", &me), Ok(()), "it was elected anew");
    }
}
