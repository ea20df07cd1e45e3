//! What a request is answered: files of the page and nothing else.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::Full;
use hyper::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    HeaderName, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};

use super::NO_PAGE;
use super::page::{FILES, File, file};

pub(super) type Answer = Response<Full<Bytes>>;

/// In every answer. The page loads nothing from elsewhere, sends nothing anywhere and stands in no frame; its WASM
/// counts as a script.
const ALWAYS: [(HeaderName, &str); 4] = [
    // The browser test serves the page with the same one.
    (CONTENT_SECURITY_POLICY, include_str!("../../../../web/policy.txt").trim_ascii_end()),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    // Asked for each time, and answered with 304 while it is the same.
    (CACHE_CONTROL, "no-cache"),
];

/// The answer to a request. The body is left away from a HEAD's by whoever sends it.
pub(super) fn answer<B>(request: &Request<B>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        answer.headers_mut().insert(ALLOW, "GET, HEAD".parse().expect("it is plain text"));
        return answer;
    }
    let name = match request.uri().path() {
        "/" => "index.html",
        path => path.trim_start_matches('/'),
    };
    match file(name) {
        Some(file) => file_answer(file, request.headers()),
        None if FILES.is_empty() => text(StatusCode::SERVICE_UNAVAILABLE, &format!("{NO_PAGE}\n")),
        None => text(StatusCode::NOT_FOUND, "there is no such file\n"),
    }
}

fn file_answer(file: &File, headers: &HeaderMap) -> Answer {
    // Weak: one tag for the file, however it is encoded.
    let tag = format!("W/{}", file.tag);
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_known = known
        .flat_map(|value| value.split(','))
        .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == file.tag);
    let builder = Response::builder().header(ETAG, tag).header(VARY, "accept-encoding");
    let built = if is_known {
        builder.status(StatusCode::NOT_MODIFIED).body(Full::default())
    } else if accepts_gzip(headers) {
        builder
            .header(CONTENT_TYPE, content_type(file.name))
            .header(CONTENT_ENCODING, "gzip")
            .body(Bytes::from_static(file.gzipped).into())
    } else {
        let mut plain = Vec::new();
        GzDecoder::new(file.gzipped).read_to_end(&mut plain).expect("the build compressed it");
        builder.header(CONTENT_TYPE, content_type(file.name)).body(Bytes::from(plain).into())
    };
    finished(built.expect("all headers are plain text"))
}

fn text(status: StatusCode, text: &str) -> Answer {
    let body = Bytes::copy_from_slice(text.as_bytes()).into();
    let built = Response::builder().status(status).header(CONTENT_TYPE, content_type("")).body(body);
    finished(built.expect("all headers are plain text"))
}

fn finished(mut answer: Answer) -> Answer {
    for (name, value) in ALWAYS {
        answer.headers_mut().insert(name, value.parse().expect("it is plain text"));
    }
    answer
}

/// Whether the client takes gzip (RFC 9110, 12.5.3). Who does not say is sent what everybody can read.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut others) = (None, false);
    for coding in values.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let is_taken = weight.is_none_or(|weight| weight.bytes().any(|digit| (b'1'..=b'9').contains(&digit)));
        if name.eq_ignore_ascii_case("gzip") {
            gzip = Some(is_taken);
        } else if name == "*" {
            others = is_taken;
        }
    }
    // What is named is not among the others.
    gzip.unwrap_or(others)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        None => "text/plain; charset=utf-8",
        Some(_) => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepts: &str, expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, accepts.parse().expect("plain text"));
        assert_eq!(accepts_gzip(&headers), expected, "{accepts:?}");
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for accepts in ["gzip", "br, GZIP;q=0.5", "*", "deflate, gzip;q=1.0, *;q=0", "gzip ; q=0.001"] {
            check(accepts, true);
        }
        for accepts in ["", "br", "identity", "gzip;q=0", "gzip;Q=0.000", "*;q=0", "gzip;q=0, *", "xgzip"] {
            check(accepts, false);
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let file = File { name: "a.css", gzipped: b"", tag: "\"1-2\"" };
        for (known, is_known) in [
            ("\"1-2\"", true),
            ("W/\"1-2\"", true),
            ("\"x\", W/\"1-2\"", true),
            ("*", true),
            ("\"1\"", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, known.parse().expect("plain text"));
            headers.insert(ACCEPT_ENCODING, "gzip".parse().expect("plain text"));
            let answer = file_answer(&file, &headers);
            assert_eq!(answer.status() == StatusCode::NOT_MODIFIED, is_known, "{known}");
            assert_eq!(answer.headers()[ETAG], "W/\"1-2\"");
        }
    }
}
