//! Many masters die at once: what becomes of the elections, and how long it takes until all are replaced.
//!
//! The data servers are models, the Sentinels real cores; some or all of them can be [models of stock
//! Sentinels](crate::Shape::stock). Not part of the page: the feature `scale`.

mod fates;
pub(crate) mod milestones;

use alloc::vec::Vec;

use picket_sansio::{Millis, Prng, Time};

use crate::action::Latency;
use crate::cluster::{Cluster, Shape};
use crate::scale::milestones::{Milestones, Step};
use crate::transcript::Detail;
use crate::world::Stop;

pub use fates::{Fate, Outcome};

/// A deployment and how its masters die.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Sentinels, masters and replicas.
    pub shape: Shape,
    /// Of every wire.
    pub latency: Latency,
    /// Of every Sentinel's disk.
    pub fsync: Latency,
    /// All masters die within this span.
    pub dying: Millis,
    /// How long is waited until every Sentinel names the new masters.
    pub patience: Millis,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Everybody gets to know everybody.
    Settling {
        /// The world's time.
        at: Time,
    },
    /// The masters die or are dead.
    Failing {
        /// Since the first death.
        since: Millis,
        /// How many have been replaced.
        switched: usize,
    },
}

impl Plan {
    /// So many Sentinels and masters with two replicas each; a majority as quorum, half a millisecond to one and a
    /// half over each wire, and one to five for a write to disk.
    #[must_use]
    pub fn new(sentinels: usize, masters: usize) -> Self {
        let quorum = u32::try_from(sentinels / 2 + 1).unwrap_or(u32::MAX);
        Self {
            shape: Shape { sentinels, masters, quorum, ..Shape::default() },
            latency: Latency { from_us: 500, to_us: 1_500 },
            fsync: Latency { from_us: 1_000, to_us: 5_000 },
            dying: Millis(100),
            patience: Millis(180_000),
        }
    }

    /// Runs it. `tell` is told about every tenth of a second of the world's time.
    ///
    /// # Errors
    /// If a property was violated, or the Sentinels did not get to know each other.
    pub fn run(&self, seed: u64, mut tell: impl FnMut(Progress)) -> Result<Outcome, Stop> {
        let mut cluster = Cluster::new(seed, &self.shape);
        cluster.world.set_detail(Detail::Nothing);
        cluster.world.set_default_latency(self.latency);
        for sentinel in &cluster.sentinels {
            cluster.world.set_disk_latency(*sentinel, self.fsync);
        }
        let mut pieces = 0;
        while !cluster.settle_further(&self.shape, &mut pieces)? {
            if pieces % 10 == 1 {
                tell(Progress::Settling { at: cluster.world.now() });
            }
        }
        // Long enough for the last changes to be on all disks.
        cluster.world.run_for(Millis(2_000))?;
        cluster.world.milestones = Some(Milestones::default());
        let first = cluster.world.now();
        let deaths = self.kill(seed, &mut cluster, &mut tell)?;
        let switches = self.shape.masters * self.shape.sentinels;
        let mut seen = 0;
        let mut switched = 0;
        let mut replaced = alloc::collections::BTreeSet::new();
        while switched < switches && cluster.world.now() < first + self.patience {
            cluster.world.run_for(Millis(100))?;
            let noted = cluster.world.milestones.as_ref().map_or(&[][..], |noted| &noted.0);
            for milestone in noted[seen..].iter().filter(|milestone| milestone.step == Step::Switched) {
                switched += 1;
                replaced.insert(milestone.master.clone());
            }
            seen = noted.len();
            tell(Progress::Failing { since: cluster.world.now().since(first), switched: replaced.len() });
        }
        let noted = cluster.world.milestones.take().unwrap_or_default();
        Ok(Outcome {
            fates: fates::fates(&deaths, &noted, self.shape.sentinels),
            steps: cluster.world.steps(),
        })
    }

    /// Kills all masters, each at its own moment; answers when each died.
    fn kill(
        &self,
        seed: u64,
        cluster: &mut Cluster,
        tell: &mut impl FnMut(Progress),
    ) -> Result<Vec<Time>, Stop> {
        let mut prng = Prng::new(seed);
        let start = cluster.world.now();
        let span = self.dying.as_micros().max(1);
        let mut order: Vec<(Time, usize)> =
            (0..cluster.groups.len()).map(|index| (Time(start.0 + prng.below(span)), index)).collect();
        order.sort_unstable();
        let mut deaths = alloc::vec![start; cluster.groups.len()];
        for (at, index) in order {
            while cluster.world.next_at().is_some_and(|next| next <= at) {
                cluster.world.step();
            }
            cluster.world.pass_until(at);
            cluster.world.kill(cluster.groups[index][0]);
            deaths[index] = at;
        }
        tell(Progress::Failing { since: cluster.world.now().since(start), switched: 0 });
        Ok(deaths)
    }
}
