//! Replies as `redis-cli` shows them to people (`redis-cli.c: cliFormatReplyTTY`).

use picket_resp::{Reply, quote};

/// Lines of a reply that are shown.
const LINES_MAX: usize = 500;
/// Bytes of a reply that are shown.
const TEXT_LEN_MAX: usize = 40_000;

/// A reply to this command.
#[must_use]
pub fn show(words: &[String], reply: &Reply) -> String {
    let mut text = String::new();
    match reply {
        // Texts that are made for people are shown as they are.
        Reply::Bulk(bytes) | Reply::Verbatim(_, bytes) if is_text(words) => {
            text.push_str(&String::from_utf8_lossy(bytes).replace('\r', ""));
        }
        reply => put(&mut text, reply, 0),
    }
    bounded(text.trim_end_matches('\n'))
}

/// Commands whose replies are texts of lines.
fn is_text(words: &[String]) -> bool {
    let is = |place: usize, name: &str| words.get(place).is_some_and(|word| word.eq_ignore_ascii_case(name));
    is(0, "info")
        || is(0, "lolwut")
        || is(0, "client") && (is(1, "list") || is(1, "info"))
        || is(0, "memory") && (is(1, "doctor") || is(1, "malloc-stats"))
        || is(0, "latency") && is(1, "doctor")
        || is(0, "sentinel") && is(1, "info-cache")
}

fn put(text: &mut String, reply: &Reply, indent: usize) {
    match reply {
        Reply::Simple(bytes) | Reply::BigNumber(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
        Reply::Error(bytes) => text.push_str(&format!("(error) {}", String::from_utf8_lossy(bytes))),
        Reply::Integer(value) => text.push_str(&format!("(integer) {value}")),
        Reply::Double(bytes) => text.push_str(&format!("(double) {}", String::from_utf8_lossy(bytes))),
        Reply::Bulk(bytes) => text.push_str(&quote(bytes)),
        Reply::Verbatim(_, bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
        Reply::Null | Reply::NullArray => text.push_str("(nil)"),
        Reply::Bool(value) => text.push_str(if *value { "(true)" } else { "(false)" }),
        Reply::Array(items) => return put_items(text, items, ')', "(empty array)", indent),
        Reply::Push(items) => return put_items(text, items, ')', "(empty push)", indent),
        Reply::Set(items) => return put_items(text, items, '~', "(empty set)", indent),
        Reply::Map(pairs) => return put_pairs(text, pairs, indent),
    }
    text.push('\n');
}

fn put_items(text: &mut String, items: &[Reply], sign: char, empty: &str, indent: usize) {
    if items.is_empty() {
        text.push_str(empty);
        text.push('\n');
    }
    let width = items.len().to_string().len();
    for (item, number) in items.iter().zip(1..) {
        // The first item of a nested list stands behind the number of its list.
        let blanks = if number == 1 { 0 } else { indent };
        text.push_str(&format!("{:blanks$}{number:>width$}{sign} ", ""));
        put(text, item, indent + width + 2);
        if text.len() > TEXT_LEN_MAX {
            return;
        }
    }
}

fn put_pairs(text: &mut String, pairs: &[(Reply, Reply)], indent: usize) {
    if pairs.is_empty() {
        text.push_str("(empty hash)\n");
    }
    let width = pairs.len().to_string().len();
    for ((key, value), number) in pairs.iter().zip(1..) {
        let blanks = if number == 1 { 0 } else { indent };
        text.push_str(&format!("{:blanks$}{number:>width$}# ", ""));
        put(text, key, indent + width + 2);
        text.truncate(text.trim_end_matches('\n').len());
        text.push_str(" => ");
        put(text, value, indent + width + 2);
        if text.len() > TEXT_LEN_MAX {
            return;
        }
    }
}

/// The beginning of a text that is too long, and how much is missing.
fn bounded(text: &str) -> String {
    let by_lines = text.match_indices('\n').nth(LINES_MAX).map_or(text.len(), |(at, _)| at);
    let mut end = by_lines.min(TEXT_LEN_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    match text.len() - end {
        0 => text.to_owned(),
        rest => format!("{}\n… (+{rest})", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(line: &str, reply: &Reply, shown: &str) {
        assert_eq!(show(&words(line), reply), shown);
    }

    #[test]
    fn replies_look_as_in_redis_cli() {
        check("SET k v", &Reply::ok(), "OK");
        check("GET k", &Reply::bulk("a\r\n\"b\""), r#""a\r\n\"b\"""#);
        check("GET k", &Reply::Null, "(nil)");
        check("INCR k", &Reply::int(7), "(integer) 7");
        check("NONSENSE", &Reply::error("ERR unknown command"), "(error) ERR unknown command");
        check("KEYS *", &Reply::Array(Vec::new()), "(empty array)");
        check("INFO", &Reply::bulk("# Server\r\nport:1\r\n"), "# Server\nport:1");
        check("info replication", &Reply::bulk("role:master\r\n"), "role:master");
    }

    #[test]
    fn nested_lists_are_indented_behind_their_numbers() {
        let item = |name: &'static str| Reply::Array(vec![Reply::bulk(name), Reply::int(1)]);
        let mut items = vec![item("a"), item("b")];
        check(
            "X",
            &Reply::Array(items.clone()),
            "1) 1) \"a\"\n   2) (integer) 1\n2) 1) \"b\"\n   2) (integer) 1",
        );
        items.resize(10, Reply::Null);
        let shown = show(&words("X"), &Reply::Array(items));
        assert!(shown.starts_with(" 1) 1) \"a\"\n    2) (integer) 1\n 2) 1) \"b\"\n"), "{shown}");
        assert!(shown.ends_with("\n 9) (nil)\n10) (nil)"), "{shown}");
        let map = Reply::Map(vec![(Reply::bulk("k"), Reply::int(1)), (Reply::bulk("l"), Reply::Bool(true))]);
        check("X", &map, "1# \"k\" => (integer) 1\n2# \"l\" => (true)");
    }

    #[test]
    fn long_replies_are_cut() {
        let many = Reply::Array(vec![Reply::int(1); 1_000_000]);
        assert!(show(&words("X"), &many).lines().count() <= LINES_MAX + 2);
        let long = Reply::bulk("é".repeat(100_000));
        assert!(show(&words("INFO"), &long).len() < TEXT_LEN_MAX + 100);
    }
}
