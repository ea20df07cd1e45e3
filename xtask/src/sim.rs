//! `cargo xtask sim`: random worlds in parallel, or one scenario from a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use picket_sim::campaign::{FAULTY_US, Losses, Wanted, draw, shrink};
use picket_sim::explore::{Bounds, Defect, Explored, explore, tell as tell_way};
use picket_sim::{Detail, Failure, Scenario, Tally};

const USAGE: &str = "\
cargo xtask sim [--seeds N|A..B] [--minutes M] [--nodes real|model|S+D] [--threads T] [--keep-going]
cargo xtask sim --scenario FILE
cargo xtask sim --explore [--depth N] [--crashes N] [--quorum N] [--states N] [--forgetful]

  --seeds     so many seeds from 0 on, or those from A to B; 200 if nothing is said, without end with --minutes
  --minutes   ends after so long, whatever seeds are left
  --nodes     data nodes are the real ones, or models (either by chance if not given); S+D: S Sentinels, and D data
              nodes for each master
  --threads   worlds at a time; as many as there are cores if not given
  --scenario  runs a file as crates/sim/scenarios has them, and tells what happened
  --explore   tries the orders in which messages, writes, clocks, deaths and starts can come in an election of three
              Sentinels: N steps deep (14), with N crashes (1), that quorum (2), at most so many states (a million);
              PINGs and hellos without news are at once; --forgetful: whoever starts again has lost what was
              on its disk, and a way to two leaders is found
";
/// Failures that are shrunk and told; of others only the seed.
const TOLD_MAX: usize = 3;

/// Runs what the arguments say; none if they say nothing that is understood.
pub(crate) fn run(args: &[&str]) -> Option<bool> {
    match args {
        ["--scenario", file] => Some(run_file(Path::new(file))),
        ["--explore", rest @ ..] => match read_bounds(rest) {
            Ok(bounds) => Some(run_explorer(&bounds)),
            Err(reason) => {
                eprintln!("{reason}\n\n{USAGE}");
                None
            }
        },
        _ => match Options::read(args) {
            Ok(options) => Some(run_campaign(&options)),
            Err(reason) => {
                eprintln!("{reason}\n\n{USAGE}");
                None
            }
        },
    }
}

struct Options {
    from: u64,
    to: u64,
    minutes: Option<u64>,
    wanted: Wanted,
    threads: usize,
    /// The arguments that draw the same worlds.
    nodes: String,
    keeps_going: bool,
}

impl Options {
    fn read(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        let mut options = Self {
            from: 0,
            to: 0,
            minutes: None,
            wanted: Wanted::default(),
            threads,
            nodes: String::new(),
            keeps_going: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if *arg == "--keep-going" {
                options.keeps_going = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{arg} wants a value"))?;
            let number =
                |text: &str| text.parse::<u64>().map_err(|_| format!("{arg}: {text:?} is no number"));
            match *arg {
                "--seeds" => match value.split_once("..") {
                    Some((from, to)) => (options.from, options.to) = (number(from)?, number(to)?),
                    None => options.to = number(value)?,
                },
                "--minutes" => options.minutes = Some(number(value)?),
                "--threads" => options.threads = usize::try_from(number(value)?.max(1)).unwrap_or(1),
                "--nodes" => {
                    options.nodes = format!("{} --nodes {value}", options.nodes);
                    match value.split_once('+') {
                        _ if *value == "real" => options.wanted.models = Some(false),
                        _ if *value == "model" => options.wanted.models = Some(true),
                        Some((sentinels, redis)) => {
                            let few = |text| number(text).ok().and_then(|number| u32::try_from(number).ok());
                            let (sentinels, redis) = (few(sentinels), few(redis));
                            // Two masters may be drawn, and 64 data nodes are the most.
                            if !sentinels.is_some_and(|count| (1..=32).contains(&count))
                                || !redis.is_some_and(|count| (2..=32).contains(&count))
                            {
                                return Err(
                                    "--nodes wants 1 to 32 Sentinels and 2 to 32 data nodes".to_owned()
                                );
                            }
                            (options.wanted.sentinels, options.wanted.redis) = (sentinels, redis);
                        }
                        None => return Err("--nodes wants real, model or a number like 3+3".to_owned()),
                    }
                }
                _ => return Err(format!("there is no {arg}")),
            }
        }
        if options.to == 0 {
            options.to = if options.minutes.is_some() { u64::MAX } else { 200 };
        }
        Ok(options)
    }
}

fn read_bounds(args: &[&str]) -> Result<Bounds, String> {
    let mut bounds = Bounds { depth: 14, states_max: 1_000_000, ..Bounds::default() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--forgetful" {
            bounds.defect = Defect::DiskForgets;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{arg} wants a value"))?;
        let number = value.parse::<u32>().map_err(|_| format!("{arg}: {value:?} is no number"))?;
        match *arg {
            "--depth" => bounds.depth = number,
            "--crashes" => bounds.crashes = number,
            "--quorum" => bounds.quorum = number.max(1),
            "--states" => bounds.states_max = number.into(),
            _ => return Err(format!("there is no {arg}")),
        }
    }
    Ok(bounds)
}

fn run_explorer(bounds: &Bounds) -> bool {
    let started = Instant::now();
    let result = explore(bounds);
    let took = started.elapsed();
    match result {
        Ok(Explored { states, steps, elections, promotions, is_cut_short }) => {
            let all = if is_cut_short { "the first" } else { "all" };
            println!(
                "{all} {states} states within {} steps and {} crashes, quorum {}, by {steps} steps in {took:.1?}: {elections} \
                 elections, {promotions} promotions, nothing that must not be",
                bounds.depth, bounds.crashes, bounds.quorum
            );
            true
        }
        Err(way) => {
            println!("found in {took:.1?}: {}\n{}", way.property, tell_way(bounds, &way.steps));
            false
        }
    }
}

fn run_file(file: &Path) -> bool {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return false;
        }
    };
    let scenario: Scenario = match text.parse() {
        Ok(scenario) => scenario,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return false;
        }
    };
    match scenario.run() {
        Ok(world) => {
            print!("{}{}", world.transcript().text(picket_sansio::Time(0)), world.picture());
            println!("{}: all of it came true", file.display());
            true
        }
        Err(failure) => {
            eprintln!("{}: {failure}", file.display());
            false
        }
    }
}

/// What many worlds came to.
#[derive(Default)]
struct Sum {
    seeds: u64,
    simulated_us: u64,
    steps: u64,
    tally: Tally,
    losses: Losses,
    failed: Vec<u64>,
}

/// How a world ended: the failure, or none if it was a panic.
fn run_world(scenario: &Scenario, detail: Detail) -> Result<picket_sim::World, Option<Box<Failure>>> {
    let run = AssertUnwindSafe(|| scenario.run_with(detail).map_err(|failure| Some(Box::new(failure))));
    catch_unwind(run).unwrap_or(Err(None))
}

fn run_campaign(options: &Options) -> bool {
    let started = Instant::now();
    let ends = options.minutes.map(|minutes| started + Duration::from_secs(minutes * 60));
    let next = AtomicU64::new(options.from);
    let stops = AtomicBool::new(false);
    let sum = Mutex::new(Sum::default());
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                while !stops.load(Ordering::Relaxed) && ends.is_none_or(|ends| Instant::now() < ends) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= options.to {
                        break;
                    }
                    let scenario = draw(seed, options.wanted);
                    let result = run_world(&scenario, Detail::Nothing);
                    let mut sum = sum.lock().expect("nobody panics with it");
                    sum.seeds += 1;
                    match result {
                        Ok(world) => {
                            sum.simulated_us += world.now().0;
                            sum.steps += world.steps();
                            sum.tally += world.tally();
                            let losses = picket_sim::campaign::losses(&world);
                            sum.losses.acknowledged += losses.acknowledged;
                            sum.losses.lost += losses.lost;
                            sum.losses.confirmed += losses.confirmed;
                            sum.losses.confirmed_lost += losses.confirmed_lost;
                        }
                        Err(failure) => {
                            let why = failure.map_or("a panic".to_owned(), |failure| {
                                format!("{}: {}", failure.line, failure.reason)
                            });
                            println!("seed {seed} failed: {why}");
                            sum.failed.push(seed);
                            if !options.keeps_going && sum.failed.len() >= TOLD_MAX {
                                stops.store(true, Ordering::Relaxed);
                            }
                        }
                    }
                    if sum.seeds % 100 == 0 {
                        println!(
                            "{} seeds in {:.0?}, {} failed",
                            sum.seeds,
                            started.elapsed(),
                            sum.failed.len()
                        );
                    }
                }
            });
        }
    });
    let mut sum = sum.into_inner().expect("nobody panics with it");
    sum.failed.sort_unstable();
    sum.print(started.elapsed());
    for seed in sum.failed.iter().take(TOLD_MAX) {
        tell(*seed, options);
    }
    sum.failed.is_empty()
}

impl Sum {
    fn print(&self, took: Duration) {
        let minutes = self.simulated_us / 60_000_000;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        let speed = u128::from(self.simulated_us) / took.as_micros().max(1);
        let Tally { elections, leaders, lost_elections, failovers, tilts } = self.tally;
        println!(
            "\n{} seeds, {} failed; {hours} h {minutes} min simulated in {took:.0?}, {}.{:02} simulated hours per second; {} \
             million steps\n{failovers} failovers, {elections} candidacies, {leaders} leaders, {lost_elections} lost \
             elections (split votes among them), {tilts} times TILT\n{} writes acknowledged, {} of them lost, as replication \
             is asynchronous; {} confirmed by replicas (WAIT), {} of them lost with those replicas (that none is lost that \
             the promoted one had is checked)",
            self.seeds,
            self.failed.len(),
            speed / 3_600,
            speed % 3_600 * 100 / 3_600,
            self.steps / 1_000_000,
            self.losses.acknowledged,
            self.losses.lost,
            self.losses.confirmed,
            self.losses.confirmed_lost,
        );
    }
}

/// Tells a failure: a shorter scenario that fails likewise, what happens in it, and how to see it again.
fn tell(seed: u64, options: &Options) {
    let scenario = draw(seed, options.wanted);
    let Err(failure) = run_world(&scenario, Detail::Nothing) else { return };
    println!("\nseed {seed}: looking for a shorter scenario that fails likewise");
    let shortest =
        shrink(&scenario, FAULTY_US, |shorter| match (run_world(shorter, Detail::Nothing), &failure) {
            (Err(Some(other)), Some(failure)) => other.is_like(failure),
            (Err(None), None) => true,
            _ => false,
        });
    match run_world(&shortest, Detail::Events) {
        Err(Some(failure)) => println!("{failure}"),
        Err(None) => println!("a panic, see above"),
        Ok(_) => {}
    }
    println!(
        "--- scenario ---\n{shortest}--- again with ---\ncargo xtask sim --seeds {seed}..{}{}",
        seed + 1,
        options.nodes
    );
}
