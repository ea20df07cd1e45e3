//! One of two iterators, for collections that are kept in one of two ways.

/// One of two iterators over the same.
#[derive(Clone, Debug)]
pub(super) enum Either<A, B> {
    /// The first.
    Left(A),
    /// The second.
    Right(B),
}

impl<A: Iterator, B: Iterator<Item = A::Item>> Iterator for Either<A, B> {
    type Item = A::Item;

    fn next(&mut self) -> Option<A::Item> {
        match self {
            Self::Left(items) => items.next(),
            Self::Right(items) => items.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Left(items) => items.size_hint(),
            Self::Right(items) => items.size_hint(),
        }
    }
}
