//! Rules for every source file.

use super::Finding;
use super::repo::Repo;
use super::source::{Source, has_word};

/// More lines than this is an error.
const LINES_MAX: usize = 800;
/// More lines than this is a hint.
const LINES_HINT: usize = 400;

/// The one file that may sleep for tests: its helpers poll for a condition.
const POLLING_HELPER: &str = "crates/testkit/src/wait.rs";

/// Test code waits for conditions and never for a time.
pub(super) fn tests_do_not_sleep(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in repo.sources.iter().filter(|source| source.path != POLLING_HELPER) {
        let lines: Vec<_> = if source.path.starts_with("crates/testkit/") {
            source.code.lines().enumerate().map(|(place, line)| (place + 1, line)).collect()
        } else {
            source.test_lines()
        };
        for (number, line) in lines {
            if ["thread::sleep", "time::sleep", "sleep_until", "sleep_ms"]
                .iter()
                .any(|word| has_word(line, word))
            {
                findings.push(Finding::new(source.place(number), "a fixed sleep in test code"));
            }
        }
    }
    findings
}

/// Nothing is left for later.
pub(super) fn nothing_unfinished(repo: &Repo) -> Vec<Finding> {
    // Put together, so that this file does not find itself.
    let remarks =
        [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("XX", "X"), concat!("not yet ", "implemented")];
    let mut findings = Vec::new();
    for source in &repo.sources {
        for (place, line) in source.code.lines().enumerate() {
            for name in ["todo", "unimplemented"] {
                if has_word(line, name) && line.contains(&format!("{name}!")) {
                    findings.push(Finding::new(source.place(place + 1), format!("{name}! is left")));
                }
            }
        }
        for (place, line) in source.comments.lines().enumerate() {
            for remark in remarks.iter().filter(|remark| has_word(line, remark)) {
                findings.push(Finding::new(source.place(place + 1), format!("the remark {remark} is left")));
            }
        }
    }
    findings
}

/// Every test runs.
pub(super) fn no_ignored_tests(repo: &Repo) -> Vec<Finding> {
    let is_ignored = |line: &str| line.replace(' ', "").contains("#[ignore");
    let mut findings = Vec::new();
    for source in &repo.sources {
        for (place, line) in source.code.lines().enumerate().filter(|(_, line)| is_ignored(line)) {
            findings.push(Finding::new(source.place(place + 1), line.trim()));
        }
    }
    findings
}

/// The first line of a source file is its module's documentation.
pub(super) fn module_doc_first(repo: &Repo) -> Vec<Finding> {
    repo.sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| Finding::new(&source.path, "does not open with //!"))
        .collect()
}

/// No source file is too long.
pub(super) fn files_are_short(repo: &Repo) -> Vec<Finding> {
    let too_long = |source: &&Source| source.text.lines().count() > LINES_MAX;
    repo.sources
        .iter()
        .filter(too_long)
        .map(|source| {
            let lines = source.text.lines().count();
            Finding::new(&source.path, format!("{lines} lines, more than {LINES_MAX}"))
        })
        .collect()
}

/// Source files that are long without being too long.
pub(super) fn long_files(repo: &Repo) -> Vec<(String, usize)> {
    repo.sources
        .iter()
        .map(|source| (source.path.clone(), source.text.lines().count()))
        .filter(|(_, lines)| (LINES_HINT + 1..=LINES_MAX).contains(lines))
        .collect()
}

/// No path of a machine on which somebody works.
pub(super) fn no_machine_paths(repo: &Repo) -> Vec<Finding> {
    // Put together, so that this file does not find itself.
    let paths = ["home", "root", "work", "Users"].map(|name| format!("/{name}/"));
    let mut findings = Vec::new();
    for file in &repo.files {
        for (place, line) in file.text.lines().enumerate() {
            for path in paths.iter().filter(|path| has_absolute(line, path)) {
                findings.push(Finding::new(
                    format!("{}:{}", file.path, place + 1),
                    format!("a path below {path}"),
                ));
            }
        }
    }
    findings
}

/// Whether `line` has `path` where no longer path or URL goes on before it.
fn has_absolute(line: &str, path: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || "._-~}/".contains(c);
    line.match_indices(path).any(|(at, _)| !line[..at].chars().next_back().is_some_and(goes_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: fn(&Repo) -> Vec<Finding>, path: &str, text: &str, expected: usize) {
        let findings = rule(&Repo::of(&[(path, text)]));
        assert_eq!(findings.len(), expected, "{path}: {text:?} gives {findings:?}");
    }

    #[test]
    fn a_sleeping_test_is_found() {
        let sleep = "std::thread::sleep(a);\n";
        let unit = format!("{sleep}#[cfg(test)]\nmod tests {{\n{sleep}}}\n");
        check(tests_do_not_sleep, "crates/daemon/tests/a.rs", sleep, 1);
        check(tests_do_not_sleep, "crates/daemon/src/a.rs", &unit, 1);
        check(tests_do_not_sleep, "crates/testkit/src/a.rs", "tokio::time::sleep(a).await;\n", 1);
        check(tests_do_not_sleep, POLLING_HELPER, sleep, 0);
        check(tests_do_not_sleep, "crates/daemon/tests/a.rs", "// thread::sleep is banned\n", 0);
    }

    #[test]
    fn unfinished_work_is_found() {
        check(nothing_unfinished, "a.rs", concat!("fn f() { to", "do!() }\n"), 1);
        check(nothing_unfinished, "a.rs", concat!("unimpl", "emented!(\"x\")\n"), 1);
        check(nothing_unfinished, "a.rs", concat!("// FIX", "ME: later\n"), 1);
        check(nothing_unfinished, "a.rs", concat!("let s = \"FIX", "ME\"; // fixed\n"), 0);
    }

    #[test]
    fn an_ignored_test_is_found() {
        check(no_ignored_tests, "a.rs", "#[test]\n#[ignore]\nfn f() {}\n", 1);
        check(no_ignored_tests, "a.rs", "#[ignore = \"slow\"]\n", 1);
        check(no_ignored_tests, "a.rs", "// #[ignore]\n", 0);
    }

    #[test]
    fn a_file_without_a_doc_is_found() {
        check(module_doc_first, "a.rs", "use b;\n//! Late.\n", 1);
        check(module_doc_first, "a.rs", "", 1);
        check(module_doc_first, "a.rs", "//! What it is.\n", 0);
    }

    #[test]
    fn a_long_file_is_found() {
        check(files_are_short, "a.rs", &"x\n".repeat(801), 1);
        check(files_are_short, "a.rs", &"x\n".repeat(800), 0);
        let repo = Repo::of(&[("a.rs", &"x\n".repeat(401)), ("b.rs", &"x\n".repeat(400))]);
        assert_eq!(long_files(&repo), [("a.rs".to_owned(), 401)]);
    }

    #[test]
    fn a_path_of_a_machine_is_found() {
        check(no_machine_paths, "README.md", concat!("see /ho", "me/me/x\n"), 1);
        check(no_machine_paths, "a.rs", concat!("let p = \"/ro", "ot/x\";\n"), 1);
        check(no_machine_paths, "README.md", concat!("https://example.org/wo", "rk/x\n"), 0);
        check(no_machine_paths, "README.md", concat!("$HO", "ME/x and ./wo", "rk/x\n"), 0);
    }
}
