//! What must hold after every step, one property to a file.

mod blind;
mod circle;
mod config_epochs;
mod down_after;
mod files;
mod offsets_grow;
mod one_leader;
mod one_promotion;
mod outvoted;
mod same_data;
mod votes_agree;
mod votes_durable;
mod waited_for;
mod writes_kept;

use alloc::string::String;
use core::fmt;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::Time;
use picket_sentinel_core::{Ballot, Choice, Event};

use crate::change::Touched;
use crate::data::WRITE;
use crate::ids::NodeId;
use crate::world::World;

pub use blind::Judged;

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Time,
    /// Which property.
    pub property: &'static str,
    /// What happened instead.
    pub details: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.property, self.at, self.details)
    }
}

/// Something that a property can be about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Observation<'a> {
    /// A Sentinel process has started.
    Started { node: NodeId },
    /// A Sentinel noticed or decided something.
    Event { node: NodeId, event: &'a Event },
    /// A Sentinel's reply to IS-MASTER-DOWN-BY-ADDR leaves.
    Answered { by: NodeId, request: &'a [Bytes], reply: &'a Reply },
    /// A reply to PING reaches a Sentinel.
    Ponged { at: NodeId, from: NodeId, reply: &'a Reply },
    /// A data node has done something.
    Data { node: NodeId },
    /// An operator gives a command to a data node or a Sentinel.
    Commanded { words: &'a [String] },
    /// Something that delays, loses or holds up what nodes tell each other was done or undone.
    Disturbed { what: &'a Touched },
    /// A client begins a write that is to wait for replicas.
    Writes { number: u64 },
    /// A master told a client that so many replicas have it.
    Confirmed { number: u64, replicas: u32 },
    /// A Sentinel may have changed where it takes masters to be: these, or all.
    Configurations { node: NodeId, of: Option<&'a [String]> },
}

/// True if somebody leads by no more than an operator's word: so few voters told their votes that nobody can
/// say whether the epoch is another's too. Who knows of no such master, or cannot write, tells none.
fn is_alone(forced: bool, ballots: &[Ballot]) -> bool {
    let tells = |choice: &Choice| *choice != Choice::Refused { epoch: 0 };
    let told = ballots.iter().filter(|ballot| ballot.choice.as_ref().is_some_and(tells)).count();
    forced && told <= ballots.len() / 2
}

/// Whether a command of an operator can remove writes of clients.
fn may_remove(words: &[String]) -> bool {
    let is_sweeping = |word: &String| {
        ["FLUSHALL", "FLUSHDB", "SWAPDB", "DEBUG"].iter().any(|name| word.eq_ignore_ascii_case(name))
    };
    let is_about_writes =
        |word: &String| word.starts_with(WRITE) || word.to_ascii_lowercase().starts_with("maxmemory");
    words.first().is_some_and(is_sweeping) || words.iter().any(is_about_writes)
}

/// A vote in the reply to IS-MASTER-DOWN-BY-ADDR.
pub(crate) struct GivenVote {
    pub(crate) master: String,
    pub(crate) leader: String,
    pub(crate) epoch: u64,
}

impl GivenVote {
    /// The vote in an answer, if there is one.
    fn read(world: &World, request: &[Bytes], reply: &Reply) -> Option<Self> {
        let [command, sub, host, port, _, candidate] = request else { return None };
        let asks = command.eq_ignore_ascii_case(b"SENTINEL")
            && sub.eq_ignore_ascii_case(b"IS-MASTER-DOWN-BY-ADDR")
            && &candidate[..] != b"*";
        let [_, leader, epoch] = reply.as_array()? else { return None };
        let leader = leader.as_str().filter(|leader| asks && *leader != "*")?;
        let host = core::str::from_utf8(host).ok()?;
        let port = core::str::from_utf8(port).ok()?;
        Some(Self {
            master: world.deployment_at(host, port),
            leader: leader.into(),
            epoch: u64::try_from(epoch.as_int()?).ok()?,
        })
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Invariants {
    files: files::Files,
    one_leader: one_leader::OneLeader,
    votes_agree: votes_agree::VotesAgree,
    one_promotion: one_promotion::OnePromotion,
    outvoted: outvoted::Outvoted,
    config_epochs: config_epochs::ConfigEpochs,
    down_after: down_after::DownAfter,
    offsets_grow: offsets_grow::OffsetsGrow,
    same_data: same_data::SameData,
    writes_kept: writes_kept::WritesKept,
    waited_for: waited_for::WaitedFor,
    no_blind_window: blind::NoBlindWindow,
}

impl Invariants {
    /// Whether a Sentinel is to be looked at after each of its inputs, whatever it tells of them.
    pub(crate) fn watches(&self, node: NodeId) -> bool {
        self.no_blind_window.watches(node)
    }

    /// How often RESET and FORGET were judged.
    pub(crate) fn judged(&self) -> Judged {
        self.no_blind_window.judged()
    }

    /// Looks at what happened; the first property that does not hold is told.
    pub(crate) fn check(
        &mut self,
        world: &World,
        what: &Observation<'_>,
    ) -> Result<(), (&'static str, String)> {
        let name = |name: &'static str| move |details| (name, details);
        self.one_leader.check(world, what).map_err(name("one leader for each master and epoch"))?;
        self.votes_agree.check(world, what).map_err(name("one vote for each voter, master and epoch"))?;
        votes_durable::check(world, what, &mut self.files)
            .map_err(name("a vote leaves only when it is on disk"))?;
        self.one_promotion.check(world, what).map_err(name("one promotion for each failover epoch"))?;
        self.outvoted.check(world, what).map_err(name("a leader that was outvoted stops"))?;
        self.config_epochs.check(world, what).map_err(name("configuration epochs"))?;
        self.down_after.check(world, what, &mut self.files).map_err(name("down only after down-after"))?;
        self.offsets_grow.check(world, what).map_err(name("offsets grow within a history"))?;
        self.same_data.check(world, what).map_err(name("the same offset, the same data"))?;
        self.writes_kept
            .check(world, what)
            .map_err(name("a promoted replica keeps the writes that reached it"))?;
        self.waited_for
            .check(world, what)
            .map_err(name("a write that WAIT counted is where it was counted"))?;
        self.no_blind_window
            .check(world, what, &mut self.files)
            .map_err(name("RESET and FORGET leave no blind window"))
    }
}
