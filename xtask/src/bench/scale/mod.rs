//! `cargo xtask bench scale`: many masters die at once, in the simulator, under Picket, under the model of a stock
//! Sentinel, and under quorums of both; with `--real` under real processes of both kinds.
//!
//! The world's time is measured, not this machine's, so a busy machine changes nothing. Every property that must hold
//! in the simulator is checked meanwhile; a violation fails the bench. At the largest sizes Picket runs alone: stock
//! failovers take minutes of the world's time there, and each second of it some of this machine's.

mod real;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use picket_sansio::Millis;
use picket_sim::scale::{Fate, Outcome, Plan as Failure, Progress};

use picket_testkit::Program;
use picket_testkit::peers::Peer;

use super::table::{Better, Row, Table};
use super::{Options, release_binary};

/// How large, and how often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    sizes: Vec<Size>,
    seeds: u64,
    real: bool,
    picket: Option<PathBuf>,
}

/// Sentinels and masters, and beside whom Picket is measured.
#[derive(Clone, Debug, PartialEq)]
struct Size {
    sentinels: usize,
    masters: usize,
    /// How many of the Sentinels are stock in each further column: all, or a mixed quorum's share.
    stock: Vec<usize>,
}

/// The arguments of [`Plan::of`] with a value, and those without.
pub(super) const OPTIONS: [&str; 4] = ["--sentinels", "--masters", "--seeds", "--picket"];
pub(super) const FLAGS: [&str; 3] = ["--full", "--real", "--alone"];

const FIRST: &str = "won by the first election, %";
const CANDIDACIES: &str = "candidacies for each master";
const SWITCHED: &str = "switched within three minutes, %";
/// What is counted as the first, of both kinds and in both tables alike.
const RULE: &str = "won by the first election is a master of which, until the first +switch-master, nobody gave an election or a \
    failover up in an epoch before the winner's (-failover-abort-...), and for which nobody stood who had stood or voted for it \
    in an epoch before. Rivals that stand beside each other are one election; a candidate that makes room for a newer one shows \
    in the candidacies alone, which are all +try-failover until then";
/// How far the model is to be believed.
const MODEL: &str = "the model of a stock Sentinel is true in its times (2.3 s for one master, another 20 s and more for a lost \
    election). How many elections it loses varies much from run to run; real ones on two processors, with files in memory, were \
    seen to lose up to 4 % with 100 masters under 5 Sentinels, up to 28 % with 100 under 9, and 15-55 % with 20 under 17";
/// What stands for a switch that never came to pass: all the patience there was.
const NEVER_MS: f64 = 180_000.0;

/// Between two lines that tell how far a run has come.
const TELL_EVERY: Duration = Duration::from_secs(10);

impl Plan {
    /// What the arguments ask for. None if they make no sense, which has been said.
    pub(super) fn of(options: &Options<'_>, flags: &[&str], quick: bool) -> Option<Self> {
        let (full, real) = (flags.contains(&"--full"), flags.contains(&"--real"));
        let mut sizes = vec![Size::compared(5, 50)];
        if real {
            // As many as two processors carry.
            sizes = vec![Size::alone(5, if quick { 20 } else { 100 })];
        } else if full {
            sizes = vec![Size::alone(17, 400), Size::alone(5, 1725)];
        } else if !quick {
            sizes.extend([Size::compared(5, 100), Size::compared(9, 100), Size::compared(17, 20)]);
        }
        if options.text("--sentinels").is_some() || options.text("--masters").is_some() {
            sizes = vec![Size::compared(options.number("--sentinels", 5)?, options.number("--masters", 50)?)];
        }
        // Real ones are compared with real ones.
        if real || flags.contains(&"--alone") {
            sizes.iter_mut().for_each(|size| size.stock.clear());
        }
        Some(Self {
            sizes,
            seeds: options.number("--seeds", if quick || full { 1 } else { 3 })?,
            real,
            picket: options.picket()?,
        })
    }
}

impl Size {
    fn alone(sentinels: usize, masters: usize) -> Self {
        Self { sentinels, masters, stock: Vec::new() }
    }

    /// Beside stock Sentinels alone, and in quorums of which they are just not, or just, the majority.
    fn compared(sentinels: usize, masters: usize) -> Self {
        let mixed =
            [sentinels / 2, sentinels / 2 + 1].into_iter().filter(|stock| (1..sentinels).contains(stock));
        Self { sentinels, masters, stock: [sentinels].into_iter().chain(mixed).collect() }
    }
}

/// Measures all sizes; one table for each. None if that cannot be or a property was violated, which has been said.
pub(super) fn run(root: &Path, plan: &Plan) -> Option<Vec<Table>> {
    let mut tables: Vec<Table> = if plan.real {
        let picket = plan.picket.clone().or_else(|| release_binary(root))?;
        plan.sizes.iter().map(|size| measure_real(&picket, size, plan.seeds)).collect::<Option<_>>()?
    } else {
        plan.sizes.iter().map(|size| measure(size, plan.seeds)).collect::<Option<_>>()?
    };
    // Once is enough for all tables.
    if let Some(table) = tables.last_mut() {
        table.note(RULE);
        if plan.sizes.iter().any(|size| size.stock.contains(&size.sentinels)) {
            table.note(MODEL);
        }
    }
    Some(tables)
}

fn measure_real(picket: &Path, size: &Size, rounds: u64) -> Option<Table> {
    let Size { sentinels, masters, .. } = size;
    let stock = Peer::RedisSentinel.find().is_some();
    let mut kinds = vec![Program::Picket(picket.to_owned())];
    kinds.extend(stock.then_some(Program::Stock));
    let mut samples = [Vec::new(), Vec::new()];
    let mut gave_up = None;
    for round in 1..=rounds {
        for (kind, samples) in kinds.iter().zip(&mut samples) {
            let sample = match real::measure(kind, *sentinels, *masters) {
                Ok(sample) => sample,
                Err(error) if matches!(kind, Program::Stock) => {
                    eprintln!("round {round}, {}: {error}", kind.word());
                    gave_up = Some(format!("stock: given up in round {round}: {error}"));
                    continue;
                }
                Err(error) => {
                    eprintln!("{masters} masters cannot be had here: {error}");
                    return None;
                }
            };
            let last = sample.ms.last().copied().unwrap_or_default();
            println!(
                "round {round}, {}: {:.1}% by the first election, the last after {last:.0} ms",
                kind.word(),
                sample.first
            );
            samples.push(sample);
        }
    }
    let title =
        format!("{masters} masters with two replicas killed at once, {sentinels} Sentinels (real processes)");
    let mut table = Table::new(&title, &["Picket", "stock"]);
    let folder = std::env::temp_dir();
    table.condition(format!(
        "fake servers on loopback, in one process; down-after 1 s, failover-timeout 10 s, quorum {}; {rounds} rounds of \
         each kind in turn; config files in {} ({})",
        sentinels / 2 + 1,
        folder.display(),
        file_system(&folder).unwrap_or_else(|| "of unknown kind".to_owned()),
    ));
    table.condition("milliseconds count from the kill until the first Sentinel publishes +switch-master");
    let row = |what: &str, better, of: &dyn Fn(&real::Sample) -> f64| {
        samples
            .iter()
            .fold(Row::new(what, better), |row, kind| row.samples(&kind.iter().map(of).collect::<Vec<f64>>()))
    };
    let at = |sample: &real::Sample, percent: usize| {
        // Of all masters: the times of those that were never switched are missing at the end.
        let place = (masters * percent).div_ceil(100).saturating_sub(1);
        sample.ms.get(place).copied().unwrap_or(NEVER_MS)
    };
    table.push(row(FIRST, Better::More, &|of| of.first).aim(99.9));
    table.push(row(CANDIDACIES, Better::Less, &|of| of.candidacies));
    table.push(row(SWITCHED, Better::More, &|of| of.switched).aim(100.0));
    for (what, percent) in [("p50", 50), ("p99", 99), ("last", 100)] {
        table.push(row(&format!("{what} to +switch-master, ms"), Better::Less, &|of| at(of, percent)));
    }
    match Peer::RedisSentinel.version() {
        Some(version) if stock => table.condition(format!("stock: {version}")),
        _ => table.note(Peer::RedisSentinel.absence()),
    }
    gave_up.into_iter().for_each(|note| table.note(note));
    Some(table)
}

/// What kind of file system a folder lies on, as the kernel calls it: `tmpfs` is memory, `ext4` a disk.
fn file_system(folder: &Path) -> Option<String> {
    let output = Command::new("df").arg("--output=fstype").arg(folder).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().nth(1).map(|kind| kind.trim().to_owned()))?
}

fn measure(size: &Size, seeds: u64) -> Option<Table> {
    let Size { sentinels, masters, stock } = size;
    let mut names = vec!["Picket".to_owned()];
    names.extend(stock.iter().map(|stock| {
        if stock == sentinels {
            "stock (model)".to_owned()
        } else {
            format!("{stock} stock + {} Picket", sentinels - stock)
        }
    }));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let title =
        format!("{masters} masters with two replicas die within 100 ms, {sentinels} Sentinels (simulated)");
    let mut table = Table::new(&title, &names);
    table.condition(format!(
        "0.5-1.5 ms over each wire, 1-5 ms and 3 us for each line for a write to disk; down-after 1 s, failover-timeout 10 s, quorum {}; {seeds} \
         {} each",
        sentinels / 2 + 1,
        if seeds == 1 { "run" } else { "runs" },
    ));
    table.condition(
        "all Sentinels know each other and all replicas from their config files, as after a restart",
    );
    table.condition("milliseconds count from a master's death until the first Sentinel names its successor");
    table.condition(
        "time passes on wires (drawn anew for each piece), on disks and until something is due: processors cost nothing, as if \
         each Sentinel had one without end to itself; stock stands still while it writes its file, as the real one does",
    );
    let stocks: Vec<usize> = [0].iter().chain(stock).copied().collect();
    let mut columns: Vec<Vec<Outcome>> = Vec::new();
    for (stock, name) in stocks.iter().zip(&names) {
        let mut outcomes = Vec::new();
        for seed in 1..=seeds {
            let mut failure = Failure::new(*sentinels, *masters);
            failure.shape.stock = *stock;
            match failure.run(seed, teller(&format!("{sentinels} x {masters}, {name}, seed {seed}"))) {
                Ok(outcome) => outcomes.push(outcome),
                Err(stop) => {
                    eprintln!("{sentinels} x {masters}, {name}, seed {seed}: {stop}");
                    return None;
                }
            }
        }
        columns.push(outcomes);
    }
    // Every run gives one sample.
    let row = |what: &str, better, of: &dyn Fn(&Outcome) -> f64| {
        columns.iter().fold(Row::new(what, better), |row, outcomes| {
            row.samples(&outcomes.iter().map(of).collect::<Vec<f64>>())
        })
    };
    let share = |count: usize, of: &Outcome| 100.0 * count as f64 / of.fates.len() as f64;
    let first = row(FIRST, Better::More, &|of| share(of.first_elections(), of));
    table.push(first.aim(99.9));
    table.push(row(CANDIDACIES, Better::Less, &|of| of.candidacies() as f64 / of.fates.len() as f64));
    table.push(row(SWITCHED, Better::More, &|of| share(of.switched(), of)).aim(100.0));
    table.push(row("p50 to +switch-master, ms", Better::Less, &|of| at(of, 50, |fate| fate.switched)));
    table.push(row("p99 to +switch-master, ms", Better::Less, &|of| at(of, 99, |fate| fate.switched)));
    let last = row("last +switch-master, ms", Better::Less, &|of| at(of, 100, |fate| fate.switched));
    table.push(last.aim(if *masters > 1000 { 15_000.0 } else { 5_000.0 }));
    table.push(row("last until every Sentinel knows, ms", Better::Less, &|of| {
        at(of, 100, |fate| fate.known_to_all)
    }));
    if stock.is_empty() {
        table.note("the model of a stock Sentinel and quorums of both kinds: not run at this size");
    }
    Some(table)
}

/// That percentile of a span; what never came to pass counts as the whole patience.
fn at(outcome: &Outcome, percent: usize, of: fn(&Fate) -> Option<Millis>) -> f64 {
    let spans = outcome.spans(of);
    let place = (outcome.fates.len() * percent).div_ceil(100).saturating_sub(1);
    spans.get(place).map_or(NEVER_MS, |span| span.0 as f64)
}

/// Tells now and then how far a run has come.
fn teller(what: &str) -> impl FnMut(Progress) {
    let what = what.to_owned();
    let (began, mut told) = (Instant::now(), Instant::now());
    move |progress| {
        if told.elapsed() < TELL_EVERY {
            return;
        }
        told = Instant::now();
        let taken = began.elapsed().as_secs();
        match progress {
            Progress::Settling { at } => println!("  {what}: settling, {at} there, {taken} s here"),
            Progress::Failing { since, switched } => {
                println!("  {what}: {since} after the first death, {switched} switched, {taken} s here");
            }
        }
        // Who reads a pipe sees it now; if nobody does, nothing is lost.
        let _ = std::io::stdout().flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_count_what_never_came_to_pass() {
        let fate = |ms: Option<u64>| Fate { switched: ms.map(Millis), ..Fate::default() };
        let mut fates: Vec<Fate> = (1..=99).map(|ms| fate(Some(ms))).collect();
        fates.push(fate(None));
        let outcome = Outcome { fates, steps: 0 };
        let of = |percent| at(&outcome, percent, |fate| fate.switched);
        assert_eq!((of(50), of(99), of(100)), (50.0, 99.0, 180_000.0));
    }

    #[test]
    fn the_file_system_of_a_folder_is_named() {
        assert_eq!(file_system(Path::new("/proc")).as_deref(), Some("proc"));
        assert_eq!(file_system(Path::new("/no/such/folder")), None);
    }

    #[test]
    fn sizes_are_the_usual_ones_or_the_one_that_is_named() {
        let plan = |args: &[&str], flags: &[&str], quick| {
            Plan::of(&Options::parse(args, &OPTIONS).expect("known"), flags, quick).expect("makes sense")
        };
        assert_eq!(plan(&[], &[], true).sizes.len(), 1);
        assert!(
            plan(&[], &["--full"], false)
                .sizes
                .iter()
                .any(|size| (size.sentinels, size.masters) == (17, 400))
        );
        let one = plan(&["--sentinels", "9", "--masters", "7"], &[], false);
        assert_eq!(one.sizes, [Size { sentinels: 9, masters: 7, stock: vec![9, 4, 5] }]);
        assert_eq!((Size::compared(1, 1).stock, Size::compared(2, 1).stock), (vec![1], vec![2, 1]));
        let real = plan(&["--masters", "7"], &["--real"], false);
        assert_eq!(real.sizes, [Size::alone(5, 7)], "no model");
        let alone = plan(&["--sentinels", "9", "--masters", "7"], &["--alone"], false);
        assert_eq!(alone.sizes, [Size { sentinels: 9, masters: 7, stock: vec![] }]);
    }
}
