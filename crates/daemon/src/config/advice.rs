//! What to do about a line of a Sentinel that is refused. Redis's words tell the fault; they seldom tell the remedy.

use picket_server_core::config::ConfigError;

use crate::cli::suggest::hint;

/// How lines are written: those that people write, then those that a Sentinel adds.
const FORMS: [&str; 24] = [
    "monitor <master-name> <ip> <port> <quorum>",
    "down-after-milliseconds <master-name> <milliseconds>",
    "failover-timeout <master-name> <milliseconds>",
    "parallel-syncs <master-name> <replicas>",
    "auth-pass <master-name> <password>",
    "auth-user <master-name> <username>",
    "notification-script <master-name> <path>",
    "client-reconfig-script <master-name> <path>",
    "rename-command <master-name> <command> <new-name>",
    "master-reboot-down-after-period <master-name> <milliseconds>",
    "primary-reboot-down-after-period <master-name> <milliseconds>",
    "sentinel-user <username>",
    "sentinel-pass <password>",
    "announce-ip <ip>",
    "announce-port <port>",
    "resolve-hostnames yes|no",
    "announce-hostnames yes|no",
    "deny-scripts-reconfig yes|no",
    "myid <id>",
    "current-epoch <epoch>",
    "config-epoch <master-name> <epoch>",
    "leader-epoch <master-name> <epoch>",
    "known-replica <master-name> <ip> <port>",
    "known-sentinel <master-name> <ip> <port> <id>",
];
/// So many of them are written by people.
const BY_PEOPLE: usize = 18;

/// What to do about it, where there is more to say than the reason does.
pub(super) fn advice(error: &ConfigError) -> Option<String> {
    let mut words = error.text.split_whitespace().map(|word| word.trim_matches('"').to_ascii_lowercase());
    let name = words.next().filter(|word| word == "sentinel").and_then(|_| words.next())?;
    let form = FORMS.iter().find(|form| name_of(form) == name);
    match (error.reason.as_str(), form) {
        ("Unrecognized sentinel configuration statement.", Some(form)) => {
            Some(format!("It is written: sentinel {form}"))
        }
        ("Unrecognized sentinel configuration statement.", None) => {
            let names = FORMS[..BY_PEOPLE].iter().map(|form| name_of(form)).collect::<Vec<_>>();
            Some(format!("There is no 'sentinel {name}': {}", hint(&name, &names)))
        }
        ("Can't resolve instance hostname.", _) => Some(
            "Write an IP address, or take names as they are with the line: sentinel resolve-hostnames yes"
                .to_owned(),
        ),
        ("No such master with specified name.", _) => Some(
            "A master needs a line of its own: sentinel monitor <master-name> <ip> <port> <quorum>"
                .to_owned(),
        ),
        ("negative or zero time parameter." | "negative time parameter.", _) => {
            Some("Milliseconds are written as a number alone: 30000 is half a minute".to_owned())
        }
        _ => None,
    }
}

fn name_of(form: &str) -> &str {
    form.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use picket_sentinel_core::Config;

    fn refusal(line: &str) -> Option<ConfigError> {
        let text = format!("sentinel monitor m 127.0.0.1 6379 2\n{line}\n");
        let mut include = |_: &[u8]| Err("no other files".to_owned());
        Config::read("s.conf", text.as_bytes(), &mut include, &|_| true).err()
    }

    #[test]
    fn every_form_is_accepted_as_it_is_told() {
        for form in FORMS {
            let filled = form
                .replace("monitor <master-name>", "monitor other")
                .replace("<master-name>", "m")
                .replace("<ip>", "127.0.0.1")
                .replace("<id>", &"a".repeat(40))
                .replace("yes|no", "no");
            let words = filled.split(' ').map(|word| if word.starts_with('<') { "7" } else { word });
            let line = format!("sentinel {}", words.collect::<Vec<_>>().join(" "));
            if let Some(error) = refusal(&line) {
                panic!("{line}: {}", error.reason);
            }
            let error = refusal(&format!("{line} and more")).expect("too many words");
            assert_eq!(advice(&error), Some(format!("It is written: sentinel {form}")), "{line}");
        }
    }

    #[test]
    fn the_remedy_is_told_beside_the_fault() {
        for (line, told) in [
            ("sentinel down-after-millisecond m 5000", "did you mean 'down-after-milliseconds'?"),
            ("sentinel no-such-directive m 5000", "known: monitor, "),
            ("SENTINEL Monitor x redis.invalid 6379 2", "sentinel resolve-hostnames yes"),
            ("sentinel failover-timeout other 5000", "sentinel monitor <master-name>"),
            ("sentinel failover-timeout m 0", "a number alone"),
        ] {
            let advice = advice(&refusal(line).expect(line)).expect(line);
            assert!(advice.contains(told), "{line}: {advice}");
        }
        assert_eq!(advice(&refusal("sentinel monitor m 127.0.0.1 1 0").expect("no quorum")), None);
        assert_eq!(advice(&refusal("bogus m").expect("no directive")), None);
    }
}
