//! Whether scenarios have the same outputs here as where they were run before: `cargo xtask wasm-outputs` builds this for
//! WASM with what came of them natively, and runs it there.
//!
//! WASM without a host has no files, no arguments and no way to print. So the scenarios and their hashes are built in,
//! and the exit code says which one differs: 0 none, 1 the first, and so on; 255 if there are none.

use std::process::ExitCode;

use picket_sim::Scenario;

/// A line `scenario <hash>`, then the scenario, then the next.
const OUTPUTS: Option<&str> = option_env!("PICKET_OUTPUTS");

fn main() -> ExitCode {
    let Some(outputs) = OUTPUTS else { return ExitCode::from(255) };
    for (part, number) in outputs.split("scenario ").skip(1).zip(1_u8..) {
        let is_same = part.split_once('\n').is_some_and(|(expected, text)| {
            let scenario: Result<Scenario, _> = text.parse();
            let hash = scenario.ok().and_then(|scenario| Some(scenario.run().ok()?.outputs_hash()));
            hash.is_some_and(|hash| expected.parse() == Ok(hash))
        });
        if !is_same {
            return ExitCode::from(number);
        }
    }
    ExitCode::SUCCESS
}
