//! Requests to other servers.

use alloc::vec::Vec;

use bytes::{Bytes, BytesMut};

use crate::encode::{put_bulk, put_header};

/// A request as an array of bulk strings, the command's name first.
pub fn command<A: AsRef<[u8]>>(args: impl IntoIterator<Item = A>) -> Bytes {
    let args: Vec<A> = args.into_iter().collect();
    let mut out = BytesMut::new();
    append_command(&mut out, &args);
    out.freeze()
}

/// As [`command`], appended to `out`.
pub fn append_command<A: AsRef<[u8]>>(out: &mut BytesMut, args: &[A]) {
    /// `$`, a length of usual size, and two line ends.
    const USUAL_OVERHEAD: usize = 9;
    out.reserve(args.iter().map(|arg| arg.as_ref().len() + USUAL_OVERHEAD).sum::<usize>() + USUAL_OVERHEAD);
    put_header(out, b'*', args.len() as u64);
    for arg in args {
        put_bulk(out, arg.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_bulk_strings() {
        assert_eq!(command(["SET", "k", ""]), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n");
        assert_eq!(
            command::<&[u8]>([b"\r\n\x00".as_slice()]),
            Bytes::from_static(b"*1\r\n$3\r\n\r\n\x00\r\n")
        );
    }
}
