//! Resident memory for many small keys.

use super::super::process::resident;
use super::super::table::{Better, Table};
use super::MIB;
use super::contender::Contender;
use super::fill::fill;

/// Bytes of a key and its value as redis-benchmark makes them: sixteen and three. No table takes less.
const BYTES: f64 = 19.0;

pub(super) fn measure(contenders: &[Contender], keys: u64, table: &mut Table) {
    let measure = format!("{keys} small keys, resident MiB");
    for (column, contender) in contenders.iter().enumerate() {
        let mut server = contender.start();
        fill(&server, keys, |_| "xxx".to_owned()).expect("it takes the keys");
        table.add(&measure, Better::Less, column, resident(server.process().pid()));
    }
    table.physical(&measure, keys as f64 * BYTES / MIB);
}
