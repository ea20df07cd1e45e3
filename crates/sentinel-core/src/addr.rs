//! Addresses of instances: the name an operator or a server gave, the IP it stands for, the port.
//!
//! Mirrors `sentinel.c: sentinelAddr`. The announced name is the identity, the IP only a detail of
//! the connection: a name that cannot be resolved any more is not a new address.

use alloc::string::{String, ToString};
use core::fmt;
use core::net::IpAddr;

/// Where an instance listens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addr {
    /// The host as it was given: a numeric IP or a host name.
    pub host: String,
    /// The IP to connect to; `None` while a host name is not resolved.
    pub ip: Option<IpAddr>,
    /// TCP port; 0 means "known, but not to be contacted".
    pub port: u16,
}

/// Whether host names are printed as they were given or as the IP they stand for
/// (`sentinel announce-hostnames`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announce {
    /// Print the IP; the name only where no IP is known.
    Ip,
    /// Print the host name as it was given.
    Hostname,
}

impl Addr {
    /// An address from text; numeric hosts are resolved on the spot.
    #[must_use]
    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_string(), ip: host.parse().ok(), port }
    }

    /// True if the host is a numeric IP.
    #[must_use]
    pub fn is_numeric(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// True if these are its very words and it is known what they stand for: then nothing need be parsed to see that
    /// it is the same.
    #[must_use]
    pub(crate) fn is_resolved(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host == host && self.ip.is_some()
    }

    /// The rule by which Sentinel takes two addresses for one: same port, and same IP or same host
    /// name but for case.
    #[must_use]
    pub fn is_same(&self, other: &Addr) -> bool {
        self.port == other.port
            && ((self.ip.is_some() && self.ip == other.ip) || self.host.eq_ignore_ascii_case(&other.host))
    }

    /// The host as it is printed, published and persisted.
    #[must_use]
    pub fn announced(&self, announce: Announce) -> String {
        match (announce, self.ip) {
            (Announce::Ip, Some(ip)) => ip.to_string(),
            (Announce::Ip, None) | (Announce::Hostname, _) => self.host.clone(),
        }
    }

    /// `host:port` in announce form, IPv6 in brackets: the identity of a replica.
    #[must_use]
    pub fn announced_with_port(&self, announce: Announce) -> String {
        let host = self.announced(announce);
        if host.contains(':') {
            alloc::format!("[{host}]:{}", self.port)
        } else {
            alloc::format!("{host}:{}", self.port)
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.announced_with_port(Announce::Hostname))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_by_ip_or_by_name_never_across_ports() {
        let mut named = Addr::new("Cache.Local", 6379);
        assert!(named.is_same(&Addr::new("cache.local", 6379)));
        assert!(!named.is_same(&Addr::new("cache.local", 6380)));
        assert!(!named.is_same(&Addr::new("10.0.0.1", 6379)));
        named.ip = "10.0.0.1".parse().ok();
        assert!(named.is_same(&Addr::new("10.0.0.1", 6379)));
    }

    #[test]
    fn unresolved_names_are_not_alike() {
        assert!(!Addr::new("a", 1).is_same(&Addr::new("b", 1)));
    }

    #[test]
    fn ipv6_is_bracketed_only_with_a_port() {
        let addr = Addr::new("::1", 6379);
        assert_eq!(addr.announced(Announce::Ip), "::1");
        assert_eq!(addr.announced_with_port(Announce::Ip), "[::1]:6379");
    }
}
