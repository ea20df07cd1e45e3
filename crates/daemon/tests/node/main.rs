//! `picket node` as a process, alone and beside real redis-servers.

mod cli;
mod common;
mod config_errors;
mod demo;
mod disk;
mod guarded;
mod replication;
mod serving;
