//! Masters with replicas, guarded by sentinels: the usual stage of an integration test.

use std::time::Duration;

use crate::wait::wait_for;
use crate::{DataProgram, DataServer, Program, SentinelProcess, Subscriber};

/// How long sentinels may take to know everybody. Stock says its first hello after two seconds.
const KNOWN_WITHIN: Duration = Duration::from_secs(30);

/// One master with its replicas.
#[derive(Debug)]
pub struct Shard {
    /// The name the sentinels know it by.
    pub name: String,
    /// The data nodes; the first starts as the master.
    pub nodes: Vec<DataServer>,
}

impl Shard {
    /// The node on `port`.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn node(&self, port: u16) -> &DataServer {
        self.nodes.iter().find(|node| node.port() == port).expect("a node of this shard has the port")
    }

    /// The place of the node on `port` in [`Shard::nodes`].
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    #[track_caller]
    pub fn index(&self, port: u16) -> usize {
        self.nodes.iter().position(|node| node.port() == port).expect("a node of this shard has the port")
    }
}

/// A running deployment. Dropping it ends every process.
#[derive(Debug)]
pub struct Cluster {
    /// The sentinels, in the order in which they were asked for.
    pub sentinels: Vec<SentinelProcess>,
    /// The masters and their replicas.
    pub shards: Vec<Shard>,
}

impl Cluster {
    /// One master `mymaster` with two replicas, no sentinels yet.
    #[must_use]
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder::default()
    }

    /// The first (usually only) shard.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.shards[0]
    }

    /// The nodes of the first shard; the first of them starts as the master.
    pub fn nodes(&mut self) -> &mut [DataServer] {
        &mut self.shards[0].nodes
    }

    /// Every event of every sentinel from now on; `from` is the sentinel's place.
    ///
    /// # Panics
    /// When one cannot be subscribed to.
    #[must_use]
    #[track_caller]
    pub fn subscribe(&self) -> Subscriber {
        let clients = self.sentinels.iter().map(SentinelProcess::client).collect::<Result<_, _>>();
        Subscriber::start(clients.expect("every sentinel takes a connection")).expect("subscriptions")
    }

    /// Waits until every running sentinel names the same master of the first shard, another one than
    /// `old_port`; returns its port.
    ///
    /// # Panics
    /// When they do not within `deadline`.
    #[track_caller]
    pub fn wait_for_switch(&mut self, old_port: u16, deadline: Duration) -> u16 {
        self.wait_for_switch_of(0, old_port, deadline)
    }

    /// [`Cluster::wait_for_switch`] for any shard.
    ///
    /// # Panics
    /// When they do not within `deadline`.
    #[track_caller]
    pub fn wait_for_switch_of(&mut self, shard: usize, old_port: u16, deadline: Duration) -> u16 {
        let name = self.shards[shard].name.clone();
        let what = format!("every sentinel names a new master of {name} instead of {old_port}");
        wait_for(deadline, &what, || agreed(&self.named_masters(&name)).filter(|port| *port != old_port)).0
    }

    /// The master's port as each running sentinel tells it.
    pub fn named_masters(&mut self, name: &str) -> Vec<Option<u16>> {
        let running = self.sentinels.iter_mut().filter_map(|s| s.process().is_running().then_some(&*s));
        running.map(|sentinel| sentinel.master_port(name)).collect()
    }

    /// Waits until the node on `port` is a writable master, every other running node of the first shard
    /// follows it, and every running sentinel is through with its part. Returns the master's port, which is another one only if a stock sentinel takes part:
    /// on opinions about the old master, stock sometimes fails a healthy new one over again, and then what
    /// all agree on in the end counts.
    ///
    /// # Panics
    /// When that does not come about within `deadline`.
    #[track_caller]
    pub fn wait_for_followers(&mut self, port: u16, deadline: Duration) -> u16 {
        self.wait_for_followers_of(0, port, deadline)
    }

    /// [`Cluster::wait_for_followers`] for any shard.
    ///
    /// # Panics
    /// When that does not come about within `deadline`.
    #[track_caller]
    pub fn wait_for_followers_of(&mut self, shard: usize, port: u16, deadline: Duration) -> u16 {
        let name = self.shards[shard].name.clone();
        let strict = self.sentinels.iter().all(|sentinel| sentinel.program().is_picket());
        let what = format!("{port} is master of {name} and every other node follows it");
        wait_for(deadline, &what, || {
            let master = if strict { port } else { agreed(&self.named_masters(&name))? };
            let follows = |node: &mut DataServer| {
                if node.port() == master {
                    return node.is_master() && node.accepts_writes();
                }
                !node.process().is_running() || node.follows(master)
            };
            let healed =
                self.shards[shard].nodes.iter_mut().all(follows) && self.all_are_through(&name, master);
            healed.then_some(master)
        })
        .0
    }

    /// Whether every running sentinel has switched to the master on `port` and is in no failover: a leader
    /// names the new address to clients some time before that.
    fn all_are_through(&mut self, name: &str, port: u16) -> bool {
        self.sentinels.iter_mut().filter_map(|s| s.process().is_running().then_some(&*s)).all(|sentinel| {
            sentinel.master_field(name, "port") == port.to_string()
                && !sentinel.master_has_flag(name, "failover_in_progress")
        })
    }

    /// Waits until every running sentinel sees the master of the first shard, all its replicas and all the
    /// other running sentinels up and connected.
    ///
    /// # Panics
    /// When they do not within the deadline.
    #[track_caller]
    pub fn wait_until_all_is_known(&mut self) {
        let running =
            self.sentinels.iter_mut().map(|s| s.process().is_running()).filter(|runs| *runs).count();
        for shard in &self.shards {
            for sentinel in &mut self.sentinels {
                if sentinel.process().is_running() {
                    wait_until_known(sentinel, &shard.name, shard.nodes.len() - 1, running - 1);
                }
            }
        }
    }
}

/// The master that all name.
#[must_use]
pub fn agreed(named: &[Option<u16>]) -> Option<u16> {
    let first = named.first().copied()??;
    named.iter().all(|port| *port == Some(first)).then_some(first)
}

#[track_caller]
fn wait_until_known(sentinel: &SentinelProcess, name: &str, replicas: usize, others: usize) {
    let mut seen = String::new();
    let known = || {
        let master = sentinel.master_field(name, "flags");
        let links = sentinel.replica_fields(name, "master-link-status");
        let flags = sentinel.replica_fields(name, "flags");
        let peers = sentinel.sentinel_fields(name, "flags");
        let up = |found: &[String], value: &str| found.iter().filter(|one| *one == value).count();
        let known = master == "master"
            && up(&links, "ok") == replicas
            && up(&flags, "slave") == replicas
            && up(&peers, "sentinel") == others;
        seen = format!("master {master:?}, replicas {flags:?} {links:?}, sentinels {peers:?}");
        known
    };
    let addr = sentinel.addr();
    if !crate::wait::holds_within(KNOWN_WITHIN, known) {
        panic!("sentinel {addr} does not know {replicas} replicas and {others} sentinels of {name}: {seen}");
    }
}

/// How a [`Cluster`] is to be.
#[derive(Clone, Debug)]
pub struct ClusterBuilder {
    names: Vec<String>,
    replicas: usize,
    programs: Vec<Program>,
    quorum: usize,
    leader: Option<usize>,
    down_after_ms: Option<u64>,
    failover_timeout_ms: u64,
    data_programs: Vec<DataProgram>,
    data_directives: Vec<String>,
    master_directives: Vec<String>,
    sentinel_lines: String,
}

impl Default for ClusterBuilder {
    fn default() -> Self {
        Self {
            names: vec!["mymaster".to_owned()],
            replicas: 2,
            programs: Vec::new(),
            quorum: 2,
            leader: None,
            down_after_ms: None,
            // Stock retries a lost election after twice this time.
            failover_timeout_ms: 3000,
            data_programs: vec![DataProgram::Redis],
            data_directives: Vec::new(),
            master_directives: Vec::new(),
            sentinel_lines: String::new(),
        }
    }
}

impl ClusterBuilder {
    /// The masters' names, one shard each.
    #[must_use]
    pub fn masters(mut self, names: &[&str]) -> Self {
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// Replicas of each master.
    #[must_use]
    pub fn replicas(mut self, count: usize) -> Self {
        self.replicas = count;
        self
    }

    /// The sentinels.
    #[must_use]
    pub fn sentinels(mut self, programs: &[Program]) -> Self {
        self.programs = programs.to_vec();
        self
    }

    /// How many must agree that a master is down.
    #[must_use]
    pub fn quorum(mut self, quorum: usize) -> Self {
        self.quorum = quorum;
        self
    }

    /// Only the sentinel at this place can start a failover: the others get a quorum that is never
    /// reached, so that they notice, agree and vote, and no more.
    #[must_use]
    pub fn leader(mut self, sentinel: usize) -> Self {
        self.leader = Some(sentinel);
        self
    }

    /// `down-after-milliseconds`: a second unless told, and half a second more where a stock sentinel takes
    /// part. Stock dials again only once a second and takes a new master whose promotion has cut its link
    /// for down when it waits no longer than that.
    #[must_use]
    pub fn down_after_ms(mut self, ms: u64) -> Self {
        self.down_after_ms = Some(ms);
        self
    }

    /// `failover-timeout`.
    #[must_use]
    pub fn failover_timeout_ms(mut self, ms: u64) -> Self {
        self.failover_timeout_ms = ms;
        self
    }

    /// A directive of every data node, for example `requirepass secret`.
    #[must_use]
    pub fn data_directive(mut self, line: &str) -> Self {
        self.data_directives.push(line.to_owned());
        self
    }

    /// The data servers' programs, the master's first, over again if there are more servers: redis-server unless told.
    #[must_use]
    pub fn data_programs(mut self, programs: &[DataProgram]) -> Self {
        self.data_programs = programs.to_vec();
        self
    }

    /// `sentinel <directive> <master> <value>` for every master in every sentinel's file.
    #[must_use]
    pub fn master_directive(mut self, directive: &str, value: &str) -> Self {
        self.master_directives.push(format!("{directive} {{}} {value}"));
        self
    }

    /// A line of every sentinel's file.
    #[must_use]
    pub fn sentinel_line(mut self, line: &str) -> Self {
        self.sentinel_lines.push_str(line);
        self.sentinel_lines.push('\n');
        self
    }

    /// Starts everything and waits until every replica is in sync and every sentinel knows all replicas
    /// and all other sentinels.
    ///
    /// # Panics
    /// When that does not come about.
    #[must_use]
    #[track_caller]
    pub fn start(self) -> Cluster {
        let mut cluster = self.start_unready();
        cluster.wait_until_all_is_known();
        cluster
    }

    /// Like [`ClusterBuilder::start`] without waiting for what the sentinels know.
    ///
    /// # Panics
    /// When a process does not start or a replica does not get in sync.
    #[must_use]
    #[track_caller]
    pub fn start_unready(self) -> Cluster {
        let shards: Vec<_> = self.names.iter().map(|name| self.start_shard(name)).collect();
        let sentinels = (0..self.programs.len())
            .map(|place| SentinelProcess::start(&self.programs[place], &self.sentinel_conf(place, &shards)))
            .collect();
        Cluster { sentinels, shards }
    }

    #[track_caller]
    fn start_shard(&self, name: &str) -> Shard {
        let directives: Vec<_> = self.data_directives.iter().map(String::as_str).collect();
        let programs = &self.data_programs;
        let mut nodes = vec![DataServer::start_as(&programs[0], &directives)];
        let replicaof = format!("replicaof 127.0.0.1 {}", nodes[0].port());
        for place in 1..=self.replicas {
            let mut directives = directives.clone();
            directives.push(&replicaof);
            nodes.push(DataServer::start_as(&programs[place % programs.len()], &directives));
        }
        nodes[0].wait_for_replicas(self.replicas, KNOWN_WITHIN);
        Shard { name: name.to_owned(), nodes }
    }

    /// The lines of one sentinel's file beyond port, folder and log.
    fn sentinel_conf(&self, place: usize, shards: &[Shard]) -> String {
        let may_lead = self.leader.is_none_or(|leader| leader == place);
        let quorum = if may_lead { self.quorum } else { self.programs.len() + 100 };
        let with_stock = self.programs.contains(&Program::Stock);
        let down_after_ms = self.down_after_ms.unwrap_or(if with_stock { 1500 } else { 1000 });
        let mut lines = self.sentinel_lines.clone();
        for shard in shards {
            let name = &shard.name;
            lines += &format!("sentinel monitor {name} 127.0.0.1 {} {quorum}\n", shard.nodes[0].port());
            lines += &format!("sentinel down-after-milliseconds {name} {down_after_ms}\n");
            lines += &format!("sentinel failover-timeout {name} {}\n", self.failover_timeout_ms);
            for directive in &self.master_directives {
                lines += &format!("sentinel {}\n", directive.replace("{}", name));
            }
        }
        lines
    }
}
