//! Samples of one figure, and how they are shown.

/// The least, the middle and the most of some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) least: f64,
    pub(super) median: f64,
    pub(super) most: f64,
}

impl Spread {
    /// None without samples.
    pub(super) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let median = f64::midpoint(sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        Some(Self { least, median, most })
    }

    /// The sample that so many percent do not exceed; with few samples that is the most of them.
    pub(super) fn percentile(samples: &[f64], percent: usize) -> Option<f64> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied()
    }

    /// `median (least-most)`, with three digits at least.
    /// A lone sample stands alone.
    pub(super) fn text(self) -> String {
        let decimals = match self.median {
            small if small < 1.0 => 3,
            small if small < 10.0 => 2,
            medium if medium < 100.0 => 1,
            _ => 0,
        };
        if self.least.to_bits() == self.most.to_bits() {
            return format!("{:.decimals$}", self.median);
        }
        format!("{:.decimals$} ({:.decimals$}-{:.decimals$})", self.median, self.least, self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two() {
        let spread = Spread::of(&[30.0, 10.0, 20.0]).expect("samples");
        assert_eq!(spread, Spread { least: 10.0, median: 20.0, most: 30.0 });
        assert_eq!(spread.text(), "20.0 (10.0-30.0)");
        assert_eq!(Spread::of(&[1.0, 2.0]).expect("samples").text(), "1.50 (1.00-2.00)");
        assert_eq!(Spread::of(&[123.4]).expect("a sample").text(), "123");
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Spread::percentile(&samples, 99), Some(198.0));
        assert_eq!(Spread::percentile(&[3.0, 1.0], 99), Some(3.0));
        assert_eq!(Spread::percentile(&[], 99), None);
    }
}
