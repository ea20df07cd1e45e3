//! The samples of all measures, and the table that is made of them.

use super::super::spread::Spread;
use super::contender::Contender;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
}

/// The samples of each measure by contender.
pub(super) struct Table {
    names: Vec<&'static str>,
    rows: Vec<Row>,
}

struct Row {
    measure: String,
    better: Better,
    samples: Vec<Vec<f64>>,
}

impl Table {
    pub(super) fn new(contenders: &[Contender]) -> Self {
        Self::with_columns(contenders.iter().map(|contender| contender.name).collect())
    }

    fn with_columns(names: Vec<&'static str>) -> Self {
        Self { names, rows: Vec::new() }
    }

    /// Adds a sample of the contender at `column`.
    pub(super) fn add(&mut self, measure: &str, better: Better, column: usize, sample: f64) {
        println!("  {measure}, {}: {}", self.names[column], number(sample));
        let at = self.rows.iter().position(|row| row.measure == measure).unwrap_or_else(|| {
            let samples = vec![Vec::new(); self.names.len()];
            self.rows.push(Row { measure: measure.to_owned(), better, samples });
            self.rows.len() - 1
        });
        self.rows[at].samples[column].push(sample);
    }

    /// Prints it: the first contender, then each other with how the first compares.
    pub(super) fn print(&self) {
        println!("A ratio above 1 is in favour of {}.\n", self.names[0]);
        let mut head = format!("| {:<48} | {:>28} |", "", self.names[0]);
        let mut line = format!("|{:-<50}|{:->30}|", "", ":");
        for name in &self.names[1..] {
            head += &format!(" {name:>28} | {:>5} |", "ratio");
            line += &format!("{:->30}|{:->7}|", ":", ":");
        }
        println!("{head}\n{line}");
        self.rows.iter().for_each(|row| println!("{}", row.text()));
        println!();
    }
}

impl Row {
    fn text(&self) -> String {
        let spreads: Vec<_> = self.samples.iter().map(|samples| Spread::of(samples)).collect();
        let shown = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), Spread::text);
        let mut text = format!("| {:<48} | {:>28} |", self.measure, shown(spreads[0]));
        for other in &spreads[1..] {
            let ratio = spreads[0].zip(*other).map(|(ours, theirs)| match self.better {
                Better::More => ours.median / theirs.median,
                Better::Less => theirs.median / ours.median,
            });
            let ratio = ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
            text += &format!(" {:>28} | {ratio:>5} |", shown(*other));
        }
        text
    }
}

fn number(sample: f64) -> String {
    if sample < 100.0 { format!("{sample:.3}") } else { format!("{sample:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_is_better_whichever_way_that_is() {
        let mut table = Table::with_columns(vec!["picket", "redis", "valkey"]);
        for (measure, better) in [("requests", Better::More), ("seconds", Better::Less)] {
            table.add(measure, better, 0, 200.0);
            table.add(measure, better, 1, 100.0);
        }
        assert!(table.rows[0].text().contains("|  2.00 |"), "{}", table.rows[0].text());
        assert!(table.rows[1].text().contains("|  0.50 |"), "{}", table.rows[1].text());
        assert!(table.rows[0].text().ends_with("- |     - |"), "nobody measured the third");
    }
}
