//! INFO: what a node tells about itself (`server.c: genRedisInfoString`).

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt::Write as _;
use picket_sansio::collections::BTreeSet;

use bytes::Bytes;
use picket_replication::{NodeFacts, render_info};
use picket_resp::Reply;

use super::Node;
use super::table::TABLE;

/// The sections in Redis's order, and whether plain INFO shows them.
const SECTIONS: &[(&str, bool)] = &[
    ("server", true),
    ("clients", true),
    ("memory", true),
    ("persistence", true),
    ("stats", true),
    ("replication", true),
    ("cpu", true),
    ("modules", true),
    ("commandstats", false),
    ("errorstats", true),
    ("latencystats", false),
    ("cluster", true),
    ("keyspace", true),
];

/// How often each command ran.
#[derive(Clone, Debug, Default)]
pub(super) struct Statistics {
    /// By place in the table.
    commands: Vec<CommandStatistics>,
}

#[derive(Clone, Copy, Debug, Default)]
struct CommandStatistics {
    calls: u64,
    failed: u64,
}

impl Statistics {
    pub(super) fn note(&mut self, at: usize, reply: Option<&Reply>) {
        if self.commands.len() <= at {
            self.commands.resize(TABLE.len(), CommandStatistics::default());
        }
        self.commands[at].calls += 1;
        self.commands[at].failed += u64::from(reply.is_some_and(Reply::is_error));
    }

    /// Counts a command of the master's stream.
    pub(super) fn note_applied(&mut self, at: usize, failed: bool) {
        self.note(at, None);
        self.commands[at].failed += u64::from(failed);
    }

    /// Counts the failure of a command that was counted when it began to wait.
    pub(super) fn note_failed(&mut self, name: &[u8]) {
        let at = TABLE.iter().position(|row| row.name.as_bytes().eq_ignore_ascii_case(name));
        if let Some(counted) = at.and_then(|at| self.commands.get_mut(at)) {
            counted.failed += 1;
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Node {
    /// `INFO [section ...]`.
    pub(super) fn info(&self, args: &[Bytes]) -> Reply {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        for word in &args[1..] {
            let word = word.to_ascii_lowercase();
            match word.as_slice() {
                b"all" | b"everything" => wanted.extend(names(&|_, _| true)),
                b"default" => wanted.extend(names(&|_, is_plain| is_plain)),
                word => wanted.extend(names(&|name, _| name.as_bytes() == word)),
            }
        }
        if args.len() == 1 {
            wanted.extend(names(&|_, is_plain| is_plain));
        }
        let sections: Vec<String> = SECTIONS
            .iter()
            .filter(|(name, _)| wanted.contains(name))
            .map(|(name, _)| self.info_section(name))
            .collect();
        Reply::text(sections.join("\r\n"))
    }

    fn info_section(&self, name: &str) -> String {
        match name {
            "server" => self.server.info_server(self.now, &self.host, self.settings.hz()),
            "clients" => {
                let blocking = self.keyspace.blocking_keys() as u64;
                let on_nokey = self.keyspace.blocking_keys_on_nokey() as u64;
                let figures = [("total_blocking_keys", blocking), ("total_blocking_keys_on_nokey", on_nokey)];
                with_figures(&self.server.info_clients(), &figures)
            }
            "memory" => self.info_memory(),
            "persistence" => self.info_persistence(),
            "stats" => self.info_stats(),
            "replication" => {
                let facts = NodeFacts {
                    replica_priority: self.settings.number("replica-priority"),
                    replica_read_only: self.live.replica_read_only,
                    replica_announced: self.settings.flag("replica-announced"),
                    tells_channels: self.live.master.dual_channel
                        || self.server.options().identity.valkey_version.is_some(),
                };
                render_info(self.now, &self.side.status(), &self.link.status(), facts)
            }
            "cpu" => self.server.info_cpu(&self.host),
            "commandstats" => self.info_commandstats(),
            "errorstats" => {
                let mut text = "# Errorstats\r\n".to_string();
                for (word, count) in self.server.errors() {
                    let _ = write!(text, "errorstat_{}:count={count}\r\n", String::from_utf8_lossy(word));
                }
                text
            }
            "cluster" => "# Cluster\r\ncluster_enabled:0\r\n".to_string(),
            "keyspace" => self.info_keyspace(),
            "modules" => "# Modules\r\n".to_string(),
            _ => "# Latencystats\r\n".to_string(),
        }
    }

    fn info_memory(&self) -> String {
        let used = self.used_memory();
        let (memory, clients) = (self.keyspace.memory(), self.server.clients_memory());
        let (backlog, not_counted) = (self.backlog_memory(), self.memory_not_counted_for_evict());
        let max = self.live.maxmemory;
        let mut text = "# Memory\r\n".to_string();
        let mut line = |name: &str, value: &dyn core::fmt::Display| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}:{value}\r\n");
        };
        line("used_memory", &used);
        line("used_memory_human", &human(used));
        let resident = self.host.resident_bytes;
        line("used_memory_rss", &resident);
        line("used_memory_rss_human", &human(resident));
        line("used_memory_peak", &self.figures.peak_memory.max(used));
        line("used_memory_peak_human", &human(self.figures.peak_memory.max(used)));
        line("used_memory_overhead", &(memory.overhead() + not_counted));
        line("used_memory_dataset", &memory.dataset);
        line("total_system_memory", &self.host.system_bytes);
        line("total_system_memory_human", &human(self.host.system_bytes));
        line("used_memory_lua", &0);
        line("used_memory_scripts_eval", &memory.scripts);
        line("number_of_cached_scripts", &self.keyspace.scripts_len());
        line("number_of_libraries", &self.keyspace.functions().len());
        line("used_memory_vm_total", &0);
        line("used_memory_functions", &memory.functions);
        line("used_memory_scripts", &(memory.scripts + memory.functions));
        line("maxmemory", &max);
        line("maxmemory_human", &human(max));
        line("maxmemory_policy", &self.settings.choice("maxmemory-policy"));
        line("mem_not_counted_for_evict", &not_counted);
        line("mem_replication_backlog", &backlog);
        line("mem_total_replication_buffers", &backlog);
        line("mem_clients_slaves", &clients.replicas);
        line("mem_clients_normal", &clients.normal);
        let hundredths = resident.saturating_mul(100).checked_div(used).unwrap_or(0);
        line("mem_fragmentation_ratio", &format_args!("{}.{:02}", hundredths / 100, hundredths % 100));
        line("mem_fragmentation_bytes", &(i128::from(resident) - i128::from(used)));
        line("mem_allocator", &self.host.allocator);
        line("lazyfree_pending_objects", &0);
        text
    }

    fn info_persistence(&self) -> String {
        let saving = &self.saving;
        let bgsave = saving.active.as_ref().filter(|active| active.is_bgsave());
        let is_async = self.loading.as_ref().is_some_and(|loading| loading.is_async);
        let is_loading = !self.is_ready || self.loading.is_some() && !is_async;
        let status = if saving.last_failed.is_some() { "err" } else { "ok" };
        let span = |seconds: Option<u64>| seconds.map_or_else(|| "-1".to_string(), |it| it.to_string());
        let current = bgsave.map(|active| self.now.since(active.since).0 / 1000);
        let mut text = "# Persistence\r\n".to_string();
        let mut line = |name: &str, value: &dyn core::fmt::Display| {
            let _ = write!(text, "{name}:{value}\r\n");
        };
        line("loading", &u8::from(is_loading));
        line("async_loading", &u8::from(is_async));
        line("rdb_changes_since_last_save", &saving.dirty);
        line("rdb_bgsave_in_progress", &u8::from(saving.active.is_some()));
        line("rdb_last_save_time", &saving.last_save_s);
        line("rdb_last_bgsave_status", &status);
        line("rdb_last_bgsave_time_sec", &span(saving.last_span_s));
        line("rdb_current_bgsave_time_sec", &span(current));
        line("rdb_saves", &saving.saves);
        line("rdb_last_load_keys_expired", &self.load_figures.keys_expired);
        line("rdb_last_load_keys_loaded", &self.load_figures.keys_loaded);
        line("aof_enabled", &0);
        line("aof_rewrite_in_progress", &0);
        line("aof_rewrite_scheduled", &0);
        line("aof_last_bgrewrite_status", &"ok");
        line("aof_last_write_status", &"ok");
        if let Some(loading) = &self.loading {
            let started_s =
                (self.wall_micros() / 1_000_000).saturating_sub(self.now.since(loading.since).0 / 1000);
            line("loading_start_time", &started_s);
            line("loading_total_bytes", &loading.total_bytes);
            line("loading_loaded_bytes", &loading.loaded_bytes);
        }
        text
    }

    fn info_stats(&self) -> String {
        let sync = self.side.status().counters;
        let keys = self.keyspace.counters();
        let text = self.server.info_stats(self.now);
        with_figures(
            &text,
            &[
                ("total_net_repl_input_bytes", self.traffic.repl_input),
                ("total_net_repl_output_bytes", self.traffic.repl_output),
                ("sync_full", sync.sync_full),
                ("sync_partial_ok", sync.sync_partial_ok),
                ("sync_partial_err", sync.sync_partial_err),
                ("expired_subkeys", keys.expired_fields),
                ("expired_keys", keys.expired),
                ("evicted_keys", keys.evicted),
                ("keyspace_hits", keys.hits),
                ("keyspace_misses", keys.misses),
                ("unexpected_error_replies", self.traffic.unexpected_error_replies),
            ],
        )
    }

    fn info_commandstats(&self) -> String {
        let mut text = "# Commandstats\r\n".to_string();
        for (at, command) in TABLE.iter().enumerate() {
            let counted = self.statistics.commands.get(at).copied().unwrap_or_default();
            let rejected = self.server.rejected_calls(command.name);
            if counted.calls > 0 || rejected > 0 {
                let _ = write!(
                    text,
                    "cmdstat_{}:calls={},usec=0,usec_per_call=0.00,rejected_calls={rejected},failed_calls={}\r\n",
                    command.name, counted.calls, counted.failed
                );
            }
        }
        text
    }

    fn info_keyspace(&self) -> String {
        let mut text = "# Keyspace\r\n".to_string();
        for (number, db) in self.keyspace.dbs().iter().enumerate() {
            if !db.is_empty() {
                let (keys, expires) = (db.len(), db.expiries_len());
                let hashes = db.field_expiries_len();
                let _ =
                    write!(text, "db{number}:keys={keys},expires={expires},avg_ttl=0,subexpiry={hashes}\r\n");
            }
        }
        text
    }

    pub(super) fn reset_stats(&mut self) {
        self.statistics.clear();
        self.server.reset_counters();
        self.keyspace.reset_counters();
        self.side.reset_counters();
        self.traffic = super::Traffic::default();
        self.figures.peak_memory = self.used_memory();
    }
}

/// Bytes for people, with two decimals (`util.c: bytesToHuman`).
fn human(bytes: u64) -> String {
    let units = [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
    match units.into_iter().find(|(shift, _)| bytes >> shift > 0) {
        Some((shift, unit)) => {
            let hundredths = (u128::from(bytes) * 100) >> shift;
            format!("{}.{:02}{unit}", hundredths / 100, hundredths % 100)
        }
        None => format!("{bytes}B"),
    }
}

/// The names of sections that fit.
fn names(fits: &dyn Fn(&str, bool) -> bool) -> Vec<&'static str> {
    SECTIONS.iter().filter(|(name, is_plain)| fits(name, *is_plain)).map(|(name, _)| *name).collect()
}

/// A section with other figures in some of its lines.
fn with_figures(section: &str, figures: &[(&str, u64)]) -> String {
    let mut text = String::with_capacity(section.len() + 64);
    for line in section.lines() {
        let name = line.split(':').next().unwrap_or_default();
        match figures.iter().find(|(found, _)| *found == name) {
            Some((_, figure)) => {
                let _ = write!(text, "{name}:{figure}");
            }
            None => text.push_str(line),
        }
        text.push_str("\r\n");
    }
    text
}
