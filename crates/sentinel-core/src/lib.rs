//! Sentinel as a sans-IO state machine.
#![no_std]
extern crate alloc;
