//! On one data node, while its process runs, the offset never goes back within one history: a replication id and an
//! offset name one state of the data, and whoever was there would be there twice (`replication.c`: master_replid,
//! master_repl_offset).

use alloc::format;
use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use picket_replication::ReplId;

use super::Observation;
use crate::ids::{NodeId, Run};
use crate::world::World;

#[derive(Clone, Debug, Default)]
pub(crate) struct OffsetsGrow {
    last: BTreeMap<NodeId, (Run, ReplId, u64)>,
}

impl OffsetsGrow {
    pub(crate) fn check(&mut self, world: &World, what: &Observation<'_>) -> Result<(), String> {
        let Observation::Data { node } = what else { return Ok(()) };
        let Some(core) = world.core(*node) else { return Ok(()) };
        let history = core.history();
        let (run, replid, offset) = (world.node(*node).run, history.replid, history.master_repl_offset);
        match self.last.insert(*node, (run, replid, offset)) {
            Some((before, of, was)) if before == run && of == replid && offset < was => {
                let name = world.name(*node);
                Err(format!("{name} went back from {was} to {offset} in {replid}"))
            }
            _ => Ok(()),
        }
    }
}
