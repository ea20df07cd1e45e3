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

    /// `median (least-most)`, with three digits at least.
    pub(super) fn text(self) -> String {
        let decimals = match self.median {
            small if small < 1.0 => 3,
            small if small < 10.0 => 2,
            medium if medium < 100.0 => 1,
            _ => 0,
        };
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
        assert_eq!(Spread::of(&[123.4]).expect("a sample").text(), "123 (123-123)");
        assert_eq!(Spread::of(&[]), None);
    }
}
