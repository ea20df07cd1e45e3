//! Nobody is called subjectively down for silence before down-after has passed since a Sentinel last
//! heard a good answer to PING from it (or, if it never has, since that Sentinel started).

use alloc::format;
use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use picket_resp::Reply;
use picket_sansio::Time;
use picket_sentinel_core::{DownReason, Event};

use super::Observation;
use super::files::Files;
use crate::ids::NodeId;
use crate::world::World;

/// `default-down-after`, where the file does not name the master yet.
const DEFAULT_MS: u64 = 30_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct DownAfter {
    started: BTreeMap<NodeId, Time>,
    heard: BTreeMap<(NodeId, NodeId), Time>,
}

impl DownAfter {
    pub(crate) fn check(
        &mut self,
        world: &World,
        what: &Observation<'_>,
        files: &mut Files,
    ) -> Result<(), String> {
        match what {
            Observation::Started { node } => {
                self.started.insert(*node, world.now());
                self.heard.retain(|(at, _), _| at != node);
                Ok(())
            }
            Observation::Ponged { at, from, reply } => {
                if is_good(reply) {
                    self.heard.insert((*at, *from), world.now());
                }
                Ok(())
            }
            Observation::Event { node, event: Event::SubjectivelyDown { instance, reason } } => {
                if matches!(reason, DownReason::CallsItselfReplica(_) | DownReason::RebootTooLong(_)) {
                    return Ok(());
                }
                // The promise is ours. A stock process that was busy counts an answer that waits as none.
                #[cfg(feature = "scale")]
                if matches!(world.node(*node).program, crate::node::Program::Stock(_)) {
                    return Ok(());
                }
                let Some(target) = world.node_named(&instance.host, instance.port) else { return Ok(()) };
                let master = files.of(world, *node, instance.master_name())?;
                let down_after = master.map_or(DEFAULT_MS, |master| master.settings.down_after.0);
                let started = self.started.get(node).copied().unwrap_or_default();
                let since = self.heard.get(&(*node, target)).copied().unwrap_or(started);
                let silent_us = world.now().0 - since.0;
                if silent_us >= down_after * 1000 {
                    return Ok(());
                }
                Err(format!(
                    "{} calls {} down after {silent_us} us of silence, down-after is {down_after} ms",
                    world.name(*node),
                    world.name(target)
                ))
            }
            _ => Ok(()),
        }
    }
}

fn is_good(reply: &Reply) -> bool {
    let text: &[u8] = match reply {
        Reply::Simple(text) | Reply::Error(text) => text,
        _ => b"",
    };
    [&b"PONG"[..], b"LOADING", b"MASTERDOWN"].iter().any(|word| text.starts_with(word))
}
