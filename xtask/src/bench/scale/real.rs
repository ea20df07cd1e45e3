//! The same with real processes: Sentinels of each kind, and fake masters on loopback that are all killed at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use picket_testkit::fake::FakeServers;
use picket_testkit::wait::holds_within;
use picket_testkit::{Program, Published, SentinelProcess, Subscriber};

use crate::bench::known::wait_until_known;

/// How long all masters may take to be replaced.
const PATIENCE: Duration = Duration::from_secs(180);
const REPLICAS: usize = 2;

/// What one run found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// Of a hundred masters, won by the first election.
    pub(super) first: f64,
    /// Of a hundred masters, replaced at all.
    pub(super) switched: f64,
    /// Milliseconds from the kill to each first `+switch-master`, the shortest first.
    pub(super) ms: Vec<f64>,
}

/// Kills so many masters at once under so many Sentinels.
///
/// # Errors
/// When the machine cannot carry them.
pub(super) fn measure(kind: &Program, sentinels: usize, masters: usize) -> std::io::Result<Sample> {
    let fakes = FakeServers::start(masters, REPLICAS)?;
    let quorum = sentinels / 2 + 1;
    let lines: String = fakes
        .deployments()
        .iter()
        .enumerate()
        .map(|(place, one)| {
            format!(
                "sentinel monitor m{place} 127.0.0.1 {} {quorum}\nsentinel down-after-milliseconds m{place} 1000\n\
                 sentinel failover-timeout m{place} 10000\n",
                one.master
            )
        })
        .collect();
    let running: Vec<_> = (0..sentinels).map(|_| SentinelProcess::start(kind, &lines)).collect();
    wait_until_known(&running, masters, REPLICAS);
    let clients = running.iter().map(SentinelProcess::client).collect::<std::io::Result<_>>()?;
    let subscriber = Subscriber::start(clients)?;
    let killed = fakes.kill_masters();
    let replaced = || {
        if subscriber.count("+switch-master") < masters {
            return false;
        }
        let events = subscriber.events();
        let switches = events.iter().filter(|event| event.channel == "+switch-master");
        let names: BTreeSet<&str> = switches.filter_map(|event| event.payload.split(' ').next()).collect();
        names.len() == masters
    };
    // If not, the sample says how many were.
    let _ = holds_within(PATIENCE, replaced);
    Ok(sample(&subscriber.events(), killed, masters))
}

/// What the Sentinels published of one master.
#[derive(Debug, Default)]
struct Story {
    stood: BTreeMap<usize, Instant>,
    first_given_up: Option<Instant>,
    winner_stood: Option<Instant>,
    switched: Option<Instant>,
}

fn sample(events: &[Published], killed: Instant, masters: usize) -> Sample {
    let mut stories: BTreeMap<String, Story> = BTreeMap::new();
    for event in events {
        let mut words = event.payload.split(' ');
        let first = words.next().unwrap_or_default();
        let name = if event.channel == "+switch-master" { Some(first) } else { words.next() };
        let story = stories.entry(name.unwrap_or_default().to_owned()).or_default();
        if story.switched.is_some() {
            continue;
        }
        match event.channel.as_str() {
            "+try-failover" => {
                story.stood.insert(event.from, event.at);
            }
            "-failover-abort-not-elected" | "-failover-abort-no-good-slave" => {
                story.first_given_up.get_or_insert(event.at);
            }
            "+elected-leader" => story.winner_stood = story.stood.get(&event.from).copied(),
            "+switch-master" => story.switched = Some(event.at),
            _ => {}
        }
    }
    let replaced: Vec<(&Story, Instant)> =
        stories.values().filter_map(|story| Some((story, story.switched?))).collect();
    let by_first = replaced.iter().filter(|(story, _)| {
        story.winner_stood.is_some_and(|stood| story.first_given_up.is_none_or(|given_up| stood <= given_up))
    });
    let share = |count: usize| 100.0 * count as f64 / masters as f64;
    let mut ms: Vec<f64> =
        replaced.iter().map(|(_, at)| at.saturating_duration_since(killed).as_secs_f64() * 1000.0).collect();
    ms.sort_by(f64::total_cmp);
    Sample { first: share(by_first.count()), switched: share(replaced.len()), ms }
}
