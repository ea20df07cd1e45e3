//! Directives on the command line: `--name a b` becomes the config line `name "a" "b"`
//! (`server.c: main`).

/// What the arguments after the config file say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Directives {
    /// Lines of a config file.
    pub(super) lines: String,
    /// Whether a lone `-` asked for standard input.
    pub(super) read_stdin: bool,
}

/// Turns arguments into config lines.
///
/// A `--word` opens a directive, unless the directive before it still lacks its first value: then it
/// is that value. `sentinel` (a mark, not a setting) and `save` may stand without values. A lone `-`
/// asks for standard input when it is the first or the last argument.
pub(super) fn collect(args: &[String]) -> Directives {
    let mut directives = Directives::default();
    let mut open: Option<Open> = None;
    for (index, arg) in args.iter().enumerate() {
        if arg == "-" && (index == 0 || index + 1 == args.len()) {
            directives.read_stdin = true;
            continue;
        }
        let opens = arg.starts_with("--") && open.as_ref().is_none_or(Open::may_end);
        if opens {
            finish(&mut directives.lines, open.take());
            open = Some(Open::new(&arg[2..]));
        } else if let Some(open) = &mut open {
            open.values += 1;
            open.line.push(' ');
            quote(&mut open.line, arg);
        } else {
            // A word before any `--name` is a line of its own: the reader says what is wrong with it.
            quote(&mut directives.lines, arg);
            directives.lines.push('\n');
        }
    }
    finish(&mut directives.lines, open);
    directives
}

struct Open {
    line: String,
    name: String,
    values: usize,
}

impl Open {
    /// `text` may hold values too: `"--port 6380"` as one argument.
    fn new(text: &str) -> Self {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default().to_ascii_lowercase();
        Self { line: text.trim_end().to_owned(), name, values: words.count() }
    }

    fn may_end(&self) -> bool {
        self.values > 0 || matches!(self.name.as_str(), "sentinel" | "save")
    }
}

fn finish(lines: &mut String, open: Option<Open>) {
    let Some(open) = open else { return };
    if open.values == 0 && open.name == "sentinel" {
        return;
    }
    lines.push_str(&open.line);
    if open.values == 0 && open.name == "save" {
        lines.push_str(" \"\"");
    }
    lines.push('\n');
}

/// Quotes a value so that the config reader gives it back unchanged.
fn quote(line: &mut String, value: &str) {
    use std::fmt::Write as _;
    line.push('"');
    for byte in value.bytes() {
        match byte {
            b'"' | b'\\' => {
                line.push('\\');
                line.push(char::from(byte));
            }
            b'\n' => line.push_str("\\n"),
            b'\r' => line.push_str("\\r"),
            b'\t' => line.push_str("\\t"),
            0x20..=0x7e => line.push(char::from(byte)),
            _ => {
                let _ = write!(line, "\\x{byte:02x}");
            }
        }
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &[&str], lines: &str, read_stdin: bool) {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        assert_eq!(collect(&args), Directives { lines: lines.to_owned(), read_stdin });
    }

    #[test]
    fn each_option_is_a_line_with_quoted_values() {
        check(&["--port", "1", "--bind", "a", "b"], "port \"1\"\nbind \"a\" \"b\"\n", false);
        check(&["--requirepass", "a\"b\\ \n\u{e9}"], "requirepass \"a\\\"b\\\\ \\n\\xc3\\xa9\"\n", false);
        check(&["--port 7", "--loglevel", "debug"], "port 7\nloglevel \"debug\"\n", false);
    }

    #[test]
    fn a_missing_first_value_takes_the_next_option_as_value() {
        check(&["--logfile", "--odd-name", "--port", "1"], "logfile \"--odd-name\"\nport \"1\"\n", false);
        check(&["--port"], "port\n", false);
    }

    #[test]
    fn the_sentinel_mark_vanishes_but_a_sentinel_directive_stays() {
        check(&["--sentinel", "--port", "1"], "port \"1\"\n", false);
        check(&["--port", "1", "--sentinel"], "port \"1\"\n", false);
        check(&["--sentinel", "myid", "abc"], "sentinel \"myid\" \"abc\"\n", false);
        check(&["--save", "--port", "1"], "save \"\"\nport \"1\"\n", false);
    }

    #[test]
    fn a_dash_first_or_last_reads_stdin() {
        check(&["-"], "", true);
        check(&["--port", "1", "-"], "port \"1\"\n", true);
        check(&["--bind", "-", "x"], "bind \"-\" \"x\"\n", false);
    }
}
