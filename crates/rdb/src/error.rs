//! What can be wrong with an RDB, in words an operator can use.

use crate::container_error::{Container, ContainerFault};

/// Why a file or payload cannot be read, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (offset {offset})")]
pub struct RdbError {
    /// Bytes understood before the fault; inside a packed container, the end of the container's string.
    pub offset: u64,
    /// What is wrong.
    pub kind: RdbErrorKind,
}

/// What is wrong with an RDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RdbErrorKind {
    /// It does not begin with `REDIS` and four digits, or Valkey's form of that.
    #[error("Wrong signature trying to load DB from file")]
    WrongSignature,
    /// It is of a version that is not known here.
    #[error("Can't handle RDB format version {0}")]
    Version(u32),
    /// Neither an opcode nor a value type.
    #[error("unknown type or opcode {0}")]
    UnknownType(u8),
    /// A value of a type that this build leaves out.
    #[error("values of type {0} are left out of this build")]
    TypeLeftOut(u8),
    /// A module value of the 4.0 release candidates (type 6).
    #[error("module values of Redis 4.0 release candidates are not supported")]
    ModulePreGa,
    /// Functions as the 7.0 release candidates wrote them (opcode 246).
    #[error("functions of Redis 7.0 release candidates are not supported")]
    FunctionPreGa,
    /// A slot that Valkey was just importing (opcode 243): cluster mode only.
    #[error("slot imports of a cluster are not supported")]
    SlotImport,
    /// A length in no valid form, or a string encoding where only a length may stand.
    #[error("a length begins with byte {0:#04x}")]
    BadLength(u8),
    /// A string longer than [`RdbLimits::string_len_max`](crate::RdbLimits::string_len_max).
    #[error("a string of {len} bytes is longer than the limit of {max}")]
    StringTooLong {
        /// Its length.
        len: u64,
        /// The limit.
        max: u64,
    },
    /// More elements in one value than [`RdbLimits::elements_max`](crate::RdbLimits::elements_max).
    #[error("a value has more than {max} elements")]
    TooManyElements {
        /// The limit.
        max: u64,
    },
    /// A database number that the server is not configured for.
    #[error("database {db} is out of range, there are {databases}")]
    DbOutOfRange {
        /// The number in the file.
        db: u64,
        /// How many databases there are.
        databases: u64,
    },
    /// Compressed bytes that do not give the announced string.
    #[error("a compressed string is corrupt")]
    BadLzf,
    /// A packed container is corrupt.
    #[error("a {container} is corrupt at its byte {at}: {fault}")]
    BadContainer {
        /// The kind of container.
        container: Container,
        /// What is wrong with it.
        fault: ContainerFault,
        /// Where in the container.
        at: u64,
    },
    /// A quicklist node that is neither plain (1) nor packed (2).
    #[error("a list node is of unknown form {0}")]
    BadListNode(u64),
    /// Text that is no number, or NaN, where a score belongs.
    #[error("a score is not a valid number")]
    BadScore,
    /// An expiry of a hash field that is negative or above 2^48 - 1 milliseconds.
    #[error("the expiry of a hash field is out of range")]
    BadFieldExpiry,
    /// The member, field or stream entry came before in the same value.
    #[error("the same member comes twice in one value")]
    DuplicateMember,
    /// A stream node's key is not an id of 16 bytes.
    #[error("a stream node has a key of {0} bytes instead of 16")]
    BadStreamNodeId(u64),
    /// A stream node without entries, or one whose counts are not those of its entries.
    #[error("a stream node has other entries than it announces")]
    BadStreamNode,
    /// Entries of a stream that do not ascend, or exceed its last id.
    #[error("the entries of a stream are out of order")]
    StreamOrder,
    /// The stream's length is not the number of its entries.
    #[error("a stream announces {announced} entries and has {found}")]
    StreamLength {
        /// As announced.
        announced: u64,
        /// As found.
        found: u64,
    },
    /// Two groups, two consumers or two pending entries of the same name.
    #[error("a group, consumer or pending entry of a stream comes twice")]
    DuplicateInGroup,
    /// A consumer has a pending entry that its group does not know.
    #[error("a consumer's pending entry is not pending in its group")]
    UnknownPending,
    /// A pending entry belongs to no consumer.
    #[error("a pending entry belongs to no consumer")]
    PendingWithoutConsumer,
    /// A module's value is not made of the known opcodes.
    #[error("unknown opcode {0} in the value of a module")]
    BadModuleOpcode(u64),
    /// The bytes were changed on their way or on the disk.
    #[error("RDB CRC error, expected {expected:016x} but computed {computed:016x}")]
    WrongChecksum {
        /// As the file says.
        expected: u64,
        /// As its bytes give.
        computed: u64,
    },
    /// The bytes ended too early.
    #[error("unexpected end of the RDB")]
    UnexpectedEof,
    /// A payload of functions holds something else.
    #[error("the given type is not a function")]
    NoFunction,
    /// A payload goes on behind its value.
    #[error("bytes are left behind the value")]
    TrailingBytes,
}

/// Why a step cannot go on: for want of bytes, or for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    More,
    Bad(RdbErrorKind),
}

impl From<RdbErrorKind> for Stop {
    fn from(kind: RdbErrorKind) -> Self {
        Self::Bad(kind)
    }
}
