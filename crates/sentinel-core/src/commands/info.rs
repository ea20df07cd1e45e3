//! INFO: the sections that a Sentinel has, in their fixed order.

use alloc::format;
use alloc::string::String;

use bytes::Bytes;
use picket_resp::Reply;
use picket_server_core::HostInfo;

use crate::sentinel::Sentinel;

/// The sections, in the order in which they are printed.
const SECTIONS: [&str; 5] = ["server", "clients", "stats", "cpu", "sentinel"];
/// Words for all of them.
const ALL: [&str; 3] = ["default", "all", "everything"];

impl Sentinel {
    /// INFO with the section names that were given; names of others' sections are passed over.
    pub(super) fn info(&self, names: &[Bytes]) -> Reply {
        let given = |word: &str| names.iter().any(|name| name.eq_ignore_ascii_case(word.as_bytes()));
        let all = names.is_empty() || ALL.into_iter().any(given);
        let mut text = String::new();
        for section in SECTIONS.into_iter().filter(|section| all || given(section)) {
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            text.push_str(&self.info_section(section));
        }
        // A bulk string also in RESP3, where a server sends a verbatim one.
        Reply::bulk(text)
    }

    fn info_section(&self, section: &str) -> String {
        let unknown = HostInfo::default();
        let host = self.host.as_ref().unwrap_or(&unknown);
        match section {
            "server" => self.server.info_server(self.now, host, self.options.hz()),
            "clients" => self.server.info_clients(),
            "stats" => self.server.info_stats(self.now),
            "cpu" => self.server.info_cpu(host),
            _ => self.sentinel_section(),
        }
    }

    fn sentinel_section(&self) -> String {
        let tilt_seconds = self
            .tilt_since
            .map_or(-1, |since| i64::try_from(self.now.since(since).0 / 1000).unwrap_or(i64::MAX));
        let failures = u8::from(self.simulate.after_election) | u8::from(self.simulate.after_promotion) << 1;
        let mut text = format!(
            "# Sentinel\r\nsentinel_masters:{}\r\nsentinel_tilt:{}\r\nsentinel_tilt_since_seconds:{tilt_seconds}\r\n\
             sentinel_running_scripts:{}\r\nsentinel_scripts_queue_length:{}\r\n\
             sentinel_simulate_failure_flags:{failures}\r\n",
            self.masters.len(),
            u8::from(self.tilt_since.is_some()),
            self.scripts.running_len(),
            self.scripts.len(),
        );
        for (index, master) in self.masters.values().enumerate() {
            let status = match (master.o_down, master.server.instance.s_down) {
                (true, _) => "odown",
                (false, true) => "sdown",
                (false, false) => "ok",
            };
            let addr = &master.server.instance.addr;
            text.push_str(&format!(
                "master{index}:name={},status={status},address={}:{},slaves={},sentinels={}\r\n",
                master.name,
                addr.announced(self.settings.announce()),
                addr.port,
                master.replicas.len(),
                master.voters(),
            ));
        }
        text
    }
}
