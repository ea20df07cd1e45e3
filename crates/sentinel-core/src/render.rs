//! The state of a Sentinel as lines of its config file (`sentinel.c: rewriteConfigSentinelOption`),
//! and how the old text of the file takes them up.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Display;
use picket_sansio::collections::BTreeSet;

use picket_resp::quote;
use picket_sansio::Secret;
use picket_server_core::config::{RewriteLine, Rewriter, Settings as Options, find_directive, rewrite, word};

use crate::addr::{Addr, Announce};
use crate::config::SENTINEL_WORDS;
use crate::instance::Master;
use crate::persist::{PersistentLine, PersistentState};
use crate::sentinel::Sentinel;
use crate::settings::{MasterSettings, Periods, Settings};

/// Options whose old lines vanish when nothing takes their place, beside the ordinary directives.
const OPTIONS: &[&str] = &[
    "user",
    "sentinel myid",
    "sentinel deny-scripts-reconfig",
    "sentinel resolve-hostnames",
    "sentinel announce-hostnames",
    "sentinel monitor",
    "sentinel down-after-milliseconds",
    "sentinel failover-timeout",
    "sentinel parallel-syncs",
    "sentinel notification-script",
    "sentinel client-reconfig-script",
    "sentinel auth-pass",
    "sentinel auth-user",
    "sentinel master-reboot-down-after-period",
    "sentinel config-epoch",
    "sentinel leader-epoch",
    "sentinel known-replica",
    "sentinel known-sentinel",
    "sentinel rename-command",
    "sentinel current-epoch",
    "sentinel announce-ip",
    "sentinel announce-port",
    "sentinel sentinel-user",
    "sentinel sentinel-pass",
];

const REWRITER: Rewriter<'static> = Rewriter {
    words: SENTINEL_WORDS,
    sub_keyed: SENTINEL_WORDS,
    key_aliases: &[
        ("sentinel known-slave", "sentinel known-replica"),
        ("sentinel primary-reboot-down-after-period", "sentinel master-reboot-down-after-period"),
    ],
};

/// Ordinary directives that a Sentinel never writes: it has no data to save.
const SILENT: &[&str] = &["save"];

impl PersistentState {
    /// The config file with this state in it. `old` is its present text: comments, order and lines
    /// of unknown options are kept.
    #[must_use]
    pub fn rewrite(&self, old: &[u8]) -> Vec<u8> {
        let wanted: Vec<RewriteLine> = self
            .lines
            .iter()
            .map(|line| RewriteLine {
                key: line.option.as_bytes().to_vec(),
                line: line.text.expose().to_vec(),
                force: line.forced,
            })
            .collect();
        let mut known = Options::known_keys();
        known.extend(OPTIONS.iter().map(|option| option.as_bytes()));
        rewrite(old, &wanted, &known, REWRITER)
    }
}

impl Sentinel {
    /// The present state, for the disk.
    pub(crate) fn render_state(&self) -> PersistentState {
        let mut lines = Lines(Vec::new());
        lines.ordinary(self.options.rewrite_lines(&self.working_dir, SILENT), self.working_dir.is_empty());
        if self.options.aclfile().is_empty() {
            lines.ordinary(self.server.acl().rewrite_lines(), false);
        }
        lines.settings(&self.my_id, &self.settings);
        for master in self.masters.values() {
            lines.master(master, self.settings.announce());
        }
        lines.globals(self.current_epoch, &self.settings);
        PersistentState { lines: lines.0 }
    }
}

/// Lines in writing order.
struct Lines(Vec<PersistentLine>);

impl Lines {
    /// Writes `sentinel <option> <words>`; each word is quoted if it has to be.
    fn put(&mut self, option: &'static str, words: &[&[u8]]) {
        let len = words.iter().map(|word| word.len() + 1).sum::<usize>();
        let mut text = Vec::with_capacity(option.len() + len);
        text.extend_from_slice(option.as_bytes());
        for one in words {
            text.push(b' ');
            text.extend_from_slice(&word(one));
        }
        self.0.push(PersistentLine { option, text: Secret::new(text), forced: true });
    }

    fn line(&mut self, option: &'static str, rest: &[u8], forced: bool) {
        let text = Secret::new([option.as_bytes(), b" ", rest].concat());
        self.0.push(PersistentLine { option, text, forced });
    }

    fn number(&mut self, option: &'static str, master: &str, number: impl Display + Copy) {
        self.put(option, &[master.as_bytes(), number.to_string().as_bytes()]);
    }

    /// Takes over lines of server-core.
    fn ordinary(&mut self, lines: impl IntoIterator<Item = RewriteLine>, without_dir: bool) {
        for RewriteLine { key, line, force } in lines {
            let option = find_directive(&key).map_or("user", |directive| directive.name);
            if !(without_dir && option == "dir") {
                self.0.push(PersistentLine { option, text: Secret::new(line), forced: force });
            }
        }
    }

    fn settings(&mut self, my_id: &str, settings: &Settings) {
        let default = Settings::default();
        self.put("sentinel myid", &[my_id.as_bytes()]);
        for (option, value, default) in [
            ("sentinel deny-scripts-reconfig", settings.deny_scripts_reconfig, default.deny_scripts_reconfig),
            ("sentinel resolve-hostnames", settings.resolve_hostnames, default.resolve_hostnames),
            ("sentinel announce-hostnames", settings.announce_hostnames, default.announce_hostnames),
        ] {
            self.line(option, if value { b"yes" } else { b"no" }, value != default);
        }
    }

    fn master(&mut self, master: &Master, announce: Announce) {
        let name = master.name.as_str();
        let host_port = |addr: &Addr| (addr.announced(announce), addr.port.to_string());
        let addr = &master.server.instance.addr;
        let (host, port) = host_port(addr);
        let quorum = master.settings.quorum.to_string();
        self.put("sentinel monitor", &[name.as_bytes(), host.as_bytes(), port.as_bytes(), quorum.as_bytes()]);
        self.master_settings(name, &master.settings);
        self.number("sentinel config-epoch", name, master.config_epoch);
        self.number("sentinel leader-epoch", name, master.leader_epoch);
        let replicas = master.replicas.values().map(|replica| &replica.server.instance.addr);
        let replicas = replicas.chain(master.aside.iter().flat_map(|aside| &aside.replicas));
        // A name and an IP can be one server; said twice, the line would be refused at the next start.
        let mut said = BTreeSet::from([(host, port)]);
        for replica in replicas.filter(|replica| !replica.is_same(addr)) {
            let (host, port) = host_port(replica);
            if !said.insert((host.clone(), port.clone())) {
                continue;
            }
            self.put("sentinel known-replica", &[name.as_bytes(), host.as_bytes(), port.as_bytes()]);
        }
        let peers = master.peers.values().map(|peer| (&peer.instance.addr, peer.instance.run_id.as_str()));
        let set_aside = master.aside.iter().flat_map(|aside| &aside.peers);
        let set_aside = set_aside.map(|(addr, run_id)| (addr, run_id.as_str()));
        // Who is known again is written as it is now; whose address another has is gone.
        let set_aside = set_aside.filter(|(addr, run_id)| {
            peers.clone().all(|(known, known_id)| known_id != *run_id && !known.is_same(addr))
        });
        for (addr, run_id) in peers.clone().chain(set_aside).filter(|(_, run_id)| !run_id.is_empty()) {
            let (host, port) = host_port(addr);
            let words = [name.as_bytes(), host.as_bytes(), port.as_bytes(), run_id.as_bytes()];
            self.put("sentinel known-sentinel", &words);
        }
        for (command, renamed) in &master.settings.renamed_commands {
            self.put("sentinel rename-command", &[name.as_bytes(), command.as_bytes(), renamed.as_bytes()]);
        }
    }

    fn master_settings(&mut self, name: &str, settings: &MasterSettings) {
        // Differs from Redis, which leaves out what SENTINEL DEBUG has made the default: those
        // defaults do not survive a restart, so the setting would not either.
        let default = MasterSettings::new(settings.quorum, &Periods::default());
        if settings.down_after != default.down_after {
            self.number("sentinel down-after-milliseconds", name, settings.down_after.0);
        }
        if settings.failover_timeout != default.failover_timeout {
            self.number("sentinel failover-timeout", name, settings.failover_timeout.0);
        }
        if settings.parallel_syncs != default.parallel_syncs {
            self.number("sentinel parallel-syncs", name, settings.parallel_syncs);
        }
        let texts: [(&'static str, Option<&[u8]>); 4] = [
            ("sentinel notification-script", settings.notification_script.as_deref().map(str::as_bytes)),
            (
                "sentinel client-reconfig-script",
                settings.client_reconfig_script.as_deref().map(str::as_bytes),
            ),
            ("sentinel auth-pass", settings.auth_pass.as_ref().map(Secret::expose)),
            ("sentinel auth-user", settings.auth_user.as_deref().map(str::as_bytes)),
        ];
        for (option, value) in texts {
            if let Some(value) = value {
                self.put(option, &[name.as_bytes(), value]);
            }
        }
        if settings.master_reboot_down_after != default.master_reboot_down_after {
            self.number(
                "sentinel master-reboot-down-after-period",
                name,
                settings.master_reboot_down_after.0,
            );
        }
    }

    fn globals(&mut self, current_epoch: u64, settings: &Settings) {
        self.put("sentinel current-epoch", &[current_epoch.to_string().as_bytes()]);
        if let Some(ip) = &settings.announce_ip {
            self.line("sentinel announce-ip", quote(ip.as_bytes()).as_bytes(), true);
        }
        if settings.announce_port != 0 {
            self.put("sentinel announce-port", &[settings.announce_port.to_string().as_bytes()]);
        }
        if let Some(user) = &settings.sentinel_user {
            self.put("sentinel sentinel-user", &[user.as_bytes()]);
        }
        if let Some(pass) = &settings.sentinel_pass {
            self.put("sentinel sentinel-pass", &[pass.expose()]);
        }
    }
}
