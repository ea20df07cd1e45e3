//! Scenarios as text.

use core::fmt;

use picket_sansio::Millis;

use super::{Line, Moment, Scenario, Setup, Start};

/// A span in the largest unit that needs no fraction.
pub(super) struct Span(pub(super) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            us if us.is_multiple_of(1_000_000) => write!(f, "{}s", us / 1_000_000),
            us if us.is_multiple_of(1_000) => write!(f, "{}ms", us / 1_000),
            us => write!(f, "{us}us"),
        }
    }
}

fn span(millis: Millis) -> Span {
    Span(millis.as_micros())
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Span(self.after_us))?;
        match self.steps {
            Some(steps) => write!(f, "#{steps}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do(moment, action) => write!(f, "at {moment} {action}"),
            Self::By(after_us, fact) => write!(f, "by {} expect {fact}", Span(*after_us)),
            Self::At(after_us, fact) => write!(f, "at {} expect {fact}", Span(*after_us)),
            Self::Through(after_us, fact) => write!(f, "through {} expect {fact}", Span(*after_us)),
        }
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Self::default();
        if !self.title.is_empty() {
            writeln!(f, "title {}", self.title)?;
        }
        writeln!(f, "seed {}", self.seed)?;
        if self.masters != usual.masters {
            writeln!(f, "masters {}", self.masters)?;
        }
        writeln!(f, "redis {}\nsentinels {}\nquorum {}", self.redis, self.sentinels, self.quorum)?;
        if self.down_after != usual.down_after {
            writeln!(f, "down-after {}", span(self.down_after))?;
        }
        if self.failover_timeout != usual.failover_timeout {
            writeln!(f, "failover-timeout {}", span(self.failover_timeout))?;
        }
        if self.parallel_syncs != usual.parallel_syncs {
            writeln!(f, "parallel-syncs {}", self.parallel_syncs)?;
        }
        if self.models {
            f.write_str("nodes model\n")?;
        }
        for (whose, line) in &self.config {
            writeln!(f, "config {whose} {line}")?;
        }
        for interval in &self.writers {
            writeln!(f, "writer {}", span(*interval))?;
        }
        match self.start {
            Start::Settled => Ok(()),
            Start::Empty => f.write_str("start empty\n"),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.setup)?;
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        match &self.look {
            Some(moment) => writeln!(f, "look {moment}"),
            None => Ok(()),
        }
    }
}
