//! The phases of a failover, from the moments in which its events arrived.

use std::time::Instant;

use picket_testkit::Published;

/// When things happened in one failover.
pub(super) struct Moments {
    pub(super) killed: Instant,
    /// First write of the client that asks, and of the one that follows the events.
    pub(super) asked: Instant,
    pub(super) followed: Instant,
    pub(super) events: Vec<Published>,
}

/// Milliseconds from the death of the master.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    sdown: f64,
    odown: f64,
    elected: f64,
    chosen: f64,
    promoted: f64,
    switched: f64,
    switched_last: f64,
    asked: f64,
    followed: f64,
    /// Epochs in which somebody stood for election.
    elections: f64,
}

/// A row of the table.
pub(super) struct Measure {
    pub(super) what: &'static str,
    of: fn(&Sample) -> f64,
    /// What the median is to reach.
    pub(super) aim: Option<f64>,
    /// Whether the 99th percentile is told too, and what that is to reach if it is more than 0.
    pub(super) p99: Option<f64>,
}

impl Measure {
    pub(super) fn of(&self, sample: &Sample) -> f64 {
        (self.of)(sample)
    }

    const fn new(what: &'static str, of: fn(&Sample) -> f64) -> Self {
        Self { what, of, aim: None, p99: None }
    }
}

/// First the phases, which add up to the first write; then what is held against an aim.
pub(super) const MEASURES: [Measure; 14] = [
    Measure::new("detect: until the first +sdown", |s| s.sdown),
    Measure::new("agree: +sdown to +odown", |s| s.odown - s.sdown),
    Measure::new("elect: +odown to +elected-leader", |s| s.elected - s.odown),
    Measure::new("choose: to +selected-slave", |s| s.chosen - s.elected),
    Measure::new("promote: to +promoted-slave", |s| s.promoted - s.chosen),
    Measure::new("tell: to the first +switch-master", |s| s.switched - s.promoted),
    Measure::new("client: to the write of one that listens", |s| s.followed - s.switched),
    Measure::new("client: to the write of one that asks", |s| s.asked - s.switched),
    Measure { aim: Some(1150.0), ..Measure::new("kill to +odown", |s| s.odown) },
    Measure {
        aim: Some(50.0),
        p99: Some(150.0),
        ..Measure::new("+odown to +switch-master", |s| s.switched - s.odown)
    },
    Measure::new("first to last +switch-master", |s| s.switched_last - s.switched),
    Measure { p99: Some(0.0), ..Measure::new("kill to the write of one that listens", |s| s.followed) },
    Measure { p99: Some(0.0), ..Measure::new("kill to the write of one that asks", |s| s.asked) },
    Measure::new("elections (not milliseconds)", |s| s.elections),
];

impl Sample {
    pub(super) fn of(moments: &Moments) -> Self {
        let ms = |at: Instant| at.saturating_duration_since(moments.killed).as_secs_f64() * 1000.0;
        let of = |channel: &str, about: &str| {
            let fits = |event: &&Published| event.channel == channel && event.payload.starts_with(about);
            let times = moments.events.iter().filter(fits).map(|event| ms(event.at));
            times.collect::<Vec<f64>>()
        };
        let first = |channel, about| of(channel, about).into_iter().reduce(f64::min).unwrap_or(f64::NAN);
        // An election that was lost has no part in what followed: the last before the switch counts.
        let switched = first("+switch-master", "");
        let last = |channel| {
            let before = of(channel, "").into_iter().filter(|at| *at <= switched);
            before.reduce(f64::max).unwrap_or(f64::NAN)
        };
        let mut epochs: Vec<_> =
            moments.events.iter().filter(|event| event.channel == "+new-epoch").collect();
        epochs.sort_by(|a, b| a.payload.cmp(&b.payload));
        epochs.dedup_by(|a, b| a.payload == b.payload);
        #[allow(clippy::cast_precision_loss, reason = "a handful")]
        let elections = epochs.len() as f64;
        Self {
            sdown: first("+sdown", "master "),
            odown: first("+odown", "master "),
            elected: last("+elected-leader"),
            chosen: last("+selected-slave"),
            promoted: last("+promoted-slave"),
            switched,
            switched_last: of("+switch-master", "").into_iter().reduce(f64::max).unwrap_or(f64::NAN),
            asked: ms(moments.asked),
            followed: ms(moments.followed),
            elections,
        }
    }

    pub(super) fn line(&self) -> String {
        format!(
            "+sdown {:.0} +odown {:.0} +switch-master {:.0} first write {:.0} ms",
            self.sdown, self.odown, self.switched, self.followed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn phases_are_between_the_events_of_the_election_that_was_won() {
        let killed = Instant::now();
        let at = |ms| killed + Duration::from_millis(ms);
        let event = |ms, channel: &str, payload: &str| Published {
            from: 0,
            at: at(ms),
            channel: channel.to_owned(),
            payload: payload.to_owned(),
        };
        let events = vec![
            event(900, "+sdown", "slave 127.0.0.1:1"),
            event(1000, "+sdown", "master mymaster"),
            event(1010, "+odown", "master mymaster"),
            event(1011, "+new-epoch", "1"),
            event(1012, "+new-epoch", "1"),
            event(1015, "+elected-leader", "master mymaster"),
            event(1400, "+new-epoch", "2"),
            event(1500, "+elected-leader", "master mymaster"),
            event(1501, "+selected-slave", "slave"),
            event(1503, "+promoted-slave", "slave"),
            event(1504, "+switch-master", "mymaster"),
            event(1600, "+switch-master", "mymaster"),
        ];
        let sample = Sample::of(&Moments { killed, asked: at(1510), followed: at(1506), events });
        let told: Vec<f64> = MEASURES.iter().map(|measure| measure.of(&sample).round()).collect();
        assert_eq!(
            told,
            [1000.0, 10.0, 490.0, 1.0, 2.0, 1.0, 2.0, 6.0, 1010.0, 494.0, 96.0, 1506.0, 1510.0, 2.0]
        );
    }
}
