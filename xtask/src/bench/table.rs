//! A table of figures, for the terminal and for BENCHMARKS.md: what, ours, the others', the limit, the ratio.

use std::fmt::Write as _;

use super::spread::Spread;

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
}

/// What a figure is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    /// What we set out to reach; the table says whether the median does.
    Aim(f64),
    /// At most this share of the first peer's figure; likewise.
    Share(f64),
    /// What the machine or the protocol allows at best.
    Physical(f64),
}

/// One measure with the samples of everybody.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    what: String,
    better: Better,
    columns: Vec<Vec<f64>>,
    limit: Option<Limit>,
}

/// The measures of one kind, under a heading.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    title: String,
    /// Whose columns they are; the first is ours.
    names: Vec<String>,
    conditions: Vec<String>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Row {
    /// A measure; its unit belongs into `what`.
    pub(super) fn new(what: impl Into<String>, better: Better) -> Self {
        Self { what: what.into(), better, columns: Vec::new(), limit: None }
    }

    /// The samples of the next column: ours first. An empty slice is shown as `-`; what is no number counts as
    /// not measured.
    #[must_use]
    pub(super) fn samples(mut self, samples: &[f64]) -> Self {
        self.columns.push(samples.iter().copied().filter(|sample| sample.is_finite()).collect());
        self
    }

    /// What the median of ours should reach.
    #[must_use]
    pub(super) fn aim(mut self, value: f64) -> Self {
        self.limit = Some(Limit::Aim(value));
        self
    }

    /// The share of the first peer's figure that ours may take (0.5: half).
    #[must_use]
    pub(super) fn aim_share(mut self, share: f64) -> Self {
        self.limit = Some(Limit::Share(share));
        self
    }

    /// What would be possible at best.
    #[must_use]
    pub(super) fn physical(mut self, value: f64) -> Self {
        self.limit = Some(Limit::Physical(value));
        self
    }

    fn spread(&self, column: usize) -> Option<Spread> {
        Spread::of(self.columns.get(column)?)
    }

    /// Above 1 in our favour; none where a figure is zero or, as a difference of times may be, below.
    fn ratio(&self, column: usize) -> Option<f64> {
        let (ours, theirs) = (self.spread(0)?.median, self.spread(column)?.median);
        if ours <= 0.0 || theirs <= 0.0 {
            return None;
        }
        let ratio = match self.better {
            Better::More => ours / theirs,
            Better::Less => theirs / ours,
        };
        Some(ratio)
    }

    fn limit_text(&self) -> String {
        let Some(limit) = self.limit else { return "-".to_owned() };
        let sign = match self.better {
            Better::More => "≥",
            Better::Less => "≤",
        };
        let bound = match limit {
            Limit::Physical(value) => return number(value),
            Limit::Aim(value) => Some(value),
            Limit::Share(share) => self.spread(1).map(|theirs| theirs.median * share),
        };
        let Some(bound) = bound else { return "-".to_owned() };
        let verdict = match self.spread(0).map(|ours| ours.median) {
            None => "",
            Some(ours) if self.reaches(ours, bound) => " met",
            Some(_) => " MISSED",
        };
        format!("{sign} {}{verdict}", number(bound))
    }

    fn reaches(&self, ours: f64, bound: f64) -> bool {
        match self.better {
            Better::More => ours >= bound,
            Better::Less => ours <= bound,
        }
    }

    /// The cells of the row, for tables with this many columns of figures.
    fn cells(&self, columns: usize) -> Vec<String> {
        let shown = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), Spread::text);
        let mut cells = vec![self.what.clone(), shown(self.spread(0))];
        for column in 1..columns {
            cells.push(shown(self.spread(column)));
            cells.push(self.ratio(column).map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")));
        }
        cells.push(self.limit_text());
        cells
    }
}

impl Table {
    /// A table without rows; `names` are the columns, ours first.
    pub(super) fn new(title: &str, names: &[&str]) -> Self {
        assert!(!names.is_empty(), "a table has a column at least");
        Self {
            title: title.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            conditions: Vec::new(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A line before the table: sizes, versions, how often.
    pub(super) fn condition(&mut self, line: impl Into<String>) {
        self.conditions.push(line.into());
    }

    /// Adds a row.
    pub(super) fn push(&mut self, row: Row) {
        assert!(row.columns.len() <= self.names.len(), "every column has a name");
        self.rows.push(row);
    }

    /// Adds one sample to the row of this measure, and tells it.
    pub(super) fn add(&mut self, what: &str, better: Better, column: usize, sample: f64) {
        println!(
            "  {what}, {}: {}",
            self.names[column],
            if sample < 100.0 { format!("{sample:.3}") } else { format!("{sample:.0}") }
        );
        let at = self.rows.iter().position(|row| row.what == what).unwrap_or_else(|| {
            self.rows.push(Row::new(what, better));
            self.rows.len() - 1
        });
        let columns = &mut self.rows[at].columns;
        if columns.len() <= column {
            columns.resize(column + 1, Vec::new());
        }
        columns[column].push(sample);
    }

    /// What would be possible at best, for the row of a measure that has samples.
    pub(super) fn physical(&mut self, what: &str, value: f64) {
        self.limit(what, Limit::Physical(value));
    }

    /// What the median of ours should reach, likewise.
    pub(super) fn aim(&mut self, what: &str, value: f64) {
        self.limit(what, Limit::Aim(value));
    }

    fn limit(&mut self, what: &str, limit: Limit) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.what == what) {
            row.limit = Some(limit);
        }
    }

    /// A line after the table: what could not be measured, and why.
    pub(super) fn note(&mut self, line: impl Into<String>) {
        self.notes.push(line.into());
    }

    /// The table as Markdown, aligned so that it reads well in a terminal too.
    pub(super) fn text(&self) -> String {
        let mut head = vec![String::new(), self.names[0].clone()];
        for name in &self.names[1..] {
            head.extend([name.clone(), "ratio".to_owned()]);
        }
        head.push("limit".to_owned());
        let rows = self.rows.iter().map(|row| row.cells(self.names.len()));
        let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
        let width = |place: usize| lines.iter().map(|line| line[place].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();

        let mut text = format!("### {}\n\n", self.title);
        for (which, paragraphs) in [&self.conditions, &self.notes].into_iter().enumerate() {
            if which == 1 {
                table_lines(&mut text, &lines, &widths);
            }
            for line in paragraphs {
                let _ = writeln!(text, "- {line}");
            }
            if !paragraphs.is_empty() {
                text.push('\n');
            }
        }
        text
    }
}

fn table_lines(text: &mut String, lines: &[Vec<String>], widths: &[usize]) {
    for (place, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(widths).enumerate() {
            let width = *width;
            let _ = if column == 0 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
        if place == 0 {
            for (column, width) in widths.iter().enumerate() {
                let (dashes, end) = if column == 0 { (width + 2, "") } else { (width + 1, ":") };
                let _ = write!(text, "|{}{end}", "-".repeat(dashes));
            }
            text.push_str("|\n");
        }
    }
    text.push('\n');
}

/// A bound as people write it.
fn number(value: f64) -> String {
    if value.fract() == 0.0 || value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_above_one_is_in_our_favour_whichever_way_is_better() {
        let row = |better| Row::new("x", better).samples(&[200.0]).samples(&[100.0]);
        assert_eq!(row(Better::More).ratio(1), Some(2.0));
        assert_eq!(row(Better::Less).ratio(1), Some(0.5));
        assert_eq!(row(Better::Less).ratio(2), None, "nobody measured the third");
        assert_eq!(Row::new("x", Better::Less).samples(&[0.0]).samples(&[1.0]).ratio(1), None);
    }

    #[test]
    fn samples_that_come_singly_find_their_row() {
        let mut table = Table::new("Speed", &["Picket", "redis", "valkey"]);
        for (column, sample) in [(0, 1.0), (2, 8.0), (0, 3.0)] {
            table.add("seconds", Better::Less, column, sample);
        }
        assert_eq!(table.rows.len(), 1);
        assert_eq!((table.rows[0].ratio(1), table.rows[0].ratio(2)), (None, Some(4.0)));
        table.aim("seconds", 1.0);
        table.aim("miles", 1.0);
        assert_eq!((table.rows[0].limit_text(), table.rows.len()), ("≤ 1 MISSED".to_owned(), 1));
        table.physical("seconds", 0.5);
        assert_eq!(table.rows[0].limit_text(), "0.50");
    }

    #[test]
    fn a_limit_says_whether_it_is_met() {
        let row = Row::new("ms", Better::Less).samples(&[40.0, 60.0]).samples(&[90.0]);
        assert_eq!(row.clone().aim(50.0).limit_text(), "≤ 50 met");
        assert_eq!(row.clone().aim(49.5).limit_text(), "≤ 49.50 MISSED");
        assert_eq!(row.clone().aim_share(0.5).limit_text(), "≤ 45 MISSED");
        assert_eq!(row.clone().physical(3.0).limit_text(), "3");
        assert_eq!(Row::new("/s", Better::More).samples(&[9.0]).aim(10.0).limit_text(), "≥ 10 MISSED");
        assert_eq!(Row::new("/s", Better::More).samples(&[9.0]).aim_share(1.0).limit_text(), "-");
        assert_eq!(row.limit_text(), "-");
    }

    #[test]
    fn what_is_printed_is_markdown() {
        let mut table = Table::new("Speed", &["Picket", "stock"]);
        table.condition("2 runs");
        table.push(Row::new("seconds", Better::Less).samples(&[1.0, 3.0]).samples(&[3.0, 5.0]).aim(2.0));
        table.push(Row::new("not theirs", Better::Less).samples(&[1.0, 1.0]));
        table.note("that is all");
        let expected = "\
### Speed

- 2 runs

|            |           Picket |            stock | ratio |   limit |
|------------|-----------------:|-----------------:|------:|--------:|
| seconds    | 2.00 (1.00-3.00) | 4.00 (3.00-5.00) |  2.00 | ≤ 2 met |
| not theirs |             1.00 |                - |     - |       - |

- that is all

";
        assert_eq!(table.text(), expected);
    }
}
