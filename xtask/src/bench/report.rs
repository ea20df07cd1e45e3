//! What an area's benches found, printed, kept under `target/bench` and put together as BENCHMARKS.md.
//!
//! Areas are measured one at a time or all together; each takes the place of its own section in the file.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;

use super::Run;
use super::table::Table;
use crate::steps::target_folder;

/// What has a section of its own in the file.
pub(super) struct Area {
    pub(super) name: &'static str,
    /// The argument that asks for it, where an area has several.
    pub(super) flag: Option<&'static str>,
    about: &'static str,
    pub(super) run: Run,
}

const fn area(name: &'static str, about: &'static str, run: Run) -> Area {
    Area { name, flag: None, about, run }
}

/// The areas in the order of the file, with what they are about.
pub(super) const AREAS: [Area; 11] = [
    area("resp", "Requests and replies on the wire", super::resp),
    area("backlog", "The replication backlog and the replica side", super::backlog),
    area("counts", "Instructions for small things", super::counts),
    area("node", "The data node", super::node),
    area("failover", "A failover, phase by phase", super::failover),
    Area { flag: Some("--p99"), ..area("failover", "A hundred failovers", super::failover) },
    area("idle", "A Sentinel that has nothing to do", super::idle),
    area("scale", "Many masters that die at once", super::scale),
    Area {
        flag: Some("--full"),
        ..area("scale", "As many masters as we aim at, which die at once", super::scale)
    },
    Area {
        flag: Some("--real"),
        ..area("scale", "Many masters that die at once, real processes", super::scale)
    },
    area("loss", "Writes that a failover loses", super::loss),
];

/// Arguments that measure a part of an area, or Picket alone where others are compared with it.
const PARTS: [&str; 3] = ["--only", "--sigstop", "--alone"];
/// Arguments that take one of the sizes that an area has.
const SIZES: [&str; 2] = ["--sentinels", "--masters"];

const FILE: &str = "BENCHMARKS.md";

const HEAD: &str = "\
# Benchmarks

Written by `cargo xtask bench`; each section by the command that it names, which repeats it. What Picket is compared with ran on the same
machine in the same run, in turn. Figures are medians, with the least and the most in brackets. A **ratio** above 1 is in Picket's favour.
A **limit** with ≤ or ≥ is an aim, and whether it is met; without a sign it is what the machine allows at best.
";

/// Prints the tables of `area`, keeps them, and writes BENCHMARKS.md anew. Whether the files could be written.
pub(super) fn publish(root: &Path, area: &str, args: &[&str], tables: &[Table]) -> bool {
    let section = section(area, args, &machine(), tables);
    println!("\n{section}");
    let is_part = is_part(area, args);
    if is_part {
        println!("{FILE} stays as it is: this is a part of the area.");
    }
    match keep(root, area, args, &section)
        .and_then(|()| if is_part { Ok(()) } else { assemble(root, section_of(area, args)) })
    {
        Ok(()) => true,
        Err(error) => {
            eprintln!("the result cannot be kept: {error}");
            false
        }
    }
}

fn section(area: &str, args: &[&str], machine: &str, tables: &[Table]) -> String {
    let about = section_of(area, args).about;
    let command = [&["cargo", "xtask", "bench", area], without_binary(args).as_slice()].concat().join(" ");
    let tables: Vec<_> = tables.iter().map(Table::text).collect();
    format!("## {about}\n\n`{command}`, {machine}\n\n{}", tables.concat())
}

/// The arguments but for `--picket PATH`: where a binary lay is nobody else's business.
fn without_binary<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let mut args = args.iter();
    let mut left = Vec::new();
    while let Some(arg) = args.next() {
        if *arg == "--picket" {
            args.next();
        } else {
            left.push(*arg);
        }
    }
    left
}

/// The section that this command writes: the one that is asked for by an argument, where there is such.
fn section_of(area: &str, args: &[&str]) -> &'static Area {
    let mut sections = AREAS.iter().filter(|section| section.name == area);
    let plain = sections.next().expect("only areas that are known are measured");
    sections.rfind(|section| section.flag.is_some_and(|flag| args.contains(&flag))).unwrap_or(plain)
}

/// Whether less is measured than the section tells.
fn is_part(area: &str, args: &[&str]) -> bool {
    let has = |arg: &&str| args.contains(arg);
    // Simulated masses have several sizes; real ones, and everything else, have one, which may be another.
    let is_one_size = area == "scale" && !has(&"--real") && SIZES.iter().any(has);
    // A hundred failovers are ours alone anyway.
    let is_alone = !has(&"--p99") && args.windows(2).any(|pair| *pair == ["--peer", "none"]);
    is_one_size || is_alone || PARTS.iter().any(has)
}

/// Where a section is kept. A part of an area does not take the place of the whole.
fn file_name(area: &str, args: &[&str]) -> String {
    if is_part(area, args) { format!("{area}-only.md") } else { section_of(area, args).file_name() }
}

impl Area {
    fn file_name(&self) -> String {
        let flag = self.flag.map_or_else(String::new, |flag| flag.replacen("--", "-", 1));
        format!("{}{flag}.md", self.name)
    }

    /// The command that measures it.
    fn command(&self) -> String {
        [self.name, self.flag.unwrap_or_default()].join(" ").trim_end().to_owned()
    }
}

fn keep(root: &Path, area: &str, args: &[&str], section: &str) -> io::Result<()> {
    let folder = target_folder(root).join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(file_name(area, args)), section)
}

fn assemble(root: &Path, measured: &Area) -> io::Result<()> {
    let folder = target_folder(root).join("bench");
    let before = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    let (text, missing) =
        assembled(&before, measured, |area| fs::read_to_string(folder.join(area.file_name())).ok());
    if !missing.is_empty() {
        println!("{FILE} has no section of {}: nobody has measured that yet.", missing.join(", "));
    }
    fs::write(root.join(FILE), text)
}

/// The file, and the commands of areas that it has no section of. Any other area than the one that was just measured keeps the
/// section that the file had `before`, which may be younger than the last result that is kept here.
fn assembled(before: &str, measured: &Area, kept: impl Fn(&Area) -> Option<String>) -> (String, Vec<String>) {
    let mut text = HEAD.to_owned();
    let mut missing = Vec::new();
    for area in &AREAS {
        let old = section_in(before, area.about).filter(|_| area.about != measured.about);
        match old.or_else(|| kept(area)) {
            Some(section) => {
                text.push('\n');
                text.push_str(section.trim_end());
                text.push('\n');
            }
            None => missing.push(area.command()),
        }
    }
    (text, missing)
}

/// The section under that heading.
fn section_in(file: &str, about: &str) -> Option<String> {
    let heading = format!("## {about}");
    let mut lines = file.lines().skip_while(|line| *line != heading);
    let mut section = lines.next()?.to_owned();
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        section.push('\n');
        section.push_str(line);
    }
    Some(section)
}

/// The date, and on what it was measured.
fn machine() -> String {
    let says = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let date = says("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default();
    let system = says("uname", &["-srm"]).unwrap_or_default();
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!("{date}, {cores} cores {model}, {system}, load at the end {load}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_area_is_kept_beside_the_whole() {
        assert_eq!(file_name("loss", &["--runs", "3"]), "loss.md");
        assert_eq!(file_name("loss", &["--only", "kill"]), "loss-only.md");
        assert_eq!(file_name("failover", &["--sigstop"]), "failover-only.md");
        assert_eq!(file_name("failover", &["--runs", "3", "--peer", "none"]), "failover-only.md");
        assert_eq!(file_name("failover", &["--peer", "redis-sentinel"]), "failover.md");
        assert_eq!(file_name("failover", &["--p99", "--peer", "none"]), "failover-p99.md");
        for part in [&["--alone"][..], &["--masters", "50"], &["--full", "--sentinels", "17"]] {
            assert_eq!(file_name("scale", part), "scale-only.md");
        }
        assert_eq!(file_name("idle", &["--masters", "100"]), "idle.md", "it has no other size");
    }

    #[test]
    fn no_section_takes_the_place_of_another() {
        assert_eq!(file_name("scale", &["--seeds", "1"]), "scale.md");
        assert_eq!(file_name("scale", &["--full"]), "scale-full.md");
        assert_eq!(file_name("failover", &["--p99", "--runs", "200"]), "failover-p99.md");
        assert_eq!(file_name("scale", &["--masters", "50", "--real"]), "scale-real.md");
        // What is real is measured as such, however much of it was asked for.
        assert_eq!(file_name("scale", &["--real", "--full"]), "scale-real.md");
        let mut names: Vec<_> = AREAS.iter().map(Area::file_name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), AREAS.len());
        let mut headings: Vec<_> = AREAS.iter().map(|area| area.about).collect();
        headings.sort_unstable();
        headings.dedup();
        assert_eq!(headings.len(), AREAS.len());
    }

    #[test]
    fn an_area_that_was_not_measured_now_keeps_its_section() {
        let [first, second] = [&AREAS[0], &AREAS[1]].map(|area| format!("## {}\n\n", area.about));
        let before = format!("{HEAD}\n{first}old\n\n### A table\n\n- a note\n\n{second}old too\n");
        // Of the first there is a result here too, of which nobody knows how old it is.
        let fresh = |area: &Area| {
            let place = AREAS.iter().position(|one| one.about == area.about);
            place.filter(|place| *place < 2).map(|_| format!("## {}\n\nnew\n\n", area.about))
        };
        let (text, missing) = assembled(&before, &AREAS[1], fresh);
        assert_eq!(text, format!("{HEAD}\n{first}old\n\n### A table\n\n- a note\n\n{second}new\n"));
        assert_eq!(missing, AREAS[2..].iter().map(Area::command).collect::<Vec<_>>());
        assert_eq!(assembled(&text, &AREAS[2], |_| None).0, text);
        let (text, missing) = assembled("", &AREAS[2], fresh);
        assert_eq!(text, format!("{HEAD}\n{first}new\n\n{second}new\n"));
        assert_eq!(missing.len(), AREAS.len() - 2);
    }

    #[test]
    fn a_section_names_its_command_and_machine() {
        let mut table = Table::new("Three Sentinels", &["Picket"]);
        table.note("nobody to compare with");
        let text = section("idle", &["--masters", "500"], "2 cores", &[table]);
        assert!(text.starts_with(
            "## A Sentinel that has nothing to do\n\n`cargo xtask bench idle --masters 500`, 2 cores\n"
        ));
        assert!(text.contains("### Three Sentinels\n\n") && text.contains("- nobody to compare with\n"));
    }
}
