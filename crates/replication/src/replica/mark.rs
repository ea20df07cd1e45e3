//! Finding the end of a diskless payload: 40 bytes that the header announced.

use alloc::vec::Vec;

use bytes::Bytes;

/// Bytes of a mark.
pub(crate) const MARK_LEN: usize = 40;

/// Looks for the mark in bytes that arrive in any pieces. A byte is looked at a bounded number of times, most
/// bytes never (Horspool's skips); what is surely not part of the mark is passed on at once and uncopied.
#[derive(Clone, Debug)]
pub(crate) struct MarkScanner {
    mark: [u8; MARK_LEN],
    /// How far the search may jump when this byte stands under the mark's last one.
    skip: [u8; 256],
    /// The bytes held back are the first `held` of the mark.
    held: usize,
}

impl MarkScanner {
    pub(crate) fn new(mark: [u8; MARK_LEN]) -> Self {
        let mut skip = [MARK_LEN as u8; 256];
        for (at, byte) in mark.iter().enumerate().take(MARK_LEN - 1) {
            skip[usize::from(*byte)] = (MARK_LEN - 1 - at) as u8;
        }
        Self { mark, skip, held: 0 }
    }

    /// Takes the payload out of `bytes`. True when the mark was found; `bytes` is then what follows it, and
    /// empty otherwise.
    pub(crate) fn scan(&mut self, bytes: &mut Bytes, payload: &mut Vec<Bytes>) -> bool {
        if self.held > 0 {
            // The mark may have begun in what is held back: then it ends within the next 40 bytes.
            let held = self.held;
            let taken = bytes.len().min(MARK_LEN);
            let mut window = [0; 2 * MARK_LEN];
            window[..held].copy_from_slice(&self.mark[..held]);
            window[held..held + taken].copy_from_slice(&bytes[..taken]);
            let window = &window[..held + taken];
            if let Some(at) = self.find(window) {
                self.release(at.min(held), payload);
                push(payload, bytes.split_to(at.saturating_sub(held)));
                let rest_of_mark = MARK_LEN - held.saturating_sub(at);
                let _ = bytes.split_to(rest_of_mark);
                return true;
            }
            if taken == bytes.len() {
                let keep = self.begun_in(window);
                let passed = window.len() - keep;
                self.release(passed.min(held), payload);
                push(payload, bytes.slice(..passed.saturating_sub(held)));
                bytes.clear();
                self.held = keep;
                return false;
            }
            self.release(held, payload);
        }
        if let Some(at) = self.find(bytes) {
            push(payload, bytes.split_to(at));
            let _ = bytes.split_to(MARK_LEN);
            return true;
        }
        self.held = self.begun_in(bytes);
        push(payload, bytes.slice(..bytes.len() - self.held));
        bytes.clear();
        false
    }

    /// Passes on the first `count` of the bytes held back and forgets the others, which the caller still has.
    fn release(&mut self, count: usize, payload: &mut Vec<Bytes>) {
        push(payload, Bytes::copy_from_slice(&self.mark[..count]));
        self.held = 0;
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        let mut last = MARK_LEN - 1;
        while let Some(byte) = bytes.get(last) {
            let start = last + 1 - MARK_LEN;
            if *byte == self.mark[MARK_LEN - 1] && bytes[start..=last] == self.mark {
                return Some(start);
            }
            last += usize::from(self.skip[usize::from(*byte)]);
        }
        None
    }

    /// How many of the last bytes may be the beginning of the mark.
    fn begun_in(&self, bytes: &[u8]) -> usize {
        (1..MARK_LEN).rev().find(|len| bytes.ends_with(&self.mark[..*len])).unwrap_or(0)
    }
}

fn push(payload: &mut Vec<Bytes>, bytes: Bytes) {
    if !bytes.is_empty() {
        payload.push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mark_of(bytes: &[u8]) -> [u8; MARK_LEN] {
        bytes.try_into().expect("40 bytes")
    }

    /// Cuts `input` at `cuts` and returns the payload and what follows the mark.
    fn run(mark: [u8; MARK_LEN], input: &[u8], cuts: &[usize]) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut scanner = MarkScanner::new(mark);
        let mut payload = Vec::new();
        let mut rest: Option<Vec<u8>> = None;
        let mut start = 0;
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
        cuts.push(input.len());
        cuts.sort_unstable();
        for cut in cuts {
            let mut bytes = Bytes::copy_from_slice(&input[start..cut]);
            start = cut;
            match &mut rest {
                Some(rest) => rest.extend_from_slice(&bytes),
                None => {
                    let found = scanner.scan(&mut bytes, &mut payload);
                    assert!(found || bytes.is_empty());
                    rest = found.then(|| bytes.to_vec());
                }
            }
        }
        (payload.concat(), rest)
    }

    fn first(mark: &[u8], input: &[u8]) -> Option<usize> {
        input.windows(MARK_LEN).position(|window| window == mark)
    }

    proptest! {
        /// Two letters only, so that the mark's beginnings are everywhere in the data.
        #[test]
        fn the_first_mark_ends_the_payload_however_it_is_cut(
            mark in prop::collection::vec(prop::sample::select(b"ab".as_slice()), MARK_LEN),
            parts in prop::collection::vec((0..=MARK_LEN, prop::collection::vec(prop::sample::select(b"abc".as_slice()), 0..30)), 0..6),
            with_mark: bool,
            after in prop::collection::vec(any::<u8>(), 0..60),
            cuts in prop::collection::vec(any::<usize>(), 0..12),
        ) {
            let mut input = Vec::new();
            for (beginning, noise) in &parts {
                input.extend_from_slice(&mark[..*beginning]);
                input.extend_from_slice(noise);
            }
            if with_mark {
                input.extend_from_slice(&mark);
            }
            input.extend_from_slice(&after);
            let (payload, rest) = run(mark_of(&mark), &input, &cuts);
            match first(&mark, &input) {
                Some(at) => {
                    prop_assert!(payload == input[..at]);
                    prop_assert_eq!(rest, Some(input[at + MARK_LEN..].to_vec()));
                }
                None => {
                    prop_assert_eq!(rest, None);
                    prop_assert!(input.starts_with(&payload));
                    let held = &input[payload.len()..];
                    prop_assert!(held.len() < MARK_LEN && mark.starts_with(held));
                }
            }
        }
    }

    #[test]
    fn byte_by_byte() {
        let mark = mark_of(b"0123456789abcdef0123456789abcdef01234567");
        let mut input = b"data 0123456789abcdef0123456789abcdef0123456x".to_vec();
        input.extend_from_slice(&mark);
        input.extend_from_slice(b"*1\r\n");
        let cuts: Vec<usize> = (0..input.len()).collect();
        let (payload, rest) = run(mark, &input, &cuts);
        assert_eq!(payload, b"data 0123456789abcdef0123456789abcdef0123456x");
        assert_eq!(rest.as_deref(), Some(&b"*1\r\n"[..]));
    }

    #[test]
    fn bytes_that_cannot_be_the_mark_are_not_copied() {
        let mut scanner = MarkScanner::new([b'm'; MARK_LEN]);
        let mut bytes = Bytes::from(alloc::vec![b'x'; 4096]);
        let start = bytes.as_ptr();
        let mut payload = Vec::new();
        assert!(!scanner.scan(&mut bytes, &mut payload));
        assert_eq!((payload.len(), payload[0].len(), payload[0].as_ptr()), (1, 4096, start));
    }
}
