//! Requests as Sentinels send them: arrays of bulk strings.
//!
//! Not `picket-resp`, for the reason that `testkit` has: what judges the code under test must not share its
//! mistakes.

/// The arguments of a request, and how many bytes it took.
type Request<'a> = (Vec<&'a [u8]>, usize);

/// The longest request that a Sentinel has reason to send.
const LEN_MAX: usize = 64 << 10;

/// The first request of the bytes and its length; `None` if it is not all there.
///
/// # Errors
/// When the bytes are no array of bulk strings.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Request<'_>>, &'static str> {
    let Some((count, mut at)) = header(bytes, 0, b'*')? else { return Ok(None) };
    let mut args = Vec::with_capacity(count.min(16));
    for _ in 0..count {
        let Some((len, start)) = header(bytes, at, b'$')? else { return Ok(None) };
        if bytes.len() < start + len + 2 {
            return Ok(None);
        }
        args.push(&bytes[start..start + len]);
        at = start + len + 2;
    }
    Ok(Some((args, at)))
}

/// The number behind `kind`, and where what follows begins.
fn header(bytes: &[u8], at: usize, kind: u8) -> Result<Option<(usize, usize)>, &'static str> {
    let Some(found) = bytes.get(at) else { return Ok(None) };
    if *found != kind {
        return Err("not an array of bulk strings");
    }
    let rest = &bytes[at + 1..];
    let Some(end) = rest.iter().position(|byte| *byte == b'\r') else {
        return if rest.len() > 8 { Err("no number") } else { Ok(None) };
    };
    let number = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.parse().ok());
    match number {
        Some(number) if number <= LEN_MAX => Ok((rest.len() > end + 1).then_some((number, at + 1 + end + 2))),
        _ => Err("no number"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_when_it_is_whole() {
        let bytes = b"*2\r\n$4\r\nPING\r\n$1\r\nx\r\n*1\r\n";
        let whole = bytes.len() - 4;
        for len in 0..whole {
            assert_eq!(parse(&bytes[..len]), Ok(None), "{len}");
        }
        let (args, len) = parse(bytes).expect("good").expect("whole");
        assert_eq!((args, len), (vec![&b"PING"[..], b"x"], whole));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bytes in [&b"PING\r\n"[..], b"*x\r\n", b"*1\r\n:1\r\n", b"*1\r\n$99999999\r\n", b"*123456789012"]
        {
            assert!(parse(bytes).is_err());
        }
    }
}
