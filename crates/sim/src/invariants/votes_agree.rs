//! A Sentinel's votes about a master in an epoch are all for the same one, also across its restarts.
//! A vote counts when it has left: in an answer to a candidate, or as a candidate's own in its election.

use alloc::format;
use alloc::string::{String, ToString};
use picket_sansio::collections::BTreeMap;

use picket_sentinel_core::{Choice, Event};

use super::{GivenVote, Observation};
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct VotesAgree(BTreeMap<(String, String, u64), String>);

impl VotesAgree {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        match what {
            Observation::Answered { by, request, reply } => match GivenVote::read(world, request, reply) {
                Some(vote) => {
                    self.note(world.name(*by), &vote.master, vote.epoch, &world.name_of_id(&vote.leader))
                }
                None => Ok(()),
            },
            Observation::Event { node, event: Event::Elected { instance, epoch, ballots, .. } } => {
                let me = world.name(*node).to_string();
                for ballot in ballots {
                    let voter = world.name_of_id(&ballot.voter);
                    if let Some(Choice::For(leader)) = &ballot.choice
                        && voter == me
                    {
                        self.note(&voter, instance.master_name(), *epoch, &world.name_of_id(leader))?;
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note(&mut self, voter: &str, master: &str, epoch: u64, leader: &str) -> Result<(), String> {
        let known = self
            .0
            .entry((voter.to_string(), master.to_string(), epoch))
            .or_insert_with(|| leader.to_string());
        if *known == leader {
            return Ok(());
        }
        Err(format!("{voter} voted for {known} and for {leader} about {master} in epoch {epoch}"))
    }
}
