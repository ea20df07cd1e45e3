//! Time as the cores see it: integers that arrive with each input.

use core::fmt;
use core::ops::{Add, Sub};

/// A point on the monotonic clock of one process, in microseconds since that process chose its
/// origin. Never compared between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(pub u64);

/// A span in milliseconds, the unit of every Redis setting and constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

/// A point on the calendar clock, in microseconds since the Unix epoch. Data only: no decision of a
/// core follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub u64);

/// When a core wants to be woken, and which of its timers asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline<T> {
    /// The instant. A host wakes the core at it or as soon after it as it can.
    pub at: Time,
    /// The timer that asked; for explanations, a host need not look at it.
    pub timer: T,
}

impl Time {
    /// The milliseconds from `earlier` to `self`; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Time) -> Millis {
        Millis(self.0.saturating_sub(earlier.0) / 1000)
    }

    /// This instant moved back by `span`, stopping at the origin.
    #[must_use]
    pub fn before(self, span: Millis) -> Time {
        Time(self.0.saturating_sub(span.as_micros()))
    }
}

impl Millis {
    /// The span in microseconds, saturating.
    #[must_use]
    pub fn as_micros(self) -> u64 {
        self.0.saturating_mul(1000)
    }

    /// `self` × `factor`, saturating.
    #[must_use]
    pub fn times(self, factor: u64) -> Millis {
        Millis(self.0.saturating_mul(factor))
    }

    /// `self` ÷ `parts`, rounded down.
    #[must_use]
    pub fn split(self, parts: u64) -> Millis {
        Millis(self.0 / parts.max(1))
    }
}

impl Add<Millis> for Time {
    type Output = Time;
    fn add(self, span: Millis) -> Time {
        Time(self.0.saturating_add(span.as_micros()))
    }
}

impl Add for Millis {
    type Output = Millis;
    fn add(self, other: Millis) -> Millis {
        Millis(self.0.saturating_add(other.0))
    }
}

impl Sub for Millis {
    type Output = Millis;
    fn sub(self, other: Millis) -> Millis {
        Millis(self.0.saturating_sub(other.0))
    }
}

impl WallTime {
    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub fn as_millis(self) -> u64 {
        self.0 / 1000
    }
}

impl fmt::Display for Time {
    /// Seconds with six decimals, as transcripts and journals print it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand, since every output of every core is hashed with its time.
        let (mut digits, mut rest, mut at) = ([b'0'; 21], self.0, 21);
        while at > 21 - 8 || rest > 0 {
            at -= 1;
            if at == 21 - 7 {
                digits[at] = b'.';
            } else {
                digits[at] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        f.write_str(core::str::from_utf8(&digits[at..]).unwrap_or_default())
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn spans_never_wrap() {
        assert_eq!(Time(5).since(Time(9)), Millis(0));
        assert_eq!(Time(5).before(Millis(9)), Time(0));
        assert_eq!(Time(u64::MAX) + Millis(1), Time(u64::MAX));
        assert_eq!(Millis(u64::MAX).times(2), Millis(u64::MAX));
    }

    #[test]
    fn time_prints_seconds() {
        for (time, text) in [
            (0, "0.000000"),
            (9, "0.000009"),
            (1_050_007, "1.050007"),
            (120_000_000, "120.000000"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(Time(time).to_string(), text);
        }
    }
}
