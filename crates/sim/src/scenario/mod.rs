//! A world and what becomes of it, as a text that people write: its topology, what is done to it when, and what
//! must then be true. The tests run such texts, random campaigns are made of them, the playground's lessons are
//! some, and a shared link holds one.
//!
//! ```text
//! # a comment
//! title The master dies
//! redis 3                          redis-1 is the master, the others follow it
//! sentinels 3
//! quorum 2
//! writer 50ms                      a client that writes that often
//! config redis-2 replica-priority 10
//! at 1s kill redis-1               done at that time
//! by 4s expect agreed redis-2      it must come true by then; the lines behind it wait for it
//! at 5s expect whole               it must be true then
//! through 9s expect not event +odown    it must be true after every step until then; the next lines do not wait
//! look 9s                          the moment that the playground shows first
//! ```
//!
//! Times count from the start of the scenario, which is when everybody knows everybody, or with `start empty` when
//! the processes start.

mod fact;
mod read;
mod run;
mod share;
mod text;
mod wrong;

use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::Millis;

use crate::cluster::{Cluster, Shape};
use crate::script::Action;
use crate::transcript::Detail;
use crate::world::World;

pub(crate) use fact::count_lost;
pub use fact::{Fact, Loss, Part, Resync};
pub use run::Failure;
pub use wrong::{ScenarioError, Wrong};

/// Nodes of one kind, at most.
pub(crate) const NODES_MAX: u32 = 64;
/// Lines of a text, at most.
const LINES_MAX: usize = 10_000;
/// The last moment of a scenario, in microseconds: an hour.
const MOMENT_MAX_US: u64 = 3_600_000_000;

/// A world and what becomes of it. The text is what `Display` writes and `FromStr` reads, without comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What there is.
    pub setup: Setup,
    /// What is done and expected, in the order of its times.
    pub lines: Vec<Line>,
    /// The moment that a page shows first, if not the beginning.
    pub look: Option<Moment>,
}

/// What there is at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What it is about; may be empty.
    pub title: String,
    /// From which everything that is left to chance follows.
    pub seed: u64,
    /// Masters, each watched under a name of its own.
    pub masters: u32,
    /// Data nodes of each master, itself among them.
    pub redis: u32,
    /// Sentinels; all watch all masters.
    pub sentinels: u32,
    /// `quorum`
    pub quorum: u32,
    /// `down-after-milliseconds`
    pub down_after: Millis,
    /// `failover-timeout`
    pub failover_timeout: Millis,
    /// `parallel-syncs`
    pub parallel_syncs: u32,
    /// Data nodes are models instead of the cores of `picket node`.
    pub models: bool,
    /// Lines of config files, with the name of the node, or `redis` or `sentinel` for all of a kind.
    pub config: Vec<(String, String)>,
    /// How often each client writes to the first master.
    pub writers: Vec<Millis>,
    /// When the scenario begins.
    pub start: Start,
}

/// A world on its way to the start of its scenario.
#[derive(Clone, Debug)]
pub struct Beginning {
    setup: Setup,
    shape: Shape,
    cluster: Cluster,
    /// Pieces of time that it has settled for.
    pieces: u32,
}

/// When a scenario begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// When everybody knows everybody and every replica follows.
    Settled,
    /// When the processes start.
    Empty,
}

/// A moment of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since the start.
    pub after_us: u64,
    /// Steps of the world since the start, where things are due at the same time of which only some had happened.
    pub steps: Option<u64>,
}

/// Something that is done or expected. All times are microseconds since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// `at 1s kill redis-1`: it is done then.
    Do(Moment, Action),
    /// `by 4s expect agreed`: it comes true by then; what follows waits for it.
    By(u64, Fact),
    /// `at 4s expect agreed`: it is true then.
    At(u64, Fact),
    /// `through 4s expect whole`: it is true from here on until then; what follows does not wait.
    Through(u64, Fact),
}

impl Default for Setup {
    fn default() -> Self {
        let shape = Shape::default();
        Self {
            title: String::new(),
            seed: 1,
            masters: 1,
            redis: 3,
            sentinels: 3,
            quorum: 2,
            down_after: shape.down_after,
            failover_timeout: shape.failover_timeout,
            parallel_syncs: shape.parallel_syncs,
            models: false,
            config: Vec::new(),
            writers: Vec::new(),
            start: Start::Settled,
        }
    }
}

impl Setup {
    /// The world at the start of the scenario.
    ///
    /// # Errors
    /// What is wrong with a line for a config file, or that the nodes do not find each other.
    pub fn build(&self, detail: Detail) -> Result<World, String> {
        let mut beginning = self.begin(detail)?;
        loop {
            if let Some(world) = beginning.advance()? {
                return Ok(world);
            }
        }
    }

    /// The same in slices, for those who cannot wait.
    ///
    /// # Errors
    /// What is wrong with a line for a config file.
    pub fn begin(&self, detail: Detail) -> Result<Beginning, String> {
        let shape = Shape {
            sentinels: self.sentinels as usize,
            masters: self.masters as usize,
            replicas: self.redis.saturating_sub(1) as usize,
            quorum: self.quorum,
            down_after: self.down_after,
            failover_timeout: self.failover_timeout,
            parallel_syncs: self.parallel_syncs,
            real_nodes: !self.models,
            config: self.config.clone(),
            ..Shape::default()
        };
        let mut cluster = Cluster::build(self.seed, &shape)?;
        cluster.world.set_detail(detail);
        Ok(Beginning { setup: self.clone(), shape, cluster, pieces: 0 })
    }
}

impl Beginning {
    /// How many steps there have been.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.cluster.world.steps()
    }

    /// Lets a little time pass; answers the world once the scenario starts. After that there is nothing to advance.
    ///
    /// # Errors
    /// If the nodes do not find each other.
    pub fn advance(&mut self) -> Result<Option<World>, String> {
        let Self { setup, shape, cluster, pieces } = self;
        if setup.start == Start::Settled {
            let settled = cluster.settle_further(shape, pieces).map_err(|stop| {
                alloc::format!(
                    "the nodes do not find each other (`start empty` does not wait for it): {stop}\n{}",
                    cluster.picture()
                )
            })?;
            if !settled {
                return Ok(None);
            }
        }
        let mut world = cluster.world.clone();
        for interval in &setup.writers {
            world.add_writer(&Cluster::master_name(0), &cluster.sentinels, *interval);
        }
        Ok(Some(world))
    }
}

impl Line {
    /// When it is due, in microseconds since the start.
    #[must_use]
    pub fn after_us(&self) -> u64 {
        match self {
            Self::Do(moment, _) => moment.after_us,
            Self::By(after_us, _) | Self::At(after_us, _) | Self::Through(after_us, _) => *after_us,
        }
    }
}
