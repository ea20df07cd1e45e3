//! Why: the reasons that decisions carry, as data and as words for an operator.

use alloc::string::String;
use core::fmt;

use picket_sansio::Millis;

/// Why an instance counts as subjectively down (`sentinel.c: sentinelCheckSubjectivelyDown`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownReason {
    /// A PING is unanswered, or answered only with errors, for this long; the last such error.
    NoValidReply(Millis, Option<String>),
    /// There is no connection for this long; why the last one ended or could not be made.
    Disconnected(Millis, Option<String>),
    /// It should be a master and calls itself a replica for this long.
    CallsItselfReplica(Millis),
    /// It was restarted this long ago and is not ready yet.
    RebootTooLong(Millis),
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoValidReply(span, None) => write!(f, "no valid reply to PING for {span}"),
            Self::NoValidReply(span, Some(error)) => {
                write!(f, "no valid reply to PING for {span}, the last was: {error}")
            }
            Self::Disconnected(span, None) => write!(f, "no connection for {span}"),
            Self::Disconnected(span, Some(why)) => write!(f, "no connection for {span}: {why}"),
            Self::CallsItselfReplica(span) => {
                write!(f, "monitored as a master, calls itself a replica for {span}")
            }
            Self::RebootTooLong(span) => write!(f, "restarted {span} ago and not ready yet"),
        }
    }
}

/// Why the process does not trust its own opinions for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TiltReason {
    /// The process did not run for this long: it was stopped, starved or suspended.
    Stalled(Millis),
}

impl fmt::Display for TiltReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalled(span) => write!(f, "this process did not run for {span}"),
        }
    }
}

/// A vote that was asked for and not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedVote {
    /// Run id of who asked.
    pub candidate: String,
    /// For which epoch.
    pub epoch: u64,
    /// Why not.
    pub why: RefusalReason,
}

impl fmt::Display for RefusedVote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is refused the vote of epoch {}: {}", self.candidate, self.epoch, self.why)
    }
}

/// Why a vote was not given (`sentinel.c: sentinelVoteLeader`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// We voted in that epoch or a later one; for whom, where that is known.
    Voted {
        /// The run id.
        leader: Option<String>,
        /// The epoch of that vote.
        epoch: u64,
    },
    /// There is a configuration of that epoch or a later one.
    Configured {
        /// Its epoch.
        epoch: u64,
    },
    /// No election can have reached that epoch.
    Implausible,
    /// We lead a failover of our own that has gone too far: the promotion is sent.
    Promoting,
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Voted { leader: Some(leader), epoch } => {
                write!(f, "the vote of epoch {epoch} went to {leader}")
            }
            Self::Voted { leader: None, epoch } => write!(f, "the vote of epoch {epoch} was given"),
            Self::Configured { epoch } => write!(f, "the configuration of epoch {epoch} is in force"),
            Self::Implausible => f.write_str("no election can have reached that epoch"),
            Self::Promoting => f.write_str("a promotion of our own is under way"),
        }
    }
}

/// One voter's choice in an election.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ballot {
    /// Run id of the voter.
    pub voter: String,
    /// Whom it chose; `None` while it did not answer.
    pub choice: Option<Choice>,
}

/// What a voter answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It voted for this run id in the epoch of the election.
    For(String),
    /// It cannot vote in this epoch: its vote is from that later or equal epoch, or it gave none.
    Refused {
        /// The epoch that the voter named.
        epoch: u64,
    },
}

impl fmt::Display for Ballot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.choice {
            Some(Choice::For(run_id)) => write!(f, "{} voted for {run_id}", self.voter),
            Some(Choice::Refused { epoch }) => {
                write!(f, "{} refused (its vote is of epoch {epoch})", self.voter)
            }
            None => write!(f, "{} has not answered yet", self.voter),
        }
    }
}

/// Why an election was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LossReason {
    /// The voters that are left cannot lift us to the votes needed.
    CannotWin,
    /// The votes did not come in time.
    TimedOut,
}

impl fmt::Display for LossReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CannotWin => "out of reach",
            Self::TimedOut => "not reached in time",
        })
    }
}

/// Why a failover is not started at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// We voted for this Sentinel and give it the time to finish.
    VotedFor(String),
    /// The election was lost; this is the pause before the next one.
    Lost,
    /// The failover failed; the reference waits twice the failover timeout.
    Failed,
    /// We are new, and have not listened long enough to know who else votes.
    Listening,
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VotedFor(run_id) => write!(f, "voted for {run_id}"),
            Self::Lost => f.write_str("the last election was lost"),
            Self::Failed => f.write_str("the last failover failed"),
            Self::Listening => f.write_str("listening for other Sentinels first"),
        }
    }
}

/// A replica that could be promoted, with the facts it was ranked by, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// `host:port`.
    pub replica: String,
    /// False if it never finished, or was in the middle of, a synchronisation.
    pub in_sync: bool,
    /// `replica-priority`; lower is better.
    pub priority: u32,
    /// Replication offset as of the last INFO.
    pub offset: u64,
    /// Run id, the last tie-break.
    pub run_id: String,
    /// Age of that INFO.
    pub info_age: Millis,
}

impl fmt::Display for Ranked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (priority {}, offset {}", self.replica, self.priority, self.offset)?;
        if !self.in_sync {
            f.write_str(", not in sync")?;
        }
        write!(f, ", INFO {} old)", self.info_age)
    }
}

/// A replica that cannot be promoted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// `host:port`.
    pub replica: String,
    /// Why.
    pub why: Ineligible,
}

/// Why a replica cannot be promoted (`sentinel.c: sentinelSelectSlave`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ineligible {
    /// It is down.
    Down,
    /// There is no connection to it.
    Disconnected,
    /// Its last valid PING reply is too old.
    NoRecentReply(Millis),
    /// Its `replica-priority` is 0.
    PriorityZero,
    /// Its INFO is too old.
    InfoTooOld(Millis),
    /// It lost the master too long before the master went down.
    MasterLinkDownTooLong(Millis),
    /// It lost data, as by a restart from an old file or from none: only as a last resort.
    LostData {
        /// Its replication offset now.
        offset: u64,
        /// The offset when it last had a link to its master.
        had: u64,
    },
    /// An operator asked for another one.
    NotWanted,
    /// It does not follow the master, so it cannot take over from it.
    NotFollowing,
    /// Its link to the master is down, or it is in the middle of a synchronisation.
    LinkBroken,
    /// The master does not list it as a replica.
    NotListed,
}

impl fmt::Display for Ineligible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Down => f.write_str("down"),
            Self::Disconnected => f.write_str("disconnected"),
            Self::NoRecentReply(span) => write!(f, "no valid PING reply for {span}"),
            Self::PriorityZero => f.write_str("priority 0"),
            Self::InfoTooOld(span) => write!(f, "INFO {span} old"),
            Self::LostData { offset, had } => {
                write!(
                    f,
                    "lost data (offset {offset}, had {had}); taken by SENTINEL FAILOVER, or once the master is down \
                     for twice failover-timeout"
                )
            }
            Self::NotWanted => f.write_str("another one was asked for"),
            Self::NotFollowing => f.write_str("does not follow the master"),
            Self::LinkBroken => f.write_str("its link to the master is not up"),
            Self::NotListed => f.write_str("the master does not list it"),
            Self::MasterLinkDownTooLong(span) => write!(f, "had no link to the master for {span}"),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.replica, self.why)
    }
}

/// Why a master that was asked to hand over keeps its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandoverFailure {
    /// It refused; its words.
    Refused(String),
    /// It does not list the chosen replica any more.
    NotListed,
    /// The replica did not have everything within this time.
    NotCaughtUp(Millis),
    /// The replica did not take over within this time.
    NotTakenOver(Millis),
    /// The master gave it up: the replica refused, or somebody told it to.
    TakenBack,
    /// There was no connection to the master for this long.
    Unreachable(Millis),
    /// The master went down: what follows is a failover like any other.
    MasterDown,
}

impl HandoverFailure {
    /// True if the master said no; otherwise something did not come in time.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(_) | Self::NotListed | Self::TakenBack => true,
            Self::NotCaughtUp(_) | Self::NotTakenOver(_) | Self::Unreachable(_) | Self::MasterDown => false,
        }
    }
}

impl fmt::Display for HandoverFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(words) => write!(f, "the master refused: {words}"),
            Self::NotListed => f.write_str("the master does not list the chosen replica"),
            Self::NotCaughtUp(span) => write!(f, "the replica did not catch up within {span}"),
            Self::NotTakenOver(span) => write!(f, "the replica did not take over within {span}"),
            Self::TakenBack => f.write_str("the master gave it up; its log says why"),
            Self::Unreachable(span) => write!(f, "no connection to the master for {span}"),
            Self::MasterDown => f.write_str("the master went down"),
        }
    }
}
