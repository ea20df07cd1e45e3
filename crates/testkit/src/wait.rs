//! Waiting for a condition with a deadline.
//!
//! The only place of the test suites that sleeps; `cargo xtask tidy` holds everybody else to it.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
pub const POLL: Duration = Duration::from_millis(10);

/// Polls `condition` until it holds and returns how long that took.
///
/// # Panics
/// When it does not hold within `deadline`, naming `what`.
#[track_caller]
pub fn wait_until(deadline: Duration, what: &str, mut condition: impl FnMut() -> bool) -> Duration {
    wait_for(deadline, what, || condition().then_some(())).1
}

/// Polls `probe` until it gives a value; returns the value and how long that took.
///
/// # Panics
/// When there is no value within `deadline`, naming `what`.
#[track_caller]
pub fn wait_for<T>(deadline: Duration, what: &str, probe: impl FnMut() -> Option<T>) -> (T, Duration) {
    wait_for_every(POLL, deadline, what, probe)
}

/// [`wait_for`] that looks as often as `interval` says: for measuring, where [`POLL`] is too coarse.
///
/// # Panics
/// When there is no value within `deadline`, naming `what`.
#[track_caller]
pub fn wait_for_every<T>(
    interval: Duration,
    deadline: Duration,
    what: &str,
    probe: impl FnMut() -> Option<T>,
) -> (T, Duration) {
    match value_within(interval, deadline, probe) {
        Some(found) => found,
        None => panic!("not within {deadline:?}: {what}"),
    }
}

/// Like [`wait_for_every`], for callers to whom no value is an outcome too.
pub fn value_within<T>(
    interval: Duration,
    deadline: Duration,
    mut probe: impl FnMut() -> Option<T>,
) -> Option<(T, Duration)> {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return Some((value, start.elapsed()));
        }
        if start.elapsed() >= deadline {
            return None;
        }
        pause(interval);
    }
}

/// Watches that `condition` goes on holding for the whole of `window`: the way to say "nothing happens".
///
/// # Panics
/// As soon as it does not hold, naming `what`.
#[track_caller]
pub fn hold_for(window: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    loop {
        assert!(condition(), "no longer so after {:?}: {what}", start.elapsed());
        if start.elapsed() >= window {
            return;
        }
        pause(POLL);
    }
}

/// Like [`wait_until`], for callers that have their own idea of failure (a retry, a destructor).
pub fn holds_within(deadline: Duration, mut condition: impl FnMut() -> bool) -> bool {
    value_within(POLL, deadline, || condition().then_some(())).is_some()
}

fn pause(interval: Duration) {
    std::thread::sleep(interval);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_comes_true_ends_the_wait() {
        let mut looks = 0;
        wait_until(Duration::from_secs(5), "third look", || {
            looks += 1;
            looks == 3
        });
        assert_eq!(looks, 3);
    }

    #[test]
    fn no_value_in_time_can_be_an_outcome() {
        let mut looks = 0;
        let none = value_within(Duration::from_millis(1), Duration::from_millis(20), || {
            looks += 1;
            None::<()>
        });
        assert!(none.is_none() && looks >= 1);
        let third = value_within(Duration::from_millis(1), Duration::from_secs(5), || {
            looks += 1;
            (looks >= 3).then_some("third")
        });
        assert_eq!(third.map(|(value, _)| value), Some("third"));
    }

    #[test]
    #[should_panic(expected = "not within 20ms: pigs fly")]
    fn a_deadline_names_what_was_awaited() {
        wait_until(Duration::from_millis(20), "pigs fly", || false);
    }

    #[test]
    #[should_panic(expected = "calm")]
    fn holding_fails_at_the_first_breach() {
        let mut looks = 0;
        hold_for(Duration::from_secs(5), "calm", || {
            looks += 1;
            looks < 3
        });
    }
}
