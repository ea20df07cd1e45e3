//! What the page shows of one moment, as plain values: nodes, links, messages, opinions, backlogs, writes.

use std::net::{IpAddr, SocketAddr};

use picket_replication::{LinkState, NodeRole, ReplicaStatusState};
use picket_sansio::Time;
use picket_sentinel_core::Status;
use picket_sim::{Message, MessageId, NodeId, NodeKind, Power, World};

/// Messages that are shown at once; the latest ones.
const MESSAGES_MAX: usize = 120;
/// Lines of the transcript in which the chosen replica is looked for.
const CHOICE_LOOKBACK: usize = 200;

/// One moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Nodes in the order of their creation.
    pub nodes: Vec<NodePicture>,
    /// Who follows, watches or writes to whom.
    pub links: Vec<Link>,
    /// Wires through which nothing passes.
    pub cuts: Vec<CutWire>,
    /// Messages on their way, and those that have just arrived.
    pub messages: Vec<Flight>,
    /// The property that was violated, if one was.
    pub violation: Option<String>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodePicture {
    /// Its number.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// Its address.
    pub addr: SocketAddr,
    /// Whether it runs.
    pub power: Power,
    /// What it is and does.
    pub part: Part,
}

/// What a node is and does.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A data node.
    Data(DataPicture),
    /// A Sentinel; none while it does not run.
    Sentinel(Option<Opinion>),
    /// A client.
    Writer(WriterPicture),
}

/// The role of a data node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataRole {
    /// It takes writes.
    Master,
    /// It follows, and its link is up.
    Replica,
    /// It has the role of a replica without a link to its master.
    Apart,
    /// It receives or loads a snapshot.
    Syncing,
    /// It does not run.
    Down,
}

/// A data node.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPicture {
    /// Its role.
    pub role: DataRole,
    /// Whom it follows.
    pub follows: Option<NodeId>,
    /// A leader is promoting it.
    pub is_promoting: bool,
    /// How many Sentinels think that it is down.
    pub sdown_by: u32,
    /// Some Sentinel knows that enough of them do.
    pub odown: bool,
    /// Its replication; none while it does not run.
    pub replication: Option<Replication>,
}

/// How far a data node's stream has come.
#[derive(Clone, Debug, PartialEq)]
pub struct Replication {
    /// The history's id.
    pub replid: String,
    /// The history before the last promotion, and the first offset that it does not have.
    pub before: Option<(String, u64)>,
    /// Bytes produced or applied.
    pub offset: u64,
    /// The backlog, if there is one.
    pub backlog: Option<BacklogPicture>,
    /// Its replicas.
    pub replicas: Vec<ReplicaPicture>,
    /// Synchronisations that needed the whole data.
    pub full: u64,
    /// Synchronisations that went on from the backlog.
    pub partial: u64,
    /// Requests to go on that could not be met.
    pub refused: u64,
    /// Keys in all databases.
    pub keys: u64,
}

/// A backlog: the last part of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BacklogPicture {
    /// Offset of its first byte.
    pub first: u64,
    /// Bytes in it.
    pub histlen: u64,
    /// Bytes it may hold.
    pub size: u64,
}

/// A replica as its master sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaPicture {
    /// Its name, or its address.
    pub name: String,
    /// Its state as INFO names it.
    pub state: &'static str,
    /// It has its snapshot.
    pub is_online: bool,
    /// Bytes it has acknowledged.
    pub ack: u64,
    /// Bytes that wait for it at its master.
    pub pending: u64,
}

/// What a Sentinel is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// All is well.
    Up,
    /// It thinks that the master is down.
    Sdown,
    /// It knows that enough of them do.
    Odown,
    /// It stands for election.
    Candidate,
    /// It was elected, and leads the failover.
    Leader,
    /// It promotes a replica.
    Promoting,
    /// It distrusts itself.
    Tilt,
}

/// What a Sentinel thinks of the master.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// What it is busy with.
    pub stance: Stance,
    /// The node that it takes for the master.
    pub master: Option<NodeId>,
    /// It thinks that this one is down.
    pub sdown: bool,
    /// It knows that enough of them do.
    pub odown: bool,
    /// Sentinels that said lately that it is down, besides itself.
    pub agree: u32,
    /// How many must agree.
    pub quorum: u32,
    /// The other Sentinels that it knows.
    pub peers: u32,
    /// The highest epoch that it heard of.
    pub epoch: u64,
    /// The epoch of the configuration in force.
    pub config_epoch: u64,
    /// For whom it voted last, and in which epoch.
    pub vote: Option<(String, u64)>,
    /// The state of the failover that it leads, as SENTINEL MASTER names it.
    pub failover: &'static str,
}

/// What a client has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriterPicture {
    /// Where it writes.
    pub master: Option<NodeId>,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that failed or were not answered.
    pub failed: u64,
}

/// What joins two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who keeps it up.
    pub from: NodeId,
    /// With whom.
    pub to: NodeId,
    /// What it is for.
    pub kind: LinkKind,
    /// It works.
    pub is_up: bool,
}

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A replica follows its master.
    Follows,
    /// A Sentinel takes the other for the master.
    Watches,
    /// A client writes.
    Writes,
}

impl LinkKind {
    /// All of them, for legends.
    pub const ALL: [Self; 3] = [Self::Follows, Self::Watches, Self::Writes];

    /// Its name in style sheets.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Follows => "follows",
            Self::Watches => "watches",
            Self::Writes => "writes",
        }
    }
}

/// A wire that is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutWire {
    /// From here nothing passes,
    pub from: NodeId,
    /// to there.
    pub to: NodeId,
    /// Nor the other way.
    pub both: bool,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Who is there: PING, INFO, ROLE and their replies.
    Watch,
    /// Sentinels tell each other what they know.
    Hello,
    /// Is the master down, and who shall lead?
    Vote,
    /// A Sentinel tells a data node what to be.
    Order,
    /// Replication: handshake, snapshot, stream.
    Stream,
    /// A client writes, or asks for the master.
    Write,
}

impl Topic {
    /// All of them, for legends.
    pub const ALL: [Self; 6] = [Self::Watch, Self::Hello, Self::Vote, Self::Order, Self::Stream, Self::Write];

    /// Its name in style sheets.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Hello => "hello",
            Self::Vote => "vote",
            Self::Order => "order",
            Self::Stream => "stream",
            Self::Write => "write",
        }
    }

    fn of(from: NodeKind, to: NodeKind, text: &str) -> Self {
        let has = |word: &str| text.contains(word);
        match (from, to) {
            (NodeKind::Writer, _) | (_, NodeKind::Writer) => Self::Write,
            (NodeKind::Server, NodeKind::Server) => Self::Stream,
            (NodeKind::Sentinel, NodeKind::Sentinel) if has("PING") || has("PONG") => Self::Watch,
            (NodeKind::Sentinel, NodeKind::Sentinel) if has("hello") || has("PUBLISH") => Self::Hello,
            (NodeKind::Sentinel, NodeKind::Sentinel) => Self::Vote,
            _ if has("SLAVEOF") || has("REPLICAOF") || has("CONFIG REWRITE") => Self::Order,
            _ if has("__sentinel__:hello") => Self::Hello,
            _ => Self::Watch,
        }
    }
}

/// A message and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flight {
    /// Its number.
    pub id: MessageId,
    /// Who sent it.
    pub from: NodeId,
    /// Who gets it.
    pub to: NodeId,
    /// What it says.
    pub text: String,
    /// What it is about.
    pub topic: Topic,
    /// How far it has come, in thousandths; 1000 if it has arrived.
    pub progress: u32,
    /// It waits for a wire or a machine.
    pub is_stuck: bool,
}

impl Picture {
    /// The moment `now` of this world; messages that arrived after `since` are shown too.
    #[must_use]
    pub fn of(world: &World, now: Time, since: Time) -> Self {
        let views = Views::of(world);
        let nodes: Vec<NodePicture> = world.nodes().map(|id| NodePicture::of(world, id, &views)).collect();
        let links = nodes.iter().filter_map(NodePicture::link).collect();
        Self {
            links,
            cuts: cuts(world),
            messages: messages(world, now, since),
            violation: world.violation().map(ToString::to_string),
            nodes,
        }
    }

    /// The node of that number.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&NodePicture> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The name of a node.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.node(id).map_or("?", |node| node.name.as_str())
    }

    /// The Sentinels that run, with what they think.
    pub fn opinions(&self) -> impl Iterator<Item = (&NodePicture, &Opinion)> {
        self.nodes.iter().filter_map(|node| match &node.part {
            Part::Sentinel(Some(opinion)) => Some((node, opinion)),
            _ => None,
        })
    }

    /// The node that most Sentinels take for the master.
    #[must_use]
    pub fn master(&self) -> Option<NodeId> {
        let votes = |id: NodeId| self.opinions().filter(|(_, opinion)| opinion.master == Some(id)).count();
        let believed = self.nodes.iter().map(|node| (votes(node.id), std::cmp::Reverse(node.id)));
        believed.max().filter(|(votes, _)| *votes > 0).map(|(_, id)| id.0)
    }
}

/// Acknowledged writes of all clients that the present master does not have; none if nobody is one.
#[must_use]
pub fn lost_writes(world: &World, master: Option<NodeId>) -> Option<u64> {
    let data = world.server(master.filter(|node| world.power(*node) == Power::Running)?)?.data;
    let reports = world.nodes().filter_map(|node| world.writer(node));
    let lost = |report: picket_sim::WriterReport| {
        let is_lost = |number: u64| data.binary_search(&number).is_err();
        report.acknowledged.iter().filter(|(number, _)| is_lost(*number)).count() as u64
    };
    Some(reports.map(lost).sum())
}

/// What all Sentinels know, asked once, and what follows from it for the data nodes.
struct Views {
    statuses: Vec<(NodeId, Status)>,
    /// Addresses that a Sentinel thinks are down, one for each.
    sdown: Vec<IpAddr>,
    odown: Vec<IpAddr>,
    promoting: Vec<IpAddr>,
}

impl Views {
    fn of(world: &World) -> Self {
        let statuses: Vec<(NodeId, Status)> =
            world.nodes().filter_map(|node| Some((node, world.sentinel(node)?))).collect();
        let (mut sdown, mut odown, mut promoting) = (Vec::new(), Vec::new(), Vec::new());
        for (node, status) in &statuses {
            for master in &status.masters {
                let servers = std::iter::once(&master.server).chain(&master.replicas);
                sdown.extend(servers.filter(|server| server.s_down).filter_map(|server| server.addr.ip));
                odown.extend(master.server.addr.ip.filter(|_| master.o_down));
                if matches!(master.failover_state, "send_slaveof_noone" | "wait_promotion") {
                    promoting.extend(chosen_by(world, *node));
                }
            }
        }
        Self { statuses, sdown, odown, promoting }
    }

    fn status(&self, id: NodeId) -> Option<&Status> {
        self.statuses.iter().find(|(node, _)| *node == id).map(|(_, status)| status)
    }
}

/// The replica that a Sentinel told last it has chosen.
fn chosen_by(world: &World, sentinel: NodeId) -> Option<IpAddr> {
    let transcript = world.transcript();
    let mut latest = transcript.behind(transcript.len().saturating_sub(CHOICE_LOOKBACK)).rev();
    let line = latest
        .find(|entry| entry.node == Some(sentinel) && entry.text.starts_with("+selected-slave slave "))?;
    line.text.split(' ').nth(3)?.parse().ok()
}

impl NodePicture {
    fn of(world: &World, id: NodeId, views: &Views) -> Self {
        let addr = world.addr(id);
        let part = match world.kind(id) {
            NodeKind::Sentinel => Part::Sentinel(opinion(world, id, views)),
            NodeKind::Server => Part::Data(data(world, id, addr.ip(), views)),
            NodeKind::Writer | NodeKind::Console => Part::Writer(writer(world, id)),
        };
        Self { id, name: world.name(id).to_owned(), addr, power: world.power(id), part }
    }

    /// Whether its process runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.power == Power::Running
    }

    fn link(&self) -> Option<Link> {
        let (to, kind, is_up) = match &self.part {
            Part::Data(data) => (data.follows?, LinkKind::Follows, data.role == DataRole::Replica),
            Part::Sentinel(opinion) => {
                let opinion = opinion.as_ref()?;
                (opinion.master?, LinkKind::Watches, !opinion.sdown)
            }
            Part::Writer(writer) => (writer.master?, LinkKind::Writes, true),
        };
        Some(Link { from: self.id, to, kind, is_up: is_up && self.runs() })
    }
}

fn data(world: &World, id: NodeId, ip: IpAddr, views: &Views) -> DataPicture {
    let sdown_by = views.sdown.iter().filter(|down| **down == ip).count();
    let status = world.data_node(id);
    let follows = status.as_ref().and_then(|status| status.link.master.as_ref()).and_then(|(host, port)| {
        match host.parse() {
            Ok(ip) => world.node_at(SocketAddr::new(ip, *port)),
            // A name: only the world knows what it stands for.
            Err(_) => world.node_at(world.server(id)?.follows?),
        }
    });
    let role = match &status {
        None => DataRole::Down,
        Some(status) => match (status.side.role, status.link.state) {
            (NodeRole::Master, _) => DataRole::Master,
            (NodeRole::Replica { .. }, LinkState::Connected) => DataRole::Replica,
            (NodeRole::Replica { .. }, LinkState::Sync) => DataRole::Syncing,
            (NodeRole::Replica { .. }, _) => DataRole::Apart,
        },
    };
    DataPicture {
        role,
        follows,
        is_promoting: views.promoting.contains(&ip),
        sdown_by: u32::try_from(sdown_by).unwrap_or(u32::MAX),
        odown: views.odown.contains(&ip),
        replication: status.map(|status| {
            let history = status.side.history;
            let name = |ip: &str| {
                let node = ip.parse().ok().and_then(|ip| world.node_at(SocketAddr::new(ip, 0)));
                node.map_or_else(|| ip.to_owned(), |node| world.name(node).to_owned())
            };
            Replication {
                replid: history.replid.to_string(),
                before: history.second_repl_offset.map(|offset| (history.replid2.to_string(), offset)),
                offset: history.master_repl_offset,
                backlog: status.side.backlog.map(|backlog| BacklogPicture {
                    first: backlog.first_byte_offset,
                    histlen: backlog.histlen,
                    size: status.side.repl_backlog_size,
                }),
                replicas: status
                    .side
                    .replicas
                    .iter()
                    .map(|replica| ReplicaPicture {
                        name: name(&replica.ip),
                        state: replica.state.word(),
                        is_online: replica.state == ReplicaStatusState::Online,
                        ack: replica.ack,
                        pending: replica.pending,
                    })
                    .collect(),
                full: status.side.counters.sync_full,
                partial: status.side.counters.sync_partial_ok,
                refused: status.side.counters.sync_partial_err,
                keys: status.keys.iter().sum(),
            }
        }),
    }
}

/// What a Sentinel thinks of the first master that it watches.
fn opinion(world: &World, id: NodeId, views: &Views) -> Option<Opinion> {
    let status = views.status(id)?;
    let master = status.masters.first()?;
    let agree = master.peers.iter().filter(|peer| peer.agrees_down).count();
    let name_of = |run_id: &str| {
        let known = views.statuses.iter().find(|(_, other)| other.my_id == run_id);
        known.map_or_else(|| run_id.chars().take(8).collect(), |(node, _)| world.name(*node).to_owned())
    };
    let stance = match master.failover_state {
        _ if status.tilt_since.is_some() => Stance::Tilt,
        "wait_start" => Stance::Candidate,
        "send_slaveof_noone" | "wait_promotion" => Stance::Promoting,
        "select_slave" | "reconf_slaves" => Stance::Leader,
        _ if master.o_down => Stance::Odown,
        _ if master.server.s_down => Stance::Sdown,
        _ => Stance::Up,
    };
    let (voted_for, vote_epoch) = &master.vote;
    Some(Opinion {
        stance,
        master: master
            .server
            .addr
            .ip
            .and_then(|ip| world.node_at(SocketAddr::new(ip, master.server.addr.port))),
        sdown: master.server.s_down,
        odown: master.o_down,
        agree: u32::try_from(agree).unwrap_or(u32::MAX),
        quorum: master.quorum,
        peers: u32::try_from(master.peers.len()).unwrap_or(u32::MAX),
        epoch: status.current_epoch,
        config_epoch: master.config_epoch,
        vote: voted_for.as_ref().map(|run_id| (name_of(run_id), *vote_epoch)),
        failover: master.failover_state,
    })
}

fn writer(world: &World, id: NodeId) -> WriterPicture {
    match world.writer(id) {
        None => WriterPicture { master: None, acknowledged: 0, failed: 0 },
        Some(report) => WriterPicture {
            master: report.master.and_then(|addr| world.node_at(addr)),
            acknowledged: report.acknowledged.len() as u64,
            failed: report.failed,
        },
    }
}

/// Wires that are cut both ways are told once.
fn cuts(world: &World) -> Vec<CutWire> {
    let all: Vec<(NodeId, NodeId)> = world.cuts().collect();
    let mut cuts = Vec::new();
    for (from, to) in &all {
        let both = all.contains(&(*to, *from));
        if !both || from < to {
            cuts.push(CutWire { from: *from, to: *to, both });
        }
    }
    cuts
}

fn messages(world: &World, now: Time, since: Time) -> Vec<Flight> {
    let shown = |node: NodeId| world.kind(node) != NodeKind::Console;
    let arrived = world.arrived(since).rev().take(MESSAGES_MAX);
    let mut flights: Vec<Flight> = world
        .in_flight()
        .into_iter()
        .rev()
        .take(MESSAGES_MAX)
        .chain(arrived)
        .filter(|message| shown(message.from) && shown(message.to) && message.from != message.to)
        .map(|message| Flight::of(world, now, message))
        .take(MESSAGES_MAX)
        .collect();
    flights.sort_by_key(|flight| flight.id);
    flights
}

impl Flight {
    fn of(world: &World, now: Time, message: Message) -> Self {
        let progress = match message.arrives {
            None => 0,
            Some(arrives) if arrives <= now => 1_000,
            Some(arrives) => {
                let (gone, whole) =
                    (now.0.saturating_sub(message.sent.0), arrives.0.saturating_sub(message.sent.0));
                u32::try_from(gone.saturating_mul(1_000) / whole.max(1)).unwrap_or(1_000).min(1_000)
            }
        };
        Self {
            id: message.id,
            from: message.from,
            to: message.to,
            topic: Topic::of(world.kind(message.from), world.kind(message.to), &message.text),
            progress,
            is_stuck: message.arrives.is_none(),
            text: message.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use picket_sansio::Millis;
    use picket_sim::Shape;

    use super::*;
    use crate::engine::{Engine, Speed};

    fn engine() -> Engine {
        let shape = Shape { real_nodes: true, ..Shape::default() };
        Engine::new(1, &shape, &[Millis(50)]).expect("it settles")
    }

    fn picture(engine: &Engine) -> Picture {
        let now = engine.timeline().now();
        Picture::of(engine.world(), now, now)
    }

    /// Plays until the picture is as wanted.
    #[track_caller]
    fn play_until(engine: &mut Engine, wanted: impl Fn(&Picture) -> bool) -> Picture {
        for _ in 0..50_000 {
            let found = picture(engine);
            if wanted(&found) {
                return found;
            }
            engine.step();
        }
        panic!("it did not come to that: {:#?}", picture(engine));
    }

    #[track_caller]
    fn data_of<'a>(picture: &'a Picture, name: &str) -> &'a DataPicture {
        let node = picture.nodes.iter().find(|node| node.name == name);
        match node.map(|node| &node.part) {
            Some(Part::Data(data)) => data,
            other => panic!("{name} is {other:?}"),
        }
    }

    #[test]
    fn a_settled_deployment_has_a_master_that_all_follow_watch_and_write_to() {
        let mut engine = engine();
        let picture =
            play_until(&mut engine, |picture| picture.links.iter().any(|link| link.kind == LinkKind::Writes));
        let master = picture.master().expect("there is one");
        assert_eq!(picture.name(master), "redis-1");
        assert!(picture.links.iter().all(|link| link.to == master && link.is_up));
        let count = |kind| picture.links.iter().filter(|link| link.kind == kind).count();
        let counts = [LinkKind::Follows, LinkKind::Watches, LinkKind::Writes].map(count);
        assert_eq!(counts, [2, 3, 1]);
        let replication = data_of(&picture, "redis-1").replication.clone().expect("it runs");
        let mut names: Vec<_> = replication.replicas.iter().map(|replica| replica.name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["redis-2", "redis-3"]);
        let backlog = replication.backlog.expect("a master with replicas has one");
        assert_eq!(backlog.first + backlog.histlen, replication.offset + 1);
        assert_eq!(lost_writes(engine.world(), Some(master)), Some(0));
    }

    #[test]
    fn a_failover_is_seen_with_its_stances() {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        let stance = |wanted: Stance| {
            move |picture: &Picture| picture.opinions().any(|(_, opinion)| opinion.stance == wanted)
        };
        let seen = play_until(&mut engine, stance(Stance::Sdown));
        assert_eq!(data_of(&seen, "redis-1").role, DataRole::Down);
        assert!(data_of(&seen, "redis-1").sdown_by >= 1);
        play_until(&mut engine, stance(Stance::Candidate));
        let seen = play_until(&mut engine, stance(Stance::Promoting));
        let votes: Vec<_> = seen.opinions().filter_map(|(_, opinion)| opinion.vote.clone()).collect();
        assert!(
            votes.len() >= 2
                && votes.iter().all(|(name, epoch)| name.starts_with("sentinel-") && *epoch >= 1)
        );
        let promoted = seen.nodes.iter().find(|node| match &node.part {
            Part::Data(data) => data.is_promoting,
            _ => false,
        });
        let promoted = promoted.expect("somebody is promoted").id;
        play_until(&mut engine, |picture| {
            picture.master() == Some(promoted)
                && picture.opinions().all(|(_, opinion)| opinion.stance == Stance::Up)
        });
    }

    #[test]
    fn messages_are_seen_on_their_way() {
        let mut engine = engine();
        engine.set_speed(Speed::at(0));
        let flying = play_until(&mut engine, |picture| {
            picture
                .messages
                .iter()
                .any(|message| message.topic == Topic::Write && message.text.starts_with("SADD"))
        });
        assert!(
            flying.messages.iter().all(|message| message.progress <= 1_000 && message.from != message.to)
        );
        let now = engine.timeline().now();
        let all = Picture::of(engine.world(), now, Time(now.0.saturating_sub(200_000))).messages;
        assert!(all.len() > flying.messages.len() && all.len() <= MESSAGES_MAX);
        assert!(all.iter().any(|message| message.progress == 1_000));
    }

    #[test]
    fn a_cut_wire_is_told_once() {
        let mut engine = engine();
        engine.inject("cut redis-1 sentinel-1").expect("it can be cut");
        engine.inject("cut redis-2 -> sentinel-1").expect("it can be cut");
        let cuts = picture(&engine).cuts;
        assert_eq!(cuts.iter().map(|cut| cut.both).collect::<Vec<_>>(), [true, false]);
    }
}
