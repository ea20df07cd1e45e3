//! What an operator sets: globals, the periods that `SENTINEL DEBUG` can change, settings per master.

use alloc::string::String;
use picket_sansio::collections::BTreeMap;

use picket_sansio::{Millis, Secret};

use crate::addr::Announce;

/// Settings of the process as a whole (`sentinel <option>` without a master name).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `announce-ip`: the IP or name told to others; `None` is our side of each connection. An empty
    /// text set at run time is announced as such.
    pub announce_ip: Option<String>,
    /// `announce-port`: the port told to others; 0 is the listening port.
    pub announce_port: u16,
    /// `resolve-hostnames`: whether host names are accepted besides numeric IPs.
    pub resolve_hostnames: bool,
    /// `announce-hostnames`: whether names are printed where they are known.
    pub announce_hostnames: bool,
    /// `deny-scripts-reconfig`: whether `SENTINEL SET` refuses script paths.
    pub deny_scripts_reconfig: bool,
    /// `sentinel-user`: the user to authenticate as with other Sentinels.
    pub sentinel_user: Option<String>,
    /// `sentinel-pass`: the password for other Sentinels.
    pub sentinel_pass: Option<Secret>,
    /// The port that we listen on.
    pub port: u16,
    /// Our own `requirepass`, used towards other Sentinels where `sentinel-pass` is not set.
    pub requirepass: Option<Secret>,
}

impl Settings {
    /// How addresses are printed.
    #[must_use]
    pub fn announce(&self) -> Announce {
        if self.announce_hostnames { Announce::Hostname } else { Announce::Ip }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            announce_ip: None,
            announce_port: 0,
            resolve_hostnames: false,
            announce_hostnames: false,
            deny_scripts_reconfig: true,
            sentinel_user: None,
            sentinel_pass: None,
            port: 26379,
            requirepass: None,
        }
    }
}

/// Constants of the protocol, in the order and with the defaults of `SENTINEL DEBUG`. Never persisted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods {
    /// How often INFO is asked of a server in quiet times.
    pub info: Millis,
    /// How often a PING is sent at the least.
    pub ping: Millis,
    /// How often a peer is asked again whether a master is down.
    pub ask: Millis,
    /// How often a hello is published.
    pub publish: Millis,
    /// `down-after-milliseconds` of masters created later.
    pub default_down_after: Millis,
    /// `failover-timeout` of masters created later.
    pub default_failover_timeout: Millis,
    /// How long the process may be held up before it distrusts itself.
    pub tilt_trigger: Millis,
    /// How long it then does.
    pub tilt_period: Millis,
    /// How long a replica may take to act on SLAVEOF.
    pub replica_reconf_timeout: Millis,
    /// The age from which a silent connection may be dropped.
    pub min_link_reconnect: Millis,
    /// How long an election may take (at most `failover-timeout`).
    pub election_timeout: Millis,
    /// How long a script may run.
    pub script_max_runtime: Millis,
    /// The pause before the first retry of a script; doubles each time.
    pub script_retry_delay: Millis,
}

impl Periods {
    /// For how long whoever is new to a master listens before it stands for election: the longest time between two
    /// hellos, and a quarter of their period for the ways.
    #[must_use]
    pub fn listening(&self) -> Millis {
        let quarter = self.publish.split(4);
        let company = if self.publish > self.ping { self.ping.min(quarter) } else { Millis(0) };
        Millis(self.publish.0 + company.0 + quarter.0)
    }
}

impl Default for Periods {
    fn default() -> Self {
        Self {
            info: Millis(10_000),
            ping: Millis(1_000),
            ask: Millis(1_000),
            publish: Millis(2_000),
            default_down_after: Millis(30_000),
            default_failover_timeout: Millis(180_000),
            tilt_trigger: Millis(2_000),
            tilt_period: Millis(30_000),
            replica_reconf_timeout: Millis(10_000),
            min_link_reconnect: Millis(15_000),
            election_timeout: Millis(10_000),
            script_max_runtime: Millis(60_000),
            script_retry_delay: Millis(30_000),
        }
    }
}

/// Settings of one master (`sentinel <option> <name> ...`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterSettings {
    /// How many Sentinels must agree that the master is down; at least 1.
    pub quorum: u32,
    /// How long an instance must be unreachable to count as down.
    pub down_after: Millis,
    /// The time limit of the phases of a failover.
    pub failover_timeout: Millis,
    /// How many replicas may synchronise with the new master at the same time.
    pub parallel_syncs: u32,
    /// How long a restarted master may answer LOADING before it counts as down; 0 is for ever.
    pub master_reboot_down_after: Millis,
    /// The user to authenticate as with the master and its replicas.
    pub auth_user: Option<String>,
    /// The password for the master and its replicas.
    pub auth_pass: Option<Secret>,
    /// Called for every warning event about this master.
    pub notification_script: Option<String>,
    /// Called when the address of the master changes.
    pub client_reconfig_script: Option<String>,
    /// `rename-command`: upper-case name to the name that its servers know. Kept in the order of the
    /// names.
    pub renamed_commands: BTreeMap<String, String>,
}

impl MasterSettings {
    /// What a new master starts with.
    #[must_use]
    pub fn new(quorum: u32, periods: &Periods) -> Self {
        Self {
            quorum,
            down_after: periods.default_down_after,
            failover_timeout: periods.default_failover_timeout,
            parallel_syncs: 1,
            master_reboot_down_after: Millis(0),
            auth_user: None,
            auth_pass: None,
            notification_script: None,
            client_reconfig_script: None,
            renamed_commands: BTreeMap::new(),
        }
    }
}
