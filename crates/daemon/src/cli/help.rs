//! The help texts.

/// What help is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Overview,
    Sentinel,
    Node,
    Demo,
    Help,
}

/// The text about `topic`.
pub(crate) fn help(topic: Topic) -> String {
    let text = match topic {
        Topic::Overview => OVERVIEW,
        Topic::Sentinel => SENTINEL,
        Topic::Node => NODE,
        Topic::Demo => DEMO,
        Topic::Help => "Usage: picket help [command]\n\nPrints what a command does and its options.\n",
    };
    text.to_owned()
}

/// What `--help` prints under a stock name.
pub(super) fn stock(program: &str) -> String {
    let is_sentinel = program.rsplit('/').next().is_some_and(|name| name.contains("sentinel"));
    let (what, conf, also) = if is_sentinel {
        ("sentinel", "sentinel.conf", String::new())
    } else {
        ("server", "redis.conf", format!("       {program} /path/to/sentinel.conf --sentinel\n"))
    };
    format!(
        "Usage: {program} /path/to/{conf} [--directive value ...] [-]
{also}       {program} - (reads the configuration from standard input)
       {program} -v | --version
       {program} -h | --help

This is Picket standing in for the {what} of Redis and Valkey. It reads and rewrites the same config
file. Directives on the command line win over the file; a lone '-' as the first or the last argument
reads more of them from standard input.

Example:
       {program} /etc/{conf} --port 7777 --loglevel verbose
"
    )
}

const OVERVIEW: &str = "\
Picket keeps Redis and Valkey deployments alive.

Usage: picket <command> [options]

Commands:
  sentinel   watch masters and fail them over, as redis-sentinel does, with the same config file
  node       run a data node, as redis-server does, with the same config file: master or replica
             beside Redis and Valkey servers
  demo       start a small deployment on this machine, kill its master, tell what happens, and serve
             the playground to your browser
  help       explain a command

Options:
  -v, --version   print the version
  -h, --help      print this

Called as redis-sentinel, redis-server, valkey-sentinel or valkey-server (a link is enough), Picket takes
their command lines.
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
  --http ADDR               serve the playground to browsers on this IP address and port, such as
                            127.0.0.1:8080
  --directive value ...     a line of the config file; wins over the file
  -                         read more configuration from standard input (first or last argument)

Examples:
  picket sentinel /etc/redis/sentinel.conf
  picket sentinel --check /etc/redis/sentinel.conf
  picket sentinel sentinel.conf --port 26380 --log-format json
";

const NODE: &str = "\
Usage: picket node [redis.conf] [options] [--directive value ...] [-]

Runs a data node: a master or replica that speaks the replication protocol of Redis and Valkey in both
directions. The config file is the one that redis-server and valkey-server read. Directives that would
promise what is not there (append-only file, cluster, TLS, modules) are refused with the line; others
without effect are named in the log at level verbose.

Options:
  --check                   validate the configuration and say what it means; starts nothing; exit
                            code 0 if it is valid, 1 if not
  --log-format text|json    text (default): the log lines of redis-server; json: one object per line
  --directive value ...     a line of the config file; wins over the file
  -                         read more configuration from standard input (first or last argument)

Examples:
  picket node
  picket node /etc/redis/redis.conf
  picket node --port 7000 --replicaof 127.0.0.1 6379
";

const DEMO: &str = "\
Usage: picket demo [--kill-master] [options]

Starts one master, two replicas and three Sentinels of Picket on free ports of this machine, all in this
process, writes to the master all the time, kills it and tells what happens, with times: who noticed, who
voted for whom, who was promoted and why, and when writes succeeded again. Then the old master is started
again. All of them run on, for you to look at, and the playground is served to browsers, until you interrupt.
Exit code 0 only if the failover took place.

Options:
  --kill-master         end with the story, without the playground
  --http ADDR           where the playground is served (default 127.0.0.1:8080, or a free port if that is taken)
  --redis-server PATH   the redis-server or valkey-server to start as master and replicas, in place of
                        nodes of Picket
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
            (Topic::Node, "Usage: picket node "),
            (Topic::Demo, "Usage: picket demo "),
            (Topic::Help, "Usage: picket help "),
        ] {
            assert!(help(topic).starts_with(usage));
        }
        assert!(stock("redis-server").contains("sentinel.conf --sentinel\n"));
        assert!(stock("/x/redis-sentinel").contains("/x/redis-sentinel /path/to/sentinel.conf ["));
    }
}
