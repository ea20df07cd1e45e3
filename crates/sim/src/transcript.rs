//! What happened, for people: one line for each event, fault and, on demand, message.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::Write as _;

use picket_node_core::NodeEvent;
use picket_sansio::Time;
use picket_sentinel_core::Event;

use crate::change::Change;
use crate::ids::NodeId;
use crate::log::Log;

/// How much is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Detail {
    /// Nothing, for long runs. Violations still name the time.
    Nothing,
    /// Events of Sentinels, role changes of servers, faults.
    #[default]
    Events,
    /// The same lines; besides, the messages that arrived are remembered.
    Arrivals,
    /// Also the ends of links, and every request and reply of Sentinels.
    Messages,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Time,
    /// Whose; `None` for what concerns the world.
    pub node: Option<NodeId>,
    /// The node's name, or `world`.
    pub who: String,
    /// What. Run ids of Sentinels are given as the names of their nodes.
    pub text: String,
    /// The same as data.
    pub told: Told,
}

/// What a line tells, as data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something was done to the world.
    Deed(Arc<Change>),
    /// A Sentinel noticed or decided something. [`World::name_of_id`](crate::World::name_of_id) knows whose the run ids
    /// in it are.
    Sentinel(Arc<Event>),
    /// A data node did.
    Node(Arc<NodeEvent>),
    /// A request or a reply of a Sentinel.
    Message,
    /// A property did not hold.
    Violation,
    /// Anything else.
    Other,
}

/// The lines so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    entries: Log<Entry>,
}

impl Transcript {
    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The lines behind the first `count`, in order.
    pub fn behind(&self, count: usize) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter_from(count)
    }

    /// The first line of that node from `since` on whose text begins with `start`.
    #[must_use]
    pub fn find(&self, since: Time, node: NodeId, start: &str) -> Option<&Entry> {
        self.since(since).find(|entry| entry.node == Some(node) && entry.text.starts_with(start))
    }

    /// How many lines from `since` on begin with `start`, of whomever.
    #[must_use]
    pub fn count(&self, since: Time, start: &str) -> usize {
        self.since(since).filter(|entry| entry.text.starts_with(start)).count()
    }

    /// The lines from `since` on.
    pub fn since(&self, since: Time) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter_from(self.entries.partition_point(|entry| entry.at < since))
    }

    /// The lines from `since` on as text, with times counted from there in milliseconds.
    #[must_use]
    pub fn text(&self, since: Time) -> String {
        let mut text = String::new();
        for entry in self.since(since) {
            let after_us = entry.at.0 - since.0;
            // Writing into a text cannot fail.
            let _ = writeln!(
                text,
                "{:>7}.{:03} {:<11} {}",
                after_us / 1000,
                after_us % 1000,
                entry.who,
                entry.text
            );
        }
        text
    }
}
