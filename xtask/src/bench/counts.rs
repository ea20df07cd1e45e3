//! Instructions for one of each of the small operations, counted by callgrind: the clock of a shared machine says less.
//!
//! The operations are in `crates/sim/examples/count`. Each is counted for two numbers of times, and the difference
//! leaves out what comes before and after. Counts repeat to within the hundredth, so there is one run of each.

use std::path::Path;
use std::process::Command;

use super::table::{Better, Row, Table};
use crate::steps::{cargo, target_folder};

/// How often an operation is done, less and more. A Sentinel's second is much work, and what comes each ten seconds
/// must be in it in full.
const TIMES: (u64, u64) = (20_000, 60_000);
const SECONDS: (u64, u64) = (10, 30);

/// The function inside of which the instructions of the Sentinel are counted: the servers around it are left out.
const CORE: &str = "*of_the_core*";

/// Counts all operations. None if they cannot be built or counted, which has been said.
pub(super) fn run(root: &Path) -> Option<Vec<Table>> {
    if !cargo(root, &["build", "--release", "-p", "picket-sim", "--example", "count"], &[]) {
        return None;
    }
    let program = target_folder(root).join("release/examples/count");
    let Some(version) = said(Command::new("valgrind").arg("--version"), |output| &output.stdout) else {
        eprintln!("valgrind cannot be run, so nothing is counted: install it (apt install valgrind).");
        return None;
    };
    let operations = said(&mut Command::new(&program), |output| &output.stdout)?;
    let mut table = Table::new("Instructions", &["Picket"]);
    table.condition(format!(
        "{} --tool=callgrind, user space, one run of each; no peer is counted",
        version.trim()
    ));
    table.condition(
        "of the Sentinel's second what its core does alone, without the servers and sockets around it",
    );
    for (name, what) in operations.lines().filter_map(|line| line.split_once('\t')) {
        let (less, more, inside) = match name {
            "idle" => (SECONDS.0, SECONDS.1, Some(CORE)),
            _ => (TIMES.0, TIMES.1, None),
        };
        let counts = count(&program, name, less, inside).zip(count(&program, name, more, inside));
        let Some((few, many)) = counts else {
            eprintln!("the instructions of {name} cannot be counted");
            return None;
        };
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let each = many.saturating_sub(few) as f64 / (more - less) as f64;
        println!("  {name}: {each:.0} instructions each");
        table.push(Row::new(what, Better::Less).samples(&[each]));
    }
    Some(vec![table])
}

/// The instructions of the program when it does the operation so many times, all or those inside of a function. None is a
/// function that nobody calls.
fn count(program: &Path, operation: &str, times: u64, inside: Option<&str>) -> Option<u64> {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    valgrind.args(inside.map(|function| format!("--toggle-collect={function}"))).arg(program);
    let collected =
        collected(&said(valgrind.args([operation, &times.to_string()]), |output| &output.stderr)?);
    collected.filter(|count| *count > 0)
}

/// What callgrind says that it has collected.
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

/// What a program says, if it can be run and succeeds.
fn said(command: &mut Command, which: fn(&std::process::Output) -> &Vec<u8>) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(which(&output)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        let text = "==7== Events    : Ir\n==7== Collected : 126545\n==7== \n==7== I   refs:      126,545\n";
        assert_eq!(collected(text), Some(126_545));
        assert_eq!(collected("valgrind: it cannot be started\n"), None);
    }
}
