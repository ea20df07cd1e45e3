//! Resident memory for many small keys.

use super::super::process::resident;
use super::super::table::{Better, Table};
use super::contender::Contender;
use super::fill::fill;

/// Keys and values as redis-benchmark makes them: sixteen bytes and three.
pub(super) fn measure(contenders: &[Contender], keys: u64, table: &mut Table) {
    for (column, contender) in contenders.iter().enumerate() {
        let mut server = contender.start();
        fill(&server, keys, |_| "xxx".to_owned()).expect("it takes the keys");
        let measure = format!("{keys} small keys, resident MiB");
        table.add(&measure, Better::Less, column, resident(server.process().pid()));
    }
}
