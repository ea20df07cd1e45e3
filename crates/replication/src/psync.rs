//! May a replica go on from where it was? (`replication.c: masterTryPartialResync`)

use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use picket_resp::quote;

use crate::{Backlog, History, ReplId};

/// What `PSYNC id offset` asks for, and what the asker can understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PsyncAsker<'a> {
    /// The history it knows, or `?`.
    pub replid: &'a [u8],
    /// The first byte it wants: one more than it has; -1 with `?`.
    pub offset: i64,
    /// It declared `capa psync2`: it understands a new id in `+CONTINUE`.
    pub psync2: bool,
}

/// What the asker gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PsyncDecision {
    /// The stream goes on.
    Continue {
        /// With the byte of this offset.
        from: u64,
        /// The id to put into `+CONTINUE`; none for an asker that would not understand it.
        replid: Option<ReplId>,
        /// Why it can.
        reason: PsyncReason,
    },
    /// It needs a snapshot.
    Full {
        /// Why.
        reason: PsyncReason,
    },
}

/// Why a PSYNC was decided as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PsyncReason {
    /// It goes on in the current history; that many bytes are sent at once.
    SameHistory {
        /// The bytes it lacks.
        lacks: u64,
    },
    /// It goes on from the history before the last promotion; that many bytes are sent at once.
    PreviousHistory {
        /// The bytes it lacks.
        lacks: u64,
    },
    /// It asked for everything (`?`, or a SYNC).
    NothingCached,
    /// It knows neither of our histories.
    UnknownHistory {
        /// What it asked for, shortened.
        asked: Bytes,
        /// Our history.
        replid: ReplId,
        /// The one before.
        replid2: ReplId,
    },
    /// It has bytes of our previous history that we never had.
    Diverged {
        /// The first byte it wants.
        asked: i64,
        /// The last offset that could be served.
        second_repl_offset: u64,
    },
    /// There is no backlog.
    NoBacklog {
        /// The first byte it wants.
        asked: i64,
    },
    /// The bytes it wants are gone.
    TooOld {
        /// The first byte it wants.
        asked: i64,
        /// The first byte we have.
        first_byte_offset: u64,
    },
    /// It has more than we have.
    Ahead {
        /// The first byte it wants.
        asked: i64,
        /// The bytes we have.
        master_repl_offset: u64,
    },
}

/// Decides `PSYNC`. Pure: what follows from a decision (a new history for the first replica, counters, the
/// snapshot) is the caller's.
#[must_use]
pub fn decide_psync(history: &History, backlog: Option<&Backlog>, asker: PsyncAsker<'_>) -> PsyncDecision {
    match check(history, backlog, asker) {
        Ok((from, reason)) => {
            PsyncDecision::Continue { from, replid: asker.psync2.then_some(history.replid), reason }
        }
        Err(reason) => PsyncDecision::Full { reason },
    }
}

fn check(
    history: &History,
    backlog: Option<&Backlog>,
    asker: PsyncAsker<'_>,
) -> Result<(u64, PsyncReason), PsyncReason> {
    let asked = asker.offset;
    let current = history.replid.is_named(asker.replid);
    if !current {
        if asker.replid.starts_with(b"?") {
            return Err(PsyncReason::NothingCached);
        }
        let previous = history.second_repl_offset.filter(|_| history.replid2.is_named(asker.replid));
        let Some(second_repl_offset) = previous else {
            return Err(PsyncReason::UnknownHistory {
                asked: Bytes::copy_from_slice(&asker.replid[..asker.replid.len().min(ReplId::LEN)]),
                replid: history.replid,
                replid2: history.replid2,
            });
        };
        if asked > i64::try_from(second_repl_offset).unwrap_or(i64::MAX) {
            return Err(PsyncReason::Diverged { asked, second_repl_offset });
        }
    }
    let Some(backlog) = backlog else {
        return Err(PsyncReason::NoBacklog { asked });
    };
    let first_byte_offset = backlog.first_byte_offset();
    let Some(from) = u64::try_from(asked).ok().filter(|from| *from >= first_byte_offset) else {
        return Err(PsyncReason::TooOld { asked, first_byte_offset });
    };
    if !backlog.covers(from) {
        return Err(PsyncReason::Ahead { asked, master_repl_offset: backlog.stream_offset() });
    }
    let lacks = backlog.stream_offset() + 1 - from;
    let reason =
        if current { PsyncReason::SameHistory { lacks } } else { PsyncReason::PreviousHistory { lacks } };
    Ok((from, reason))
}

impl PsyncDecision {
    /// Why.
    #[must_use]
    pub fn reason(&self) -> &PsyncReason {
        match self {
            Self::Continue { reason, .. } | Self::Full { reason } => reason,
        }
    }

    /// The line that accepts; none for a full synchronisation, whose line waits for the snapshot.
    #[must_use]
    pub fn continue_line(&self) -> Option<Bytes> {
        let Self::Continue { replid, .. } = self else { return None };
        let mut line = BytesMut::from(&b"+CONTINUE"[..]);
        if let Some(replid) = replid {
            line.put_u8(b' ');
            line.put_slice(replid.as_bytes());
        }
        line.put_slice(b"\r\n");
        Some(line.freeze())
    }
}

impl fmt::Display for PsyncReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameHistory { lacks } => write!(f, "same replication ID, {lacks} bytes missing"),
            Self::PreviousHistory { lacks } => {
                write!(f, "replication ID from before the last promotion, {lacks} bytes missing")
            }
            Self::NothingCached => f.write_str("the replica has nothing to continue from"),
            Self::UnknownHistory { asked, replid, replid2 } => write!(
                f,
                "Replication ID mismatch (Replica asked for {}, my replication IDs are '{replid}' and '{replid2}')",
                quote(asked).replace('"', "'"),
            ),
            Self::Diverged { asked, second_repl_offset } => write!(
                f,
                "Requested offset for second ID was {asked}, but I can reply up to {second_repl_offset}"
            ),
            Self::NoBacklog { asked } => write!(f, "no backlog (Replica request was: {asked})"),
            Self::TooOld { asked, first_byte_offset } => {
                write!(
                    f,
                    "lack of backlog (Replica request was: {asked}, the backlog begins at {first_byte_offset})"
                )
            }
            Self::Ahead { asked, master_repl_offset } => {
                write!(
                    f,
                    "the replica is ahead (Replica request was: {asked}, the stream ends at {master_repl_offset})"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    const CURRENT: ReplId = ReplId::filled(b'a');
    const PREVIOUS: ReplId = ReplId::filled(b'b');

    /// A node that was promoted at offset 1200; its stream ends at 2000 and its backlog begins at 1001.
    fn node() -> (History, Backlog) {
        let mut backlog = Backlog::new(1 << 20, 1000);
        backlog.append(&vec![b'x'; 1000]);
        let history = History {
            replid: CURRENT,
            replid2: PREVIOUS,
            master_repl_offset: 2000,
            second_repl_offset: Some(1201),
        };
        (history, backlog)
    }

    fn decide(replid: &[u8], offset: i64) -> PsyncDecision {
        let (history, backlog) = node();
        decide_psync(&history, Some(&backlog), PsyncAsker { replid, offset, psync2: true })
    }

    #[track_caller]
    fn check(replid: &[u8], offset: i64, expected: &PsyncReason) {
        let decision = decide(replid, offset);
        assert_eq!(decision.reason(), expected);
        let accepted =
            matches!(expected, PsyncReason::SameHistory { .. } | PsyncReason::PreviousHistory { .. });
        assert_eq!(matches!(decision, PsyncDecision::Continue { .. }), accepted);
        if let PsyncDecision::Continue { from, .. } = decision {
            assert_eq!(i64::try_from(from), Ok(offset));
        }
    }

    #[test]
    fn boundaries_of_the_current_history() {
        let id = CURRENT.as_bytes();
        check(id, 1001, &PsyncReason::SameHistory { lacks: 1000 });
        check(id, 1500, &PsyncReason::SameHistory { lacks: 501 });
        check(id, 2001, &PsyncReason::SameHistory { lacks: 0 });
        check(&id.to_ascii_uppercase(), 2000, &PsyncReason::SameHistory { lacks: 1 });
        check(id, 1000, &PsyncReason::TooOld { asked: 1000, first_byte_offset: 1001 });
        for asked in [0, -1, i64::MIN] {
            check(id, asked, &PsyncReason::TooOld { asked, first_byte_offset: 1001 });
        }
        check(id, 2002, &PsyncReason::Ahead { asked: 2002, master_repl_offset: 2000 });
        check(id, i64::MAX, &PsyncReason::Ahead { asked: i64::MAX, master_repl_offset: 2000 });
    }

    #[test]
    fn boundaries_of_the_previous_history() {
        let id = PREVIOUS.as_bytes();
        check(id, 1001, &PsyncReason::PreviousHistory { lacks: 1000 });
        check(id, 1200, &PsyncReason::PreviousHistory { lacks: 801 });
        check(&id.to_ascii_uppercase(), 1201, &PsyncReason::PreviousHistory { lacks: 800 });
        check(id, 1202, &PsyncReason::Diverged { asked: 1202, second_repl_offset: 1201 });
        check(id, 1000, &PsyncReason::TooOld { asked: 1000, first_byte_offset: 1001 });
    }

    #[test]
    fn other_histories_and_none() {
        check(b"?", -1, &PsyncReason::NothingCached);
        let other = ReplId::filled(b'c');
        let unknown = |asked: &[u8]| PsyncReason::UnknownHistory {
            asked: Bytes::copy_from_slice(asked),
            replid: CURRENT,
            replid2: PREVIOUS,
        };
        check(other.as_bytes(), 1500, &unknown(other.as_bytes()));
        check(b"", 1500, &unknown(b""));

        let (mut history, backlog) = node();
        history.replid2 = ReplId::NONE;
        history.second_repl_offset = None;
        let zeros = PsyncAsker { replid: ReplId::NONE.as_bytes(), offset: 1500, psync2: true };
        let decision = decide_psync(&history, Some(&backlog), zeros);
        assert!(matches!(decision.reason(), PsyncReason::UnknownHistory { .. }), "zeros name no history");

        let same = PsyncAsker { replid: CURRENT.as_bytes(), offset: 1, psync2: true };
        let decision = decide_psync(&history, None, same);
        assert_eq!(decision, PsyncDecision::Full { reason: PsyncReason::NoBacklog { asked: 1 } });
        assert_eq!(decision.continue_line(), None);
    }

    #[test]
    fn the_id_is_told_to_those_who_understand_it() {
        let (history, backlog) = node();
        let mut asker = PsyncAsker { replid: CURRENT.as_bytes(), offset: 1500, psync2: true };
        let line = decide_psync(&history, Some(&backlog), asker).continue_line().expect("accepted");
        assert_eq!(line, alloc::format!("+CONTINUE {CURRENT}\r\n"));
        asker.psync2 = false;
        let line = decide_psync(&history, Some(&backlog), asker).continue_line().expect("accepted");
        assert_eq!(line, "+CONTINUE\r\n");
    }

    #[test]
    fn reasons_say_what_is_wrong() {
        let text = decide(b"evil\n\"id", 1).reason().to_string();
        assert!(text.starts_with("Replication ID mismatch (Replica asked for 'evil\\n\\'id', my"), "{text}");
        assert!(
            decide(PREVIOUS.as_bytes(), 1300)
                .reason()
                .to_string()
                .contains("was 1300, but I can reply up to 1201")
        );
    }
}
