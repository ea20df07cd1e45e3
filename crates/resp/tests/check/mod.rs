//! What must hold for any bytes at all. The property tests, the replay of the fuzz corpus and the
//! fuzz targets (`fuzz/fuzz_targets`) call the same two functions.

use bytes::BytesMut;
use picket_resp::{
    Protocol, ProtocolError, Reply, ReplyDecoder, ReplyError, ReplyLimits, RequestBuffer, RequestParser,
    command,
};

type Requests = (Vec<Vec<Vec<u8>>>, Option<ProtocolError>, u64);
type Replies = (Vec<Reply>, Option<ReplyError>);

/// Requests: the first two bytes choose the pieces and the settings, the rest is what the client sends.
pub(crate) fn request(data: &[u8]) {
    let [pieces, settings, stream @ ..] = data else {
        return;
    };
    let set_up = |parser: &mut RequestParser| {
        parser.set_authenticated(settings & 1 == 0);
        parser.set_max_bulk_len(if settings & 2 == 0 { 4096 } else { u64::MAX });
    };
    let whole = parse(stream, &[stream.len()], set_up);
    assert_eq!(parse(stream, &cuts(*pieces, stream.len()), set_up), whole, "pieces make a difference");
    assert_eq!(
        parse_owned(stream, &cuts(*pieces, stream.len()), *settings),
        whole,
        "owning makes a difference"
    );
    for args in &whole.0 {
        let again = parse(&command(args), &[usize::MAX], |parser| parser.set_max_bulk_len(u64::MAX));
        assert_eq!(again.0, std::slice::from_ref(args), "a request does not survive encoding");
    }
}

/// Replies: the first two bytes choose the pieces and the limits, the rest is what the server sends.
pub(crate) fn reply(data: &[u8]) {
    let [pieces, settings, stream @ ..] = data else {
        return;
    };
    let limits = match settings & 1 {
        0 => ReplyLimits::default(),
        _ => ReplyLimits { bulk_len_max: 32, elements_max: 16, depth_max: 4, frame_len_max: 128 },
    };
    let whole = decode(stream, &[stream.len()], limits);
    assert_eq!(decode(stream, &cuts(*pieces, stream.len()), limits), whole, "pieces make a difference");
    for reply in &whole.0 {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let bytes = encode(reply, protocol);
            let (again, error) = decode(&bytes, &[bytes.len()], ReplyLimits::default());
            assert_eq!((again.len(), error), (1, None), "one reply became another number of them: {reply:?}");
            assert_eq!(encode(&again[0], protocol), bytes, "a reply does not survive encoding");
        }
    }
}

/// The reply's bytes.
pub(crate) fn encode(reply: &Reply, protocol: Protocol) -> BytesMut {
    let mut out = BytesMut::new();
    reply.encode(protocol, &mut out);
    out
}

/// The lengths of the reads that bring `len` bytes: all alike for a small `seed`, else mixed.
pub(crate) fn cuts(seed: u8, len: usize) -> Vec<usize> {
    let mut state = u32::from(seed);
    let (mut cuts, mut sum) = (Vec::new(), 0);
    while sum < len {
        let cut = match seed {
            0..=15 => usize::from(seed) + 1,
            _ => {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as usize % usize::from(seed) + 1
            }
        };
        cuts.push(cut);
        sum += cut;
    }
    cuts
}

/// The replies in `stream`, which arrives in pieces of these lengths.
pub(crate) fn decode(stream: &[u8], cuts: &[usize], limits: ReplyLimits) -> Replies {
    let mut decoder = ReplyDecoder::with_limits(limits);
    let mut replies = Vec::new();
    for piece in pieces(stream, cuts) {
        decoder.extend(piece);
        loop {
            match decoder.next() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.next(), Err(error.clone()), "an error is final");
                    return (replies, Some(error));
                }
            }
        }
    }
    (replies, None)
}

/// The requests in `stream` and the bytes they took, read with the bare parser.
pub(crate) fn parse(stream: &[u8], cuts: &[usize], set_up: impl Fn(&mut RequestParser)) -> Requests {
    let mut parser = RequestParser::new();
    set_up(&mut parser);
    let (mut buf, mut requests, mut taken) = (Vec::new(), Vec::new(), 0);
    for piece in pieces(stream, cuts) {
        buf.extend_from_slice(piece);
        loop {
            let consumed = match parser.parse(&buf) {
                Ok(Some(request)) => {
                    assert_eq!(request.iter().len(), request.len());
                    requests.push(request.iter().map(<[u8]>::to_vec).collect());
                    request.consumed()
                }
                Ok(None) => {
                    let skipped = parser.take_skipped();
                    buf.drain(..skipped);
                    taken += skipped as u64;
                    break;
                }
                Err(error) => {
                    assert_eq!(parser.parse(&buf), Err(error), "an error is final");
                    // What was skipped before an error is not counted: nobody goes on from there.
                    return (requests, Some(error), 0);
                }
            };
            buf.drain(..consumed);
            taken += consumed as u64;
        }
    }
    (requests, None, taken)
}

/// As [`parse`], read with the owning buffer in both its forms.
fn parse_owned(stream: &[u8], cuts: &[usize], settings: u8) -> Requests {
    let mut buffer = RequestBuffer::new();
    buffer.set_authenticated(settings & 1 == 0);
    buffer.set_max_bulk_len(if settings & 2 == 0 { 4096 } else { u64::MAX });
    let mut requests: Vec<Vec<Vec<u8>>> = Vec::new();
    for piece in pieces(stream, cuts) {
        buffer.extend(piece);
        loop {
            let result = if requests.len().is_multiple_of(3) {
                buffer
                    .next()
                    .map(|request| request.map(|request| request.iter().map(<[u8]>::to_vec).collect()))
            } else {
                buffer.next_owned().map(|request| {
                    request.map(|request| request.args().iter().map(|arg| arg.to_vec()).collect())
                })
            };
            match result {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(error) => return (requests, Some(error), 0),
            }
        }
    }
    let (taken, pending) = (buffer.taken(), buffer.pending_len());
    assert_eq!(taken + pending as u64, stream.len() as u64, "bytes were lost");
    assert_eq!(buffer.take_pending(), stream[stream.len() - pending..]);
    (requests, None, taken)
}

fn pieces<'a>(stream: &'a [u8], cuts: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = stream;
    cuts.iter().map(move |cut| {
        let (piece, tail) = rest.split_at((*cut).min(rest.len()));
        rest = tail;
        piece
    })
}
