//! What can be true of a world at a moment.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use picket_node_core::types::Value;
use picket_sansio::Time;
use picket_sentinel_core::MasterStatus;

use super::Wrong;
use crate::cluster::Cluster;
use crate::ids::{NodeId, Power};
use crate::script::{ActionError, quoted};
use crate::world::World;

/// Something that is true of a world, or is not. Nodes have the names that [`World::name`] tells.
///
/// The text is what `Display` writes and `FromStr` reads, without loss.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// `agreed`: all running Sentinels take the same node for the first master; `agreed redis-2`: that one.
    Agreed(Option<String>),
    /// `whole`: of every deployment all running Sentinels name the same master, which runs, and every other running
    /// data node follows it.
    Whole,
    /// `runs redis-1`: its process runs and is not frozen.
    Runs(String),
    /// `role redis-2 master` or `replica`.
    Role(String, Part),
    /// `follows redis-1 redis-2`: the first is a replica of the second and its link is up.
    Follows(String, String),
    /// `same redis-1 redis-2`: both hold the same data.
    Same(String, String),
    /// `sdown redis-1 2`: at least so many Sentinels think it subjectively down.
    SDown(String, u32),
    /// `odown redis-1 2`: at least so many Sentinels think it objectively down.
    ODown(String, u32),
    /// `leader sentinel-1`: it leads a failover.
    Leader(String),
    /// `tilt sentinel-1`: it distrusts itself.
    Tilt(String),
    /// `event +odown`: a line of the transcript begins so since the start; `event sentinel-1 +odown`: one of that
    /// node's.
    Event(Option<String>, String),
    /// `events 2 +switch-master`: at least so many lines begin so.
    Events(u32, String),
    /// `synced redis-2 partial` or `full`: how it synchronised with its master most recently since the start.
    Synced(String, Resync),
    /// `lost 0` or `lost some`: whether the agreed master lacks writes that clients were told are done.
    Lost(Loss),
    /// `acked 10`: at least so many writes of clients were acknowledged.
    Acked(u32),
    /// `confirmed 10`: at least so many of them as many replicas have as their clients waited for.
    Confirmed(u32),
    /// `key redis-2 greeting hello`: that node has that string under that name.
    Key(String, String, String),
    /// `answer +OK`: the operator's last command was answered with a text that begins so, with RESP's sign before a
    /// status, an error or a number.
    Answer(String),
    /// `not` and another fact.
    Not(Box<Fact>),
}

/// The part that a data node plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Others follow it.
    Master,
    /// It follows another.
    Replica,
}

/// How a replica gets in step with its master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resync {
    /// With a snapshot of everything.
    Full,
    /// With what it missed.
    Partial,
}

/// Whether acknowledged writes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// None.
    None,
    /// At least one.
    Some,
}

pub(super) const FORMS: &[&str] = &[
    "agreed [NODE]",
    "whole",
    "runs NODE",
    "role NODE master|replica",
    "follows REPLICA MASTER",
    "same NODE NODE",
    "sdown NODE COUNT",
    "odown NODE COUNT",
    "leader SENTINEL",
    "tilt SENTINEL",
    "event [NODE] TEXT",
    "events COUNT TEXT",
    "synced NODE full|partial",
    "lost 0|some",
    "acked COUNT",
    "confirmed COUNT",
    "key NODE KEY VALUE",
    "answer TEXT",
    "not FACT",
];

impl Fact {
    /// Whether it is true at this moment; events count from `since` on. Of a node that does not exist nothing is true.
    #[must_use]
    pub fn holds(&self, world: &World, since: Time) -> bool {
        let find = |name: &str| world.find(name).ok();
        let standing = |name: &str| find(name).and_then(|node| world.standing(node));
        match self {
            Self::Agreed(node) => {
                let wanted = node.as_deref().and_then(find);
                if node.is_some() != wanted.is_some() {
                    return false;
                }
                let name = wanted.and_then(|node| world.deployment(node));
                let agreed = world.agreed_master(name.unwrap_or(&Cluster::master_name(0)));
                agreed.is_some() && (wanted.is_none() || agreed == wanted)
            }
            Self::Whole => {
                let mut names: Vec<&str> = world.deployments.values().map(String::as_str).collect();
                names.sort_unstable();
                names.dedup();
                !names.is_empty() && names.iter().all(|name| world.is_whole(name))
            }
            Self::Runs(node) => find(node).is_some_and(|node| world.power(node) == Power::Running),
            Self::Role(node, part) => {
                standing(node).is_some_and(|standing| standing.is_master == (*part == Part::Master))
            }
            Self::Follows(replica, master) => match (standing(replica), find(master)) {
                (Some(replica), Some(master)) => {
                    replica.link_up && replica.follows == Some(world.addr(master))
                }
                _ => false,
            },
            Self::Same(a, b) => {
                let digest = |name: &str| Some(world.core(find(name)?)?.keyspace().digest());
                digest(a).is_some_and(|a| digest(b) == Some(a))
            }
            Self::SDown(node, count) => {
                let Some(addr) = find(node).map(|node| world.addr(node)) else { return false };
                let thinks = |master: &MasterStatus| {
                    let servers = master.replicas.iter().chain([&master.server]);
                    servers.filter(|server| server.s_down).any(|server| server.addr.ip == Some(addr.ip()))
                        || master.peers.iter().any(|peer| peer.s_down && peer.addr.ip == Some(addr.ip()))
                };
                count_sentinels(world, thinks) >= *count
            }
            Self::ODown(node, count) => {
                let Some(addr) = find(node).map(|node| world.addr(node)) else { return false };
                let thinks =
                    |master: &MasterStatus| master.o_down && master.server.addr.ip == Some(addr.ip());
                count_sentinels(world, thinks) >= *count
            }
            Self::Leader(node) => {
                let status = find(node).and_then(|node| world.sentinel(node));
                let leads = |master: &MasterStatus| !matches!(master.failover_state, "none" | "wait_start");
                status.is_some_and(|status| status.masters.iter().any(leads))
            }
            Self::Tilt(node) => {
                let status = find(node).and_then(|node| world.sentinel(node));
                status.is_some_and(|status| status.tilt_since.is_some())
            }
            Self::Event(None, text) => world.transcript().count(since, text) > 0,
            Self::Event(Some(node), text) => {
                find(node).is_some_and(|node| world.transcript().find(since, node, text).is_some())
            }
            Self::Events(count, text) => world.transcript().count(since, text) >= *count as usize,
            Self::Synced(node, resync) => {
                find(node).is_some_and(|node| last_resync(world, since, node) == Some(*resync))
            }
            Self::Lost(loss) => match count_lost(world) {
                Some(lost) => (lost > 0) == (*loss == Loss::Some),
                None => false,
            },
            Self::Acked(count) => world.acknowledged_writes() >= u64::from(*count),
            Self::Confirmed(count) => {
                world.confirmed_numbers().take(*count as usize).count() == *count as usize
            }
            Self::Key(node, key, value) => {
                let entry = find(node)
                    .and_then(|node| world.core(node))
                    .and_then(|core| core.db(0).get(key.as_bytes()));
                matches!(entry.map(|entry| &entry.value), Some(Value::String(is)) if is.bytes() == value.as_bytes())
            }
            Self::Answer(text) => {
                let answer = world.answers(0).next_back();
                let reply = answer.and_then(|answer| answer.result.as_ref().ok());
                reply.is_some_and(|reply| crate::tap::show_reply(reply).starts_with(text.as_str()))
            }
            Self::Not(fact) => !fact.holds(world, since),
        }
    }

    /// The nodes that it is about.
    pub(super) fn nodes(&self) -> Vec<&str> {
        match self {
            Self::Agreed(node) | Self::Event(node, _) => node.iter().map(String::as_str).collect(),
            Self::Runs(node)
            | Self::Role(node, _)
            | Self::SDown(node, _)
            | Self::ODown(node, _)
            | Self::Leader(node)
            | Self::Tilt(node)
            | Self::Synced(node, _)
            | Self::Key(node, ..) => alloc::vec![node],
            Self::Follows(a, b) | Self::Same(a, b) => alloc::vec![a, b],
            Self::Whole
            | Self::Events(..)
            | Self::Lost(_)
            | Self::Acked(_)
            | Self::Confirmed(_)
            | Self::Answer(_) => Vec::new(),
            Self::Not(fact) => fact.nodes(),
        }
    }
}

fn count_sentinels(world: &World, thinks: impl Fn(&MasterStatus) -> bool) -> u32 {
    let status = world.sentinels().filter_map(|sentinel| world.sentinel(sentinel));
    status.map(|status| u32::from(status.masters.iter().any(&thinks))).sum()
}

fn last_resync(world: &World, since: Time, node: NodeId) -> Option<Resync> {
    world.transcript().since(since).rev().filter(|entry| entry.node == Some(node)).find_map(|entry| {
        let begins = |start| entry.text.starts_with(start);
        if begins("Successful partial resynchronization with master") {
            return Some(Resync::Partial);
        }
        begins("MASTER <-> REPLICA sync: Finished with success").then_some(Resync::Full)
    })
}

/// Writes that clients were told are done and that the agreed master has not; none if there is no such master.
pub(crate) fn count_lost(world: &World) -> Option<u64> {
    world.lost_writes(world.agreed_master(&Cluster::master_name(0))?)
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agreed(None) => f.write_str("agreed"),
            Self::Agreed(Some(node)) => write!(f, "agreed {node}"),
            Self::Whole => f.write_str("whole"),
            Self::Runs(node) => write!(f, "runs {node}"),
            Self::Role(node, Part::Master) => write!(f, "role {node} master"),
            Self::Role(node, Part::Replica) => write!(f, "role {node} replica"),
            Self::Follows(replica, master) => write!(f, "follows {replica} {master}"),
            Self::Same(a, b) => write!(f, "same {a} {b}"),
            Self::SDown(node, count) => write!(f, "sdown {node} {count}"),
            Self::ODown(node, count) => write!(f, "odown {node} {count}"),
            Self::Leader(node) => write!(f, "leader {node}"),
            Self::Tilt(node) => write!(f, "tilt {node}"),
            Self::Event(None, text) => write!(f, "event {text}"),
            Self::Event(Some(node), text) => write!(f, "event {node} {text}"),
            Self::Events(count, text) => write!(f, "events {count} {text}"),
            Self::Synced(node, Resync::Full) => write!(f, "synced {node} full"),
            Self::Synced(node, Resync::Partial) => write!(f, "synced {node} partial"),
            Self::Lost(Loss::None) => f.write_str("lost 0"),
            Self::Lost(Loss::Some) => f.write_str("lost some"),
            Self::Acked(count) => write!(f, "acked {count}"),
            Self::Confirmed(count) => write!(f, "confirmed {count}"),
            Self::Key(node, key, value) => write!(f, "key {node} {} {}", quoted(key), quoted(value)),
            Self::Answer(text) => write!(f, "answer {text}"),
            Self::Not(fact) => write!(f, "not {fact}"),
        }
    }
}

impl FromStr for Fact {
    type Err = Wrong;

    fn from_str(line: &str) -> Result<Self, Wrong> {
        match line.strip_prefix("not ") {
            Some(fact) => Ok(Self::Not(Box::new(read(fact.trim())?))),
            None => read(line),
        }
    }
}

/// A fact without `not`.
fn read(line: &str) -> Result<Fact, Wrong> {
    let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let wrong = || wrong_form(verb);
    // Texts are not split into words: they may hold quotes.
    match verb {
        "event" if !rest.is_empty() => {
            return Ok(match rest.split_once(' ') {
                Some((node, text)) if is_node(node) => {
                    Fact::Event(Some(node.to_string()), text.trim().to_string())
                }
                _ => Fact::Event(None, rest.to_string()),
            });
        }
        "events" => {
            let (count, text) = rest.split_once(' ').ok_or_else(wrong)?;
            return Ok(Fact::Events(count.parse().map_err(|_| wrong())?, text.trim().to_string()));
        }
        "answer" if !rest.is_empty() => return Ok(Fact::Answer(rest.to_string())),
        _ => {}
    }
    let words = crate::script::words(rest)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let own = |word: &str| word.to_string();
    let count = |word: &str| word.parse::<u32>().map_err(|_| wrong());
    Ok(match (verb, &words[..]) {
        ("agreed", []) => Fact::Agreed(None),
        ("agreed", [node]) => Fact::Agreed(Some(own(node))),
        ("whole", []) => Fact::Whole,
        ("runs", [node]) => Fact::Runs(own(node)),
        ("role", [node, "master"]) => Fact::Role(own(node), Part::Master),
        ("role", [node, "replica"]) => Fact::Role(own(node), Part::Replica),
        ("follows", [replica, master]) => Fact::Follows(own(replica), own(master)),
        ("same", [a, b]) => Fact::Same(own(a), own(b)),
        ("sdown", [node, number]) => Fact::SDown(own(node), count(number)?),
        ("odown", [node, number]) => Fact::ODown(own(node), count(number)?),
        ("leader", [node]) => Fact::Leader(own(node)),
        ("tilt", [node]) => Fact::Tilt(own(node)),
        ("synced", [node, "full"]) => Fact::Synced(own(node), Resync::Full),
        ("synced", [node, "partial"]) => Fact::Synced(own(node), Resync::Partial),
        ("lost", ["0"]) => Fact::Lost(Loss::None),
        ("lost", ["some"]) => Fact::Lost(Loss::Some),
        ("acked", [number]) => Fact::Acked(count(number)?),
        ("confirmed", [number]) => Fact::Confirmed(count(number)?),
        ("key", [node, key, value]) => Fact::Key(own(node), own(key), own(value)),
        _ => return Err(wrong()),
    })
}

fn is_node(word: &str) -> bool {
    let number = ["redis-", "sentinel-", "writer-"].iter().find_map(|kind| word.strip_prefix(kind));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn wrong_form(verb: &str) -> Wrong {
    match FORMS.iter().find(|form| form.split(' ').next() == Some(verb)) {
        Some(form) => ActionError::Form(form).into(),
        None => Wrong::UnknownFact(verb.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_reads_as_it_is_written() {
        for line in [
            "agreed",
            "agreed redis-2",
            "whole",
            "runs redis-1",
            "role redis-1 master",
            "role redis-1 replica",
            "follows redis-2 redis-1",
            "same redis-2 redis-1",
            "sdown redis-1 2",
            "odown redis-1 2",
            "leader sentinel-1",
            "tilt sentinel-1",
            "event +odown",
            "event -odown master mymaster \"",
            "event sentinel-1 +odown master",
            "events 2 +switch-master mymaster",
            "synced redis-2 full",
            "synced redis-2 partial",
            "lost 0",
            "lost some",
            "acked 10",
            "confirmed 10",
            "key redis-1 k v",
            "key redis-1 k \"two words\"",
            "answer -NOREPLICAS Not enough",
            "not lost 0",
        ] {
            let fact: Fact = line.parse().expect(line);
            assert_eq!(fact.to_string(), line);
        }
    }

    #[test]
    fn a_wrong_line_is_told_what_is_wrong() {
        for (line, wrong) in [
            ("", "\"\" is no fact; there are agreed, whole"),
            ("happy", "\"happy\" is no fact"),
            ("not not whole", "is written \"not FACT\""),
            ("role redis-1", "role is written \"role NODE master|replica\""),
            ("sdown redis-1 some", "sdown is written"),
            ("event", "event is written"),
            ("lost 1", "lost is written"),
            ("key a b \"c", "unbalanced quotes"),
        ] {
            let error = line.parse::<Fact>().expect_err(line).to_string();
            assert!(error.contains(wrong), "{line}: {error}");
        }
    }
}
