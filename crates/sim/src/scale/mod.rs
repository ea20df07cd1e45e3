//! Many masters die at once: what becomes of the elections, and how long it takes until all are replaced.
//!
//! The data servers are models, the Sentinels real cores; some or all of them can be [models of stock
//! Sentinels](crate::Shape::stock). They begin with config files that name everybody, as after a restart. Not part of
//! the page: the feature `scale`.

mod elections;
mod fates;
pub(crate) mod milestones;

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_sansio::{Millis, Prng, Time};

use crate::action::Latency;
use crate::build::addr_of;
use crate::cluster::{Cluster, Shape};
use crate::ids::NodeKind;
use crate::scale::milestones::{Milestones, Step};
use crate::transcript::Detail;
use crate::world::Stop;

pub use elections::Elections;
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
    /// What writing a config file takes for each of its lines beside that, in microseconds.
    pub line_us: u64,
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

/// A redis-sentinel 7.0.15 with 1114 lines on tmpfs took 6 ms for SENTINEL FLUSHCONFIG on a busy machine; this is on the
/// side of whoever writes.
const LINE_US: u64 = 3;

/// How long replicas are given to reach their masters, beside the time that a synchronisation takes.
const REPLICAS_REACH: Millis = Millis(1_100);

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
            line_us: LINE_US,
            dying: Millis(100),
            patience: Millis(180_000),
        }
    }

    /// Runs it. `tell` is told about every tenth of a second of the world's time.
    ///
    /// # Errors
    /// If a property was violated, or the Sentinels did not get to know each other.
    ///
    /// # Panics
    /// If the shape has lines for config files that are wrong.
    pub fn run(&self, seed: u64, mut tell: impl FnMut(Progress)) -> Result<Outcome, Stop> {
        let mut shape = self.shape.clone();
        shape.config.extend(self.acquaintances(seed));
        let mut cluster = Cluster::build_servers(seed, &shape).expect("the files are made from valid values");
        cluster.world.set_detail(Detail::Nothing);
        cluster.world.set_default_latency(self.latency);
        // Replicas follow when the first INFO asks: the next one comes ten seconds later.
        cluster.world.run_for(self.shape.sync_time + REPLICAS_REACH)?;
        cluster.add_sentinels(&shape).expect("the files are made from valid values");
        for sentinel in &cluster.sentinels {
            cluster.world.set_disk_latency(*sentinel, self.fsync);
            cluster.world.node_mut(*sentinel).drive.line_us = self.line_us;
        }
        let mut pieces = 0;
        while !cluster.settle_further(&self.shape, &mut pieces)? {
            if pieces % 10 == 1 {
                tell(Progress::Settling { at: cluster.world.now() });
            }
        }
        // Long enough for the last changes to be on all disks, and for everybody to have listened for newer
        // configurations.
        cluster.world.run_for(Millis(3_000))?;
        cluster.world.milestones = Some(Milestones::default());
        let first = cluster.world.now();
        let deaths = self.kill(seed, &mut cluster, &mut tell)?;
        let switches = self.shape.masters * self.shape.sentinels;
        let mut seen = 0;
        let mut switched = BTreeSet::new();
        let mut replaced = BTreeSet::new();
        while switched.len() < switches && cluster.world.now() < first + self.patience {
            cluster.world.run_for(Millis(100))?;
            let noted = cluster.world.milestones.as_ref().map_or(&[][..], |noted| &noted.0);
            for milestone in noted[seen..].iter().filter(|milestone| milestone.step == Step::Switched) {
                switched.insert((milestone.node, milestone.master.clone()));
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

    /// Lines by which every Sentinel knows all others and all replicas from the beginning.
    fn acquaintances(&self, seed: u64) -> Vec<(String, String)> {
        let mut prng = Prng::new(seed);
        let Shape { sentinels, masters, replicas, .. } = self.shape;
        let addr = |kind, number: usize| addr_of(kind, u16::try_from(number).unwrap_or(u16::MAX));
        let peers: Vec<(SocketAddr, String)> =
            (1..=sentinels).map(|number| (addr(NodeKind::Sentinel, number), prng.hex(40))).collect();
        let own = |(index, (_, id)): (usize, &(SocketAddr, String))| {
            (format!("sentinel-{}", index + 1), format!("sentinel myid {id}"))
        };
        let mut lines: Vec<(String, String)> = peers.iter().enumerate().map(own).collect();
        for index in 0..masters {
            let name = Cluster::master_name(index);
            let mut push = |line: String| lines.push(("sentinel".to_string(), line));
            for replica in 1..=replicas {
                let replica = addr(NodeKind::Server, index * (replicas + 1) + replica + 1);
                push(format!("sentinel known-replica {name} {} {}", replica.ip(), replica.port()));
            }
            for (peer, id) in &peers {
                push(format!("sentinel known-sentinel {name} {} {} {id}", peer.ip(), peer.port()));
            }
        }
        lines
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
