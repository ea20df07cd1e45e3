//! The command stream of a master: whole commands, whole transactions, and how far it has been applied
//! (`networking.c: processInputBuffer, commandProcessed`).

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use bytes::{Bytes, BytesMut};
use picket_resp::{ProtocolError, RequestParser, quote};

/// One command of the stream. Clones share its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamCommand {
    raw: Bytes,
    args: Vec<Range<usize>>,
}

impl StreamCommand {
    /// Number of arguments, the command's name included; at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is always a name")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Argument `index`, 0 being the command's name.
    ///
    /// # Panics
    /// When `index` is not below [`StreamCommand::len`].
    #[must_use]
    pub fn arg(&self, index: usize) -> &[u8] {
        &self.raw[self.args[index].clone()]
    }

    /// Argument `index` as a value that shares the received bytes.
    ///
    /// # Panics
    /// When `index` is not below [`StreamCommand::len`].
    #[must_use]
    pub fn arg_bytes(&self, index: usize) -> Bytes {
        self.raw.slice(self.args[index].clone())
    }

    /// The arguments in order, the command's name first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        self.args.iter().map(|arg| &self.raw[arg.clone()])
    }

    /// The command as it came, with empty lines before it, if any: what the offset advances by.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    fn is(&self, name: &[u8]) -> bool {
        self.arg(0).eq_ignore_ascii_case(name)
    }
}

/// The name and the length; arguments are users' data.
impl fmt::Display for StreamCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.arg(0);
        write!(f, "{} {} args {} bytes", quote(&name[..name.len().min(64)]), self.len(), self.raw.len())
    }
}

impl fmt::Debug for StreamCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What to do with bytes of the stream, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamStep {
    /// Execute this command.
    Apply(StreamCommand),
    /// Everything before this point is applied: these bytes belong to the stream as it is now.
    Advance(Vec<Bytes>),
    /// The master wants to know how far we are, now.
    GetAck {
        /// Bytes applied before the request.
        reploff: u64,
    },
}

/// Bytes that no master sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// Not RESP.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// A command that is not an array.
    #[error("inline command in the replication stream")]
    Inline,
}

/// Reads the stream from a known offset on.
#[derive(Clone, Debug)]
pub(crate) struct StreamReader {
    reploff: u64,
    db: u32,
    parser: RequestParser,
    /// The beginning of a command whose end has not arrived.
    partial: BytesMut,
    transaction: Option<Transaction>,
}

/// A MULTI whose EXEC has not arrived.
#[derive(Clone, Debug, Default)]
struct Transaction {
    commands: Vec<StreamCommand>,
    /// Its bytes from earlier chunks.
    raw: Vec<Bytes>,
    len: u64,
}

impl StreamReader {
    /// A reader of a stream of which `reploff` bytes are applied, with `db` selected there.
    pub(crate) fn new(reploff: u64, db: u32) -> Self {
        let mut parser = RequestParser::new();
        parser.set_max_bulk_len(u64::MAX);
        Self { reploff, db, parser, partial: BytesMut::new(), transaction: None }
    }

    /// Bytes applied.
    pub(crate) fn reploff(&self) -> u64 {
        self.reploff
    }

    /// Bytes received, applied or not.
    pub(crate) fn read_reploff(&self) -> u64 {
        self.reploff + self.transaction.as_ref().map_or(0, |held| held.len) + self.partial.len() as u64
    }

    /// The selected database.
    pub(crate) fn db(&self) -> u32 {
        self.db
    }

    /// Reads everything that is complete. After an error nothing more can be read; the steps before it count.
    pub(crate) fn read(&mut self, bytes: Bytes, steps: &mut Vec<StreamStep>) -> Result<(), StreamError> {
        let mut run = Run { chunk: bytes, done: 0, at: 0, pieces: Vec::new() };
        let result = self.read_commands(&mut run, steps);
        if let Some(transaction) = &mut self.transaction {
            let (begun, end) = (run.done, run.at);
            if end > begun {
                transaction.raw.push(run.chunk.slice(begun..end));
            }
            run.at = run.done;
        }
        run.flush(steps);
        result
    }

    fn read_commands(&mut self, run: &mut Run, steps: &mut Vec<StreamStep>) -> Result<(), StreamError> {
        if !self.partial.is_empty() {
            // The command whose beginning is here stays in the growing buffer until it is complete.
            self.partial.extend_from_slice(&run.chunk);
            run.chunk = Bytes::new();
            let Some((args, consumed)) = parse(&mut self.parser, &self.partial)? else {
                self.skip_blank(run, steps);
                return Ok(());
            };
            run.chunk = core::mem::take(&mut self.partial).freeze();
            self.take(args, consumed, run, steps);
        }
        while run.at < run.chunk.len() {
            let Some((args, consumed)) = parse(&mut self.parser, &run.chunk[run.at..])? else {
                self.partial.extend_from_slice(&run.chunk[run.at..]);
                self.skip_blank(run, steps);
                return Ok(());
            };
            self.take(args, consumed, run, steps);
        }
        Ok(())
    }

    /// Empty lines count like bytes of commands: a peer that sends nothing else fills no memory.
    fn skip_blank(&mut self, run: &mut Run, steps: &mut Vec<StreamStep>) {
        let skipped = self.parser.take_skipped();
        if skipped == 0 {
            return;
        }
        let blank = self.partial.split_to(skipped).freeze();
        match &mut self.transaction {
            Some(transaction) => {
                let before = run.chunk.slice(run.done..run.at);
                run.done = run.at;
                transaction.len += skipped as u64;
                transaction.raw.extend([before, blank].into_iter().filter(|bytes| !bytes.is_empty()));
            }
            None => {
                run.flush(steps);
                self.reploff += skipped as u64;
                steps.push(StreamStep::Advance(alloc::vec![blank]));
            }
        }
    }

    fn take(&mut self, args: Vec<Range<usize>>, consumed: usize, run: &mut Run, steps: &mut Vec<StreamStep>) {
        let command = StreamCommand { raw: run.chunk.slice(run.at..run.at + consumed), args };
        if let Some(transaction) = &mut self.transaction {
            run.at += consumed;
            transaction.len += consumed as u64;
            let ends = command.is(b"EXEC");
            let dropped = command.is(b"DISCARD");
            transaction.commands.push(command);
            if !(ends || dropped) {
                return;
            }
            let Transaction { commands, raw, len } = self.transaction.take().unwrap_or_default();
            if ends {
                for command in commands {
                    self.apply(command, steps);
                }
            }
            if !raw.is_empty() {
                run.pieces.extend(raw);
            }
            self.reploff += len;
            return;
        }
        if command.is(b"MULTI") {
            // What was applied before it is told now, so that the transaction's bytes stay together.
            run.flush(steps);
            run.at += consumed;
            self.transaction =
                Some(Transaction { commands: alloc::vec![command], raw: Vec::new(), len: consumed as u64 });
            return;
        }
        let reploff = self.reploff;
        let is_replconf = command.is(b"REPLCONF");
        if is_replconf && command.len() > 1 && command.arg(1).eq_ignore_ascii_case(b"GETACK") {
            run.flush(steps);
            steps.push(StreamStep::GetAck { reploff });
        } else if !is_replconf {
            self.apply(command, steps);
        }
        run.at += consumed;
        self.reploff += consumed as u64;
    }

    fn apply(&mut self, command: StreamCommand, steps: &mut Vec<StreamStep>) {
        if command.len() == 2 && command.is(b"SELECT") {
            let db = crate::number::parse_u64(command.arg(1)).and_then(|db| u32::try_from(db).ok());
            self.db = db.unwrap_or(self.db);
        }
        steps.push(StreamStep::Apply(command));
    }
}

/// How far a chunk has been read.
struct Run {
    chunk: Bytes,
    /// Bytes of the chunk that were told as applied.
    done: usize,
    /// Bytes of the chunk that were parsed.
    at: usize,
    /// Applied bytes from before the chunk, not yet told.
    pieces: Vec<Bytes>,
}

impl Run {
    /// Tells what was applied since the last time.
    fn flush(&mut self, steps: &mut Vec<StreamStep>) {
        let mut pieces = core::mem::take(&mut self.pieces);
        if self.at > self.done {
            pieces.push(self.chunk.slice(self.done..self.at));
            self.done = self.at;
        }
        if !pieces.is_empty() {
            steps.push(StreamStep::Advance(pieces));
        }
    }
}

/// Where the arguments of the next command stand, and its length.
type Parsed = (Vec<Range<usize>>, usize);

fn parse(parser: &mut RequestParser, buf: &[u8]) -> Result<Option<Parsed>, StreamError> {
    match parser.parse(buf)? {
        Some(request) if request.is_inline() => Err(StreamError::Inline),
        Some(request) => Ok(Some((request.ranges().to_vec(), request.consumed()))),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_resp::command;
    use picket_sansio::Prng;

    /// Names of the applied commands, bytes advanced, and the steps' offsets.
    #[derive(Default)]
    struct Seen {
        names: Vec<Vec<u8>>,
        advanced: Vec<u8>,
        acks: Vec<u64>,
    }

    impl Seen {
        fn add(&mut self, steps: Vec<StreamStep>) {
            for step in steps {
                match step {
                    StreamStep::Apply(command) => self.names.push(command.arg(0).to_vec()),
                    StreamStep::Advance(pieces) => self.advanced.extend(pieces.concat()),
                    StreamStep::GetAck { reploff } => {
                        assert_eq!(reploff, self.advanced.len() as u64, "what is acknowledged was advanced");
                        self.acks.push(reploff);
                    }
                }
            }
        }
    }

    fn stream() -> Vec<u8> {
        let mut out = Vec::new();
        for args in [
            &["SELECT", "3"][..],
            &["SET", "k", "v"],
            &["ping"],
            &["multi"],
            &["SELECT", "5"],
            &["INCR", "k"],
            &["exec"],
            &["REPLCONF", "GETACK", "*"],
            &["MULTI"],
            &["DEL", "k"],
            &["DISCARD"],
            &["SET", "k", "\r\n*1\r\n"],
        ] {
            out.extend_from_slice(&command(args.iter()));
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&command(["SET", "k", "w"]));
        out
    }

    #[test]
    fn any_split_gives_the_same_commands_and_offsets() {
        let stream = stream();
        let mut prng = Prng::new(5);
        for round in 0..2000 {
            let mut reader = StreamReader::new(0, 0);
            let mut seen = Seen::default();
            let mut rest = &stream[..];
            while !rest.is_empty() {
                let most = if round % 3 == 0 { 3 } else { rest.len() as u64 };
                let (now, later) = rest.split_at(1 + prng.below(most.min(rest.len() as u64)) as usize);
                let mut steps = Vec::new();
                reader.read(Bytes::copy_from_slice(now), &mut steps).expect("valid");
                seen.add(steps);
                assert_eq!(reader.reploff(), seen.advanced.len() as u64);
                assert!(stream.starts_with(&seen.advanced));
                rest = later;
                assert_eq!(reader.read_reploff() as usize, stream.len() - rest.len());
            }
            let names: [&[u8]; 9] =
                [b"SELECT", b"SET", b"ping", b"multi", b"SELECT", b"INCR", b"exec", b"SET", b"SET"];
            assert_eq!(seen.names, names, "round {round}");
            assert_eq!(seen.advanced, stream);
            assert_eq!(reader.db(), 5);
            let before_getack = stream.windows(8).position(|w| w == b"REPLCONF").expect("there") - 8;
            assert_eq!(seen.acks, [before_getack as u64]);
        }
    }

    #[test]
    fn a_transaction_counts_at_its_exec() {
        let mut reader = StreamReader::new(100, 0);
        let mut steps = Vec::new();
        let begin = [command(["MULTI"]), command(["SELECT", "7"]), command(["SET", "k", "v"])].concat();
        reader.read(begin.clone().into(), &mut steps).expect("valid");
        assert_eq!((steps.len(), reader.reploff(), reader.db()), (0, 100, 0));
        assert_eq!(reader.read_reploff(), 100 + begin.len() as u64);
        reader.read(command(["EXEC"]), &mut steps).expect("valid");
        assert_eq!(steps.len(), 5);
        assert_eq!((reader.reploff(), reader.db()), (100 + begin.len() as u64 + 14, 7));
    }

    #[test]
    fn what_no_master_sends_is_an_error() {
        for bad in [&b"PING\r\n"[..], b"*1\r\n:1\r\n", b"*x\r\n"] {
            let mut reader = StreamReader::new(0, 0);
            let mut steps = Vec::new();
            let mut bytes = command(["PING"]).to_vec();
            bytes.extend_from_slice(bad);
            assert!(reader.read(bytes.into(), &mut steps).is_err());
            assert_eq!(reader.reploff(), 14, "what came before it counts");
            assert_eq!(steps.len(), 2);
        }
    }

    #[test]
    fn newlines_alone_fill_no_memory() {
        let mut reader = StreamReader::new(0, 0);
        for _ in 0..100 {
            reader.read(Bytes::from_static(b"\r\n\r\n"), &mut Vec::new()).expect("valid");
        }
        assert_eq!((reader.reploff(), reader.partial.len()), (400, 0));
    }
}
