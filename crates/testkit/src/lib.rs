//! Real servers, sentinels and clients on loopback, for tests, benches and `xtask`.
//!
//! Everything here is blocking `std`, speaks to 127.0.0.1 only, and cleans up when it is dropped, also
//! when the test panics: processes are ended by their own pid and folders removed. Set
//! `PICKET_TEST_KEEP=1` to keep the folders.
//!
//! The RESP client is deliberately not `picket-resp`: what judges the code under test must not share
//! its mistakes.
//!
//! Nothing in here sleeps except [`wait::wait_until`] and [`wait::hold_for`], which poll; tests wait
//! for conditions with a deadline.

pub mod client;
pub mod cluster;
pub mod conf;
pub mod contents;
pub mod data_program;
pub mod data_server;
pub mod fake;
pub mod peers;
pub mod ports;
pub mod process;
pub mod program;
pub mod proxy;
pub mod reply;
pub mod sentinel;
pub mod subscriber;
pub mod wait;

pub use client::Client;
pub use cluster::{Cluster, ClusterBuilder};
pub use contents::{contents, differences};
pub use data_program::DataProgram;
pub use data_server::{DataServer, RedisServer};
pub use fake::FakeServers;
pub use ports::PortLease;
pub use process::Proc;
pub use program::Program;
pub use proxy::Proxy;
pub use reply::Reply;
pub use sentinel::SentinelProcess;
pub use subscriber::{Published, Subscriber};
pub use wait::{hold_for, wait_until};
