//! The values of the ordinary directives: reading, rewriting. Typed access is in `typed`.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use picket_sansio::collections::BTreeMap;

use picket_resp::{quote, split_args};

use super::directive::{DIRECTIVES, Directive, Kind, Special, Unit, find_directive};
use super::rewrite::RewriteLine;
use super::special;
use super::value::Value;

/// What the ordinary directives say. Starts with the defaults of a data server; a program with other
/// defaults sets them before it reads its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Shared by copies until one of them is changed.
    pub(super) values: Arc<BTreeMap<&'static str, Value>>,
    /// `save` points read so far, once the file mentioned any.
    save_mentioned: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// The defaults of a data server.
    #[must_use]
    pub fn new() -> Self {
        let values = DIRECTIVES.iter().filter_map(|directive| Some((directive.name, default_of(directive)?)));
        Self { values: Arc::new(values.collect()), save_mentioned: false }
    }

    /// Sets `name` as if the file said `name value`. For defaults of a program and for `CONFIG SET`.
    ///
    /// # Errors
    /// The reason in Redis's words.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), String> {
        let directive =
            find_directive(name.as_bytes()).ok_or_else(|| alloc::format!("Unknown option '{name}'"))?;
        self.save_mentioned = false;
        self.read(directive, &[value.to_vec()])
    }

    /// Takes the words that a line of the file has behind the directive's name.
    pub(super) fn read(&mut self, directive: &'static Directive, words: &[Vec<u8>]) -> Result<(), String> {
        if !directive.takes_many() {
            if words.len() != 1 {
                return Err("wrong number of arguments".into());
            }
            return self.store(directive, words);
        }
        match words {
            // One quoted word may hold all the words, which is how the command line passes them.
            [only] if !only.is_empty() => {
                let split =
                    split_args(only).map_err(|_| "Unbalanced quotes in configuration line".to_string())?;
                self.store(directive, &split)
            }
            _ => self.store(directive, words),
        }
    }

    fn store(&mut self, directive: &'static Directive, words: &[Vec<u8>]) -> Result<(), String> {
        let value = match directive.kind {
            Kind::Special(kind) => {
                let current = match self.values.get(directive.name) {
                    Some(Value::Words(current)) => current.as_slice(),
                    _ => &[],
                };
                // Several `save` lines of a file add up, but the first replaces the default.
                let current = if kind == Special::Save && !self.save_mentioned { &[] } else { current };
                let value = Value::Words(special::parse(kind, current, words)?);
                self.save_mentioned |= kind == Special::Save;
                Some(value)
            }
            _ => {
                check_name(directive.name, words)?;
                Value::parse(directive, words)?
            }
        };
        if let Some(value) = value {
            Arc::make_mut(&mut self.values).insert(directive.name, value);
        }
        Ok(())
    }

    /// The value of a directive by its primary name; `None` for names without one.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Names of all directives whose value is not a data server's default, in table order. A program
    /// that does not implement some of them can say so by name.
    pub fn non_default(&self) -> impl Iterator<Item = &'static str> + '_ {
        DIRECTIVES
            .iter()
            .filter(|directive| self.values.get(directive.name) != default_of(directive).as_ref())
            .map(|directive| directive.name)
    }

    /// The lines a rewriting writes for these settings. `cwd` is the process's directory, which `dir`
    /// always names (if it is empty, `dir` is written as it was read); options in `silent` are not written (a Sentinel has no `save`).
    #[must_use]
    pub fn rewrite_lines(&self, cwd: &[u8], silent: &[&str]) -> Vec<RewriteLine> {
        let mut lines = Vec::new();
        for directive in DIRECTIVES {
            if !silent.contains(&directive.name) {
                self.rewrite_directive(directive, cwd, &mut lines);
            }
        }
        lines
    }

    fn rewrite_directive(&self, directive: &Directive, cwd: &[u8], lines: &mut Vec<RewriteLine>) {
        let default = default_of(directive);
        let value = self.values.get(directive.name);
        let force = value != default.as_ref();
        let mut push = |rest: &[u8], force: bool| {
            let line = [directive.name.as_bytes(), b" ", rest].concat();
            lines.push(RewriteLine { key: directive.name.into(), line, force });
        };
        match (directive.kind, value) {
            (Kind::Special(Special::Dir), _) if !cwd.is_empty() => push(quote(cwd).as_bytes(), true),
            (Kind::Special(kind), Some(Value::Words(words))) => {
                for (rest, force) in special::written(kind, words, force) {
                    push(&rest, force);
                }
            }
            (_, Some(value)) => {
                if let Some(rest) = value.written(directive) {
                    push(&rest, force);
                }
            }
            (_, None) => {}
        }
    }

    /// The value as `CONFIG GET` shows it; none for directives that are read and forgotten. `cwd` is the process's
    /// directory.
    #[must_use]
    pub fn shown(&self, directive: &Directive, cwd: &[u8]) -> Option<Vec<u8>> {
        Some(match (directive.kind, self.values.get(directive.name)?) {
            (Kind::Special(Special::Dir), _) => cwd.to_vec(),
            (Kind::Special(Special::ClientOutputBufferLimit), Value::Words(words)) => {
                let classes = ["normal", "slave", "pubsub"].iter().zip(words.chunks(3));
                let classes: Vec<Vec<u8>> = classes
                    .map(|(class, numbers)| [class.as_bytes(), b" ", &numbers.join(&b' ')].concat())
                    .collect();
                classes.join(&b' ')
            }
            (_, Value::Text(text)) => text.clone().unwrap_or_default(),
            (_, Value::Secret(secret)) => secret.as_ref().map(|it| it.expose().to_vec()).unwrap_or_default(),
            (_, Value::Number(number)) => match directive.kind {
                Kind::Number { unit: Unit::Octal, .. } => alloc::format!("{number:o}").into_bytes(),
                Kind::Number { unit: Unit::MemoryOrPercent, .. } if *number < 0 => {
                    alloc::format!("{}%", -number).into_bytes()
                }
                _ => number.to_string().into_bytes(),
            },
            (_, value) => value.written(directive)?,
        })
    }

    /// Keys of every option that [`rewrite_lines`](Self::rewrite_lines) answers for: old lines of
    /// these that are not wanted any more vanish.
    #[must_use]
    pub fn known_keys() -> Vec<&'static [u8]> {
        DIRECTIVES
            .iter()
            .filter(|directive| directive.kind != Kind::Ignored)
            .map(|directive| directive.name.as_bytes())
            .collect()
    }
}

/// A file that is named without its folder is in the working folder (`config.c: isValidDBfilename`).
fn check_name(directive: &str, words: &[Vec<u8>]) -> Result<(), String> {
    let what = match directive {
        "dbfilename" | "appendfilename" => "filename",
        "appenddirname" => "dirname",
        _ => return Ok(()),
    };
    let is_path = |word: &Vec<u8>| word.iter().any(|byte| matches!(byte, b'/' | b'\\')) || word == b"..";
    if words.iter().any(is_path) {
        return Err(alloc::format!("{directive} can't be a path, just a {what}"));
    }
    Ok(())
}

fn default_of(directive: &Directive) -> Option<Value> {
    match directive.kind {
        Kind::Special(kind) => Some(Value::Words(special::default(kind))),
        _ => Value::default_of(directive),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_no_paths() {
        let mut settings = Settings::new();
        for value in ["a/b", "..", "../a", "a\\b", "/a"] {
            for (name, what) in
                [("dbfilename", "filename"), ("appendfilename", "filename"), ("appenddirname", "dirname")]
            {
                let expected = Err(alloc::format!("{name} can't be a path, just a {what}"));
                assert_eq!(settings.set(name, value.as_bytes()), expected);
            }
        }
        assert_eq!(settings.set("dbfilename", b"..rdb"), Ok(()));
        assert_eq!(settings.set("dir", b"../a"), Ok(()));
    }

    #[test]
    fn save_lines_add_up_once_the_default_is_gone() {
        let mut settings = Settings::new();
        let save = find_directive(b"save").expect("a directive");
        for words in [[b"900".to_vec(), b"1".to_vec()], [b"60".to_vec(), b"5".to_vec()]] {
            settings.read(save, &words).expect("a save point");
        }
        let lines = settings.rewrite_lines(b"/", &[]);
        let lines: Vec<&[u8]> =
            lines.iter().filter(|line| line.key == b"save").map(|line| &line.line[..]).collect();
        assert_eq!(lines, [&b"save 900 1"[..], b"save 60 5"]);
        settings.set("save", b"").expect("no save points");
        assert!(settings.rewrite_lines(b"/", &[]).iter().any(|line| line.line == b"save \"\""));
    }
}
