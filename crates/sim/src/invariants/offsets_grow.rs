//! On one data node, while its process runs, the offset never goes back within one history: a replication id and an
//! offset name one state of the data, and whoever was there would be there twice (`replication.c`: master_replid,
//! master_repl_offset). But for a replica that takes a whole copy: its master may be one that follows another and started
//! from an old file, with the same history and less of it.

use alloc::format;
use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use picket_replication::{LinkState, ReplId};

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
        if core.replica_link().state() == LinkState::Sync {
            self.last.remove(node);
            return Ok(());
        }
        let history = core.history();
        let (run, replid, offset) = (world.node(*node).run, history.replid, history.master_repl_offset);
        match self.went_back(*node, run, replid, offset) {
            Some(was) => Err(format!("{} went back from {was} to {offset} in {replid}", world.name(*node))),
            None => Ok(()),
        }
    }

    /// Where a node was before, if it has gone back.
    fn went_back(&mut self, node: NodeId, run: Run, replid: ReplId, offset: u64) -> Option<u64> {
        let (before, of, was) = self.last.insert(node, (run, replid, offset))?;
        (before == run && of == replid && offset < was).then_some(was)
    }
}

#[cfg(test)]
mod tests {
    use picket_sansio::Prng;

    use super::*;

    #[test]
    fn only_within_one_history_and_one_run_an_offset_must_not_go_back() {
        let mut prng = Prng::new(1);
        let (one, other) = (ReplId::random(&mut prng), ReplId::random(&mut prng));
        let mut offsets = OffsetsGrow::default();
        for (node, run, replid, offset, was) in [
            (1, 1, one, 10, None),
            (1, 1, one, 10, None),
            (2, 1, one, 5, None),
            (1, 1, one, 9, Some(10)),
            (1, 1, other, 3, None),
            (1, 1, one, 7, None),
            (1, 2, one, 2, None),
            (1, 2, one, 1, Some(2)),
        ] {
            assert_eq!(
                offsets.went_back(NodeId(node), Run(run), replid, offset),
                was,
                "{node} {run} {offset}"
            );
        }
    }
}
