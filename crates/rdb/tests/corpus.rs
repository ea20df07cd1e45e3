//! Replays the corpus of the fuzz target.

#[allow(dead_code, reason = "shared with other tests")]
mod check;

use std::fs;
use std::path::Path;

#[test]
fn files_and_payloads_of_the_corpus_hold() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/rdb");
    let mut replayed = 0;
    for entry in fs::read_dir(&dir).expect("the corpus is in the repository") {
        let path = entry.expect("readable").path();
        println!("{}", path.display());
        check::any(&fs::read(&path).expect("readable"));
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", dir.display());
}
