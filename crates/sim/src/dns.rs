//! Names: what they stand for at the moment, how long an answer takes, and when there is none.
//!
//! An answer is what the name stood for when it was asked for; it may be old news when it arrives.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use picket_sansio::collections::{BTreeMap, BTreeSet};

use crate::action::Latency;
use crate::change::Change;
use crate::context::Signal;
use crate::ids::NodeId;
use crate::queue::Happening;
use crate::world::World;

/// What a lookup ends with.
pub(crate) type Resolved = Result<Vec<IpAddr>, String>;

/// The state of name resolution in a world.
#[derive(Clone, Debug)]
pub(crate) struct Dns {
    /// In lower case.
    names: BTreeMap<String, Vec<IpAddr>>,
    /// What each name stood for last, also when it is gone: what properties are checked by.
    last: BTreeMap<String, IpAddr>,
    /// Machines that get no answers.
    cut_off: BTreeSet<NodeId>,
    latency: Latency,
    /// Answers on their way, with the key by which the asking process knows its question.
    under_way: BTreeMap<u64, (u64, Resolved)>,
    next: u64,
}

impl Dns {
    pub(crate) fn new() -> Self {
        Self {
            names: BTreeMap::new(),
            last: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            latency: Latency { from_us: 500, to_us: 1_500 },
            under_way: BTreeMap::new(),
            next: 0,
        }
    }

    /// What a host, a name or a numeric IP, stands for, or stood for last.
    pub(crate) fn last_ip(&self, host: &str) -> Option<IpAddr> {
        host.parse().ok().or_else(|| self.last.get(&host.to_ascii_lowercase()).copied())
    }

    fn answer(&self, node: NodeId, host: &str) -> Resolved {
        if self.cut_off.contains(&node) {
            return Err("Temporary failure in name resolution".to_string());
        }
        match self.names.get(&host.to_ascii_lowercase()) {
            Some(ips) => Ok(ips.clone()),
            None => Err("Name or service not known".to_string()),
        }
    }
}

impl World {
    /// Lets a name stand for these addresses from now on; for none: there is no such name any more.
    pub fn set_name(&mut self, name: &str, ips: &[IpAddr]) {
        self.remark(Change::Named(name.to_string(), ips.to_vec()));
        let name = name.to_ascii_lowercase();
        match ips.first() {
            None => {
                self.dns.names.remove(&name);
            }
            Some(ip) => {
                self.dns.last.insert(name.clone(), *ip);
                self.dns.names.insert(name, ips.to_vec());
            }
        }
    }

    /// How long an answer takes that is asked for from now on.
    pub fn set_dns_latency(&mut self, latency: Latency) {
        self.dns.latency = latency;
    }

    /// Whether a machine is cut off from name resolution: its lookups fail, in their time.
    pub fn set_dns_cut_off(&mut self, node: NodeId, is_cut_off: bool) {
        self.note(node, if is_cut_off { Change::ResolvesNoMore } else { Change::ResolvesAgain });
        if is_cut_off {
            self.dns.cut_off.insert(node);
        } else {
            self.dns.cut_off.remove(&node);
        }
    }

    /// A process wants to know what a name stands for.
    pub(crate) fn look_up(&mut self, node: NodeId, key: u64, host: &str) {
        let answer = self.dns.answer(node, host);
        self.dns.next += 1;
        let lookup = self.dns.next;
        self.dns.under_way.insert(lookup, (key, answer));
        let at = self.dns.latency.after(self.now, &mut self.prng);
        let run = self.node(node).run;
        self.queue.push(at, Happening::LookupDone { node, run, lookup });
    }

    /// An answer arrives.
    pub(crate) fn on_lookup_done(&mut self, node: NodeId, is_current: bool, lookup: u64) {
        let Some((key, result)) = self.dns.under_way.remove(&lookup) else { return };
        if is_current {
            self.signal(node, Signal::Resolved { key, result });
        }
    }
}
