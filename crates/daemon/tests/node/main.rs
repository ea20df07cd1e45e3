//! `picket node` as a process, alone and beside real redis-servers.

mod chain;
mod cli;
mod common;
mod config_errors;
mod cuts;
mod demo;
mod disk;
mod dual_channel;
mod every_type;
mod eviction;
mod guarded;
mod load;
mod passwords;
mod planned_failover;
mod replication;
mod restarts;
mod same;
mod sample;
mod serving;
mod slow_replicas;
mod strange_masters;
mod sync_under_load;
