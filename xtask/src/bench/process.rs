//! What the kernel knows of a process.

use std::fs;
use std::time::Duration;

/// Clock ticks of `/proc/<pid>/stat`: the same on every Linux that programs see.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process has used of the processor, in all of its threads and in its children that have ended.
pub(super) fn processor_time(pid: u32) -> Duration {
    Duration::from_secs_f64(ticks(&read(pid, "stat")).expect("the kernel counts it") / TICKS_PER_SECOND)
}

/// What it has in memory now, in MiB.
pub(super) fn resident(pid: u32) -> f64 {
    mebibytes(&read(pid, "status"), "VmRSS:").expect("the kernel counts it")
}

/// The most that it has had since it began, or since [`forget_peak`], in MiB.
pub(super) fn peak(pid: u32) -> f64 {
    mebibytes(&read(pid, "status"), "VmHWM:").expect("the kernel counts it")
}

/// How many files and sockets it has open.
pub(super) fn descriptors(pid: u32) -> usize {
    let path = format!("/proc/{pid}/fd");
    fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}")).count()
}

/// From now on the peak is counted anew.
pub(super) fn forget_peak(pid: u32) {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").unwrap_or_else(|error| panic!("{path}: {error}"));
}

fn read(pid: u32, name: &str) -> String {
    let path = format!("/proc/{pid}/{name}");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// User and system time, and the same of children; the name before them, in brackets, may hold anything.
fn ticks(stat: &str) -> Option<f64> {
    let fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11).take(4);
    let numbers: Vec<f64> = fields.map_while(|field| field.parse().ok()).collect();
    (numbers.len() == 4).then(|| numbers.iter().sum())
}

fn mebibytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 1 0 5 6 7";
        assert_eq!(ticks(stat), Some(318.0));
        assert_eq!(ticks("7 (short) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9"), None);
        let status = "VmPeak:\t    9000 kB\nVmHWM:\t    4096 kB\nVmRSS:\t    2048 kB\n";
        assert_eq!(mebibytes(status, "VmHWM:"), Some(4.0));
        assert_eq!(mebibytes(status, "VmRSS:"), Some(2.0));
        assert_eq!(mebibytes(status, "VmSwap:"), None);
    }
}
