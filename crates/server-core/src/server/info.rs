//! The sections of `INFO` that every server has (`server.c: genRedisInfoString`).
//!
//! Differs from Redis: figures of things that do not exist here (I/O threads, reply buffers that
//! shrink, an event loop with cycles) are left out rather than made up.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{Display, Write as _};

use picket_sansio::{ClientId, Time};

use super::{ReplicationLink, Server};

/// What the host knows about the process. Plain data: given by the host, shown by `INFO`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HostInfo {
    /// Operating system, release and machine.
    pub os: String,
    /// 64 or 32.
    pub arch_bits: u32,
    /// Where monotonic time comes from.
    pub monotonic_clock: &'static str,
    /// How the host waits for sockets.
    pub multiplexing_api: &'static str,
    /// The compiler that built it.
    pub compiler: &'static str,
    /// The process's number.
    pub process_id: u32,
    /// `no`, `systemd` or `upstart`.
    pub process_supervised: &'static str,
    /// Path of the program.
    pub executable: String,
    /// Path of the configuration file; may be empty.
    pub config_file: String,
    /// What it listens on.
    pub listeners: Vec<Listener>,
    /// Processor time used.
    pub cpu: CpuMicros,
    /// Bytes of memory that the process has now.
    pub resident_bytes: u64,
    /// Bytes of memory that the machine has.
    pub system_bytes: u64,
    /// Where memory comes from.
    pub allocator: &'static str,
    /// Clients that have not taken all of their output, and how many bytes they lack.
    pub unsent: Vec<(ClientId, u64)>,
    /// How many clients were closed since the last figures because their output grew beyond the limit.
    pub over_output_limit: u64,
}

/// Something the server listens on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `tcp`, `tls` or `unix`.
    pub name: String,
    /// Addresses as configured.
    pub binds: Vec<String>,
    /// The port; none for a Unix socket.
    pub port: Option<u16>,
}

/// Processor time in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct CpuMicros {
    /// In the kernel.
    pub sys: u64,
    /// In the program.
    pub user: u64,
    /// In the kernel, by ended children.
    pub sys_children: u64,
    /// In ended children.
    pub user_children: u64,
    /// In the kernel, by the main thread.
    pub sys_main_thread: u64,
    /// In the main thread.
    pub user_main_thread: u64,
}

/// Lines of one section.
struct Section(String);

impl Section {
    fn new(title: &str) -> Self {
        Self(format!("# {title}\r\n"))
    }

    fn line(&mut self, name: &str, value: impl Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{name}:{value}\r\n");
        self
    }
}

impl Server {
    /// `# Server`. `hz` is the configured number of ticks per second.
    #[must_use]
    pub fn info_server(&self, now: Time, host: &HostInfo, hz: u64) -> String {
        let identity = &self.options.identity;
        let uptime = now.since(self.started).0 / 1000;
        let wall = self.wall_origin.0.saturating_add(now.0);
        let mut section = Section::new("Server");
        section.line("redis_version", &identity.version);
        let mode = match &identity.valkey_version {
            Some(version) => {
                section.line("server_name", &identity.name).line("valkey_version", version);
                "server_mode"
            }
            None => "redis_mode",
        };
        section
            .line("redis_git_sha1", &identity.git_sha1)
            .line("redis_git_dirty", 0)
            .line("redis_build_id", &identity.build_id)
            .line(mode, &identity.mode)
            .line("os", &host.os)
            .line("arch_bits", host.arch_bits)
            .line("monotonic_clock", host.monotonic_clock)
            .line("multiplexing_api", host.multiplexing_api)
            .line("atomicvar_api", "core-atomic")
            .line("gcc_version", host.compiler)
            .line("process_id", host.process_id)
            .line("process_supervised", host.process_supervised)
            .line("run_id", &identity.run_id)
            .line("tcp_port", host.listeners.iter().find_map(|listener| listener.port).unwrap_or(0))
            .line("server_time_usec", wall)
            .line("uptime_in_seconds", uptime)
            .line("uptime_in_days", uptime / 86_400)
            .line("hz", hz)
            .line("configured_hz", hz)
            .line("lru_clock", wall / 1_000_000 % (1 << 24))
            .line("executable", &host.executable)
            .line("config_file", &host.config_file)
            .line("io_threads_active", 0);
        for (index, listener) in host.listeners.iter().enumerate() {
            section.line(&format!("listener{index}"), listener);
        }
        section.0
    }

    /// `# Clients`.
    #[must_use]
    pub fn info_clients(&self) -> String {
        let count = |fits: &dyn Fn(&super::client::Client) -> bool| {
            self.clients.values().filter(|client| fits(client)).count()
        };
        let input = self.clients.values().map(|client| client.buffer.pending_len()).max().unwrap_or(0);
        let output = self.clients.values().map(|client| client.pending_output).max().unwrap_or(0);
        let watched: u64 = self.clients.values().map(|client| u64::from(client.facts.watched_keys)).sum();
        let mut section = Section::new("Clients");
        section
            .line("connected_clients", count(&|client| client.facts.link != ReplicationLink::Replica))
            .line("cluster_connections", 0)
            .line("maxclients", self.options.limits.maxclients)
            .line("client_recent_max_input_buffer", input)
            .line("client_recent_max_output_buffer", output)
            .line("blocked_clients", count(&|client| client.suspended || client.postponed.is_some()))
            .line("tracking_clients", count(&|client| client.tracking.is_on()))
            .line("pubsub_clients", count(&|client| client.is_pubsub()))
            .line("watching_clients", count(&|client| client.facts.watched_keys > 0))
            .line("clients_in_timeout_table", 0)
            .line("total_watched_keys", watched)
            .line("total_blocking_keys", 0)
            .line("total_blocking_keys_on_nokey", 0);
        section.0
    }

    /// `# Stats` of a server without keys.
    #[must_use]
    pub fn info_stats(&self, now: Time) -> String {
        let counters = &self.counters;
        let mut section = Section::new("Stats");
        section
            .line("total_connections_received", counters.total_connections_received)
            .line("total_commands_processed", counters.total_commands_processed)
            .line("instantaneous_ops_per_sec", counters.ops.per_second(now))
            .line("total_net_input_bytes", counters.total_net_input_bytes)
            .line("total_net_output_bytes", counters.total_net_output_bytes)
            .line("total_net_repl_input_bytes", 0)
            .line("total_net_repl_output_bytes", 0)
            .line("instantaneous_input_kbps", kilobytes(counters.input.per_second(now)))
            .line("instantaneous_output_kbps", kilobytes(counters.output.per_second(now)))
            .line("instantaneous_input_repl_kbps", "0.00")
            .line("instantaneous_output_repl_kbps", "0.00")
            .line("rejected_connections", counters.rejected_connections);
        for name in NOTHING_WITHOUT_KEYS {
            section.line(name, 0);
        }
        section
            .line("pubsub_channels", self.channels.len())
            .line("pubsub_patterns", self.patterns.len())
            .line("pubsubshard_channels", self.shard_channels.len())
            .line("latest_fork_usec", 0)
            .line("total_forks", 0)
            .line("tracking_total_keys", 0)
            .line("tracking_total_items", 0)
            .line("tracking_total_prefixes", 0)
            .line("unexpected_error_replies", 0)
            .line("total_error_replies", counters.total_error_replies)
            .line("total_reads_processed", counters.total_reads_processed)
            .line("total_writes_processed", counters.total_writes_processed)
            .line("client_query_buffer_limit_disconnections", counters.query_buffer_limit_disconnections)
            .line("client_output_buffer_limit_disconnections", counters.output_buffer_limit_disconnections)
            .line("acl_access_denied_auth", counters.acl_denied_auth)
            .line("acl_access_denied_cmd", counters.acl_denied_cmd)
            .line("acl_access_denied_key", counters.acl_denied_key)
            .line("acl_access_denied_channel", counters.acl_denied_channel);
        section.0
    }

    /// `# CPU`.
    #[must_use]
    pub fn info_cpu(&self, host: &HostInfo) -> String {
        let cpu = &host.cpu;
        let mut section = Section::new("CPU");
        section
            .line("used_cpu_sys", Time(cpu.sys))
            .line("used_cpu_user", Time(cpu.user))
            .line("used_cpu_sys_children", Time(cpu.sys_children))
            .line("used_cpu_user_children", Time(cpu.user_children))
            .line("used_cpu_sys_main_thread", Time(cpu.sys_main_thread))
            .line("used_cpu_user_main_thread", Time(cpu.user_main_thread));
        section.0
    }
}

impl Display for Listener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "name={}", self.name)?;
        for bind in &self.binds {
            write!(f, ",bind={bind}")?;
        }
        match self.port {
            Some(port) => write!(f, ",port={port}"),
            None => Ok(()),
        }
    }
}

/// Bytes as kilobytes with two decimals.
fn kilobytes(bytes: u64) -> String {
    let hundredths = bytes * 100 / 1024;
    if hundredths == 0 { "0.00".to_string() } else { format!("{}.{:02}", hundredths / 100, hundredths % 100) }
}

/// Figures about keys and replicas. They are zero because there are none.
const NOTHING_WITHOUT_KEYS: &[&str] = &[
    "sync_full",
    "sync_partial_ok",
    "sync_partial_err",
    "expired_subkeys",
    "expired_keys",
    "evicted_keys",
    "evicted_clients",
    "keyspace_hits",
    "keyspace_misses",
];
