//! The clocks: a monotonic one for the core, the calendar for people.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use picket_sansio::{Time, WallTime};

/// The core's clock: microseconds since this value was made. Unmoved by changes of the calendar.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that starts at 0 now.
    pub(crate) fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// What it reads.
    pub(crate) fn now(self) -> Time {
        Time(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// When it reads `time`; `None` if that is out of reach.
    pub(crate) fn instant(self, time: Time) -> Option<Instant> {
        self.origin.checked_add(Duration::from_micros(time.0))
    }

    /// What the calendar will read when this clock reads `time`.
    pub(crate) fn calendar(self, time: Time) -> Option<Timestamp> {
        let ahead = i64::try_from(time.0).ok()?.checked_sub(i64::try_from(self.now().0).ok()?)?;
        Timestamp::from_microsecond(Timestamp::now().as_microsecond().checked_add(ahead)?).ok()
    }
}

/// What the calendar reads now.
pub(crate) fn wall() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_convert_there_and_back() {
        let clock = Clock::start();
        let later = Time(clock.now().0 + 5_000_000);
        let ahead = clock.instant(later).expect("near") - Instant::now();
        assert!(ahead > Duration::from_secs(3) && ahead <= Duration::from_secs(5));
        let seconds = clock.calendar(later).expect("near").as_second() - Timestamp::now().as_second();
        assert!((4..=6).contains(&seconds));
        assert!(clock.calendar(Time(u64::MAX)).is_none());
    }
}
