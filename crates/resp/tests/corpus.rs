//! Replays the corpus of the fuzz targets.

mod check;

use std::fs;
use std::path::Path;

#[track_caller]
fn replay(target: &str, check: fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut replayed = 0;
    for entry in fs::read_dir(&dir).expect("the corpus is in the repository") {
        let path = entry.expect("readable").path();
        println!("{}", path.display());
        check(&fs::read(&path).expect("readable"));
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", dir.display());
}

#[test]
fn requests_of_the_corpus_hold() {
    replay("request", check::request);
}

#[test]
fn replies_of_the_corpus_hold() {
    replay("reply", check::reply);
}
