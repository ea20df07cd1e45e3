//! How fast time goes.

/// How fast time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Virtual time per time on the wall, in thousandths.
    pub(super) permille: u64,
}

impl Speed {
    /// From a hundredth of real time to its hundredfold.
    pub const ALL: [Self; 13] = {
        const fn of(permille: u64) -> Speed {
            Speed { permille }
        }
        [
            of(10),
            of(20),
            of(50),
            of(100),
            of(200),
            of(500),
            of(1_000),
            of(2_000),
            of(5_000),
            of(10_000),
            of(20_000),
            of(50_000),
            of(100_000),
        ]
    };
    /// As fast as real time.
    pub const REAL: Self = Self::ALL[6];

    /// Its place among [`ALL`](Self::ALL).
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|speed| *speed == self).unwrap_or(6)
    }

    /// The speed at a place, or the last one.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self::ALL[index.min(Self::ALL.len() - 1)]
    }

    /// Whether texts of messages on their way can be read.
    #[must_use]
    pub fn is_slow(self) -> bool {
        self.permille <= 50
    }

    /// How much virtual time passes in that much time on the wall.
    #[must_use]
    pub fn virtual_us(self, wall_us: u64) -> u64 {
        wall_us.saturating_mul(self.permille) / 1_000
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.permille {
            permille if permille >= 1_000 => write!(f, "{}×", permille / 1_000),
            permille => write!(f, "0.{}×", format!("{permille:03}").trim_end_matches('0')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_shown_as_people_write_them() {
        let shown: Vec<String> = Speed::ALL.iter().map(Speed::to_string).collect();
        assert_eq!(shown[..7], ["0.01×", "0.02×", "0.05×", "0.1×", "0.2×", "0.5×", "1×"]);
        assert_eq!(shown[12], "100×");
        assert!(
            Speed::ALL
                .iter()
                .enumerate()
                .all(|(index, speed)| Speed::at(index) == *speed && speed.index() == index)
        );
    }
}
