//! Requests: error texts as redis-server 7.0 sends them, and the same result for any pieces.

#[allow(dead_code, reason = "shared by several tests")]
mod check;

use bytes::BytesMut;
use picket_resp::{Protocol, ProtocolError, RequestBuffer, RequestParser, command};
use proptest::collection::vec;
use proptest::prelude::*;

/// What a connection does with these bytes: the arguments of its requests, then the error line if any.
#[track_caller]
fn check(authenticated: bool, bytes: &[u8], requests: &[&[&[u8]]], error: Option<&[u8]>) {
    for cut in [bytes.len().max(1), 1] {
        let cuts = vec![cut; bytes.len().div_ceil(cut)];
        let (got, failed, _) = check::parse(bytes, &cuts, |parser| parser.set_authenticated(authenticated));
        let expected: Vec<Vec<Vec<u8>>> =
            requests.iter().map(|args| args.iter().map(|arg| arg.to_vec()).collect()).collect();
        assert_eq!(got, expected);
        let line = failed.map(|error| {
            let mut out = BytesMut::new();
            error.reply().encode(Protocol::Resp2, &mut out);
            out.to_vec()
        });
        let expected = error.map(|text| [b"-ERR Protocol error: ", text, b"\r\n"].concat());
        assert_eq!(line, expected);
    }
}

#[test]
fn requests_are_read_as_redis_reads_them() {
    let ping: &[&[u8]] = &[b"PING"];
    check(true, b"", &[], None);
    check(true, b"*1\r\n$4\r\nPING\r\n", &[ping], None);
    check(true, b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n", &[&[b"SET", b"k", b""]], None);
    check(true, b"*1\r\n$2\r\n\r\n\r\n", &[&[b"\r\n"]], None);
    // Empty requests are skipped.
    check(true, b"*-1\r\n*0\r\n*-9223372036854775808\r\n\r\n\n  \t\r\nPING\r\n", &[ping], None);
    // The bytes after CR and behind an argument are not looked at.
    check(true, b"*1\rx$4\ryPINGzz", &[ping], None);
    check(true, b"PING\nPING\r\n\rPING\r\n", &[ping, ping, ping], None);
    check(true, b"PING a\rb\n", &[&[b"PING", b"a", b"b"]], None);
    check(true, b"PING \"a\\x41\\n\" ''\r\n", &[&[b"PING", b"aA\n", b""]], None);
    check(true, b"PING a\x0bb\r\n", &[&[b"PING", b"a\x0bb"]], None);
    // Many arguments may be announced; nothing is reserved for them.
    check(true, b"*2147483647\r\n", &[], None);
    check(true, b"*1\r\n$536870912\r\n", &[], None);
    check(false, b"*10\r\n$16384\r\n", &[], None);
}

#[test]
fn errors_are_those_of_redis() {
    for bytes in [
        &b"*x\r\n"[..],
        b"*\r\nPING\r\n",
        b"*01\r\n",
        b"*-0\r\n",
        b"*+1\r\n",
        b"*2147483648\r\n",
        b"*9223372036854775808\r\n",
        b"* 1\r\n",
        b"*1 \r\n",
        b"*\xff\r\n",
    ] {
        check(true, bytes, &[], Some(b"invalid multibulk length"));
    }
    for length in ["-1", "", "04", "536870913", "9223372036854775808", "x", "4x", "?", "-"] {
        check(true, format!("*1\r\n${length}\r\n").as_bytes(), &[], Some(b"invalid bulk length"));
    }
    check(true, b"*1\r\nPING\r\n", &[], Some(b"expected '$', got 'P'"));
    check(true, b"*1\r\n1\r\n", &[], Some(b"expected '$', got '1'"));
    check(true, b"*1\r\n\xff\r\n", &[], Some(b"expected '$', got '\xff'"));
    check(true, b"*1\r\n\r\nx", &[], Some(b"expected '$', got ' '"));
    check(true, b"*2\r\n$1\r\na\r\n:1\r\n", &[], Some(b"expected '$', got ':'"));
    check(true, b"PING\r\nPING \"a\r\n", &[&[b"PING"]], Some(b"unbalanced quotes in request"));
    check(true, b"PING 'a'b\r\n", &[], Some(b"unbalanced quotes in request"));
    check(false, b"*11\r\n", &[], Some(b"unauthenticated multibulk length"));
    check(false, b"*1\r\n$16385\r\n", &[], Some(b"unauthenticated bulk length"));
    check(false, b"*1\r\n$536870913\r\n", &[], Some(b"invalid bulk length"));
    check(false, b"*2147483648\r\n", &[], Some(b"invalid multibulk length"));
}

#[test]
fn a_line_of_64_kb_is_the_longest() {
    let ones = |count| vec![b'1'; count];
    check(true, &ones(65536), &[], None);
    check(true, &ones(65537), &[], Some(b"too big inline request"));
    check(true, &[ones(65537), b"\r\n".to_vec()].concat(), &[], Some(b"too big inline request"));
    check(true, &[ones(65535), b"\r\n".to_vec()].concat(), &[&[&ones(65535)]], None);
    check(true, &[b"*".to_vec(), ones(65535)].concat(), &[], None);
    check(true, &[b"*".to_vec(), ones(65536)].concat(), &[], Some(b"too big mbulk count string"));
    check(true, &[b"*1\r\n$".to_vec(), ones(65536)].concat(), &[], Some(b"too big bulk count string"));
}

#[test]
fn a_flood_of_empty_requests_leaves_nothing_behind() {
    let mut buffer = RequestBuffer::new();
    for _ in 0..1000 {
        buffer.extend(b"\r\n*0\r\n \n*-1\r");
        assert_eq!(buffer.next(), Ok(None));
        assert!(buffer.pending_len() <= 4);
        buffer.extend(b"\n");
    }
    assert_eq!(buffer.next(), Ok(None));
    assert_eq!((buffer.pending_len(), buffer.taken()), (0, 13_000));
}

#[test]
fn authentication_counts_from_the_next_request() {
    let mut buffer = RequestBuffer::new();
    buffer.set_authenticated(false);
    buffer.extend(&command(["AUTH", "secret"]));
    buffer.extend(&command(["ECHO"; 11]));
    assert_eq!(buffer.next().expect("small").expect("complete").arg(0), b"AUTH");
    buffer.set_authenticated(true);
    assert_eq!(buffer.next_owned().expect("authenticated").expect("complete").len(), 11);
}

#[test]
fn a_failed_parser_stays_failed() {
    let mut parser = RequestParser::new();
    assert_eq!(parser.parse(b"*x\r\n"), Err(ProtocolError::InvalidMultibulkLength));
    assert_eq!(parser.parse(b"PING\r\n"), Err(ProtocolError::InvalidMultibulkLength));
}

#[test]
fn debug_output_shows_no_argument() {
    let mut buffer = RequestBuffer::new();
    buffer.extend(&command(["AUTH", "secret"]));
    let request = buffer.next().expect("valid").expect("complete");
    assert_eq!(format!("{request:?}"), "Request(\"AUTH\", 6 bytes)");
    assert_eq!(format!("{:?}", request.to_owned()), "OwnedRequest(\"AUTH\", 6 bytes)");
}

/// Bytes that look like requests now and then.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => vec(vec(any::<u8>(), 0..20), 1..5).prop_map(|args| command(args).to_vec()),
        2 => Just(b"PING \"a b\" 'c'\r\n".to_vec()),
        1 => "[*$]-?[0-9]{0,3}\r\n".prop_map(String::into_bytes),
        1 => "[ -~]{0,12}\r?\n".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_pieces_give_the_same_requests(seed: u8, settings: u8, stream in stream()) {
        check::request(&[&[seed, settings], &stream[..]].concat());
    }

    #[test]
    fn any_bytes_are_survived(data in vec(any::<u8>(), 0..200)) {
        check::request(&data);
    }

    #[test]
    fn encoded_commands_are_read_back(args in vec(vec(any::<u8>(), 0..100), 1..20)) {
        let (requests, error, _) = check::parse(&command(&args), &[usize::MAX], |_| ());
        prop_assert_eq!((requests, error), (vec![args], None));
    }

    #[test]
    fn quoted_words_are_split_back(words in vec(vec(any::<u8>(), 0..20), 0..6)) {
        let line = words.iter().map(|word| picket_resp::quote(word)).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(picket_resp::split_args(line.as_bytes()), Ok(words));
    }
}
