//! `picket sentinel` beside real redis-server and redis-sentinel processes.
//!
//! The tests ask for what any sentinel must do; `PICKET_TEST_PROGRAM=stock` runs those of them that are not
//! about Picket's own command line with stock in Picket's place, as a control. All of it is one test
//! program, so that it is linked once.

mod auth;
mod cli;
mod common;
mod config_errors;
mod crash;
mod failover;
mod hostile_clients;
mod hostile_servers;
mod http;
mod mixed;
mod persistence;
mod planned;
mod quorum;
mod scripts;
mod two_masters;
