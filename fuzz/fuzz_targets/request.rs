//! Any bytes as requests: no panic, and every split gives the same commands.

#![no_main]

#[path = "../../crates/resp/tests/check/mod.rs"]
#[allow(dead_code)]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::request(data));
