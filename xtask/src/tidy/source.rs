//! A Rust file, split into code, comments and strings, as far as the rules need it.

use super::repo::File;

/// A Rust file whose [`code`](Source::code) and [`comments`](Source::comments) have the lines of the file:
/// what does not belong is blanked.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// Neither comments nor the insides of strings and characters.
    pub(super) code: String,
    /// Comments alone, docs among them.
    pub(super) comments: String,
}

impl Source {
    /// Splits `file`.
    pub(super) fn of(file: &File) -> Self {
        let (code, comments) = split(&file.text);
        Self { path: file.path.clone(), text: file.text.clone(), code, comments }
    }

    /// Whether the whole file is for tests, benches or examples: nothing that is shipped.
    pub(super) fn is_test_file(&self) -> bool {
        let in_folder = |name: &str| self.path.contains(&format!("/{name}/"));
        in_folder("tests")
            || in_folder("benches")
            || in_folder("examples")
            || in_folder("fuzz_targets")
            || self.path.ends_with("/tests.rs")
    }

    /// The number of the line (from 0) where the unit tests begin; tests come last in a file.
    fn tests_begin(&self) -> usize {
        let lines: Vec<_> = self.code.lines().map(str::trim).collect();
        let module = |line: &&str| line.trim_start_matches("pub(crate) ").starts_with("mod ");
        let begins =
            |place: usize| lines[place] == "#[cfg(test)]" && lines.get(place + 1).is_some_and(module);
        (0..lines.len()).find(|place| begins(*place)).unwrap_or(lines.len())
    }

    /// Numbered lines (from 1) of code that is shipped.
    pub(super) fn shipped_lines(&self) -> Vec<(usize, &str)> {
        let end = if self.is_test_file() { 0 } else { self.tests_begin() };
        self.code.lines().enumerate().take(end).map(|(place, line)| (place + 1, line)).collect()
    }

    /// Numbered lines (from 1) of code that only tests run.
    pub(super) fn test_lines(&self) -> Vec<(usize, &str)> {
        let begin = if self.is_test_file() { 0 } else { self.tests_begin() };
        self.code.lines().enumerate().skip(begin).map(|(place, line)| (place + 1, line)).collect()
    }

    /// `path:line`.
    pub(super) fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Whether `line` has `word` as a whole identifier or path.
pub(super) fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let borders = |at: usize| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    };
    line.match_indices(word).any(|(at, _)| borders(at))
}

/// What the splitter is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    LineComment,
    BlockComment { depth: u32 },
    String,
    RawString { hashes: usize },
}

fn split(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let (mut code, mut comments) = (String::new(), String::new());
    let mut inside = Inside::Code;
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (next, len) = step(inside, rest, at.checked_sub(1).map(|before| chars[before]));
        let comment = matches!(inside, Inside::LineComment | Inside::BlockComment { .. })
            || matches!(next, Inside::LineComment | Inside::BlockComment { .. });
        let plain = inside == Inside::Code && next == Inside::Code && len == 1;
        for c in &rest[..len] {
            let (to_code, to_comments) = match c {
                '\n' => ('\n', '\n'),
                c if comment => (' ', *c),
                c if plain => (*c, ' '),
                _ => (' ', ' '),
            };
            code.push(to_code);
            comments.push(to_comments);
        }
        inside = next;
        at += len;
    }
    (code, comments)
}

/// What comes after the next characters of `rest`, and how many of them were taken.
fn step(inside: Inside, rest: &[char], before: Option<char>) -> (Inside, usize) {
    let starts = |with: &str| rest.iter().copied().take(with.len()).eq(with.chars());
    match inside {
        Inside::Code if starts("//") => (Inside::LineComment, 2),
        Inside::Code if starts("/*") => (Inside::BlockComment { depth: 1 }, 2),
        Inside::Code if starts("\"") => (Inside::String, 1),
        Inside::Code if starts("'") => (Inside::Code, character_len(rest)),
        Inside::Code => match raw_string_start(rest, before) {
            Some((hashes, len)) => (Inside::RawString { hashes }, len),
            None => (Inside::Code, 1),
        },
        Inside::LineComment if starts("\n") => (Inside::Code, 1),
        Inside::LineComment => (Inside::LineComment, 1),
        Inside::BlockComment { depth } if starts("/*") => (Inside::BlockComment { depth: depth + 1 }, 2),
        Inside::BlockComment { depth: 1 } if starts("*/") => (Inside::Code, 2),
        Inside::BlockComment { depth } if starts("*/") => (Inside::BlockComment { depth: depth - 1 }, 2),
        Inside::BlockComment { depth } => (Inside::BlockComment { depth }, 1),
        Inside::String if starts("\\") => (Inside::String, rest.len().min(2)),
        Inside::String if starts("\"") => (Inside::Code, 1),
        Inside::String => (Inside::String, 1),
        Inside::RawString { hashes } => {
            let ends =
                rest[0] == '"' && rest[1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
            if ends { (Inside::Code, 1 + hashes) } else { (Inside::RawString { hashes }, 1) }
        }
    }
}

/// The length of a character literal, or 1 for the quote of a lifetime.
fn character_len(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, tail @ ..] => tail.iter().position(|c| *c == '\'').map_or(1, |at| at + 4),
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

/// The hashes and the length of `r"`, `r#"`, `br#"` and so on.
fn raw_string_start(rest: &[char], before: Option<char>) -> Option<(usize, usize)> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let prefix = match rest {
        ['r', ..] => 1,
        ['b' | 'c', 'r', ..] => 2,
        _ => return None,
    };
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    (rest.get(prefix + hashes) == Some(&'"')).then_some((hashes, prefix + hashes + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (found_code, found_comments) = split(text);
        assert_eq!(squeeze(&found_code), code);
        assert_eq!(squeeze(&found_comments), comments);
        assert_eq!(found_code.lines().count(), text.lines().count());
    }

    #[test]
    fn code_comments_and_strings_are_told_apart() {
        check("let a = 1; // one\nlet b = 2;", "let a = 1; let b = 2;", "// one");
        check("a /* x /* y */ z */ b", "a b", "/* x /* y */ z */");
        check(r#"say("// no \" comment", b);"#, "say( , b);", "");
        check(r##"say(r#"a "quoted" // word"#) + 1"##, "say( ) + 1", "");
        check("fn f<'a>(x: &'a str) -> char { '\"' } // c", "fn f<'a>(x: &'a str) -> char { }", "// c");
        check(r"let q = '\''; let n = '\u{7f}'; x", "let q = ; let n = ; x", "");
        check("let for_r = 1; for\"x\"", "let for_r = 1; for", "");
    }

    #[test]
    fn unit_tests_are_told_from_shipped_code() {
        let file = File {
            path: "crates/a/src/b.rs".into(),
            text: "one\n#[cfg(test)]\nmod tests {\ntwo\n}\n".into(),
        };
        let source = Source::of(&file);
        assert_eq!(source.shipped_lines(), [(1, "one")]);
        assert_eq!(source.test_lines()[2], (4, "two"));
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("let x: f64 = y;", "f64"));
        assert!(!has_word("from_f64(x)", "f64"));
        assert!(has_word("std::thread::sleep(d)", "thread::sleep"));
    }
}
