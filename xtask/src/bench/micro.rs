//! The criterion benches of crates as areas: they are run, and what criterion noted of them is read.
//!
//! A bench named `x, by <somebody>` is how somebody else does `x`; one named `memcpy` is what the memory allows in its
//! group.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;

use super::table::{Better, Row, Table};
use crate::steps::{cargo, target_folder};

/// One bench, as criterion noted it.
#[derive(Clone, Debug, PartialEq)]
struct Estimate {
    group: String,
    name: String,
    /// What is done in one go, as criterion counts it, and whether that is bytes.
    amount: Option<(f64, bool)>,
    /// Nanoseconds of one go: lower end, median and upper end of where 95 % lie.
    nanoseconds: [f64; 3],
}

const LIMIT: &str = "memcpy";
const PEER: &str = ", by ";

/// Runs the benches of `packages` and returns their table. None if they fail, which has been said.
pub(super) fn run(root: &Path, title: &str, packages: &[&str], quick: bool) -> Option<Vec<Table>> {
    let start = SystemTime::now();
    let mut args = vec!["bench", "--bench", "*"];
    args.extend(packages.iter().flat_map(|package| ["-p", package]));
    args.extend(["--", "--noplot"]);
    args.extend(quick.then_some("--quick"));
    if !cargo(root, &args, &[]) {
        return None;
    }
    let mut found = Vec::new();
    collect(&target_folder(root).join("criterion"), start, &mut found);
    found.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    Some(vec![table(title, packages, &found)])
}

/// What was noted below `folder` since `start`.
fn collect(folder: &Path, start: SystemTime, found: &mut Vec<Estimate>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()) {
        if path.file_name() != Some(OsStr::new("new")) {
            collect(&path, start, found);
            continue;
        }
        let is_new =
            |name: &str| fs::metadata(path.join(name)).and_then(|data| data.modified()).ok() >= Some(start);
        let read = |name: &str| serde_json::from_slice(&fs::read(path.join(name)).ok()?).ok();
        if is_new("estimates.json")
            && let (Some(about), Some(figures)) = (read("benchmark.json"), read("estimates.json"))
        {
            found.extend(Estimate::of(&about, &figures));
        }
    }
}

impl Estimate {
    fn of(about: &Value, figures: &Value) -> Option<Self> {
        let text = |key: &str| about.get(key).and_then(Value::as_str);
        let words = [text("function_id"), text("value_str")].into_iter().flatten().collect::<Vec<_>>();
        let throughput = |kind: &str| about.get("throughput")?.get(kind)?.as_f64();
        let amount = throughput("Bytes").map(|bytes| (bytes, true));
        let amount = amount.or_else(|| throughput("Elements").map(|count| (count, false)));
        let median = figures.get("median")?;
        let interval = median.get("confidence_interval")?;
        let nanoseconds = [
            interval.get("lower_bound")?.as_f64()?,
            median.get("point_estimate")?.as_f64()?,
            interval.get("upper_bound")?.as_f64()?,
        ];
        Some(Self { group: text("group_id")?.to_owned(), name: words.join(", "), amount, nanoseconds })
    }

    /// In the unit of its table: MB/s where bytes are counted, nanoseconds of one element otherwise.
    fn figures(&self) -> [f64; 3] {
        match self.amount {
            Some((bytes, true)) => self.nanoseconds.map(|ns| bytes * 1000.0 / ns),
            Some((count, false)) => self.nanoseconds.map(|ns| ns / count),
            None => self.nanoseconds,
        }
    }
}

fn table(title: &str, packages: &[&str], found: &[Estimate]) -> Table {
    let peer = found.iter().find_map(|one| one.name.split_once(PEER));
    let names: Vec<&str> = std::iter::once("Picket").chain(peer.map(|(_, peer)| peer)).collect();
    let mut table = Table::new(title, &names);
    if peer.is_none() {
        table.note("nobody to compare with: stock servers keep this inside");
    }
    table.condition(format!("criterion benches of {}; median and where 95 % of it lie", packages.join(", ")));
    if found.iter().any(|one| one.name == LIMIT) {
        table.condition("limit: a mere copy of the same bytes");
    }
    for one in found.iter().filter(|one| !one.name.contains(PEER) && one.name != LIMIT) {
        let (better, unit) = match one.amount {
            Some((_, true)) => (Better::More, "MB/s"),
            Some((_, false)) | None => (Better::Less, "ns each"),
        };
        let same = |other: &&Estimate, name: &str| other.group == one.group && other.name == name;
        let theirs = found.iter().find(|other| {
            other.name.split_once(PEER).is_some_and(|(name, _)| same(other, &other.name) && name == one.name)
        });
        let what =
            if one.name.is_empty() { one.group.clone() } else { format!("{}: {}", one.group, one.name) };
        let row = Row::new(format!("{what}, {unit}"), better).samples(&one.figures());
        let theirs = theirs.map(Estimate::figures);
        let row = match &theirs {
            Some(figures) => row.samples(figures),
            None => row,
        };
        let limit = found.iter().find(|other| same(other, LIMIT));
        table.push(match limit {
            Some(limit) => row.physical(limit.figures()[1]),
            None => row,
        });
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(group: &str, name: &str, throughput: &str, ns: f64) -> Estimate {
        let about = format!(
            r#"{{"group_id":"{group}","function_id":"{name}","value_str":null,"throughput":{throughput}}}"#
        );
        let figures = format!(
            r#"{{"median":{{"confidence_interval":{{"lower_bound":{},"upper_bound":{}}},"point_estimate":{ns}}}}}"#,
            ns - 1.0,
            ns + 1.0
        );
        let parse = |text: &str| serde_json::from_str(text).expect("JSON");
        Estimate::of(&parse(&about), &parse(&figures)).expect("an estimate")
    }

    #[test]
    fn others_and_the_limit_stand_beside_their_bench() {
        let found = [
            noted("append", "backlog", r#"{"Bytes":1000}"#, 100.0),
            noted("append", "memcpy", r#"{"Bytes":1000}"#, 50.0),
            noted("request", "set", r#"{"Elements":10}"#, 100.0),
            noted("request", "set, by redis-protocol", r#"{"Elements":10}"#, 300.0),
            noted("request", "get", "null", 7.0),
        ];
        let text = table("Speed", &["picket-resp"], &found).text();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
        assert!(lines[0].contains("| redis-protocol |") || lines[0].contains("redis-protocol |"), "{text}");
        assert!(lines[1].starts_with("| append: backlog, MB/s") && lines[1].ends_with(" 20000 |"), "{text}");
        assert!(lines[2].starts_with("| request: set, ns each") && lines[2].contains(" 3.00 |"), "{text}");
        assert!(lines[3].starts_with("| request: get, ns each") && lines[3].contains("7.00"), "{text}");
        assert_eq!(lines.len(), 4, "{text}");
    }
}
