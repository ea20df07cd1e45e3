//! Replies: their form in both protocols, round trips, limits, and redis-protocol as a second opinion.

#[allow(dead_code, reason = "shared by several tests")]
mod check;

use bytes::{Bytes, BytesMut};
use check::encode;
use picket_resp::{Protocol, Reply, ReplyDecoder, ReplyError, ReplyLimits};
use proptest::collection::vec;
use proptest::prelude::*;
use redis_protocol::resp3::types::{BytesFrame, VerbatimStringFormat};

#[test]
fn every_reply_has_its_form_in_both_protocols() {
    #[track_caller]
    fn check(reply: &Reply, resp2: &str, resp3: &str) {
        assert_eq!(encode(reply, Protocol::Resp2), resp2);
        assert_eq!(encode(reply, Protocol::Resp3), resp3);
    }
    #[track_caller]
    fn same(reply: &Reply, both: &str) {
        check(reply, both, both);
    }
    same(&Reply::ok(), "+OK\r\n");
    same(&Reply::error("ERR no"), "-ERR no\r\n");
    same(&Reply::error("ERR a\r\nb\rc\n\r\n"), "-ERR a  b c\r\n");
    same(&Reply::simple("\r\n"), "+\r\n");
    same(&Reply::int(0), ":0\r\n");
    same(&Reply::int(i64::MIN), ":-9223372036854775808\r\n");
    same(&Reply::int(999_999_999_999_999_999_i64), ":999999999999999999\r\n");
    same(&Reply::bulk("a\r\nb"), "$4\r\na\r\nb\r\n");
    same(&Reply::bulk(""), "$0\r\n\r\n");
    same(&Reply::array(["a", "b"]), "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    same(&Reply::Array(vec![]), "*0\r\n");
    check(&Reply::text("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
    check(&Reply::Null, "$-1\r\n", "_\r\n");
    check(&Reply::NullArray, "*-1\r\n", "_\r\n");
    check(&Reply::from(true), ":1\r\n", "#t\r\n");
    check(&Reply::from(false), ":0\r\n", "#f\r\n");
    check(&Reply::Double("3.14".into()), "$4\r\n3.14\r\n", ",3.14\r\n");
    check(&Reply::BigNumber("-12".into()), "$3\r\n-12\r\n", "(-12\r\n");
    check(&Reply::set([1_u32]), "*1\r\n:1\r\n", "~1\r\n:1\r\n");
    check(&Reply::push(["x"]), "*1\r\n$1\r\nx\r\n", ">1\r\n$1\r\nx\r\n");
    check(
        &Reply::map([("z", Reply::int(1)), ("a", Reply::map([("k", Reply::Null)]))]),
        "*4\r\n$1\r\nz\r\n:1\r\n$1\r\na\r\n*2\r\n$1\r\nk\r\n$-1\r\n",
        "%2\r\n$1\r\nz\r\n:1\r\n$1\r\na\r\n%1\r\n$1\r\nk\r\n_\r\n",
    );
}

#[track_caller]
fn decoded(bytes: &[u8]) -> Vec<Reply> {
    let (replies, error) = check::decode(bytes, &[bytes.len()], ReplyLimits::default());
    assert_eq!(error, None);
    replies
}

#[test]
fn every_type_is_decoded() {
    assert_eq!(decoded(b"+OK\r\n-ERR x\r\n:-5\r\n"), [Reply::ok(), Reply::error("ERR x"), Reply::int(-5)]);
    assert_eq!(decoded(b"$-1\r\n*-1\r\n_\r\n"), [Reply::Null, Reply::NullArray, Reply::Null]);
    assert_eq!(decoded(b"#t\r\n#f\r\n"), [Reply::Bool(true), Reply::Bool(false)]);
    assert_eq!(decoded(b",1.50\r\n,inf\r\n"), [Reply::Double("1.50".into()), Reply::Double("inf".into())]);
    assert_eq!(decoded(b"(-123456789012345678901\r\n"), [Reply::BigNumber("-123456789012345678901".into())]);
    assert_eq!(decoded(b"!6\r\nERR\r\nx\r\n"), [Reply::error("ERR\r\nx")]);
    assert_eq!(
        decoded(b"=6\r\ntxt:hi\r\n=4\r\nxyz:\r\n"),
        [Reply::text("hi"), Reply::Verbatim(*b"xyz", Bytes::new())]
    );
    assert_eq!(decoded(b"-ERR \xff\r\n"), [Reply::Error(Bytes::from_static(b"ERR \xff"))]);
    assert_eq!(
        decoded(b">2\r\n+message\r\n*0\r\n"),
        [Reply::push([Reply::simple("message"), Reply::Array(vec![])])]
    );
}

#[test]
fn maps_and_sets_keep_order_and_duplicates() {
    assert_eq!(
        decoded(b"%3\r\n+z\r\n:1\r\n+a\r\n:2\r\n+z\r\n:3\r\n"),
        [Reply::map([(Reply::simple("z"), 1_u32), (Reply::simple("a"), 2), (Reply::simple("z"), 3)])]
    );
    assert_eq!(decoded(b"~3\r\n:2\r\n:1\r\n:2\r\n"), [Reply::set([2_u32, 1, 2])]);
    // A key that redis-protocol could not hash.
    assert_eq!(decoded(b"%1\r\n%0\r\n*0\r\n"), [Reply::map([(Reply::Map(vec![]), Reply::Array(vec![]))])]);
}

#[test]
fn attributes_are_skipped_wherever_they_stand() {
    assert_eq!(decoded(b"|1\r\n+ttl\r\n:1\r\n+OK\r\n"), [Reply::ok()]);
    assert_eq!(decoded(b"|0\r\n|1\r\n+a\r\n*1\r\n|0\r\n:1\r\n+OK\r\n"), [Reply::ok()]);
    assert_eq!(
        decoded(b"*2\r\n|1\r\n+a\r\n+b\r\n:1\r\n:2\r\n:3\r\n"),
        [Reply::array([1_u32, 2]), Reply::int(3)]
    );
    // Attributes without the value that they belong to are no reply yet.
    assert_eq!(decoded(b"|1\r\n+a\r\n+b\r\n"), []);
    assert_eq!(decoded(b"*1\r\n|1\r\n+a\r\n+b\r\n"), []);
}

#[track_caller]
fn refused(limits: ReplyLimits, bytes: &[u8]) -> String {
    let (replies, error) = check::decode(bytes, &[bytes.len()], limits);
    assert_eq!(replies, []);
    let error = error.expect("refused");
    let pieces = vec![1; bytes.len()];
    assert_eq!(check::decode(bytes, &pieces, limits), (vec![], Some(error.clone())), "byte by byte");
    error.to_string()
}

#[test]
fn bad_replies_are_refused_in_plain_words() {
    let table: &[(&[u8], &str)] = &[
        (b"PING\r\n", "expected the start of a reply, got 'P'"),
        (b"\r\n", "expected the start of a reply, got '\\r'"),
        (b"$x\r\n", "expected a length after '$', got \"x\""),
        (b"$-2\r\n", "expected a length after '$', got \"-2\""),
        (b"%-1\r\n", "expected a length after '%', got \"-1\""),
        (b"$\r\n", "expected a length after '$', got \"\""),
        (b"=3\r\ntxt\r\n", "expected a length after '=', got \"3\""),
        (b"=4\r\ntxt.\r\n", "invalid value of type '=': expected a format of three letters and a colon"),
        (b"$2\r\nabc\r\n", "expected the end of a string of 2 bytes, got other bytes"),
        (b"*?\r\n", "streamed replies ('*' of unknown length) are not supported"),
        (b"$?\r\n", "streamed replies ('$' of unknown length) are not supported"),
        (b".\r\n", "streamed replies ('.' of unknown length) are not supported"),
        (b";4\r\n", "streamed replies (';' of unknown length) are not supported"),
        (b"_x\r\n", "invalid value of type '_': expected nothing after '_'"),
        (b"(1x\r\n", "invalid value of type '(': expected an integer"),
        (b"(-\r\n", "invalid value of type '(': expected an integer"),
    ];
    for (bytes, message) in table {
        assert_eq!(refused(ReplyLimits::default(), bytes), *message);
    }
    for bytes in
        [&b":x\r\n"[..], b":9223372036854775808\r\n", b":\r\n", b"#x\r\n", b",x\r\n", b"*1\r\n:\xff\r\n"]
    {
        let message = refused(ReplyLimits::default(), bytes);
        assert!(message.starts_with("invalid value of type '"), "{message}");
    }
    let long = [b":", [b'1'; 67].as_slice()].concat();
    assert_eq!(refused(ReplyLimits::default(), &long), "a line of type ':' is longer than 64 bytes");
}

#[test]
fn limits_are_kept_before_the_bytes_arrive() {
    let limits = ReplyLimits { bulk_len_max: 8, elements_max: 10, depth_max: 3, frame_len_max: 64 };
    assert_eq!(refused(limits, b"$9\r\n"), "a string of 9 bytes is longer than the limit of 8");
    assert_eq!(refused(limits, b"+123456789\r\n"), "a line of type '+' is longer than 8 bytes");
    assert_eq!(refused(limits, b"*10\r\n"), "a reply of at least 11 values is above the limit of 10");
    assert_eq!(refused(limits, b"%9223372036854775807\r\n").split(' ').nth(5), Some("18446744073709551615"));
    assert_eq!(refused(limits, b"*1\r\n*1\r\n*1\r\n*1\r\n"), "a reply is nested deeper than the limit of 3");
    let frame = b"*9\r\n$8\r\n12345678\r\n$8\r\n12345678\r\n$8\r\n12345678\r\n$8\r\n12345678\r\n$8\r\n";
    assert_eq!(refused(limits, frame), "a reply is longer than the limit of 64 bytes");
    let attributes = [b"|0\r\n".as_slice(); 20].concat();
    assert_eq!(refused(limits, &attributes), "a reply is longer than the limit of 64 bytes");
    // What keeps them all is decoded.
    let fine = b"*1\r\n*1\r\n*1\r\n$8\r\n12345678\r\n";
    assert_eq!(check::decode(fine, &[fine.len()], limits).1, None);
}

#[test]
fn depth_is_bounded_whatever_is_asked_for() {
    let limits = ReplyLimits { depth_max: u32::MAX, ..ReplyLimits::default() };
    let nested = |depth| [b"*1\r\n".repeat(depth), b":1\r\n".to_vec()].concat();
    assert_eq!(check::decode(&nested(128), &[usize::MAX], limits).0.len(), 1);
    assert_eq!(refused(limits, &nested(129)), "a reply is nested deeper than the limit of 128");
}

#[test]
fn pending_bytes_can_be_taken_for_another_protocol() {
    let mut decoder = ReplyDecoder::new();
    decoder.extend(b"+FULLRESYNC abc 0\r\n$5\r\nREDIS");
    assert_eq!(decoder.next(), Ok(Some(Reply::simple("FULLRESYNC abc 0"))));
    assert_eq!(decoder.next(), Ok(None));
    assert_eq!(decoder.pending_len(), 9);
    assert_eq!(decoder.take_pending(), "$5\r\nREDIS");
    decoder.extend(b"+OK\r\n");
    assert_eq!(decoder.next(), Ok(Some(Reply::ok())));
}

fn text() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>().prop_filter("no line end", |byte| !b"\r\n".contains(byte)), 0..20).prop_map(Bytes::from)
}

fn scalar() -> impl Strategy<Value = Reply> {
    prop_oneof![
        text().prop_map(Reply::Simple),
        text().prop_map(Reply::Error),
        any::<i64>().prop_map(Reply::Integer),
        vec(any::<u8>(), 0..40).prop_map(Reply::from),
        ("[a-z]{3}", vec(any::<u8>(), 0..20)).prop_map(|(format, bytes)| {
            Reply::Verbatim(format.as_bytes().try_into().expect("three letters"), bytes.into())
        }),
        Just(Reply::Null),
        Just(Reply::NullArray),
        any::<bool>().prop_map(Reply::Bool),
        any::<f64>().prop_map(|value| Reply::Double(value.to_string().into())),
        "-?[1-9][0-9]{0,40}".prop_map(|text| Reply::BigNumber(text.into())),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Reply::Array),
            vec(inner.clone(), 0..5).prop_map(Reply::Set),
            vec(inner.clone(), 0..5).prop_map(Reply::Push),
            vec((inner.clone(), inner), 0..5).prop_map(Reply::Map),
        ]
    })
}

/// What is left of a reply after a trip through RESP2 or RESP3.
fn flattened(reply: &Reply, protocol: Protocol) -> Reply {
    let all = |items: &[Reply]| items.iter().map(|item| flattened(item, protocol)).collect::<Vec<_>>();
    match (reply, protocol) {
        (Reply::NullArray, Protocol::Resp3) => Reply::Null,
        (Reply::Array(items), Protocol::Resp3) => Reply::Array(all(items)),
        (Reply::Set(items), Protocol::Resp3) => Reply::Set(all(items)),
        (Reply::Push(items), Protocol::Resp3) => Reply::Push(all(items)),
        (Reply::Map(pairs), Protocol::Resp3) => {
            Reply::Map(pairs.iter().map(|(k, v)| (flattened(k, protocol), flattened(v, protocol))).collect())
        }
        (Reply::Array(items) | Reply::Set(items) | Reply::Push(items), Protocol::Resp2) => {
            Reply::Array(all(items))
        }
        (Reply::Map(pairs), Protocol::Resp2) => Reply::Array(
            pairs.iter().flat_map(|(k, v)| [flattened(k, protocol), flattened(v, protocol)]).collect(),
        ),
        (Reply::Bool(value), Protocol::Resp2) => Reply::int(*value),
        (Reply::Verbatim(_, bytes) | Reply::Double(bytes) | Reply::BigNumber(bytes), Protocol::Resp2) => {
            Reply::Bulk(bytes.clone())
        }
        (other, _) => other.clone(),
    }
}

/// Whether redis-protocol's frame says the same as our reply.
fn agrees(reply: &Reply, frame: &BytesFrame) -> bool {
    let all = |items: &[Reply], frames: &[BytesFrame]| {
        items.len() == frames.len() && items.iter().zip(frames).all(|(item, frame)| agrees(item, frame))
    };
    match (reply, frame) {
        (Reply::Simple(ours), BytesFrame::SimpleString { data, .. })
        | (Reply::Bulk(ours), BytesFrame::BlobString { data, .. })
        | (Reply::BigNumber(ours), BytesFrame::BigNumber { data, .. }) => ours == data,
        (Reply::Error(ours), BytesFrame::SimpleError { data, .. }) => ours[..] == *data.as_bytes(),
        (Reply::Integer(ours), BytesFrame::Number { data, .. }) => ours == data,
        (Reply::Bool(ours), BytesFrame::Boolean { data, .. }) => ours == data,
        (Reply::Null | Reply::NullArray, BytesFrame::Null) => true,
        (Reply::Double(ours), BytesFrame::Double { data, .. }) => {
            data.is_nan() || std::str::from_utf8(ours).expect("text").parse() == Ok(*data)
        }
        (Reply::Verbatim(ours, bytes), BytesFrame::VerbatimString { data, format, .. }) => {
            let theirs = match format {
                VerbatimStringFormat::Text => b"txt",
                VerbatimStringFormat::Markdown => b"mkd",
            };
            ours == theirs && bytes == data
        }
        (Reply::Array(items), BytesFrame::Array { data, .. })
        | (Reply::Push(items), BytesFrame::Push { data, .. }) => all(items, data),
        (Reply::Map(pairs), BytesFrame::Map { data, .. }) => pairs.len() == data.len(),
        (Reply::Set(items), BytesFrame::Set { data, .. }) => items.len() == data.len(),
        _ => false,
    }
}

#[test]
fn redis_protocol_reads_what_is_written() {
    let replies = [
        Reply::ok(),
        Reply::error("ERR x"),
        Reply::int(999_999_999_999_999_999_i64),
        Reply::bulk("a\r\n"),
        Reply::text("some text"),
        Reply::Verbatim(*b"mkd", "# title".into()),
        Reply::Null,
        Reply::Bool(true),
        Reply::Double("-1.5".into()),
        Reply::BigNumber("12345678901234567890".into()),
        Reply::map([("a", 1_u32), ("b", 2)]),
        Reply::set(["a", "b"]),
        Reply::push(["message", "channel", "text"]),
        Reply::array([Reply::Array(vec![]), Reply::array([Reply::Null, Reply::int(-1)])]),
    ];
    for reply in replies {
        let bytes = encode(&reply, Protocol::Resp3).freeze();
        let (frame, len) =
            redis_protocol::resp3::decode::complete::decode_bytes(&bytes).expect("valid").expect("complete");
        assert_eq!(len, bytes.len());
        assert!(agrees(&reply, &frame), "{reply:?} is not {frame:?}");
    }
}

#[test]
fn operators_can_tell_errors_apart() {
    assert_eq!(
        ReplyError::MissingTerminator { len: 3 }.to_string(),
        "expected the end of a string of 3 bytes, got other bytes"
    );
}

/// Bytes that look like replies now and then.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => (reply(), any::<bool>()).prop_map(|(reply, resp3)| {
            encode(&reply, if resp3 { Protocol::Resp3 } else { Protocol::Resp2 }).to_vec()
        }),
        2 => "[*$%~>|!=:#_,(+.;-]-?[0-9?]{0,2}\r\n".prop_map(String::into_bytes),
        1 => Just(b"|1\r\n+a\r\n:1\r\n".to_vec()),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn replies_survive_both_protocols(reply in reply()) {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut bytes = BytesMut::from(&b"+before\r\n"[..]);
            reply.encode(protocol, &mut bytes);
            let (replies, error) = check::decode(&bytes, &[bytes.len()], ReplyLimits::default());
            prop_assert_eq!(error, None);
            prop_assert_eq!(&replies[1..], &[flattened(&reply, protocol)]);
        }
    }

    #[test]
    fn any_pieces_give_the_same_replies(seed: u8, settings: u8, stream in stream()) {
        check::reply(&[&[seed, settings], &stream[..]].concat());
    }

    #[test]
    fn any_bytes_are_survived(data in vec(any::<u8>(), 0..200)) {
        check::reply(&data);
    }
}
