//! Everything a Sentinel noticed or decided, with its reasons as data.
//!
//! Log lines, pub/sub messages, script calls and the playground are renderings of these values. The
//! wire spellings (`+sdown`, `slave-reconf-sent`) live here, beside the variant that they spell.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use picket_sansio::{Millis, Time};
use picket_server_core::LogLevel;

use crate::addr::Addr;
use crate::reason::{
    Ballot, DownReason, HandoverFailure, LossReason, Ranked, RefusedVote, Rejected, TiltReason, WaitReason,
};

/// What an instance is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A monitored master.
    Master,
    /// A replica of a monitored master.
    Replica,
    /// Another Sentinel that monitors the same master.
    Sentinel,
}

impl Kind {
    /// The word that events, logs and replies use.
    #[must_use]
    pub fn wire(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "slave",
            Self::Sentinel => "sentinel",
        }
    }
}

/// An instance as an event names it: a picture at that moment, not a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRef {
    /// What it is.
    pub kind: Kind,
    /// Master: its name; replica: `host:port`; Sentinel: its run id.
    pub name: String,
    /// Host in announce form.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name, host and port of its master; `None` for a master.
    pub master: Option<(String, String, u16)>,
}

impl InstanceRef {
    /// The name of the master that this instance is, or belongs to.
    #[must_use]
    pub fn master_name(&self) -> &str {
        self.master.as_ref().map_or(&self.name, |(name, _, _)| name)
    }
}

impl fmt::Display for InstanceRef {
    /// The `@inst` text of the reference: `<type> <name> <ip> <port>[ @ <master> <ip> <port>]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.kind.wire(), self.name, self.host, self.port)?;
        match &self.master {
            Some((name, host, port)) => write!(f, " @ {name} {host} {port}"),
            None => Ok(()),
        }
    }
}

/// Something that happened or was decided.
#[allow(missing_docs, reason = "each variant says what it is about; its fields are named in Redis's words")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `+monitor`: a master is watched from now on.
    Monitor { instance: InstanceRef, quorum: u32 },
    /// `-monitor`: a master is not watched any more.
    Unmonitor { instance: InstanceRef },
    /// `+set`: an option of a master was changed. Passwords arrive here as stars.
    Set { instance: InstanceRef, option: String, value: String },
    /// `+reset-master`: `SENTINEL RESET` forgot replicas and Sentinels of a master.
    ResetMaster { instance: InstanceRef },
    /// `+slave`: a replica is known from now on.
    ReplicaAdded { instance: InstanceRef },
    /// `+sentinel`: another Sentinel is known from now on.
    SentinelAdded { instance: InstanceRef },
    /// `+sentinel-address-switch`: a known Sentinel has another address.
    SentinelAddressSwitch { instance: InstanceRef, host: String, port: u16, run_id: String },
    /// `+sentinel-address-update`: that change was applied under other masters too.
    SentinelAddressUpdate { instance: InstanceRef, matching: u32 },
    /// `+sentinel-invalid-addr`: another run id claims this Sentinel's address; this one is removed.
    SentinelInvalidAddr { instance: InstanceRef },
    /// `+reboot`: the run id of an instance changed.
    Reboot { instance: InstanceRef },
    /// `+sdown`: an instance is subjectively down.
    SubjectivelyDown { instance: InstanceRef, reason: DownReason },
    /// `-sdown`: it is not any more.
    SubjectivelyUp { instance: InstanceRef },
    /// `+odown`: enough Sentinels agree that a master is down; `agreeing` names the others.
    ObjectivelyDown { instance: InstanceRef, agree: u32, quorum: u32, agreeing: Vec<String> },
    /// `-odown`: not any more.
    ObjectivelyUp { instance: InstanceRef },
    /// `+new-epoch`: the current epoch was raised.
    NewEpoch { master: String, epoch: u64 },
    /// `+vote-for-leader`: we voted.
    Voted { master: String, run_id: String, epoch: u64 },
    /// `+try-failover`: we stand for election.
    TryFailover { instance: InstanceRef, epoch: u64 },
    /// `+elected-leader`: we won, or were told to fail over.
    Elected { instance: InstanceRef, epoch: u64, needed: u32, forced: bool, ballots: Vec<Ballot> },
    /// `+failover-state-select-slave`.
    StateSelect { instance: InstanceRef },
    /// `+selected-slave`: the replica to promote, why it and why not the others.
    Selected { instance: InstanceRef, ranking: Vec<Ranked>, rejected: Vec<Rejected> },
    /// `+failover-state-send-slaveof-noone`.
    StatePromote { instance: InstanceRef },
    /// `+failover-state-wait-promotion`.
    StateWaitPromotion { instance: InstanceRef },
    /// `+promoted-slave`: the promoted replica says that it is a master.
    Promoted { instance: InstanceRef },
    /// `+failover-state-reconf-slaves`.
    StateReconf { instance: InstanceRef },
    /// `+slave-reconf-sent`: a replica was told the new master.
    ReconfSent { instance: InstanceRef },
    /// `+slave-reconf-inprog`: it follows the new master.
    ReconfInProgress { instance: InstanceRef },
    /// `+slave-reconf-done`: it is in sync with it.
    ReconfDone { instance: InstanceRef },
    /// `-slave-reconf-sent-timeout`: no progress in time.
    ReconfSentTimeout { instance: InstanceRef },
    /// `+slave-reconf-sent-be`: told once more, best effort, after the failover timeout.
    ReconfSentBestEffort { instance: InstanceRef },
    /// `+failover-end-for-timeout`.
    FailoverEndForTimeout { instance: InstanceRef },
    /// `+failover-end`.
    FailoverEnd { instance: InstanceRef },
    /// `+switch-master`: the master has another address.
    SwitchMaster { name: String, old_host: String, old_port: u16, new_host: String, new_port: u16 },
    /// `+config-update-from`: a Sentinel told us of a newer configuration.
    ConfigUpdateFrom { instance: InstanceRef },
    /// `-failover-abort-not-elected`: the election is lost.
    AbortNotElected { instance: InstanceRef, epoch: u64, needed: u32, why: LossReason, ballots: Vec<Ballot> },
    /// `-failover-abort-no-good-slave`: no replica can be promoted; each with its reason.
    AbortNoGoodReplica { instance: InstanceRef, rejected: Vec<Rejected> },
    /// `-failover-abort-master-timeout`, or `-failover-abort-master-refused` where the master said no: it keeps
    /// the role that it was asked to hand over.
    AbortHandover { instance: InstanceRef, why: HandoverFailure },
    /// `-failover-abort-slave-timeout`: the promotion could not be made or was not seen in time.
    AbortReplicaTimeout { instance: InstanceRef },
    /// `+convert-to-slave`: an instance that calls itself master is told to follow the real one.
    ConvertToReplica { instance: InstanceRef, reported_for: Millis, confirmed_by: Vec<String> },
    /// `+fix-slave-config`: a replica that follows somebody else is told to follow our master.
    FixReplicaConfig { instance: InstanceRef, follows: Addr },
    /// `+role-change` / `-role-change`: the role in INFO changed.
    RoleChange { instance: InstanceRef, reported: Kind, expected: bool },
    /// `+tilt`: the process was held up, so its opinions are not to be trusted for a while.
    TiltEntered { reason: TiltReason },
    /// `-tilt`.
    TiltExited,
    /// `-script-error`: a script failed for good.
    ScriptError { path: String, signal: i32, code: i32 },
    /// `-script-timeout`: a script runs too long and is killed.
    ScriptTimeout { path: String, pid: u32 },
    /// `+script-child`: a script was started.
    ScriptStarted { pid: u32 },
    /// `-script-child`: a script ended.
    ScriptEnded { pid: u32, code: i32, signal: i32 },
    /// `-cmd-link-reconnection`: a command link ended.
    CommandLinkDown { instance: InstanceRef, reason: String },
    /// `-pubsub-link-reconnection`: a pub/sub link ended.
    PubsubLinkDown { instance: InstanceRef, reason: String },
    /// A peer's vote arrived.
    PeerVoted { master: String, peer: String, run_id: String, epoch: u64 },
    /// We will not stand for election of this master before that time.
    FailoverDelayed { master: String, until: Time, why: WaitReason },
    /// The master is down in our view, and too few others agree; those that cannot be reached are named.
    NoQuorum { master: String, agree: u32, quorum: u32, unreachable: Vec<String> },
    /// The master is down, but fewer Sentinels are reachable than votes are needed.
    NoMajority { master: String, reachable: u32, needed: u32 },
    /// An operator asked for a failover: of which replica, and how long the master may hold back writes to hand
    /// over, where that was said.
    UserFailover { master: String, to: Option<String>, handover: Option<Millis> },
    /// Another Sentinel asked for our vote and did not get it.
    VoteRefused { master: String, refused: RefusedVote },
    /// SENTINEL FORGET: an operator said that this instance will not come back.
    Forgotten { instance: InstanceRef },
    /// We were leading a failover and gave it up for a newer one before anything was changed.
    SteppedDown { instance: InstanceRef, epoch: u64, for_run_id: String, for_epoch: u64 },
    /// A host name could not be resolved; what was known of it stays in force.
    ResolveFailed { host: String, reason: String },
    /// A vote, an epoch or a configuration could not be written to disk, so it is not given out.
    NotDurable { what: &'static str, reason: String },
    /// SIMULATE-FAILURE asked for a crash at that point of a later failover.
    CrashRequested { after: &'static str },
    /// The same, but it is given out: holding it back would be the worse end.
    ToldUnsaved { what: &'static str, reason: String },
    /// The process ends itself because SIMULATE-FAILURE asked for it.
    SimulatedCrash { after: &'static str },
    /// A peer's bytes made no sense; its connection is closed.
    Garbage { instance: InstanceRef, reason: String },
}

impl Event {
    /// The level at which it is logged.
    #[must_use]
    pub fn level(&self) -> LogLevel {
        match self {
            Self::Monitor { .. }
            | Self::Unmonitor { .. }
            | Self::Set { .. }
            | Self::ResetMaster { .. }
            | Self::SubjectivelyDown { .. }
            | Self::SubjectivelyUp { .. }
            | Self::ObjectivelyDown { .. }
            | Self::ObjectivelyUp { .. }
            | Self::NewEpoch { .. }
            | Self::Voted { .. }
            | Self::TryFailover { .. }
            | Self::Elected { .. }
            | Self::StateSelect { .. }
            | Self::Selected { .. }
            | Self::Promoted { .. }
            | Self::StateReconf { .. }
            | Self::FailoverEndForTimeout { .. }
            | Self::FailoverEnd { .. }
            | Self::SwitchMaster { .. }
            | Self::ConfigUpdateFrom { .. }
            | Self::AbortNotElected { .. }
            | Self::AbortNoGoodReplica { .. }
            | Self::AbortReplicaTimeout { .. }
            | Self::AbortHandover { .. }
            | Self::TiltEntered { .. }
            | Self::TiltExited
            | Self::ScriptError { .. }
            | Self::ScriptTimeout { .. }
            | Self::NoMajority { .. }
            | Self::NoQuorum { .. }
            | Self::SteppedDown { .. }
            | Self::ResolveFailed { .. }
            | Self::NotDurable { .. }
            | Self::ToldUnsaved { .. }
            | Self::CrashRequested { .. }
            | Self::SimulatedCrash { .. }
            | Self::Garbage { .. } => LogLevel::Warning,
            Self::ReplicaAdded { .. }
            | Self::SentinelAdded { .. }
            | Self::SentinelAddressSwitch { .. }
            | Self::SentinelAddressUpdate { .. }
            | Self::SentinelInvalidAddr { .. }
            | Self::Reboot { .. }
            | Self::StatePromote { .. }
            | Self::StateWaitPromotion { .. }
            | Self::ReconfSent { .. }
            | Self::ReconfInProgress { .. }
            | Self::ReconfDone { .. }
            | Self::ReconfSentTimeout { .. }
            | Self::ReconfSentBestEffort { .. }
            | Self::ConvertToReplica { .. }
            | Self::FixReplicaConfig { .. }
            | Self::PeerVoted { .. }
            | Self::FailoverDelayed { .. }
            | Self::VoteRefused { .. }
            | Self::Forgotten { .. }
            | Self::UserFailover { .. } => LogLevel::Notice,
            Self::RoleChange { .. } => LogLevel::Verbose,
            Self::ScriptStarted { .. }
            | Self::ScriptEnded { .. }
            | Self::CommandLinkDown { .. }
            | Self::PubsubLinkDown { .. } => LogLevel::Debug,
        }
    }

    /// The type on the wire: pub/sub channel, first word of the log line, first script argument.
    /// `None` for plain log lines, which are neither published nor given to scripts.
    #[must_use]
    pub fn channel(&self) -> Option<&'static str> {
        Some(match self {
            Self::Monitor { .. } => "+monitor",
            Self::Unmonitor { .. } => "-monitor",
            Self::Set { .. } => "+set",
            Self::ResetMaster { .. } => "+reset-master",
            Self::ReplicaAdded { .. } => "+slave",
            Self::SentinelAdded { .. } => "+sentinel",
            Self::SentinelAddressSwitch { .. } => "+sentinel-address-switch",
            Self::SentinelAddressUpdate { .. } => "+sentinel-address-update",
            Self::SentinelInvalidAddr { .. } => "+sentinel-invalid-addr",
            Self::Reboot { .. } => "+reboot",
            Self::SubjectivelyDown { .. } => "+sdown",
            Self::SubjectivelyUp { .. } => "-sdown",
            Self::ObjectivelyDown { .. } => "+odown",
            Self::ObjectivelyUp { .. } => "-odown",
            Self::NewEpoch { .. } => "+new-epoch",
            Self::Voted { .. } => "+vote-for-leader",
            Self::TryFailover { .. } => "+try-failover",
            Self::Elected { .. } => "+elected-leader",
            Self::StateSelect { .. } => "+failover-state-select-slave",
            Self::Selected { .. } => "+selected-slave",
            Self::StatePromote { .. } => "+failover-state-send-slaveof-noone",
            Self::StateWaitPromotion { .. } => "+failover-state-wait-promotion",
            Self::Promoted { .. } => "+promoted-slave",
            Self::StateReconf { .. } => "+failover-state-reconf-slaves",
            Self::ReconfSent { .. } => "+slave-reconf-sent",
            Self::ReconfInProgress { .. } => "+slave-reconf-inprog",
            Self::ReconfDone { .. } => "+slave-reconf-done",
            Self::ReconfSentTimeout { .. } => "-slave-reconf-sent-timeout",
            Self::ReconfSentBestEffort { .. } => "+slave-reconf-sent-be",
            Self::FailoverEndForTimeout { .. } => "+failover-end-for-timeout",
            Self::FailoverEnd { .. } => "+failover-end",
            Self::SwitchMaster { .. } => "+switch-master",
            Self::ConfigUpdateFrom { .. } => "+config-update-from",
            Self::AbortNotElected { .. } => "-failover-abort-not-elected",
            Self::AbortNoGoodReplica { .. } => "-failover-abort-no-good-slave",
            Self::AbortReplicaTimeout { .. } => "-failover-abort-slave-timeout",
            // Differs from Valkey, which has no word for a refusal: there it shows as a time-out.
            Self::AbortHandover { why, .. } if why.is_refusal() => "-failover-abort-master-refused",
            Self::AbortHandover { .. } => "-failover-abort-master-timeout",
            Self::ConvertToReplica { .. } => "+convert-to-slave",
            Self::FixReplicaConfig { .. } => "+fix-slave-config",
            Self::RoleChange { expected: true, .. } => "+role-change",
            Self::RoleChange { expected: false, .. } => "-role-change",
            Self::TiltEntered { .. } => "+tilt",
            Self::TiltExited => "-tilt",
            Self::ScriptError { .. } => "-script-error",
            Self::ScriptTimeout { .. } => "-script-timeout",
            Self::ScriptStarted { .. } => "+script-child",
            Self::ScriptEnded { .. } => "-script-child",
            Self::CommandLinkDown { .. } => "-cmd-link-reconnection",
            Self::PubsubLinkDown { .. } => "-pubsub-link-reconnection",
            Self::PeerVoted { .. }
            | Self::FailoverDelayed { .. }
            | Self::UserFailover { .. }
            | Self::VoteRefused { .. }
            | Self::Forgotten { .. }
            | Self::NoMajority { .. }
            | Self::NoQuorum { .. }
            | Self::SteppedDown { .. }
            | Self::ResolveFailed { .. }
            | Self::NotDurable { .. }
            | Self::ToldUnsaved { .. }
            | Self::CrashRequested { .. }
            | Self::SimulatedCrash { .. }
            | Self::Garbage { .. } => return None,
        })
    }

    /// True if it goes out over pub/sub: it has a channel and is more than debug.
    #[must_use]
    pub fn is_published(&self) -> bool {
        self.channel().is_some() && self.level() != LogLevel::Debug
    }

    /// The instance that it is about.
    #[must_use]
    pub fn instance(&self) -> Option<&InstanceRef> {
        match self {
            Self::Monitor { instance, .. }
            | Self::Unmonitor { instance }
            | Self::Set { instance, .. }
            | Self::ResetMaster { instance }
            | Self::ReplicaAdded { instance }
            | Self::SentinelAdded { instance }
            | Self::SentinelAddressSwitch { instance, .. }
            | Self::SentinelAddressUpdate { instance, .. }
            | Self::SentinelInvalidAddr { instance }
            | Self::Reboot { instance }
            | Self::SubjectivelyDown { instance, .. }
            | Self::SubjectivelyUp { instance }
            | Self::ObjectivelyDown { instance, .. }
            | Self::ObjectivelyUp { instance }
            | Self::TryFailover { instance, .. }
            | Self::Elected { instance, .. }
            | Self::StateSelect { instance }
            | Self::Selected { instance, .. }
            | Self::StatePromote { instance }
            | Self::StateWaitPromotion { instance }
            | Self::Promoted { instance }
            | Self::StateReconf { instance }
            | Self::ReconfSent { instance }
            | Self::ReconfInProgress { instance }
            | Self::ReconfDone { instance }
            | Self::ReconfSentTimeout { instance }
            | Self::ReconfSentBestEffort { instance }
            | Self::FailoverEndForTimeout { instance }
            | Self::FailoverEnd { instance }
            | Self::ConfigUpdateFrom { instance }
            | Self::AbortNotElected { instance, .. }
            | Self::AbortNoGoodReplica { instance, .. }
            | Self::AbortReplicaTimeout { instance }
            | Self::AbortHandover { instance, .. }
            | Self::Forgotten { instance }
            | Self::ConvertToReplica { instance, .. }
            | Self::FixReplicaConfig { instance, .. }
            | Self::RoleChange { instance, .. }
            | Self::CommandLinkDown { instance, .. }
            | Self::PubsubLinkDown { instance, .. }
            | Self::SteppedDown { instance, .. }
            | Self::Garbage { instance, .. } => Some(instance),
            Self::NewEpoch { .. }
            | Self::Voted { .. }
            | Self::SwitchMaster { .. }
            | Self::TiltEntered { .. }
            | Self::TiltExited
            | Self::ScriptError { .. }
            | Self::ScriptTimeout { .. }
            | Self::ScriptStarted { .. }
            | Self::ScriptEnded { .. }
            | Self::PeerVoted { .. }
            | Self::FailoverDelayed { .. }
            | Self::NoMajority { .. }
            | Self::NoQuorum { .. }
            | Self::UserFailover { .. }
            | Self::VoteRefused { .. }
            | Self::ResolveFailed { .. }
            | Self::NotDurable { .. }
            | Self::ToldUnsaved { .. }
            | Self::CrashRequested { .. }
            | Self::SimulatedCrash { .. } => None,
        }
    }

    /// The master whose notification script is told of it; `None` where no script is called.
    #[must_use]
    pub fn notified_master(&self) -> Option<&str> {
        if self.level() != LogLevel::Warning {
            return None;
        }
        self.channel()?;
        match self {
            Self::SwitchMaster { name, .. } => Some(name),
            Self::Voted { master, .. } | Self::NewEpoch { master, .. } => Some(master),
            other => other.instance().map(InstanceRef::master_name),
        }
    }

    /// The text after the type: what pub/sub and scripts get, to the byte as the reference has it.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Monitor { instance, quorum } => format!("{instance} quorum {quorum}"),
            Self::Set { instance, option, value } => format!("{instance} {option} {value}"),
            Self::SentinelAddressSwitch { instance, host, port, run_id } => {
                format!("{instance} ip {host} port {port} for {run_id}")
            }
            Self::SentinelAddressUpdate { instance, matching } => {
                format!("{instance} {matching} additional matching instances")
            }
            Self::ObjectivelyDown { instance, agree, quorum, .. } => {
                format!("{instance} #quorum {agree}/{quorum}")
            }
            Self::NewEpoch { epoch, .. } => epoch.to_string(),
            Self::Voted { run_id, epoch, .. } => format!("{run_id} {epoch}"),
            Self::SwitchMaster { name, old_host, old_port, new_host, new_port } => {
                format!("{name} {old_host} {old_port} {new_host} {new_port}")
            }
            Self::RoleChange { instance, reported, .. } => {
                format!("{instance} new reported role is {}", reported.wire())
            }
            Self::TiltEntered { .. } => "#tilt mode entered".to_string(),
            Self::TiltExited => "#tilt mode exited".to_string(),
            Self::ScriptError { path, signal, code } => format!("{path} {signal} {code}"),
            Self::ScriptTimeout { path, pid } => format!("{path} {pid}"),
            Self::ScriptStarted { pid } => pid.to_string(),
            Self::ScriptEnded { pid, code, signal } => format!("{pid} {code} {signal}"),
            Self::CommandLinkDown { instance, reason } | Self::PubsubLinkDown { instance, reason } => {
                format!("{instance} #{reason}")
            }
            Self::PeerVoted { peer, run_id, epoch, .. } => format!("{peer} voted for {run_id} {epoch}"),
            Self::FailoverDelayed { until, .. } => {
                format!("Next failover delay: I will not start a failover before {until}")
            }
            Self::NoQuorum { master, agree, quorum, .. } => {
                format!("'{master}' is down for this Sentinel, but {agree} of {quorum} agree: no failover")
            }
            Self::NoMajority { master, reachable, needed } => {
                format!(
                    "Failover of '{master}' has to wait: {reachable} voters reachable, {needed} votes needed"
                )
            }
            Self::VoteRefused { refused, .. } => refused.to_string(),
            Self::Forgotten { instance } => format!("Forgot {instance}, as an operator asked"),
            Self::UserFailover { master, .. } => format!("Executing user requested FAILOVER of '{master}'"),
            Self::SteppedDown { instance, epoch, for_run_id, for_epoch } => {
                format!("Gave up failover {epoch} of {instance}: voted for {for_run_id} in epoch {for_epoch}")
            }
            Self::ResolveFailed { host, reason } => format!("Failed to resolve hostname '{host}': {reason}"),
            Self::ToldUnsaved { what, reason } => {
                format!("{what} is in force though it could not be saved: {reason}")
            }
            Self::NotDurable { what, reason } => {
                format!("{what} is not given out, it could not be saved: {reason}")
            }
            Self::CrashRequested { after } => {
                format!("Failure simulation: this Sentinel will crash after its next {after}")
            }
            Self::SimulatedCrash { after } => {
                format!("Sentinel CRASH because of SIMULATE-FAILURE crash-after-{after}")
            }
            Self::Garbage { instance, reason } => format!("Closed the link to {instance}: {reason}"),
            Self::Unmonitor { instance }
            | Self::ResetMaster { instance }
            | Self::ReplicaAdded { instance }
            | Self::SentinelAdded { instance }
            | Self::SentinelInvalidAddr { instance }
            | Self::Reboot { instance }
            | Self::SubjectivelyDown { instance, .. }
            | Self::SubjectivelyUp { instance }
            | Self::ObjectivelyUp { instance }
            | Self::TryFailover { instance, .. }
            | Self::Elected { instance, .. }
            | Self::StateSelect { instance }
            | Self::Selected { instance, .. }
            | Self::StatePromote { instance }
            | Self::StateWaitPromotion { instance }
            | Self::Promoted { instance }
            | Self::StateReconf { instance }
            | Self::ReconfSent { instance }
            | Self::ReconfInProgress { instance }
            | Self::ReconfDone { instance }
            | Self::ReconfSentTimeout { instance }
            | Self::ReconfSentBestEffort { instance }
            | Self::FailoverEndForTimeout { instance }
            | Self::FailoverEnd { instance }
            | Self::ConfigUpdateFrom { instance }
            | Self::AbortNotElected { instance, .. }
            | Self::AbortNoGoodReplica { instance, .. }
            | Self::AbortReplicaTimeout { instance }
            | Self::AbortHandover { instance, .. }
            | Self::ConvertToReplica { instance, .. }
            | Self::FixReplicaConfig { instance, .. } => instance.to_string(),
        }
    }

    /// The reasons in one sentence, for people; `None` where the message says it all.
    #[must_use]
    pub fn explanation(&self) -> Option<String> {
        fn list<T: fmt::Display>(items: &[T]) -> String {
            items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Some(match self {
            Self::SubjectivelyDown { reason, .. } => reason.to_string(),
            Self::ObjectivelyDown { agreeing, .. } if !agreeing.is_empty() => {
                format!("also down in the view of {}", agreeing.join(", "))
            }
            Self::Elected { forced: true, .. } => "an operator asked for it".to_string(),
            Self::Elected { epoch, needed, ballots, .. } => {
                format!("epoch {epoch}, {needed} votes needed: {}", list(ballots))
            }
            Self::Selected { ranking, rejected, .. } => {
                let mut text = format!("ranking: {}", list(ranking));
                if !rejected.is_empty() {
                    text.push_str(&format!("; not eligible: {}", list(rejected)));
                }
                text
            }
            Self::AbortNotElected { epoch, needed, why, ballots, .. } => {
                format!("epoch {epoch}, {needed} votes needed, {why}: {}", list(ballots))
            }
            Self::AbortNoGoodReplica { rejected, .. } if rejected.is_empty() => {
                "no replica is known".to_string()
            }
            Self::AbortNoGoodReplica { rejected, .. } => list(rejected),
            Self::AbortHandover { why, .. } => why.to_string(),
            Self::UserFailover { to, handover: Some(patience), .. } => format!(
                "coordinated, to {}; the master may hold back writes for {patience}",
                to.as_deref().unwrap_or("the best replica")
            ),
            Self::UserFailover { to: Some(to), .. } => format!("to {to}"),
            Self::ConvertToReplica { reported_for, confirmed_by, .. } if confirmed_by.is_empty() => {
                format!("calls itself master for {reported_for}")
            }
            Self::ConvertToReplica { confirmed_by, .. } => {
                format!(
                    "it was failed over, and the newer configuration is confirmed by {}",
                    confirmed_by.join(", ")
                )
            }
            Self::NoQuorum { unreachable, .. } if !unreachable.is_empty() => {
                format!("no answer from {}", unreachable.join(", "))
            }
            Self::FailoverDelayed { master, why, .. } => format!("{why}, failover of '{master}'"),
            Self::FixReplicaConfig { follows, .. } => format!("it follows {follows}"),
            Self::TiltEntered { reason } => reason.to_string(),
            _ => return None,
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.channel() {
            Some(channel) => write!(f, "{channel} {}", self.message()),
            None => f.write_str(&self.message()),
        }
    }
}
