//! The story: events of several Sentinels as one list in plain words, with times since the kill.

use picket_sansio::Time;
use picket_sentinel_core::{Event, Kind};

/// Turns addresses and run ids into the names of the play, and events into sentences.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// What stands for what, longest first.
    names: Vec<(String, String)>,
    origin: Option<Time>,
}

impl Story {
    /// `text` is called `name` from now on.
    pub(super) fn name(&mut self, text: impl Into<String>, name: impl Into<String>) {
        self.names.push((text.into(), name.into()));
        self.names.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
    }

    /// Times are told since then.
    pub(super) fn begin(&mut self, at: Time) {
        self.origin = Some(at);
    }

    /// A line of the story; `None` before it began.
    pub(super) fn line(&self, at: Time, who: &str, what: &str) -> Option<String> {
        let origin = self.origin?;
        let tenths = at.0.saturating_sub(origin.0) / 100;
        Some(format!("{:>6}.{} ms  {who:<11} {}", tenths / 10, tenths % 10, self.named(what)))
    }

    /// `text` with the names of the play in it.
    pub(super) fn named(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (what, name)| text.replace(what, name))
    }
}

/// What an event means, for those that are part of the story.
pub(super) fn sentence(event: &Event) -> Option<String> {
    let reason = event.explanation().unwrap_or_default();
    Some(match event {
        Event::SubjectivelyDown { instance, .. } => match instance.kind {
            Kind::Master => format!("takes the master for down: {reason}"),
            Kind::Replica | Kind::Sentinel => {
                format!("takes {}:{} for down: {reason}", instance.host, instance.port)
            }
        },
        Event::SubjectivelyUp { instance } => format!("{}:{} is back", instance.host, instance.port),
        Event::ObjectivelyDown { agree, quorum, .. } => {
            format!("knows that the master is down: {agree} agree, {quorum} needed; {reason}")
        }
        Event::TryFailover { epoch, .. } => format!("stands for election in epoch {epoch}"),
        Event::Voted { run_id, epoch, .. } => format!("votes for {run_id} in epoch {epoch}"),
        Event::Elected { .. } => format!("is elected: {reason}"),
        Event::AbortNotElected { .. } => format!("is not elected: {reason}"),
        Event::AbortNoGoodReplica { .. } => format!("finds no replica to promote: {reason}"),
        Event::AbortHandover { .. } => format!("leaves the master its role: {reason}"),
        Event::AbortReplicaTimeout { .. } => "gives up: the promotion did not happen in time".to_owned(),
        Event::FailoverDelayed { why, .. } => format!("waits: {why}"),
        Event::Selected { instance, .. } => {
            format!("chooses {}:{} -- {reason}", instance.host, instance.port)
        }
        Event::StatePromote { instance } => {
            format!("tells {}:{} to be the master", instance.host, instance.port)
        }
        Event::Promoted { instance } => {
            format!("sees that {}:{} is the master", instance.host, instance.port)
        }
        Event::ReconfSent { instance } => {
            format!("tells {}:{} to follow it", instance.host, instance.port)
        }
        Event::ReconfDone { instance } => format!("sees {}:{} in sync with it", instance.host, instance.port),
        Event::ConfigUpdateFrom { instance } => format!("hears of it from {}", instance.name),
        Event::SwitchMaster { old_host, old_port, new_host, new_port, .. } => {
            format!("names {new_host}:{new_port} instead of {old_host}:{old_port}")
        }
        Event::FailoverEnd { .. } => "has finished the failover".to_owned(),
        Event::ConvertToReplica { instance, .. } => {
            format!("tells {}:{} to be a replica: {reason}", instance.host, instance.port)
        }
        Event::NotDurable { what, reason } => format!("keeps back {what}: {reason}"),
        Event::SteppedDown { .. } => event.message(),
        Event::TiltEntered { .. } => format!("distrusts itself: {reason}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_replace_addresses_and_the_longest_goes_first() {
        let mut story = Story::default();
        story.name("127.0.0.1:6379", "master");
        story.name("127.0.0.1:63790", "replica-1");
        assert_eq!(story.line(Time(5), "x", "y"), None);
        story.begin(Time(1_000_000));
        assert_eq!(
            story.line(Time(2_003_450), "sentinel-1", "prefers 127.0.0.1:63790 to 127.0.0.1:6379").as_deref(),
            Some("  1003.4 ms  sentinel-1  prefers replica-1 to master")
        );
    }

    #[test]
    fn events_outside_the_story_are_left_out() {
        assert_eq!(sentence(&Event::TiltExited), None);
        let vote = Event::Voted { master: "m".into(), run_id: "abc".into(), epoch: 3 };
        assert_eq!(sentence(&vote).as_deref(), Some("votes for abc in epoch 3"));
    }
}
