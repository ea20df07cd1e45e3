//! The repository's rules as tests.
//!
//! A rule is a function from the repository to findings. Add one to [`RULES`] with a name and the reason
//! for it, and give it a unit test with a sample that breaks it.

mod cores;
mod manifest;
mod papers;
mod repo;
mod source;
mod style;

use std::path::Path;

use repo::Repo;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// `path` or `path:line`.
    place: String,
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

struct Rule {
    name: &'static str,
    reason: &'static str,
    check: fn(&Repo) -> Vec<Finding>,
}

const RULES: &[Rule] = &[
    Rule {
        name: "cores-are-no-std",
        reason: "the compiler then refuses clocks, threads, sockets and hash maps in a core",
        check: cores::are_no_std,
    },
    Rule {
        name: "cores-name-nothing-ambient",
        reason: "a journal replays exactly only if no clock, entropy, hash order or float decides anything",
        check: cores::name_nothing_ambient,
    },
    Rule {
        name: "cores-depend-on-little",
        reason: "cores run anywhere: in a browser, in a simulator, without tokio",
        check: cores::depend_on_little,
    },
    Rule {
        name: "tests-do-not-sleep",
        reason: "a fixed sleep is too short on a busy machine and too long on any other; wait for a condition",
        check: style::tests_do_not_sleep,
    },
    Rule {
        name: "nothing-unfinished",
        reason: "what is here works; what does not is not here",
        check: style::nothing_unfinished,
    },
    Rule {
        name: "no-ignored-tests",
        reason: "a test that does not run tests nothing",
        check: style::no_ignored_tests,
    },
    Rule {
        name: "module-doc-first",
        reason: "a reader learns first what a file decides and what it does not",
        check: style::module_doc_first,
    },
    Rule {
        name: "files-are-short",
        reason: "one main type per file; more than 800 lines is two ideas in one place",
        check: style::files_are_short,
    },
    Rule {
        name: "no-machine-paths",
        reason: "a path of somebody's machine works on no other",
        check: style::no_machine_paths,
    },
    Rule {
        name: "crates-inherit",
        reason: "lints, licence and versions of dependencies are decided once, in the root manifest",
        check: manifest::crates_inherit,
    },
    Rule {
        name: "architecture-is-complete",
        reason: "every crate and every dependency is a decision that ARCHITECTURE.md explains",
        check: papers::architecture_is_complete,
    },
    Rule {
        name: "readme-has-the-commands",
        reason: "a newcomer needs one command to see it work and one to test it",
        check: papers::readme_has_the_commands,
    },
    Rule {
        name: "papers-exist",
        reason: "nobody may use what has no licence, and nobody updates what has no changelog",
        check: papers::exist,
    },
];

/// Checks all rules and says whether all hold.
pub(crate) fn run(root: &Path) -> bool {
    let repo = match Repo::read(root) {
        Ok(repo) => repo,
        Err(error) => {
            println!("the repository cannot be read: {error}");
            return false;
        }
    };
    let mut broken = 0;
    for rule in RULES {
        let findings = (rule.check)(&repo);
        if findings.is_empty() {
            continue;
        }
        broken += 1;
        println!("{}: {}", rule.name, rule.reason);
        for finding in findings {
            println!("    {}: {}", finding.place, finding.what);
        }
    }
    for (path, lines) in style::long_files(&repo) {
        println!("hint: {path} has {lines} lines; 100 to 400 read well");
    }
    println!("{} rules over {} files, {broken} broken", RULES.len(), repo.files.len());
    broken == 0
}

/// Prints every rule with its reason.
pub(crate) fn list() {
    for rule in RULES {
        println!("{:<28} {}", rule.name, rule.reason);
    }
}

/// The packages of all cores that exist.
pub(crate) fn core_packages(root: &Path) -> Vec<String> {
    cores::CORES
        .iter()
        .filter(|core| root.join("crates").join(core).join("Cargo.toml").is_file())
        .map(|core| format!("picket-{core}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_names_of_their_own_and_reasons() {
        for (place, rule) in RULES.iter().enumerate() {
            assert!(!rule.reason.is_empty(), "{}", rule.name);
            assert!(RULES[..place].iter().all(|other| other.name != rule.name), "{} twice", rule.name);
        }
    }
}
