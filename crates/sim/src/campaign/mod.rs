//! Random worlds: scenarios drawn from a seed alone. First everything goes wrong, and only what must always hold is
//! watched; then all is mended, and all must agree on one master which every data node follows, with the same data.
//!
//! That is the bound of liveness: whatever went wrong for a minute, a minute after the last of it is mended all is
//! whole, and stays so. The failover-timeout is 10 s in these worlds; a Sentinel that stood still distrusts itself for
//! 30 s, and a replica that lost data is promoted after 20 s, so of that minute no more than 10 s are anybody's choice.
//!
//! In every second world a data node comes then to stay, and another one leaves for good, be it the master: half a minute
//! later all is whole again. While things go wrong, data nodes come and leave too, but none of those that were there from
//! the start leaves: whoever is left may have been cut off for so long that nobody would promote it without an operator.
//!
//! Every fourth world begins calmly: processes end and start, Sentinels are RESET and forget, and all else works. What must
//! be known behind a RESET can be said only where nothing else explains that it is not.
//!
//! Sentinels come, leave, are RESET and forgotten in some of these worlds. There the quorum is more than half of all
//! that will ever be: with a smaller one, two groups that cannot know of each other may each elect a leader, whatever
//! they do (see `newcomer.rs` of the Sentinel).

mod draw;
mod faults;
mod mend;
mod shrink;

pub use shrink::shrink;

use alloc::vec::Vec;

use picket_sansio::Prng;

use crate::cluster::Cluster;
use crate::scenario::{Scenario, count_lost};
use crate::world::World;
use draw::Draw;

/// For how long things go wrong, in microseconds.
pub const FAULTY_US: u64 = 60_000_000;

/// How long the calm at the beginning of a world lasts, in microseconds.
const CALM_US: u64 = 30_000_000;

/// What is not left to the seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// How many Sentinels.
    pub sentinels: Option<u32>,
    /// How many data nodes each master has, itself among them.
    pub redis: Option<u32>,
    /// Whether data nodes are models instead of the cores of `picket node`.
    pub models: Option<bool>,
}

/// The random world of that seed.
#[must_use]
pub fn draw(seed: u64, wanted: Wanted) -> Scenario {
    // Not the world's own chance: what is drawn here must not depend on the cores.
    let prng = Prng::new(seed ^ 0x5eed_c4a0_5c4a_05ed);
    let mut draw = Draw {
        prng,
        lines: Vec::new(),
        nodes: Vec::new(),
        pairs: Vec::new(),
        lossy: Vec::new(),
        // No chance: among any few seeds there are both.
        is_calm: seed.is_multiple_of(4),
        comes_and_goes: false,
        added: Vec::new(),
        is_renewed: false,
    };
    let setup = draw.setup(seed, wanted);
    draw.name_nodes(&setup);
    draw.clients(&setup);
    draw.faults(&setup);
    draw.mend(&setup);
    Scenario { setup, lines: draw.lines, look: None }
}

/// What became of the writes of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Writes that a master acknowledged.
    pub acknowledged: u64,
    /// Those of them that the agreed master lacks.
    pub lost: u64,
    /// Writes that as many replicas had as their clients waited for (WAIT).
    pub confirmed: u64,
    /// Those of them that the agreed master lacks.
    pub confirmed_lost: u64,
}

/// What became of the writes of clients in a world.
#[must_use]
pub fn losses(world: &World) -> Losses {
    let confirmed: Vec<u64> = world.confirmed_numbers().collect();
    let lacks = |master| confirmed.iter().filter(|number| !world.has_write(master, **number)).count();
    Losses {
        acknowledged: world.acknowledged_writes(),
        lost: count_lost(world).unwrap_or_default(),
        confirmed: confirmed.len() as u64,
        confirmed_lost: world.agreed_master(&Cluster::master_name(0)).map_or(0, lacks) as u64,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn a_drawn_world_reads_as_it_is_written() {
        for seed in 0..50 {
            let scenario = draw(seed, Wanted::default());
            assert_eq!(scenario.to_string().parse(), Ok(scenario), "seed {seed}");
        }
    }
}
