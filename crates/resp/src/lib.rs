//! RESP2, RESP3 and inline commands, incremental and bounded.
#![no_std]
extern crate alloc;
