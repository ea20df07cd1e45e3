//! Reads one value (`rdb.c: rdbLoadObject`), an element at a step.

use alloc::boxed::Box;

use crate::container_error::Container;
use crate::error::{RdbErrorKind, Stop};
use crate::event::ModuleId;
use crate::input::{Input, Slot};
use crate::node_cursor;
use crate::opcode::{FIELD_EXPIRY_MAX, ValueType};
use crate::packed::{Cursor, Item};
use crate::record::Record;
use crate::score::Score;
use crate::stream::{StreamGroup, StreamMeta};
use crate::stream_reader::StreamReader;

/// Strings, members and fields are put into this slot.
pub(crate) const FIRST: usize = 0;
/// Values of fields, and packed containers while they are walked through.
pub(crate) const SECOND: usize = 1;

/// Longer than any text of a double; more is nonsense.
const SCORE_LEN_MAX: u8 = 64;

/// Where an element of a value is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Slot(usize),
    /// In the container in [`SECOND`].
    Packed(Item),
}

/// What a step found.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    String,
    ListElement(Place),
    SetMember(Place),
    ZSetMember(Place, Score),
    HashField(Place, Place, Option<u64>),
    StreamEntry(node_cursor::Found),
    // Boxed, as they are rare and would make every step as large.
    StreamMeta(Box<StreamMeta>),
    StreamGroup(Box<StreamGroup>),
    Module(ModuleId),
    End,
}

/// What one element of a counted value is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    ListElement,
    SetMember,
    ZSetText,
    ZSetBinary,
    HashField,
    /// An expiry before each field: relative to `min_ms` plus one, or absolute if there is none.
    HashTtl {
        min_ms: Option<u64>,
    },
    /// An absolute expiry behind each field.
    HashValkey,
}

/// What the elements of a packed container are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    List,
    Set,
    ZSet,
    Hash,
    HashTtl,
}

/// What of an element was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Nothing,
    Expiry(Option<u64>),
    First(Option<u64>),
    Second(Option<u64>),
}

#[derive(Clone, Debug)]
enum Step {
    Begin,
    String,
    #[cfg(feature = "full")]
    Counted {
        unit: Unit,
        left: u64,
        stage: Stage,
    },
    #[cfg(feature = "full")]
    Node {
        left: u64,
    },
    #[cfg(feature = "full")]
    Node2 {
        left: u64,
    },
    #[cfg(feature = "full")]
    Plain {
        left: u64,
    },
    #[cfg(feature = "full")]
    Blob {
        container: Container,
        shape: Shape,
        left: u64,
    },
    #[cfg(feature = "full")]
    Packed {
        cursor: Cursor,
        shape: Shape,
        left: u64,
    },
    #[cfg(feature = "full")]
    Stream(Box<StreamReader>),
    ModuleOpcode(ModuleId),
    ModuleString(ModuleId),
    End,
}

#[derive(Clone, Debug)]
pub(crate) struct ValueReader {
    value_type: ValueType,
    step: Step,
    elements: u64,
    elements_max: u64,
}

impl ValueReader {
    pub(crate) fn new(value_type: ValueType, elements_max: u64) -> Self {
        Self { value_type, step: Step::Begin, elements: 0, elements_max }
    }

    /// Reads on until something is found. [`Found::End`] is the last.
    pub(crate) fn step(&mut self, input: &mut Input) -> Result<Found, Stop> {
        let found = self.find(input)?;
        if !matches!(found, Found::End | Found::Module(_)) {
            self.elements += 1;
            self.check_elements(self.elements)?;
        }
        Ok(found)
    }

    fn find(&mut self, input: &mut Input) -> Result<Found, Stop> {
        loop {
            match &mut self.step {
                Step::Begin => self.step = self.begin(input)?,
                Step::String => {
                    input.string(FIRST)?;
                    self.step = Step::End;
                    return Ok(Found::String);
                }
                #[cfg(feature = "full")]
                Step::Counted { left: 0, .. } => self.step = Step::End,
                #[cfg(feature = "full")]
                Step::Counted { unit, left, stage } => {
                    let found = element(*unit, stage, input)?;
                    *left -= 1;
                    *stage = Stage::Nothing;
                    return Ok(found);
                }
                #[cfg(feature = "full")]
                Step::Node { left: 0 } | Step::Node2 { left: 0 } => self.step = Step::End,
                #[cfg(feature = "full")]
                Step::Node { left } => {
                    self.step =
                        Step::Blob { container: Container::Ziplist, shape: Shape::List, left: *left - 1 };
                }
                #[cfg(feature = "full")]
                Step::Node2 { left } => {
                    let left = *left - 1;
                    self.step = match input.len()? {
                        1 => Step::Plain { left },
                        2 => Step::Blob { container: Container::Listpack, shape: Shape::List, left },
                        other => return Err(RdbErrorKind::BadListNode(other).into()),
                    };
                }
                #[cfg(feature = "full")]
                Step::Plain { left } => {
                    input.string(FIRST)?;
                    self.step = Step::Node2 { left: *left };
                    return Ok(Found::ListElement(Place::Slot(FIRST)));
                }
                #[cfg(feature = "full")]
                Step::Blob { container, shape, left } => {
                    input.blob(SECOND)?;
                    let cursor = Cursor::new(*container, input.bytes(SECOND))?;
                    self.step = Step::Packed { cursor, shape: *shape, left: *left };
                }
                #[cfg(feature = "full")]
                Step::Packed { cursor, shape, left } => {
                    if let Some(found) = packed(*shape, cursor, input.bytes(SECOND))? {
                        return Ok(found);
                    }
                    input.slots[SECOND] = Slot::Empty;
                    self.step = match self.value_type {
                        ValueType::ListQuicklist => Step::Node { left: *left },
                        ValueType::ListQuicklist2 => Step::Node2 { left: *left },
                        _ => Step::End,
                    };
                }
                #[cfg(feature = "full")]
                Step::Stream(stream) => match stream.step(input)? {
                    Found::End => self.step = Step::End,
                    found => return Ok(found),
                },
                Step::ModuleOpcode(id) => {
                    let id = *id;
                    match module_opcode(input)? {
                        ModuleOpcode::End => {
                            self.step = Step::End;
                            return Ok(Found::Module(id));
                        }
                        ModuleOpcode::Skipped => {}
                        ModuleOpcode::String => self.step = Step::ModuleString(id),
                    }
                }
                Step::ModuleString(id) => {
                    input.skip_string()?;
                    self.step = Step::ModuleOpcode(*id);
                }
                Step::End => return Ok(Found::End),
            }
        }
    }

    /// Reads what stands before the elements.
    fn begin(&self, input: &mut Input) -> Result<Step, Stop> {
        #[cfg(feature = "full")]
        let packed = |container, shape| Step::Blob { container, shape, left: 0 };
        Ok(match self.value_type {
            ValueType::String => Step::String,
            #[cfg(feature = "full")]
            ValueType::List => self.counted(input.len()?, Unit::ListElement)?,
            #[cfg(feature = "full")]
            ValueType::Set => self.counted(input.len()?, Unit::SetMember)?,
            #[cfg(feature = "full")]
            ValueType::ZSet => self.counted(input.len()?, Unit::ZSetText)?,
            #[cfg(feature = "full")]
            ValueType::ZSet2 => self.counted(input.len()?, Unit::ZSetBinary)?,
            #[cfg(feature = "full")]
            ValueType::Hash => self.counted(input.len()?, Unit::HashField)?,
            #[cfg(feature = "full")]
            ValueType::HashMetadataPreGa => self.counted(input.len()?, Unit::HashTtl { min_ms: None })?,
            #[cfg(feature = "full")]
            ValueType::HashValkey => self.counted(input.len()?, Unit::HashValkey)?,
            #[cfg(feature = "full")]
            ValueType::HashMetadata => {
                let (min_ms, len) = input.record(|record| Ok((min_expiry(record)?, record.len()?)))?;
                self.counted(len, Unit::HashTtl { min_ms: Some(min_ms) })?
            }
            #[cfg(feature = "full")]
            ValueType::HashListpackEx => {
                input.record(min_expiry)?;
                packed(Container::Listpack, Shape::HashTtl)
            }
            #[cfg(feature = "full")]
            ValueType::HashListpackExPreGa => packed(Container::Listpack, Shape::HashTtl),
            #[cfg(feature = "full")]
            ValueType::HashZipmap => packed(Container::Zipmap, Shape::Hash),
            #[cfg(feature = "full")]
            ValueType::HashZiplist => packed(Container::Ziplist, Shape::Hash),
            #[cfg(feature = "full")]
            ValueType::HashListpack => packed(Container::Listpack, Shape::Hash),
            #[cfg(feature = "full")]
            ValueType::ListZiplist => packed(Container::Ziplist, Shape::List),
            #[cfg(feature = "full")]
            ValueType::SetIntset => packed(Container::Intset, Shape::Set),
            #[cfg(feature = "full")]
            ValueType::SetListpack => packed(Container::Listpack, Shape::Set),
            #[cfg(feature = "full")]
            ValueType::ZSetZiplist => packed(Container::Ziplist, Shape::ZSet),
            #[cfg(feature = "full")]
            ValueType::ZSetListpack => packed(Container::Listpack, Shape::ZSet),
            #[cfg(feature = "full")]
            ValueType::ListQuicklist => Step::Node { left: input.len()? },
            #[cfg(feature = "full")]
            ValueType::ListQuicklist2 => Step::Node2 { left: input.len()? },
            #[cfg(feature = "full")]
            ValueType::StreamListpacks | ValueType::StreamListpacks2 | ValueType::StreamListpacks3 => {
                Step::Stream(Box::new(StreamReader::new(self.value_type)))
            }
            ValueType::Module2 => Step::ModuleOpcode(ModuleId(input.len()?)),
            #[cfg(not(feature = "full"))]
            other => return Err(RdbErrorKind::TypeLeftOut(other.to_byte()).into()),
        })
    }

    #[cfg(feature = "full")]
    fn counted(&self, len: u64, unit: Unit) -> Result<Step, Stop> {
        self.check_elements(len)?;
        Ok(Step::Counted { unit, left: len, stage: Stage::Nothing })
    }

    fn check_elements(&self, elements: u64) -> Result<(), Stop> {
        if elements > self.elements_max {
            return Err(RdbErrorKind::TooManyElements { max: self.elements_max }.into());
        }
        Ok(())
    }
}

/// Reads one element from where `stage` says.
fn element(unit: Unit, stage: &mut Stage, input: &mut Input) -> Result<Found, Stop> {
    loop {
        *stage = match *stage {
            Stage::Nothing => match unit {
                Unit::HashTtl { min_ms } => Stage::Expiry(relative_expiry(min_ms, input.len()?)?),
                _ => Stage::Expiry(None),
            },
            Stage::Expiry(expiry) => {
                input.string(FIRST)?;
                Stage::First(expiry)
            }
            Stage::First(expiry) => match unit {
                Unit::ListElement => return Ok(Found::ListElement(Place::Slot(FIRST))),
                Unit::SetMember => return Ok(Found::SetMember(Place::Slot(FIRST))),
                Unit::ZSetText => {
                    return Ok(Found::ZSetMember(Place::Slot(FIRST), input.record(text_score)?));
                }
                Unit::ZSetBinary => {
                    let bits = u64::from_le_bytes(input.fixed()?);
                    let score = Score::from_bits(bits).ok_or(RdbErrorKind::BadScore)?;
                    return Ok(Found::ZSetMember(Place::Slot(FIRST), score));
                }
                Unit::HashField | Unit::HashTtl { .. } | Unit::HashValkey => {
                    input.string(SECOND)?;
                    Stage::Second(expiry)
                }
            },
            Stage::Second(expiry) => {
                let expiry = match unit {
                    Unit::HashValkey => valkey_expiry(i64::from_le_bytes(input.fixed()?))?,
                    _ => expiry,
                };
                return Ok(Found::HashField(Place::Slot(FIRST), Place::Slot(SECOND), expiry));
            }
        };
    }
}

/// The next element of a packed container; none at its end.
fn packed(shape: Shape, cursor: &mut Cursor, blob: &[u8]) -> Result<Option<Found>, RdbErrorKind> {
    let Some(first) = cursor.next(blob)? else {
        return Ok(None);
    };
    let place = Place::Packed;
    Ok(Some(match shape {
        Shape::List => Found::ListElement(place(first)),
        Shape::Set => Found::SetMember(place(first)),
        Shape::ZSet => {
            let score = match cursor.partner(blob)? {
                Item::Int(value) => Score::from_int(value),
                Item::Bytes(range) => Score::parse(&blob[range]).ok_or(RdbErrorKind::BadScore)?,
            };
            Found::ZSetMember(place(first), score)
        }
        Shape::Hash => Found::HashField(place(first), place(cursor.partner(blob)?), None),
        Shape::HashTtl => {
            let value = cursor.partner(blob)?;
            let expiry = cursor.int(blob)?;
            let expiry = u64::try_from(expiry).map_err(|_| RdbErrorKind::BadFieldExpiry)?;
            Found::HashField(place(first), place(value), absolute_expiry(expiry)?)
        }
    }))
}

fn text_score(record: &mut Record<'_>) -> Result<Score, Stop> {
    let score = match record.u8()? {
        253 => None,
        254 => Some(Score::INFINITY),
        255 => Some(Score::NEG_INFINITY),
        len @ 0..=SCORE_LEN_MAX => Score::parse(record.bytes(usize::from(len))?),
        _ => None,
    };
    Ok(score.ok_or(RdbErrorKind::BadScore)?)
}

fn min_expiry(record: &mut Record<'_>) -> Result<u64, Stop> {
    let min_ms = u64::from_le_bytes(record.fixed()?);
    // The largest number there is says that no field expires.
    if min_ms > FIELD_EXPIRY_MAX && min_ms != FIELD_EXPIRY_MAX + 1 {
        return Err(RdbErrorKind::BadFieldExpiry.into());
    }
    Ok(min_ms)
}

fn relative_expiry(min_ms: Option<u64>, value: u64) -> Result<Option<u64>, RdbErrorKind> {
    match min_ms {
        Some(min_ms) if value != 0 => {
            absolute_expiry(min_ms.checked_add(value - 1).ok_or(RdbErrorKind::BadFieldExpiry)?)
        }
        _ => absolute_expiry(value),
    }
}

/// Zero is none.
fn absolute_expiry(value: u64) -> Result<Option<u64>, RdbErrorKind> {
    if value > FIELD_EXPIRY_MAX {
        return Err(RdbErrorKind::BadFieldExpiry);
    }
    Ok((value != 0).then_some(value))
}

/// -1 is none, and 0 is a time like any other. What Redis cannot say is brought into its range.
fn valkey_expiry(value: i64) -> Result<Option<u64>, RdbErrorKind> {
    if value == -1 {
        return Ok(None);
    }
    let value = u64::try_from(value).map_err(|_| RdbErrorKind::BadFieldExpiry)?;
    Ok(Some(value.clamp(1, FIELD_EXPIRY_MAX)))
}

/// What stands in a module's value.
pub(crate) enum ModuleOpcode {
    End,
    Skipped,
    /// A string follows.
    String,
}

/// Reads one opcode of a module's value and passes over its operand, if it is no string.
pub(crate) fn module_opcode(input: &mut Input) -> Result<ModuleOpcode, Stop> {
    input.record(|record| {
        match record.len()? {
            0 => return Ok(ModuleOpcode::End),
            1 | 2 => drop(record.len()?),
            3 => drop(record.fixed::<4>()?),
            4 => drop(record.fixed::<8>()?),
            5 => return Ok(ModuleOpcode::String),
            other => return Err(RdbErrorKind::BadModuleOpcode(other).into()),
        }
        Ok(ModuleOpcode::Skipped)
    })
}
