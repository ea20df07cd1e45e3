//! What an area's benches found, printed, kept under `target/bench` and put together as BENCHMARKS.md.
//!
//! Areas are measured one at a time or all together; the file is always made of the last results of each.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::thread;

use super::Run;
use super::table::Table;
use crate::steps::target_folder;

/// The areas in the order of the file, with what they are about.
pub(super) const AREAS: [(&str, &str, Option<Run>); 8] = [
    ("resp", "Requests and replies on the wire", Some(super::resp)),
    ("backlog", "The replication backlog and the replica side", Some(super::backlog)),
    ("counts", "Instructions for small things", Some(super::counts)),
    ("node", "The data node", Some(super::node)),
    ("failover", "A failover, phase by phase", Some(super::failover)),
    ("idle", "A Sentinel that has nothing to do", Some(super::idle)),
    ("scale", "Many masters that die at once", Some(super::scale)),
    ("loss", "Writes that a failover loses", Some(super::loss)),
];

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
    let is_part = args.contains(&"--only");
    if is_part {
        println!("{FILE} stays as it is: this is a part of the area.");
    }
    match keep(root, area, args, &section).and_then(|()| if is_part { Ok(()) } else { assemble(root) }) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("the result cannot be kept: {error}");
            false
        }
    }
}

fn section(area: &str, args: &[&str], machine: &str, tables: &[Table]) -> String {
    let about = AREAS.iter().find(|(name, ..)| *name == area).map_or(area, |(_, about, _)| about);
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

/// Where a section is kept: what real processes do stands beside what the simulator says, and a part of an area does not
/// take the place of the whole.
fn file_name(area: &str, args: &[&str]) -> String {
    if args.contains(&"--only") {
        return format!("{area}-only.md");
    }
    let real = if args.contains(&"--real") { "-real" } else { "" };
    format!("{area}{real}.md")
}

fn keep(root: &Path, area: &str, args: &[&str], section: &str) -> io::Result<()> {
    let folder = target_folder(root).join("bench");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(file_name(area, args)), section)
}

fn assemble(root: &Path) -> io::Result<()> {
    let folder = target_folder(root).join("bench");
    let mut text = HEAD.to_owned();
    let mut missing = Vec::new();
    for (area, ..) in AREAS {
        match fs::read_to_string(folder.join(format!("{area}.md"))) {
            Ok(section) => {
                text.push('\n');
                text.push_str(section.trim_end());
                text.push('\n');
            }
            Err(_) => missing.push(area),
        }
        if let Ok(section) = fs::read_to_string(folder.join(file_name(area, &["--real"]))) {
            text.push('\n');
            text.push_str(section.trim_end());
            text.push('\n');
        }
    }
    if !missing.is_empty() {
        println!("{FILE} has no section about {}: nobody has measured that here.", missing.join(", "));
    }
    fs::write(root.join(FILE), text)
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
        assert_eq!(file_name("scale", &["--real"]), "scale-real.md");
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
