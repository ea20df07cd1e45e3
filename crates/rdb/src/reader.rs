//! Reads an RDB from bytes in any pieces (`rdb.c: rdbLoadRioWithLoadingCtx`).

use bytes::Bytes;

use crate::error::{RdbError, RdbErrorKind, Stop};
use crate::event::{Checksum, KeyMeta, ModuleId, RdbEvent};
use crate::input::{Input, Slot};
use crate::opcode::{self, CHECKSUM_SINCE, REDIS_VERSION_MAX, VALKEY_VERSION, ValueType};
use crate::record::Record;
use crate::stream_entry::{StreamEntry, item};
use crate::value_reader::{FIRST, Found, ModuleOpcode, Place, SECOND, ValueReader, module_opcode};

/// What a reader accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RdbLimits {
    /// The longest string, a packed container being one.
    pub string_len_max: u64,
    /// The most elements of one value.
    pub elements_max: u64,
    /// How many databases there are.
    pub databases: u64,
    /// Whether to compute the checksum and compare it (`rdbchecksum yes`).
    pub verify_checksum: bool,
}

impl Default for RdbLimits {
    /// As Redis: whatever memory holds, checksums verified. The number of databases is left open.
    fn default() -> Self {
        Self {
            string_len_max: u64::MAX,
            elements_max: u64::MAX,
            databases: u64::from(u32::MAX),
            verify_checksum: true,
        }
    }
}

#[derive(Clone, Debug)]
enum State {
    Header,
    Opcode,
    AuxKey,
    AuxValue,
    Function,
    ModuleAux {
        module: ModuleId,
        when: u64,
    },
    ModuleAuxString {
        module: ModuleId,
        when: u64,
    },
    Key {
        value_type: ValueType,
    },
    Value(ValueReader),
    Checksum,
    /// The end of a file, or of the one value of a payload.
    End,
    Failed(RdbError),
}

/// What a step of the file is: its strings are in the input's slots.
#[derive(Debug)]
enum Ready {
    Plain(RdbEvent<'static>),
    Aux,
    Function,
    Key(ValueType),
    Value(Found),
}

/// Reads an RDB: push bytes, pull events.
///
/// ```
/// use picket_rdb::{RdbEvent, RdbLimits, RdbReader};
///
/// let mut reader = RdbReader::new(RdbLimits::default());
/// reader.push(b"REDIS0009\xfe\x03\x00\x01k\x02a".as_slice());
/// while let Some(event) = reader.next()? {
///     println!("{event:?}");
/// }
/// reader.push(b"b\xff\0\0\0\0\0\0\0\0".as_slice());
/// let Some(RdbEvent::String(value)) = reader.next()? else { panic!("the value is complete") };
/// assert_eq!(value.into_vec(), b"ab");
/// while reader.next()?.is_some() {}
/// reader.finish()?;
/// # Ok::<(), picket_rdb::RdbError>(())
/// ```
#[derive(Clone, Debug)]
pub struct RdbReader {
    input: Input,
    limits: RdbLimits,
    state: State,
    version: u32,
    meta: KeyMeta,
    is_payload: bool,
}

impl RdbReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new(limits: RdbLimits) -> Self {
        Self {
            input: Input::new(limits.string_len_max, limits.verify_checksum),
            limits,
            state: State::Header,
            version: 0,
            meta: KeyMeta::default(),
            is_payload: false,
        }
    }

    /// A reader of one value of a DUMP payload, without its footer, which was verified.
    pub(crate) fn of_value(value_type: ValueType, value: Bytes, limits: RdbLimits) -> Self {
        let mut reader = Self::new(RdbLimits { verify_checksum: false, ..limits });
        reader.is_payload = true;
        reader.state = State::Value(ValueReader::new(value_type, limits.elements_max));
        reader.push(value);
        reader
    }

    /// A reader of records without header and end: those of a payload of functions, without its footer.
    pub(crate) fn of_records(records: Bytes, version: u32, limits: RdbLimits) -> Self {
        let mut reader = Self::new(RdbLimits { verify_checksum: false, ..limits });
        reader.is_payload = true;
        reader.state = State::Opcode;
        reader.version = version;
        reader.push(records);
        reader
    }

    /// Takes the next bytes. They are kept until they are understood, and not copied.
    pub fn push(&mut self, bytes: impl Into<Bytes>) {
        self.input.push(bytes.into());
    }

    /// The next event; none when more bytes are needed, and after the end.
    ///
    /// # Errors
    /// When the bytes are no RDB. That is final: every later call returns it again.
    #[expect(clippy::should_implement_trait, reason = "events borrow from the reader")]
    pub fn next(&mut self) -> Result<Option<RdbEvent<'_>>, RdbError> {
        match self.advance() {
            Ok(ready) => Ok(ready.map(|ready| self.event(ready))),
            Err(Stop::More) => Ok(None),
            Err(Stop::Bad(kind)) => {
                let error = RdbError { offset: self.input.fault_offset(), kind };
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// No more bytes will come.
    ///
    /// # Errors
    /// When the end was not reached, or was and bytes are left behind a payload's value.
    pub fn finish(&mut self) -> Result<(), RdbError> {
        let kind = match self.state {
            State::Failed(error) => return Err(error),
            State::End if !self.is_payload || self.input.is_empty() => return Ok(()),
            // Between two records a payload of functions may end.
            State::Opcode if self.is_payload && self.input.is_empty() => return Ok(()),
            State::End => RdbErrorKind::TrailingBytes,
            _ => RdbErrorKind::UnexpectedEof,
        };
        Err(RdbError { offset: self.input.offset(), kind })
    }

    /// Whether the end was reached.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Bytes understood so far.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The bytes behind the end: what a master sends after an RDB of unknown length.
    pub fn take_rest(&mut self) -> impl Iterator<Item = Bytes> + use<> {
        self.input.take_rest()
    }

    /// Reads on until there is something to tell; none after the end.
    fn advance(&mut self) -> Result<Option<Ready>, Stop> {
        loop {
            match &mut self.state {
                State::Header => {
                    let version = self.input.record(header)?;
                    self.version = version;
                    self.state = State::Opcode;
                    return Ok(Some(Ready::Plain(RdbEvent::Header { version })));
                }
                State::Opcode => {
                    if let Some(event) = self.opcode()? {
                        return Ok(Some(Ready::Plain(event)));
                    }
                }
                State::AuxKey => {
                    self.input.string(FIRST)?;
                    self.state = State::AuxValue;
                }
                State::AuxValue => {
                    self.input.string(SECOND)?;
                    self.state = State::Opcode;
                    return Ok(Some(Ready::Aux));
                }
                State::Function => {
                    self.input.string(FIRST)?;
                    self.state = State::Opcode;
                    return Ok(Some(Ready::Function));
                }
                State::ModuleAux { module, when } => {
                    let (module, when) = (*module, *when);
                    match module_opcode(&mut self.input)? {
                        ModuleOpcode::End => {
                            self.state = State::Opcode;
                            return Ok(Some(Ready::Plain(RdbEvent::ModuleAux { module, when })));
                        }
                        ModuleOpcode::Skipped => {}
                        ModuleOpcode::String => self.state = State::ModuleAuxString { module, when },
                    }
                }
                State::ModuleAuxString { module, when } => {
                    self.input.skip_string()?;
                    self.state = State::ModuleAux { module: *module, when: *when };
                }
                State::Key { value_type } => {
                    let value_type = *value_type;
                    self.input.string(FIRST)?;
                    self.state = State::Value(ValueReader::new(value_type, self.limits.elements_max));
                    return Ok(Some(Ready::Key(value_type)));
                }
                State::Value(value) => {
                    let found = value.step(&mut self.input)?;
                    if matches!(found, Found::End) {
                        self.state = if self.is_payload { State::End } else { State::Opcode };
                        self.input.slots = [Slot::Empty, Slot::Empty];
                    }
                    return Ok(Some(Ready::Value(found)));
                }
                State::Checksum => return self.checksum().map(|event| Some(Ready::Plain(event))),
                State::End => return Ok(None),
                State::Failed(error) => return Err(error.kind.into()),
            }
        }
    }

    /// Reads one opcode with what belongs to it, as far as that is no string.
    fn opcode(&mut self) -> Result<Option<RdbEvent<'static>>, Stop> {
        let Self { input, meta, limits, state, version, .. } = self;
        let valkey = *version > REDIS_VERSION_MAX;
        let databases = limits.databases;
        let (event, next) = input.record(|record| {
            let mut event = None;
            let mut next = State::Opcode;
            match record.u8()? {
                opcode::SLOT_INFO => {
                    let (slot, keys, expires) = (record.len()?, record.len()?, record.len()?);
                    event = Some(RdbEvent::SlotInfo { slot, keys, expires });
                }
                opcode::SLOT_IMPORT if valkey => return Err(RdbErrorKind::SlotImport.into()),
                opcode::FUNCTION2 => next = State::Function,
                opcode::FUNCTION_PRE_GA => return Err(RdbErrorKind::FunctionPreGa.into()),
                opcode::MODULE_AUX => {
                    let module = ModuleId(record.len()?);
                    // What stands here is written as an unsigned number of a module's value.
                    match record.len()? {
                        2 => next = State::ModuleAux { module, when: record.len()? },
                        other => return Err(RdbErrorKind::BadModuleOpcode(other).into()),
                    }
                }
                opcode::IDLE => meta.idle_s = Some(record.len()?),
                opcode::FREQ => meta.freq = Some(record.u8()?),
                opcode::AUX => next = State::AuxKey,
                opcode::RESIZEDB => {
                    let (keys, expires) = (record.len()?, record.len()?);
                    event = Some(RdbEvent::ResizeDb { keys, expires });
                }
                opcode::EXPIRETIME_MS => {
                    meta.expire_at_ms = Some(i64::from_le_bytes(record.fixed()?));
                }
                opcode::EXPIRETIME => {
                    let seconds = i32::from_le_bytes(record.fixed()?);
                    meta.expire_at_ms = Some(i64::from(seconds) * 1000);
                }
                opcode::SELECTDB => {
                    let db = record.len()?;
                    if db >= databases {
                        return Err(RdbErrorKind::DbOutOfRange { db, databases }.into());
                    }
                    event = Some(RdbEvent::SelectDb { db });
                }
                opcode::EOF => next = State::Checksum,
                byte => next = State::Key { value_type: ValueType::from_byte(byte, valkey)? },
            }
            Ok((event, next))
        })?;
        *state = next;
        Ok(event)
    }

    fn checksum(&mut self) -> Result<RdbEvent<'static>, Stop> {
        if self.version < CHECKSUM_SINCE {
            self.state = State::End;
            return Ok(RdbEvent::Eof(Checksum::Absent));
        }
        // Before reading on: what follows does not belong to it.
        let computed = self.input.checksum();
        let expected = u64::from_le_bytes(self.input.fixed()?);
        let checksum = match computed {
            None => Checksum::Off,
            Some(_) if expected == 0 => Checksum::Off,
            Some(computed) if computed == expected => Checksum::Verified,
            Some(computed) => return Err(RdbErrorKind::WrongChecksum { expected, computed }.into()),
        };
        self.state = State::End;
        Ok(RdbEvent::Eof(checksum))
    }

    /// Puts the strings into an event.
    fn event(&mut self, ready: Ready) -> RdbEvent<'_> {
        let found = match ready {
            Ready::Plain(event) => return event,
            Ready::Aux => {
                let (piece, [first, second]) = self.input.parts();
                return RdbEvent::Aux { key: first.take(piece), value: second.take(piece) };
            }
            Ready::Function => {
                let (piece, [first, _]) = self.input.parts();
                return RdbEvent::Function { source: first.take(piece) };
            }
            Ready::Key(value_type) => {
                let meta = core::mem::take(&mut self.meta);
                let (piece, [first, _]) = self.input.parts();
                return RdbEvent::Key { key: first.take(piece), meta, value_type };
            }
            Ready::Value(found) => found,
        };
        let input = &mut self.input;
        match found {
            Found::String => {
                let (piece, [first, _]) = input.parts();
                RdbEvent::String(first.take(piece))
            }
            Found::ListElement(place) => RdbEvent::ListElement(one(input, place)),
            Found::SetMember(place) => RdbEvent::SetMember(one(input, place)),
            Found::ZSetMember(place, score) => RdbEvent::ZSetMember { member: one(input, place), score },
            Found::HashField(Place::Packed(field), Place::Packed(value), expire_at_ms) => {
                let blob = input.bytes(SECOND);
                RdbEvent::HashField { field: item(blob, field), value: item(blob, value), expire_at_ms }
            }
            Found::HashField(_, _, expire_at_ms) => {
                let (piece, [first, second]) = input.parts();
                RdbEvent::HashField { field: first.take(piece), value: second.take(piece), expire_at_ms }
            }
            Found::StreamEntry(entry) => RdbEvent::StreamEntry(StreamEntry::new(entry, input.bytes(SECOND))),
            Found::StreamMeta(meta) => RdbEvent::StreamMeta(*meta),
            Found::StreamGroup(group) => RdbEvent::StreamGroup(*group),
            Found::Module(id) => RdbEvent::ModuleValue(id),
            Found::End => RdbEvent::ValueEnd,
        }
    }
}

fn one(input: &mut Input, place: Place) -> crate::RdbStr<'_> {
    match place {
        Place::Packed(found) => item(input.bytes(SECOND), found),
        Place::Slot(slot) => {
            let (piece, slots) = input.parts();
            slots[slot].take(piece)
        }
    }
}

/// `REDIS` and four digits, or `VALKEY` and three.
fn header(record: &mut Record<'_>) -> Result<u32, Stop> {
    let header: [u8; 9] = record.fixed()?;
    let (digits, valkey) = match &header {
        [b'R', b'E', b'D', b'I', b'S', digits @ ..] => (digits.as_slice(), false),
        [b'V', b'A', b'L', b'K', b'E', b'Y', digits @ ..] => (digits.as_slice(), true),
        _ => return Err(RdbErrorKind::WrongSignature.into()),
    };
    let mut version = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return Err(RdbErrorKind::WrongSignature.into());
        }
        version = version * 10 + u32::from(digit - b'0');
    }
    let known = if valkey { version == VALKEY_VERSION } else { (1..=REDIS_VERSION_MAX).contains(&version) };
    if known { Ok(version) } else { Err(RdbErrorKind::Version(version).into()) }
}
