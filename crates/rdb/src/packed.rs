//! Walking through a packed container (listpack, ziplist, intset, zipmap), element by element.
//!
//! Every element is checked as it is reached, and the header's count and lengths at the end.

use core::ops::Range;

use crate::container_error::{Container, ContainerFault};
use crate::error::RdbErrorKind;
use crate::{intset, listpack, ziplist, zipmap};

/// An element: bytes of the container, or an integer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Bytes(Range<usize>),
    Int(i64),
}

/// A fault and where it is.
pub(crate) type Fault = (ContainerFault, usize);

/// What a container's header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    /// Where the first element is.
    pub(crate) first: usize,
    /// The number of elements, if the header can hold it.
    pub(crate) count: Option<u64>,
}

/// A place in a container. The container's bytes are given to each call.
#[derive(Clone, Debug)]
pub(crate) struct Cursor {
    container: Container,
    at: usize,
    /// Start of the element before `at`; the header's end before the first.
    last: usize,
    seen: u64,
    count: Option<u64>,
}

impl Cursor {
    /// Checks the header.
    pub(crate) fn new(container: Container, blob: &[u8]) -> Result<Self, RdbErrorKind> {
        let header = match container {
            Container::Listpack => listpack::header(blob),
            Container::Ziplist => ziplist::header(blob),
            Container::Intset => intset::header(blob),
            Container::Zipmap => zipmap::header(blob),
        };
        let header = header.map_err(|(fault, at)| container.fault(fault, at))?;
        Ok(Self { container, at: header.first, last: header.first, seen: 0, count: header.count })
    }

    /// The next element, or none at a well-formed end.
    pub(crate) fn next(&mut self, blob: &[u8]) -> Result<Option<Item>, RdbErrorKind> {
        let next = match self.container {
            Container::Listpack => listpack::item(blob, self.at),
            Container::Ziplist => ziplist::item(blob, self.at, self.at - self.last),
            Container::Intset => intset::item(blob, self.at),
            Container::Zipmap => zipmap::item(blob, self.at, self.seen % 2 == 1),
        };
        match next.map_err(|(fault, at)| self.container.fault(fault, at))? {
            Some((item, next)) => {
                self.seen += 1;
                self.last = self.at;
                self.at = next;
                Ok(Some(item))
            }
            None => self.end(blob).map(|()| None),
        }
    }

    /// As [`Cursor::next`], where there must be one.
    pub(crate) fn partner(&mut self, blob: &[u8]) -> Result<Item, RdbErrorKind> {
        let at = self.at;
        self.next(blob)?.ok_or(self.container.fault(ContainerFault::Odd, at))
    }

    /// As [`Cursor::partner`], where there must be an integer.
    pub(crate) fn int(&mut self, blob: &[u8]) -> Result<i64, RdbErrorKind> {
        match self.partner(blob)? {
            Item::Int(value) => Ok(value),
            Item::Bytes(range) => Err(self.container.fault(ContainerFault::NotAnInteger, range.start)),
        }
    }

    /// Where the next element begins.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// A cursor on elements that were walked before.
    pub(crate) fn resume(container: Container, at: usize) -> Self {
        Self { container, at, last: at, seen: 0, count: None }
    }

    fn end(&self, blob: &[u8]) -> Result<(), RdbErrorKind> {
        if self.count.is_some_and(|count| count != self.seen) {
            return Err(self.container.fault(ContainerFault::Count, self.at));
        }
        if self.container == Container::Ziplist && ziplist::tail(blob) != self.last {
            return Err(self.container.fault(ContainerFault::Tail, self.at));
        }
        Ok(())
    }
}

/// `N` bytes at `at`.
pub(crate) fn bytes_at<const N: usize>(blob: &[u8], at: usize) -> Result<[u8; N], Fault> {
    blob.get(at..).and_then(<[u8]>::first_chunk).copied().ok_or((ContainerFault::Element, at))
}

/// The range of `len` bytes at `at`, before the end mark.
pub(crate) fn range_at(blob: &[u8], at: usize, len: usize) -> Result<Range<usize>, Fault> {
    match at.checked_add(len) {
        Some(end) if end < blob.len() => Ok(at..end),
        _ => Err((ContainerFault::Element, at)),
    }
}

/// Is the byte at `at` the end mark, and is it the last?
pub(crate) fn is_end(blob: &[u8], at: usize) -> Result<bool, Fault> {
    match blob.get(at) {
        Some(0xff) if at + 1 == blob.len() => Ok(true),
        Some(0xff) | None => Err((ContainerFault::End, at)),
        Some(_) => Ok(false),
    }
}
