//! What the core cannot know about its process, for INFO.

use std::path::Path;

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeVal;
use nix::sys::utsname::uname;
use picket_server_core::config::Settings;
use picket_server_core::{CpuMicros, HostInfo, Listener, Supervised};

/// The figures about the process.
#[derive(Debug)]
pub(crate) struct Vitals {
    info: HostInfo,
}

impl Vitals {
    /// What does not change while the process runs.
    pub(crate) fn new(config_file: Option<&Path>, settings: &Settings) -> Self {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let os = uname().map_or_else(
            |_| std::env::consts::OS.to_owned(),
            |name| {
                let part = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
                format!("{} {} {}", part(name.sysname()), part(name.release()), part(name.machine()))
            },
        );
        let mut listeners = Vec::new();
        if settings.port() != 0 {
            let binds = settings.bind().into_iter().map(shown).collect();
            listeners.push(Listener { name: "tcp".to_owned(), binds, port: Some(settings.port()) });
        }
        if let Some(path) = settings.unixsocket() {
            listeners.push(Listener { name: "unix".to_owned(), binds: vec![shown(path)], port: None });
        }
        let executable = std::env::current_exe().unwrap_or_default();
        let info = HostInfo {
            os,
            arch_bits: usize::BITS,
            monotonic_clock: "POSIX clock_gettime",
            multiplexing_api: "epoll",
            compiler: "rustc",
            process_id: std::process::id(),
            process_supervised: match settings.supervised() {
                Supervised::Upstart => "upstart",
                Supervised::Systemd => "systemd",
                Supervised::Auto | Supervised::No => "no",
            },
            executable: executable.display().to_string(),
            config_file: config_file.map(|path| path.display().to_string()).unwrap_or_default(),
            listeners,
            cpu: CpuMicros::default(),
            resident_bytes: 0,
            system_bytes: kib_of("/proc/meminfo", "MemTotal:").unwrap_or(0) * 1024,
            allocator: "libc",
            unsent: Vec::new(),
            over_output_limit: 0,
        };
        Self { info }
    }

    /// The figures now.
    pub(crate) fn refresh(&mut self) -> HostInfo {
        let usage = |who| getrusage(who).ok();
        let user = |usage: &Option<Usage>| usage.map_or(0, |usage| micros(usage.user_time()));
        let sys = |usage: &Option<Usage>| usage.map_or(0, |usage| micros(usage.system_time()));
        let process = usage(UsageWho::RUSAGE_SELF);
        let children = usage(UsageWho::RUSAGE_CHILDREN);
        let thread = usage(UsageWho::RUSAGE_THREAD);
        self.info.cpu = CpuMicros {
            sys: sys(&process),
            user: user(&process),
            sys_children: sys(&children),
            user_children: user(&children),
            sys_main_thread: sys(&thread),
            user_main_thread: user(&thread),
        };
        self.info.resident_bytes = kib_of("/proc/self/status", "VmRSS:").unwrap_or(0) * 1024;
        self.info.clone()
    }
}

/// A figure in KiB of a file that the system makes up; `None` where there is no such file.
fn kib_of(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let figure = text.lines().find_map(|line| line.strip_prefix(name))?;
    figure.trim().trim_end_matches("kB").trim_end().parse().ok()
}

fn micros(time: TimeVal) -> u64 {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    seconds.saturating_mul(1_000_000).saturating_add(u64::try_from(time.tv_usec()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_sentinel_core::default_options;

    #[test]
    fn the_process_is_described() {
        let mut vitals = Vitals::new(Some(Path::new("/etc/s.conf")), &default_options());
        let info = vitals.refresh();
        assert_eq!(info.process_id, std::process::id());
        assert_eq!(info.config_file, "/etc/s.conf");
        assert_eq!(info.listeners[0].port, Some(26379));
        assert_eq!(info.listeners[0].binds, ["*", "-::*"]);
        assert!(info.cpu.user + info.cpu.sys > 0);
        assert!(info.resident_bytes > 0 && info.resident_bytes < info.system_bytes);
        assert!(info.os.starts_with("Linux "), "{}", info.os);
    }
}
