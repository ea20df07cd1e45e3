//! What can be wrong with a packed container.

use core::fmt;

use crate::error::RdbErrorKind;

/// The packed containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Since 7.0 (streams: since 5.0).
    Listpack,
    /// Up to 6.2.
    Ziplist,
    /// Sets of integers.
    Intset,
    /// Hashes before 2.6.
    Zipmap,
}

impl fmt::Display for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Listpack => "listpack",
            Self::Ziplist => "ziplist",
            Self::Intset => "intset",
            Self::Zipmap => "zipmap",
        })
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContainerFault {
    /// The header's total is not the length of the string, or there is no room for a header.
    Length,
    /// The last byte is not the end mark, or the mark comes early.
    End,
    /// The header's count is not the number of elements.
    Count,
    /// An element goes beyond the container or has no valid encoding.
    Element,
    /// The length by which an element is found from behind is not its length.
    BackLength,
    /// The header points elsewhere than to the last element.
    Tail,
    /// Pairs or triplets are incomplete.
    Odd,
    /// The integers do not ascend.
    Order,
    /// An integer is expected and something else came.
    NotAnInteger,
}

impl fmt::Display for ContainerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "its total length is wrong",
            Self::End => "its end mark is not at its end",
            Self::Count => "its count is wrong",
            Self::Element => "an element is damaged",
            Self::BackLength => "an element's backward length is wrong",
            Self::Tail => "its last element is elsewhere",
            Self::Odd => "elements are missing",
            Self::Order => "its integers do not ascend",
            Self::NotAnInteger => "an element is not an integer",
        })
    }
}

impl Container {
    /// The error for a fault at byte `at` of this container.
    pub(crate) fn fault(self, fault: ContainerFault, at: usize) -> RdbErrorKind {
        RdbErrorKind::BadContainer { container: self, fault, at: at as u64 }
    }
}
