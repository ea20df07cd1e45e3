//! Byte strings that are mostly short: keys, members, fields and small values.

use alloc::boxed::Box;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Deref;

/// The longest string that needs no memory of its own.
const INLINE_LEN_MAX: usize = 22;

/// Bytes in 24 bytes: up to 22 lie in place, more on the heap.
#[derive(Clone)]
pub struct SmallBytes(Repr);

#[derive(Clone)]
enum Repr {
    Inline { len: u8, bytes: [u8; INLINE_LEN_MAX] },
    Heap(Box<[u8]>),
}

impl SmallBytes {
    /// A copy of these bytes.
    #[must_use]
    pub fn of(from: &[u8]) -> Self {
        match u8::try_from(from.len()) {
            Ok(len) if from.len() <= INLINE_LEN_MAX => {
                let mut bytes = [0; INLINE_LEN_MAX];
                bytes[..from.len()].copy_from_slice(from);
                Self(Repr::Inline { len, bytes })
            }
            _ => Self(Repr::Heap(from.into())),
        }
    }

    /// What it takes on the heap.
    pub(crate) fn heap_len(&self) -> u64 {
        Self::heap_len_of(self.len())
    }

    /// The same for so many bytes.
    pub(crate) fn heap_len_of(len: usize) -> u64 {
        if len <= INLINE_LEN_MAX { 0 } else { heap_len(len as u64) }
    }
}

/// What an allocator takes for so many bytes: a header, and steps of 16. The same on every target, since the
/// choice of keys to evict follows from it.
pub(crate) const fn heap_len(len: u64) -> u64 {
    if len == 0 { 0 } else { (len + 8 + 15) & !15 }
}

impl Default for SmallBytes {
    fn default() -> Self {
        Self(Repr::Inline { len: 0, bytes: [0; INLINE_LEN_MAX] })
    }
}

impl Deref for SmallBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Repr::Heap(bytes) => bytes,
        }
    }
}

impl AsRef<[u8]> for SmallBytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for SmallBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.escape_ascii())
    }
}

impl PartialEq for SmallBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SmallBytes {}

impl PartialOrd for SmallBytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SmallBytes {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn bytes_come_back_at_every_length() {
        for len in [0, 1, 21, 22, 23, 24, 255, 256, 300] {
            let bytes = vec![7; len];
            let small = SmallBytes::of(&bytes);
            assert_eq!(&small[..], &bytes[..]);
            assert_eq!(small.heap_len() > 0, len > INLINE_LEN_MAX);
        }
        assert!(SmallBytes::of(&[1; 30]) < SmallBytes::of(&[2]));
        assert_eq!(size_of::<SmallBytes>(), 24);
        assert_eq!(size_of::<Option<SmallBytes>>(), 24);
    }
}
