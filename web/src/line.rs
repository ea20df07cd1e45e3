//! A line of what happened: who, what, why, and what sort of event it is.

use std::borrow::Cow;

use picket_replication::MasterEvent;
use picket_sentinel_core::Event;
use picket_sim::{Entry, NodeEvent, NodeId, Told};

use crate::i18n::Lang;

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
    /// A replica goes on from where it was, or needs everything.
    Sync,
    /// Somebody is back, or a failover has ended well.
    Recovery,
    /// A property that must hold did not.
    Violation,
    /// Anything else.
    Other,
}

impl Kind {
    /// The sort of event that this line of a transcript tells.
    #[must_use]
    pub fn of(told: &Told) -> Self {
        match told {
            Told::Deed(_) => Self::Deed,
            Told::Violation => Self::Violation,
            Told::Sentinel(event) => Self::of_sentinel(event),
            Told::Node(event) => Self::of_node(event),
            Told::Message | Told::Other => Self::Other,
        }
    }

    fn of_sentinel(event: &Event) -> Self {
        match event {
            Event::SubjectivelyDown { .. } | Event::TiltEntered { .. } => Self::Sdown,
            Event::ObjectivelyDown { .. } => Self::Odown,
            Event::NewEpoch { .. }
            | Event::TryFailover { .. }
            | Event::Voted { .. }
            | Event::PeerVoted { .. }
            | Event::Elected { .. }
            | Event::AbortNotElected { .. }
            | Event::SteppedDown { .. } => Self::Election,
            Event::SwitchMaster { .. } => Self::Switch,
            Event::SubjectivelyUp { .. }
            | Event::ObjectivelyUp { .. }
            | Event::FailoverEnd { .. }
            | Event::ReconfDone { .. }
            | Event::TiltExited => Self::Recovery,
            Event::StateSelect { .. }
            | Event::Selected { .. }
            | Event::StatePromote { .. }
            | Event::StateWaitPromotion { .. }
            | Event::Promoted { .. }
            | Event::StateReconf { .. }
            | Event::ReconfSent { .. }
            | Event::ReconfInProgress { .. }
            | Event::ReconfSentTimeout { .. }
            | Event::ReconfSentBestEffort { .. }
            | Event::FailoverEndForTimeout { .. }
            | Event::AbortNoGoodReplica { .. }
            | Event::AbortReplicaTimeout { .. }
            | Event::ConfigUpdateFrom { .. }
            | Event::ConvertToReplica { .. } => Self::Failover,
            _ => Self::Other,
        }
    }

    fn of_node(event: &NodeEvent) -> Self {
        match event {
            NodeEvent::Master(
                MasterEvent::PartialAccepted { .. }
                | MasterEvent::FullNeeded { .. }
                | MasterEvent::DualChannel { .. },
            ) => Self::Sync,
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
            Self::Sync => "sync",
            Self::Recovery => "recovery",
            Self::Violation => "violation",
            Self::Other => "other",
        }
    }
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
    /// The same as data.
    pub told: Told,
}

impl Line {
    /// A line of the transcript.
    #[must_use]
    pub fn of(index: usize, at_us: u64, entry: &Entry) -> Self {
        let (what, why) = match entry.text.split_once(" | ") {
            Some((what, why)) => (what.to_owned(), Some(why.to_owned())),
            None => (entry.text.clone(), None),
        };
        let kind = Kind::of(&entry.told);
        Self {
            index,
            at_us,
            node: entry.node,
            who: entry.who.clone(),
            what,
            why,
            kind,
            told: entry.told.clone(),
        }
    }

    /// What happened. Lines of logs are the same in every language.
    #[must_use]
    pub fn what(&self, lang: Lang) -> Cow<'_, str> {
        match &self.told {
            Told::Deed(change) => lang.changed(change).into(),
            _ => Cow::Borrowed(&self.what),
        }
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

    fn play(engine: &mut crate::engine::Engine, seconds: u64) {
        engine.set_speed(crate::engine::Speed::at(9));
        engine.set_playing(true);
        for _ in 0..seconds {
            engine.tick(100_000, |_| false);
        }
    }

    #[test]
    fn lines_are_sorted_by_what_they_tell() {
        let mut engine = crate::picture::tests::engine();
        let told = engine.world().transcript().len();
        engine.inject("kill redis-1").expect("it can be killed");
        play(&mut engine, 20);
        engine.inject("start redis-1").expect("it can be started");
        play(&mut engine, 20);
        let lines: Vec<&Entry> = engine.world().transcript().behind(told).collect();
        let check = |start: &str, kind: Kind| {
            let line = lines.iter().find(|entry| entry.text.starts_with(start));
            assert_eq!(line.map(|entry| Kind::of(&entry.told)), Some(kind), "{start}: {lines:#?}");
        };
        check("killed", Kind::Deed);
        check("+sdown master", Kind::Sdown);
        check("+odown master", Kind::Odown);
        check("+vote-for-leader", Kind::Election);
        check("+selected-slave", Kind::Failover);
        check("+switch-master", Kind::Switch);
        check("-sdown slave", Kind::Recovery);
        check("Partial resync", Kind::Sync);
        assert_eq!(Kind::of(&Told::Violation), Kind::Violation);
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
