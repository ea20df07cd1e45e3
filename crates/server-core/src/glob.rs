//! Redis's glob patterns (`util.c: stringmatchlen`): `*`, `?`, `[a-z]`, `[^a-z]` and `\x`.
//!
//! Differs from Redis: a star is never retried once a later star has matched, which gives the same
//! answers in time `pattern × text` at worst, where the recursion needs exponential time for
//! patterns with many stars.

/// Whether letters of different case are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` is not `A`.
    Sensitive,
    /// `a` is `A` (ASCII only).
    Insensitive,
}

/// Whether `text` as a whole matches `pattern`.
#[must_use]
pub fn glob_match(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at, mut pos) = (0, 0);
    // Where to go on if the match fails: behind the last star, one byte of text further.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            if at == pattern.len() {
                return true;
            }
            retry = Some((at, pos));
            continue;
        }
        let step = match text.get(pos) {
            Some(byte) if at < pattern.len() => match_one(&pattern[at..], *byte, case),
            // All of the text is used: only stars may be left, and those were skipped above.
            None => return at == pattern.len(),
            Some(_) => None,
        };
        if let Some(consumed) = step {
            at += consumed;
            pos += 1;
        } else {
            let Some((behind_star, from)) = retry else {
                return false;
            };
            at = behind_star;
            pos = from + 1;
            retry = Some((behind_star, pos));
            if pos > text.len() {
                return false;
            }
        }
    }
}

/// Matches one byte with the item at the front of `pattern`, which is neither empty nor a star.
/// Returns the length of the item if it fits.
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => {
            let (fits, len) = match_class(class, byte, case);
            fits.then_some(len + 1)
        }
        [b'\\', escaped, ..] => same(*escaped, byte, case).then_some(2),
        [literal, ..] => same(*literal, byte, case).then_some(1),
        [] => None,
    }
}

/// `class` is what follows the opening bracket. Returns whether `byte` is in it and its length with
/// the closing bracket; a class that is not closed ends with the pattern.
fn match_class(class: &[u8], byte: u8, case: Case) -> (bool, usize) {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match &class[at..] {
            [] => return (found != negated, at),
            [b']', ..] => return (found != negated, at + 1),
            [b'\\', escaped, ..] => {
                found |= *escaped == byte;
                at += 2;
            }
            [first, b'-', last, ..] => {
                let fold =
                    |byte: u8| if case == Case::Insensitive { byte.to_ascii_lowercase() } else { byte };
                let (low, high) = (fold(*first.min(last)), fold(*first.max(last)));
                found |= (low..=high).contains(&fold(byte));
                at += 3;
            }
            [literal, ..] => {
                found |= same(*literal, byte, case);
                at += 1;
            }
        }
    }
}

fn same(a: u8, b: u8, case: Case) -> bool {
    match case {
        Case::Sensitive => a == b,
        Case::Insensitive => a.eq_ignore_ascii_case(&b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let found = glob_match(pattern.as_bytes(), text.as_bytes(), Case::Sensitive);
        assert_eq!(found, expected, "{pattern} {text}");
    }

    #[test]
    fn patterns_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("*", "", true),
            ("**", "abc", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b", "abc", false),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abcd", false),
            ("a*a", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[c-a]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("[ab", "a", true),
            ("[ab", "c", false),
            ("[\\]]", "]", true),
            ("[]", "a", false),
            ("[^]", "a", true),
            ("[a-]", "-", false),
            ("[a-]", "_", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\", "\\", true),
            ("h[ae]llo*", "hallo world", true),
            ("+sdown", "+sdown", true),
            ("+*", "-sdown", false),
        ] {
            check(pattern, text, expected);
        }
    }

    #[test]
    fn case_can_be_ignored() {
        for (pattern, text) in [("ABC", "abc"), ("[A-C]*", "bX"), ("\\A", "a"), ("[x-z]", "Y")] {
            assert!(glob_match(pattern.as_bytes(), text.as_bytes(), Case::Insensitive), "{pattern}");
            assert!(!glob_match(pattern.as_bytes(), text.as_bytes(), Case::Sensitive), "{pattern}");
        }
    }

    #[test]
    fn many_stars_do_not_take_forever() {
        let text = "a".repeat(20_000);
        check(&"a*".repeat(40), &text, true);
        check(&alloc::format!("{}b", "a*".repeat(40)), &text, false);
    }
}
