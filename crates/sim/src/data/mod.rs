//! A data node: the very core of `picket node`, and what surrounds it here, the counterpart of the daemon's host.

mod disk;
mod process;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::net::SocketAddr;

use picket_node_core::{Node, NodeInput, NodeOptions, NodeStatus};
use picket_sansio::collections::BTreeMap;
use picket_sansio::{ClientId, LinkId, Time};
use picket_server_core::config::{ConfigError, LoadOptions, load};
use picket_server_core::{ClientAddresses, Identity, Settings};

use crate::context::{Context, Signal};
use crate::hash::Hash;
use crate::ids::{ConnId, Owner};
use disk::{Answer, WALL_PERIOD};
use process::{Link, Process};

pub(crate) use disk::Disk;

/// What the keys begin with that writers leave, one for each number.
pub(crate) const WRITE: &str = "write:";

/// A data node's machine: what is on its disk, and its process if there is one.
#[derive(Clone, Debug)]
pub(crate) struct DataNode {
    addr: SocketAddr,
    /// The config file that an empty disk gets.
    first_config: Vec<u8>,
    pub(crate) disk: Disk,
    process: Option<Box<Process>>,
}

impl DataNode {
    /// A machine with this config file, on which a process starts.
    ///
    /// # Errors
    /// The line of the file that is wrong.
    pub(crate) fn start(
        ctx: &mut Context<'_>,
        addr: SocketAddr,
        config: Vec<u8>,
    ) -> Result<Self, ConfigError> {
        let disk = Disk::new(config.clone());
        let mut node = Self { addr, first_config: config, disk, process: None };
        node.restart(ctx)?;
        Ok(node)
    }

    /// A process starts with what is on the disk.
    ///
    /// # Errors
    /// The line of the config file that is wrong.
    pub(crate) fn restart(&mut self, ctx: &mut Context<'_>) -> Result<(), ConfigError> {
        let mut settings = Settings::new();
        let mut no_includes = |_: &[u8]| Err("there are no other files here".to_string());
        let options = LoadOptions { words: &[], foreign: &[] };
        let all = load("redis.conf", self.disk.config(), &mut settings, options, &mut no_includes)?;
        let run_id = ctx.prng.hex(40);
        let identity = Identity {
            name: "redis".to_string(),
            version: "7.4.0".to_string(),
            valkey_version: None,
            mode: "standalone".to_string(),
            role: Some("master".to_string()),
            run_id: run_id.clone(),
            git_sha1: "00000000".to_string(),
            build_id: "0".to_string(),
        };
        let options = NodeOptions {
            settings,
            users: all.users,
            renames: all.renames,
            identity,
            working_dir: b"/data".to_vec(),
            has_config_file: true,
            seed: ctx.prng.next_u64(),
            wall: ctx.wall(),
        };
        let mut process = Process {
            core: Node::new(Time(0), options)?,
            started: ctx.now,
            run_id,
            links: BTreeMap::new(),
            clients: BTreeMap::new(),
            owners: BTreeMap::new(),
            replicas: BTreeMap::new(),
            lookups: BTreeMap::new(),
            next_client: 0,
            next_lookup: 0,
            outputs: Hash::new(),
        };
        process.perform(ctx, &mut self.disk);
        self.process = Some(Box::new(process));
        ctx.timer(WALL_PERIOD, "wall", 0);
        Ok(())
    }

    /// The process has died; answers what it has put out.
    pub(crate) fn end(&mut self) -> Option<u64> {
        self.disk.crash();
        self.process.take().map(|process| process.outputs.value())
    }

    /// The disk is replaced by one with the first config file and nothing else.
    pub(crate) fn wipe(&mut self) {
        let config = self.first_config.clone();
        self.disk.wipe(config);
    }

    /// The process looks at its machine's calendar clock.
    fn tell_wall(&mut self, ctx: &mut Context<'_>) {
        let wall = ctx.wall();
        self.input(ctx, NodeInput::Wall(wall));
    }

    /// What the core has put out since the process started.
    pub(crate) fn outputs(&self) -> Option<u64> {
        self.process.as_ref().map(|process| process.outputs.value())
    }

    /// When the core wants to be woken, in the world's time.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let process = self.process.as_ref()?;
        let deadline = process.core.next_deadline()?;
        Some(Time(deadline.at.0.saturating_add(process.started.0)))
    }

    /// What it is and has; none while no process runs.
    pub(crate) fn status(&self) -> Option<NodeStatus> {
        let process = self.process.as_ref()?;
        let mut status = process.core.status();
        // Its own clock starts with the process.
        for request in &mut status.side.requests {
            request.at.0 += process.started.0;
        }
        Some(status)
    }

    /// The run id of its process.
    pub(crate) fn run_id(&self) -> Option<&str> {
        self.process.as_ref().map(|process| process.run_id.as_str())
    }

    /// The numbers that writers left here, in order.
    pub(crate) fn writes(&self) -> Vec<u64> {
        let Some(process) = &self.process else { return Vec::new() };
        let number =
            |key: &[u8]| core::str::from_utf8(key.strip_prefix(WRITE.as_bytes())?).ok()?.parse().ok();
        let mut numbers: Vec<u64> = process.core.db(0).iter().filter_map(|(key, _)| number(key)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Whether a writer left that number here.
    pub(crate) fn has_write(&self, number: u64) -> bool {
        let key = format!("{WRITE}{number}");
        self.process.as_ref().is_some_and(|process| process.core.db(0).get(key.as_bytes()).is_some())
    }

    /// The core, to be looked at.
    pub(crate) fn core(&self) -> Option<&Node> {
        self.process.as_ref().map(|process| &process.core)
    }

    /// Whether a connection is that of a replica.
    pub(crate) fn feeds(&self, conn: ConnId) -> bool {
        self.process.as_ref().is_some_and(|process| {
            let owner = process.owners.get(&conn);
            matches!(owner, Some(Owner::Client(client)) if process.replicas.contains_key(client))
        })
    }

    pub(crate) fn wake(&mut self, ctx: &mut Context<'_>) {
        self.input(ctx, NodeInput::Wake);
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        let addr = self.addr;
        let Some(process) = &mut self.process else { return };
        match signal {
            Signal::Accepted { conn, peer } => {
                let client = ClientId::next(&mut process.next_client);
                process.clients.insert(client, conn);
                process.owners.insert(conn, Owner::Client(client));
                let addresses = ClientAddresses::tcp(peer, addr, 7);
                self.input(ctx, NodeInput::ClientConnected { client, addresses });
            }
            Signal::Opened { conn } => {
                if let Some(Owner::Link(link)) = process.owners.get(&conn).copied() {
                    let addresses = ClientAddresses::tcp(addr, addr, 7);
                    self.input(ctx, NodeInput::LinkUp { link, addresses });
                }
            }
            Signal::Data { conn, bytes } => match process.owners.get(&conn).copied() {
                Some(Owner::Link(link)) => match process.links.get_mut(&link) {
                    Some(Link { unread: Some(unread), .. }) => unread.push_back(bytes),
                    Some(_) => self.input(ctx, NodeInput::LinkData { link, bytes }),
                    None => {}
                },
                Some(Owner::Client(client)) => {
                    self.input(ctx, NodeInput::ClientData { client, bytes: &bytes });
                }
                None => {}
            },
            Signal::Taken { conn, len } => {
                if let Some(Owner::Client(client)) = process.owners.get(&conn).copied()
                    && let Some(budget) =
                        process.replicas.get_mut(&client).and_then(|buffer| buffer.taken(len))
                {
                    self.input(ctx, NodeInput::ClientWritable { client, budget });
                }
            }
            Signal::Closed { conn, reason } => match process.owners.remove(&conn) {
                Some(Owner::Link(link)) => self.link_down(ctx, link, reason),
                Some(Owner::Client(client)) => {
                    process.clients.remove(&client);
                    process.replicas.remove(&client);
                    self.input(ctx, NodeInput::ClientGone { client });
                }
                None => {}
            },
            Signal::Resolved { key, result } => {
                let Some((link, port)) = process.lookups.remove(&key) else { return };
                if !process.links.contains_key(&link) {
                    return;
                }
                match result.and_then(|ips| ips.first().copied().ok_or_else(|| "no address".to_string())) {
                    Ok(ip) => process.dial(ctx, link, SocketAddr::new(ip, port)),
                    Err(reason) => self.link_down(ctx, link, &reason),
                }
            }
            Signal::Timer { tag } => match tag.what {
                "wall" => {
                    self.tell_wall(ctx);
                    ctx.timer(WALL_PERIOD, "wall", 0);
                }
                _ => self.disk_done(ctx),
            },
            Signal::ClockJumped => self.tell_wall(ctx),
            Signal::Persisted { .. } => {}
        }
    }

    fn link_down(&mut self, ctx: &mut Context<'_>, link: LinkId, reason: &str) {
        if let Some(process) = &mut self.process {
            process.links.remove(&link);
            self.input(ctx, NodeInput::LinkDown { link, reason: reason.to_string() });
        }
    }

    fn disk_done(&mut self, ctx: &mut Context<'_>) {
        match self.disk.finish(ctx.drive, ctx.prng) {
            Some(Answer::File(file, result)) => self.input(ctx, NodeInput::File { file, result }),
            Some(Answer::Written(query, result)) => self.input(ctx, NodeInput::Written { query, result }),
            Some(Answer::Text(query, result)) => self.input(ctx, NodeInput::TextRead { query, result }),
            None => {}
        }
    }

    fn input(&mut self, ctx: &mut Context<'_>, input: NodeInput<'_>) {
        if let Some(process) = &mut self.process {
            process.core.handle(Time(ctx.now.0 - process.started.0), input);
            process.perform(ctx, &mut self.disk);
        }
    }
}
