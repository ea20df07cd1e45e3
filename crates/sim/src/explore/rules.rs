//! What must hold in every state.

use alloc::format;
use alloc::string::String;

use picket_sentinel_core::Event;
use picket_server_core::LogLevel;

use super::state::State;

impl State {
    pub(super) fn on_event(&mut self, number: usize, event: &Event) {
        if let Some(told) = &mut self.told {
            told.push(format!("sentinel-{}: {event}", number + 1));
        }
        self.was_active |= event.level() != LogLevel::Debug
            && !matches!(event, Event::CommandLinkDown { .. } | Event::PubsubLinkDown { .. });
        match event {
            Event::Elected { epoch, .. } => {
                self.was_elected = true;
                self.node(number).leads = Some(*epoch);
                self.note_vote(number, *epoch, number);
                if let Some(other) = self.leaders.insert(*epoch, number).filter(|other| *other != number) {
                    let (a, b) = (other + 1, number + 1);
                    self.violate(format!("sentinel-{a} and sentinel-{b} lead in epoch {epoch}"));
                }
            }
            Event::StateWaitPromotion { .. } => {
                self.has_promoted = true;
                let Some(epoch) = self.nodes[number].leads else {
                    return self.violate(format!("sentinel-{} promotes without being elected", number + 1));
                };
                let newer = self
                    .votes
                    .iter()
                    .find(|((voter, of), whom)| *voter == number && *of > epoch && **whom != number);
                if let Some(((_, of), _)) = newer {
                    let me = number + 1;
                    self.violate(format!(
                        "sentinel-{me} promotes in epoch {epoch} and has voted for another in epoch {of}"
                    ));
                }
            }
            Event::SteppedDown { .. }
            | Event::AbortNoGoodReplica { .. }
            | Event::AbortReplicaTimeout { .. }
            | Event::Promoted { .. } => self.node(number).leads = None,
            _ => {}
        }
    }

    pub(super) fn note_vote(&mut self, voter: usize, epoch: u64, leader: usize) {
        if *self.votes.entry((voter, epoch)).or_insert(leader) != leader {
            self.violate(format!("sentinel-{} votes for two in epoch {epoch}", voter + 1));
        }
    }

    fn violate(&mut self, property: String) {
        self.violation.get_or_insert(property);
    }
}
