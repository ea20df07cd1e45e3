//! The help texts.

/// What help is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Overview,
    Sentinel,
    Demo,
    Help,
}

/// The text about `topic`.
pub(crate) fn help(topic: Topic) -> String {
    let text = match topic {
        Topic::Overview => OVERVIEW,
        Topic::Sentinel => SENTINEL,
        Topic::Demo => DEMO,
        Topic::Help => "Usage: picket help [command]\n\nPrints what a command does and its options.\n",
    };
    text.to_owned()
}

/// What `--help` prints under a stock name.
pub(super) fn stock(program: &str) -> String {
    let sentinel = program.rsplit('/').next().is_some_and(|name| name.contains("sentinel"));
    let mark = if sentinel { "" } else { " --sentinel" };
    format!(
        "Usage: {program} /path/to/sentinel.conf{mark} [--directive value ...] [-]
       {program} -v | --version
       {program} -h | --help

This is Picket standing in for the sentinel of Redis and Valkey. It reads and rewrites the same
config file. Directives on the command line win over the file; a lone '-' as the first or the last
argument reads more of them from standard input.

Example:
       {program} /etc/sentinel.conf{mark} --port 26380 --loglevel verbose
"
    )
}

const OVERVIEW: &str = "\
Picket keeps Redis and Valkey deployments alive.

Usage: picket <command> [options]

Commands:
  sentinel   watch masters and fail them over, as redis-sentinel does, with the same config file
  demo       start a small deployment on this machine, kill its master and tell what happens
  help       explain a command

Options:
  -v, --version   print the version
  -h, --help      print this

Called as redis-sentinel or valkey-sentinel (a link is enough), Picket takes their command line.
";

const SENTINEL: &str = "\
Usage: picket sentinel <sentinel.conf> [options] [--directive value ...] [-]

Runs a Sentinel. The config file is the one that redis-sentinel and valkey-sentinel read; it is
rewritten whenever there is something to remember, so it must be writable.

Options:
  --check                   validate the configuration and explain what would be watched, with
                            warnings; starts nothing; exit code 0 if it is valid, 1 if not
  --log-format text|json    text (default): the log lines of redis-sentinel;
                            json: one object per line, with the reasons of every decision
  --directive value ...     a line of the config file; wins over the file
  -                         read more configuration from standard input (first or last argument)

Examples:
  picket sentinel /etc/redis/sentinel.conf
  picket sentinel --check /etc/redis/sentinel.conf
  picket sentinel sentinel.conf --port 26380 --log-format json
";

const DEMO: &str = "\
Usage: picket demo [--kill-master] [options]

Starts one master and two replicas (redis-server) and three Sentinels of Picket on free ports of this
machine, writes to the master all the time, kills it with SIGKILL and tells what happens, with times:
who noticed, who voted for whom, who was promoted and why, and when writes succeeded again. Then the
old master is started again. Exit code 0 only if the failover took place.

Options:
  --kill-master         the story that is told; today the only one, so it may be left out
  --redis-server PATH   the redis-server or valkey-server to start (default: found in PATH)
  --down-after MS       silence after which the master counts as down (default 1000)
  --keep                keep the folder with the config files and logs
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_overview_has_a_usage_line() {
        for (topic, usage) in [
            (Topic::Sentinel, "Usage: picket sentinel "),
            (Topic::Demo, "Usage: picket demo "),
            (Topic::Help, "Usage: picket help "),
        ] {
            assert!(help(topic).starts_with(usage));
        }
        assert!(stock("redis-server").contains("sentinel.conf --sentinel"));
        assert!(stock("/x/redis-sentinel").contains("/x/redis-sentinel /path/to/sentinel.conf ["));
    }
}
