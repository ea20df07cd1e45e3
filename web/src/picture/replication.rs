//! Backlogs, synchronisations and writes of a moment.

use std::net::SocketAddr;

use picket_replication::{PsyncReason, SyncDecision, SyncQuestion};
use picket_sansio::Time;
use picket_sim::{NodeId, World};

use super::{Part, Picture};

/// Synchronisations that are shown; the latest ones.
const ASKED_MAX: usize = 24;
/// Writes of a client that are looked at; the latest ones.
const WRITES_MAX: usize = 20_000;
/// Lost writes that are named.
const NAMED_MAX: usize = 12;
/// Characters of a history's id that are shown.
const REPLID_SHOWN: usize = 8;

/// A backlog, with those who read from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ring {
    /// Whose it is.
    pub id: NodeId,
    /// Its name.
    pub name: String,
    /// The history's id, shortened.
    pub replid: String,
    /// Bytes it may hold.
    pub size: u64,
    /// Bytes in it.
    pub histlen: u64,
    /// Offset of its first byte.
    pub first: u64,
    /// Offset of its last byte.
    pub offset: u64,
    /// Who reads.
    pub readers: Vec<Reader>,
}

/// A replica and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: String,
    /// Its state as INFO names it.
    pub state: &'static str,
    /// Bytes it has acknowledged.
    pub ack: u64,
    /// Bytes that it lacks.
    pub lag: u64,
    /// What it lacks is still in the backlog.
    pub is_held: bool,
}

impl Ring {
    /// Where a byte lies in the ring, in hundred thousandths of the way round.
    #[must_use]
    pub fn place(&self, offset: u64) -> u64 {
        self.share(offset % self.size.max(1))
    }

    /// How much of the ring so many bytes take, in hundred thousandths.
    #[must_use]
    pub fn share(&self, bytes: u64) -> u64 {
        let share = u128::from(bytes) * 100_000 / u128::from(self.size.max(1));
        u64::try_from(share).unwrap_or(u64::MAX).min(100_000)
    }

    /// The first offset of the strip that shows all readers and the write position.
    #[must_use]
    pub fn strip_first(&self) -> u64 {
        self.readers.iter().map(|reader| reader.ack).min().unwrap_or(self.offset).min(self.offset)
    }
}

/// All backlogs.
#[must_use]
pub fn rings(picture: &Picture) -> Vec<Ring> {
    let rings = picture.nodes.iter().filter_map(|node| {
        let Part::Data(data) = &node.part else { return None };
        let replication = data.replication.as_ref()?;
        let backlog = replication.backlog?;
        Some(Ring {
            id: node.id,
            name: node.name.clone(),
            replid: shortened(&replication.replid),
            size: backlog.size,
            histlen: backlog.histlen,
            first: backlog.first,
            offset: replication.offset,
            readers: replication
                .replicas
                .iter()
                .map(|replica| Reader {
                    name: replica.name.clone(),
                    state: replica.state,
                    ack: replica.ack,
                    lag: replication.offset.saturating_sub(replica.ack),
                    is_held: replica.ack + 1 >= backlog.first,
                })
                .collect(),
        })
    });
    rings.collect()
}

/// A synchronisation that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// When, counted from the beginning; none if it was before.
    pub at_us: Option<u64>,
    /// Whom.
    pub master: String,
    /// By whom.
    pub replica: String,
    /// The words, with a shortened id.
    pub question: String,
    /// What it got.
    pub got: Got,
    /// Why.
    pub why: Why,
}

/// What a replica got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// The stream goes on with the byte of this offset.
    Partial(u64),
    /// A snapshot.
    Full,
    /// An error.
    Refused,
}

/// Why a replica got what it got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It follows the same history, and lacks so many bytes.
    SameHistory(u64),
    /// It follows the history before the last promotion, and lacks so many bytes.
    PreviousHistory(u64),
    /// It has nothing to go on from.
    Nothing,
    /// Its history is unknown; ours is this one.
    UnknownHistory {
        /// What it knows.
        asked: String,
        /// What we have.
        replid: String,
    },
    /// It has bytes of the old history that we never had.
    Diverged {
        /// The first byte it wants.
        asked: i64,
        /// The first offset that the old history does not have.
        parted: u64,
    },
    /// There is no backlog.
    NoBacklog,
    /// What it wants is overwritten.
    TooOld {
        /// The first byte it wants.
        asked: i64,
        /// The first byte in the backlog.
        first: u64,
        /// Bytes between them.
        missing: u64,
    },
    /// It has more than we have.
    Ahead {
        /// The first byte it wants.
        asked: i64,
        /// The last byte we have.
        offset: u64,
    },
    /// The error.
    Error(&'static str),
}

/// What replicas asked the data nodes that run for, the latest first.
#[must_use]
pub fn asked(world: &World, begin: Time) -> Vec<Asked> {
    let mut all = Vec::new();
    for node in world.servers() {
        let Some(status) = world.data_node(node) else { continue };
        for request in status.side.requests {
            let ip = request.replica.ip.parse().ok();
            let replica = ip.and_then(|ip| world.node_at(SocketAddr::new(ip, 0)));
            let (got, why) = match request.decision {
                SyncDecision::Partial { from, reason } => (Got::Partial(from), Why::of(reason)),
                SyncDecision::Full { reason } | SyncDecision::DualChannel { reason } => {
                    (Got::Full, Why::of(reason))
                }
                SyncDecision::Refused { error } => (Got::Refused, Why::Error(error)),
            };
            let asked = Asked {
                at_us: request.at.0.checked_sub(begin.0),
                master: world.name(node).to_owned(),
                replica: replica.map_or(request.replica.ip, |replica| world.name(replica).to_owned()),
                question: match request.question {
                    SyncQuestion::Sync => "SYNC".to_owned(),
                    SyncQuestion::Psync { replid, offset } => {
                        let offset = offset.map_or_else(|| "?".to_owned(), |offset| offset.to_string());
                        format!("PSYNC {} {offset}", shortened(&replid.escape_ascii().to_string()))
                    }
                },
                got,
                why,
            };
            all.push((request.at, asked));
        }
    }
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.into_iter().take(ASKED_MAX).map(|(_, asked)| asked).collect()
}

impl Why {
    fn of(reason: PsyncReason) -> Self {
        match reason {
            PsyncReason::SameHistory { lacks } => Self::SameHistory(lacks),
            PsyncReason::PreviousHistory { lacks } => Self::PreviousHistory(lacks),
            PsyncReason::NothingCached => Self::Nothing,
            PsyncReason::UnknownHistory { asked, replid, .. } => Self::UnknownHistory {
                asked: shortened(&asked.escape_ascii().to_string()),
                replid: shortened(&replid.to_string()),
            },
            PsyncReason::Diverged { asked, second_repl_offset } => {
                Self::Diverged { asked, parted: second_repl_offset }
            }
            PsyncReason::NoBacklog { .. } => Self::NoBacklog,
            PsyncReason::TooOld { asked, first_byte_offset: first } => {
                let missing = first.saturating_sub(u64::try_from(asked).unwrap_or(0));
                Self::TooOld { asked, first, missing }
            }
            PsyncReason::Ahead { asked, master_repl_offset: offset } => Self::Ahead { asked, offset },
        }
    }
}

fn shortened(replid: &str) -> String {
    match replid.char_indices().nth(REPLID_SHOWN) {
        Some((at, _)) => format!("{}…", &replid[..at]),
        None => replid.to_owned(),
    }
}

/// What became of a client's writes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Written {
    /// Its name.
    pub name: String,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Writes that failed or were not answered.
    pub failed: u64,
    /// Of the acknowledged ones that are not lost: how many are on no, one, two … data nodes besides the master.
    pub by_copies: Vec<u64>,
    /// Acknowledged writes that the present master lacks; none while nobody is agreed on as one.
    pub lost: Option<u64>,
    /// The numbers of the first of them.
    pub lost_first: Vec<u64>,
}

/// What became of the writes of each client. Each write is looked for on each data node.
#[must_use]
pub fn written(world: &World) -> Vec<Written> {
    let servers = world.servers().count();
    let of = |writer: NodeId| {
        let counts = world.write_counts(writer)?;
        let mut written = Written {
            name: world.name(writer).to_owned(),
            acknowledged: counts.acknowledged,
            failed: counts.failed,
            by_copies: vec![0; servers.max(1)],
            lost: None,
            lost_first: Vec::new(),
        };
        let skipped = usize::try_from(counts.acknowledged).unwrap_or(usize::MAX).saturating_sub(WRITES_MAX);
        for write in world.writes(writer, skipped) {
            if let Some(is_lost) = write.is_lost {
                *written.lost.get_or_insert(0) += u64::from(is_lost);
                if is_lost {
                    if written.lost_first.len() < NAMED_MAX {
                        written.lost_first.push(write.number);
                    }
                    continue;
                }
            }
            let copies = write.holders.len().saturating_sub(1).min(written.by_copies.len() - 1);
            written.by_copies[copies] += 1;
        }
        Some(written)
    };
    world.writers().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, Speed};
    use crate::picture::tests::engine;

    fn play(engine: &mut Engine, tenths: u32) {
        engine.set_speed(Speed::REAL);
        engine.set_playing(true);
        for _ in 0..tenths {
            engine.tick(100_000, |_| false);
        }
    }

    fn do_all(engine: &mut Engine, lines: &[&str]) {
        for line in lines {
            engine.inject(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    fn latest(engine: &Engine, replica: &str) -> Asked {
        let all = asked(engine.world(), engine.timeline().beginning());
        all.into_iter().find(|asked| asked.replica == replica).expect("it asked")
    }

    #[test]
    fn a_ring_tells_where_everybody_reads() {
        let mut engine = engine();
        play(&mut engine, 20);
        let now = engine.timeline().now();
        let rings = rings(&Picture::of(engine.world(), now, now));
        let ring = rings.iter().find(|ring| ring.name == "redis-1").expect("a master has a backlog");
        assert_eq!((ring.first + ring.histlen, ring.readers.len()), (ring.offset + 1, 2));
        assert!(ring.readers.iter().all(|reader| reader.is_held && reader.ack + reader.lag == ring.offset));
        assert!(ring.strip_first() <= ring.offset);
        let small = Ring { size: 100, ..ring.clone() };
        assert_eq!((small.place(150), small.place(200), small.share(25)), (50_000, 0, 25_000));
        assert_eq!(small.share(u64::MAX), 100_000);
    }

    #[test]
    fn a_short_cut_goes_on_and_a_long_one_begins_anew_and_both_say_why() {
        let mut engine = engine();
        assert_eq!(
            (latest(&engine, "redis-2").got, latest(&engine, "redis-2").why),
            (Got::Full, Why::Nothing)
        );
        play(&mut engine, 5);
        do_all(&mut engine, &["cut redis-1 redis-2", "reset redis-1 redis-2"]);
        play(&mut engine, 10);
        do_all(&mut engine, &["heal"]);
        play(&mut engine, 60);
        let short = latest(&engine, "redis-2");
        assert!(matches!((short.got, &short.why), (Got::Partial(_), Why::SameHistory(_))), "{short:?}");
        do_all(
            &mut engine,
            &[
                "run redis-1 CONFIG SET repl-backlog-size 16384",
                "cut redis-1 redis-2",
                "reset redis-1 redis-2",
            ],
        );
        play(&mut engine, 10);
        let big = format!("run redis-1 SET big {}", "x".repeat(40_000));
        do_all(&mut engine, &[big.as_str(); 5]);
        play(&mut engine, 10);
        do_all(&mut engine, &["heal"]);
        play(&mut engine, 60);
        let long = latest(&engine, "redis-2");
        assert!(matches!((long.got, &long.why), (Got::Full, Why::TooOld { missing: 1.., .. })), "{long:?}");
        assert!(long.question.starts_with("PSYNC ") && long.question.contains('…'), "{long:?}");
    }

    #[test]
    fn writes_are_counted_by_their_copies_and_lost_ones_are_named() {
        let mut engine = engine();
        play(&mut engine, 20);
        let calm = &written(engine.world())[0];
        assert_eq!(calm.by_copies.iter().sum::<u64>(), calm.acknowledged);
        assert!(calm.by_copies[2] > 10 && calm.lost == Some(0), "{calm:?}");
        do_all(&mut engine, &["cut redis-1 redis-2", "cut redis-1 redis-3"]);
        play(&mut engine, 10);
        assert!(written(engine.world())[0].by_copies[0] > 5);
        do_all(&mut engine, &["off redis-1"]);
        play(&mut engine, 150);
        let after = &written(engine.world())[0];
        assert!(after.lost.is_some_and(|lost| lost > 5), "{after:?}");
        assert_eq!(after.lost_first.len() as u64, after.lost.unwrap_or_default().min(NAMED_MAX as u64));
    }
}
