//! The core: everything a Sentinel knows, and the four verbs.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{LinkId, Prng, QueryId, Time};
use picket_server_core::config::Settings as Options;
use picket_server_core::{HostInfo, LogLevel, Server};

use crate::deferred::{Deferred, Persistence};
use crate::ids::{MasterId, SlotId};
use crate::instance::Master;
use crate::io::Output;
use crate::link::Link;
use crate::scripts::Scripts;
use crate::settings::{Periods, Settings};
use crate::timers::{Timers, Touched};

/// A Sentinel: a value that turns inputs into outputs.
#[derive(Clone, Debug)]
pub struct Sentinel {
    /// The time of the input being handled.
    pub(crate) now: Time,
    /// Calendar time at the origin of `now`, in microseconds; for what is shown to people.
    pub(crate) wall_origin: u64,
    pub(crate) prng: Prng,
    /// MYID: 40 hexadecimal digits.
    pub(crate) my_id: String,
    pub(crate) settings: Settings,
    pub(crate) periods: Periods,
    pub(crate) current_epoch: u64,
    /// When the current epoch was last raised for an election.
    pub(crate) epoch_raised_at: Option<Time>,
    pub(crate) masters: BTreeMap<MasterId, Master>,
    pub(crate) names: BTreeMap<String, MasterId>,
    /// At which address which master was when somebody asked. It may be elsewhere now.
    pub(crate) asked_about: BTreeMap<(IpAddr, u16), MasterId>,
    pub(crate) links: BTreeMap<SlotId, Link>,
    /// Which connection of which link a `LinkId` is; true for the pub/sub connection.
    pub(crate) routes: BTreeMap<LinkId, (SlotId, bool)>,
    pub(crate) server: Server,
    pub(crate) scripts: Scripts,
    /// Since when this process distrusts itself.
    pub(crate) tilt_since: Option<Time>,
    pub(crate) simulate: SimulateFailure,
    pub(crate) log_level: LogLevel,
    pub(crate) persistence: Persistence,
    pub(crate) resolutions: BTreeMap<QueryId, Deferred>,
    pub(crate) timers: Timers,
    pub(crate) dirty: Touched,
    pub(crate) outputs: VecDeque<Output>,
    pub(crate) counters: Counters,
    /// The ordinary directives.
    pub(crate) options: Options,
    /// The directory that a rewritten config file names.
    pub(crate) working_dir: Vec<u8>,
    /// The latest figures about the process.
    pub(crate) host: Option<HostInfo>,
    /// Clients have asked for more than they were answered in their turn.
    pub(crate) is_behind: bool,
    /// [`Output::Exit`] was given.
    pub(crate) exiting: bool,
}

/// Which crashes SIMULATE-FAILURE asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SimulateFailure {
    pub(crate) after_election: bool,
    pub(crate) after_promotion: bool,
}

/// Where the next id of each kind comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) master: u32,
    pub(crate) replica: u32,
    pub(crate) peer: u32,
    pub(crate) slot: u32,
    pub(crate) link: u64,
    pub(crate) query: u64,
}

impl Sentinel {
    /// Writes everything on which a later output can depend, so that two cores that write the same will do the same
    /// with the same inputs. To be called between two inputs, once the outputs are fetched.
    ///
    /// Left out is what only an operator's CONFIG and ACL commands change (ordinary directives, users), and passwords,
    /// which nobody is shown: they must be alike in both cores. Left out is what is only shown and decides nothing:
    /// calendar time, figures about the process. And what follows from the rest: which master has which name, which
    /// connection belongs to which link. Of clients, the text of a command that is not finished is told by its length
    /// alone: give whole commands. What [`Server::fingerprint`] leaves out beyond that is said there.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn fingerprint(&self, out: &mut impl fmt::Write) -> fmt::Result {
        write!(out, "{:?} {} {:?} ", self.now, self.current_epoch, self.epoch_raised_at)?;
        write!(out, "{} {:?} {:?} ", self.my_id, self.settings, self.periods)?;
        write!(out, "{:?} {:?} {:?} {:?} ", self.masters, self.links, self.timers, self.dirty)?;
        write!(out, "{:?} {:?} {:?} ", self.persistence, self.tilt_since, self.prng)?;
        write!(out, "{:?} {:?} {:?} ", self.resolutions, self.scripts, self.simulate)?;
        write!(out, "{:?} {} {} {:?} ", self.counters, self.is_behind, self.exiting, self.asked_about)?;
        self.server.fingerprint(out)
    }
}
