//! A line of what happened: who, what, why, and what sort of event it is.

use picket_sim::{Entry, NodeId};

/// What sort of event a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody did something to the world.
    Deed,
    /// One Sentinel thinks that a node is down.
    Sdown,
    /// Enough of them do.
    Odown,
    /// An election: epochs, votes, who won.
    Election,
    /// A leader works on a failover.
    Failover,
    /// There is a new master.
    Switch,
    /// Somebody is back, or a failover has ended well.
    Recovery,
    /// A property that must hold did not.
    Violation,
    /// Anything else.
    Other,
}

impl Kind {
    /// All of them, for legends.
    pub const ALL: [Self; 9] = [
        Self::Deed,
        Self::Sdown,
        Self::Odown,
        Self::Election,
        Self::Failover,
        Self::Switch,
        Self::Recovery,
        Self::Violation,
        Self::Other,
    ];

    /// The sort of event that this line of a transcript tells.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let first = text.split(' ').next().unwrap_or_default();
        match first {
            "+sdown" => Self::Sdown,
            "+odown" => Self::Odown,
            "+new-epoch" | "+try-failover" | "+vote-for-leader" | "+elected-leader" => Self::Election,
            "-failover-abort-not-elected" => Self::Election,
            "+switch-master" => Self::Switch,
            "-sdown" | "-odown" | "+failover-end" | "+slave-reconf-done" | "-tilt" => Self::Recovery,
            "VIOLATION" => Self::Violation,
            _ if first.starts_with("+failover-state")
                || first.starts_with("-failover-abort")
                || first.starts_with("+slave-reconf") =>
            {
                Self::Failover
            }
            "+selected-slave" | "+promoted-slave" | "+config-update-from" | "+convert-to-slave" => {
                Self::Failover
            }
            _ if text.contains(" voted for ") && !text.contains('|') => Self::Election,
            _ if is_deed(text) => Self::Deed,
            _ => Self::Other,
        }
    }

    /// Whether the time bar has a mark for it.
    #[must_use]
    pub fn is_marked(self) -> bool {
        matches!(self, Self::Deed | Self::Sdown | Self::Odown | Self::Switch | Self::Violation)
            || self == Self::Recovery
    }

    /// Its name in style sheets.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Deed => "deed",
            Self::Sdown => "sdown",
            Self::Odown => "odown",
            Self::Election => "election",
            Self::Failover => "failover",
            Self::Switch => "switch",
            Self::Recovery => "recovery",
            Self::Violation => "violation",
            Self::Other => "other",
        }
    }
}

/// What the world notes when it is acted on.
fn is_deed(text: &str) -> bool {
    const WHOLE: [&str; 9] = [
        "killed",
        "switched off",
        "started again",
        "wiped",
        "frozen",
        "goes on",
        "writes again",
        "writes no more",
        "all wires mended",
    ];
    const BEGINNING: [&str; 6] =
        ["wire to", "wire towards", "partition:", "connections with", "its calendar clock", "message "];
    WHOLE.contains(&text) || BEGINNING.iter().any(|start| text.starts_with(start))
}

/// A line of what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number in the transcript.
    pub index: usize,
    /// When, counted from the beginning.
    pub at_us: u64,
    /// Whose; none for what concerns the world.
    pub node: Option<NodeId>,
    /// Its name.
    pub who: String,
    /// What.
    pub what: String,
    /// Why, where that is told.
    pub why: Option<String>,
    /// What sort of event it is.
    pub kind: Kind,
}

impl Line {
    /// A line of the transcript.
    #[must_use]
    pub fn of(index: usize, at_us: u64, entry: &Entry) -> Self {
        let (what, why) = match entry.text.split_once(" | ") {
            Some((what, why)) => (what.to_owned(), Some(why.to_owned())),
            None => (entry.text.clone(), None),
        };
        let kind = Kind::of(&entry.text);
        Self { index, at_us, node: entry.node, who: entry.who.clone(), what, why, kind }
    }
}

/// A span as people read it: `12.345 s`.
#[must_use]
pub fn seconds(us: u64) -> String {
    format!("{}.{:03} s", us / 1_000_000, us / 1_000 % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kind: Kind) {
        assert_eq!(Kind::of(text), kind, "{text}");
    }

    #[test]
    fn lines_are_sorted_by_what_they_tell() {
        check("killed", Kind::Deed);
        check("wire towards sentinel-1 cut", Kind::Deed);
        check(
            "+sdown master mymaster 10.0.1.1 6379 | no connection for 1000 ms: Connection refused",
            Kind::Sdown,
        );
        check(
            "+odown master mymaster 10.0.1.1 6379 #quorum 2/2 | also down in the view of sentinel-3",
            Kind::Odown,
        );
        check("sentinel-1 voted for sentinel-2 1", Kind::Election);
        check("+failover-state-select-slave master mymaster 10.0.1.1 6379", Kind::Failover);
        check("+switch-master mymaster 10.0.1.1 6379 10.0.1.3 6379", Kind::Switch);
        check("-sdown slave 10.0.1.1:6379 10.0.1.1 6379 @ mymaster 10.0.1.3 6379", Kind::Recovery);
        check("VIOLATION of \"x\": y", Kind::Violation);
        check("is a master now", Kind::Other);
        check("", Kind::Other);
    }

    #[test]
    fn reasons_are_told_from_what_happened() {
        let entry = Entry {
            at: picket_sansio::Time(7),
            node: None,
            who: "sentinel-1".to_owned(),
            text: "+sdown master m | no answer | at all".to_owned(),
            told: picket_sim::Told::Other,
        };
        let line = Line::of(3, 7, &entry);
        assert_eq!(
            (line.what.as_str(), line.why.as_deref()),
            ("+sdown master m", Some("no answer | at all"))
        );
    }

    #[test]
    fn spans_are_shown_in_seconds() {
        assert_eq!(seconds(12_345_678), "12.345 s");
        assert_eq!(seconds(999), "0.000 s");
    }
}
