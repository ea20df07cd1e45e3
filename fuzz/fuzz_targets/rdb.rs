//! Any bytes as an RDB file or payload: no panic, every split gives the same, what is read survives writing.

#![no_main]

#[path = "../../crates/rdb/tests/check/mod.rs"]
#[allow(dead_code)]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::any(data));
