//! The same with real processes: Sentinels of each kind, and fake masters on loopback that are all killed at once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use picket_sim::scale::Elections;
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
    /// How often anybody stood for a master.
    pub(super) candidacies: f64,
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
    wait_until_known(&running, masters, REPLICAS)?;
    let clients = running.iter().map(SentinelProcess::client).collect::<std::io::Result<_>>()?;
    let ids: Vec<String> = running.iter().map(SentinelProcess::myid).collect();
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
    Ok(sample(&subscriber.events(), &ids, killed, masters))
}

/// What the Sentinels published of one master until it was replaced.
#[derive(Debug, Default)]
struct Story {
    elections: Elections,
    switched: Option<Instant>,
}

/// Somebody stood for a master.
#[derive(Debug, PartialEq)]
struct Candidacy<'a> {
    who: usize,
    master: &'a str,
    epoch: u64,
}

/// What became of each master. Sentinels publish votes without naming the master: who votes for somebody votes for all that
/// this one stands for in that epoch. A stock Sentinel stands for one; one of ours can share an epoch among masters, and is
/// then judged too hard rather than too kindly.
fn sample(events: &[Published], ids: &[String], killed: Instant, masters: usize) -> Sample {
    let candidacies = candidacies(events);
    let mut stood = candidacies.iter().map(|(place, _)| *place).zip(&candidacies).collect::<BTreeMap<_, _>>();
    let mut stories: BTreeMap<&str, Story> = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        let who = u32::try_from(event.from).expect("few Sentinels");
        if let Some((_, candidacy)) = stood.remove(&place) {
            let story = stories.entry(candidacy.master).or_default();
            if story.switched.is_none() {
                story.elections.stands(who, candidacy.epoch);
            }
        } else if let Some((id, epoch)) = vote(event) {
            let about = |candidacy: &&(usize, Candidacy<'_>)| {
                candidacy.1.epoch == epoch && ids.get(candidacy.1.who).is_some_and(|one| one == id)
            };
            for (_, candidacy) in candidacies.iter().filter(about) {
                let story = stories.entry(candidacy.master).or_default();
                if story.switched.is_none() {
                    story.elections.votes(who, epoch);
                }
            }
        } else if let Some(name) = master_of(event) {
            let story = stories.entry(name).or_default();
            if story.switched.is_some() {
                continue;
            }
            match event.channel.as_str() {
                "+elected-leader" => story.elections.is_elected(who),
                "+switch-master" => story.switched = Some(event.at),
                _ => story.elections.gives_up(who),
            }
        }
    }
    let replaced: Vec<(&Story, Instant)> =
        stories.values().filter_map(|story| Some((story, story.switched?))).collect();
    let by_first = replaced.iter().filter(|(story, _)| story.elections.won_by_the_first()).count();
    let stood: u32 = stories.values().map(|story| story.elections.candidacies()).sum();
    let share = |count: usize| 100.0 * count as f64 / masters as f64;
    let mut ms: Vec<f64> =
        replaced.iter().map(|(_, at)| at.saturating_duration_since(killed).as_secs_f64() * 1000.0).collect();
    ms.sort_by(f64::total_cmp);
    Sample {
        first: share(by_first),
        candidacies: f64::from(stood) / masters as f64,
        switched: share(replaced.len()),
        ms,
    }
}

/// Every candidacy with the place of its event. A candidate votes for itself at once, which names the epoch.
fn candidacies(events: &[Published]) -> Vec<(usize, Candidacy<'_>)> {
    let mut standing: BTreeMap<usize, Vec<(usize, &str)>> = BTreeMap::new();
    let mut found = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let who = event.from;
        if event.channel == "+try-failover" {
            standing
                .entry(who)
                .or_default()
                .extend(event.payload.split(' ').nth(1).map(|name| (place, name)));
        } else if let Some((_, epoch)) = vote(event) {
            let stood = standing.remove(&who).unwrap_or_default().into_iter();
            found.extend(stood.map(|(place, master)| (place, Candidacy { who, master, epoch })));
        }
    }
    found
}

/// For whom, and in which epoch.
fn vote(event: &Published) -> Option<(&str, u64)> {
    if event.channel != "+vote-for-leader" {
        return None;
    }
    let (id, epoch) = event.payload.split_once(' ')?;
    Some((id, epoch.parse().ok()?))
}

/// The master that an end of an election or a failover is about.
fn master_of(event: &Published) -> Option<&str> {
    let mut words = event.payload.split(' ');
    match event.channel.as_str() {
        "+switch-master" => words.next(),
        "+elected-leader" => words.nth(1),
        channel if channel.starts_with("-failover-abort-") => words.nth(1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of one master that two Sentinels watch, A and B.
    fn judged(lines: &[(usize, &str, &str)]) -> Sample {
        let killed = Instant::now();
        let event = |(place, (from, channel, payload)): (usize, &(usize, &str, &str))| Published {
            from: *from,
            at: killed + Duration::from_millis(10 * (place as u64 + 1)),
            channel: (*channel).to_owned(),
            payload: (*payload).to_owned(),
        };
        let events: Vec<Published> = lines.iter().enumerate().map(event).collect();
        sample(&events, &["A".to_owned(), "B".to_owned()], killed, 1)
    }

    const M0: &str = "master m0 127.0.0.1 7000";
    const SWITCHED: &str = "m0 127.0.0.1 7000 127.0.0.1 7001";

    #[test]
    fn one_candidate_that_wins_is_the_first_election() {
        let sample = judged(&[
            (0, "+new-epoch", "5"),
            (0, "+try-failover", M0),
            (0, "+vote-for-leader", "A 5"),
            (1, "+vote-for-leader", "A 5"),
            (0, "+elected-leader", M0),
            (0, "+switch-master", SWITCHED),
            (1, "+try-failover", M0),
        ]);
        assert_eq!((sample.first, sample.candidacies, sample.switched), (100.0, 1.0, 100.0));
        assert_eq!(sample.ms.len(), 1);
    }

    #[test]
    fn who_voted_and_stands_is_in_another_election_also_where_nobody_said_that_it_gave_up() {
        let sample = judged(&[
            (0, "+try-failover", M0),
            (0, "+vote-for-leader", "A 5"),
            // Its candidacy is heard of later than the vote for it could be.
            (1, "+vote-for-leader", "A 5"),
            (1, "+try-failover", M0),
            (1, "+vote-for-leader", "B 6"),
            (1, "+elected-leader", M0),
            (1, "+switch-master", SWITCHED),
        ]);
        assert_eq!((sample.first, sample.candidacies, sample.switched), (0.0, 2.0, 100.0));
    }

    #[test]
    fn every_kind_of_abort_counts() {
        for abort in
            ["-failover-abort-not-elected", "-failover-abort-no-good-slave", "-failover-abort-slave-timeout"]
        {
            let sample = judged(&[
                (0, "+try-failover", M0),
                (0, "+vote-for-leader", "A 5"),
                (0, abort, M0),
                (1, "+try-failover", M0),
                (1, "+vote-for-leader", "B 6"),
                (1, "+elected-leader", M0),
                (1, "+switch-master", SWITCHED),
            ]);
            assert_eq!((sample.first, sample.switched), (0.0, 100.0), "{abort}");
        }
    }

    #[test]
    fn rivals_are_one_election_and_one_that_is_not_replaced_has_no_time() {
        let rivals = [
            (0, "+try-failover", M0),
            (1, "+try-failover", M0),
            (1, "+vote-for-leader", "B 9"),
            (0, "+vote-for-leader", "A 5"),
            (0, "+vote-for-leader", "B 9"),
            (1, "+elected-leader", M0),
            (1, "+switch-master", SWITCHED),
        ];
        assert_eq!((judged(&rivals).first, judged(&rivals).candidacies), (100.0, 2.0));
        let never = judged(&rivals[..5]);
        assert_eq!((never.first, never.switched, never.ms.len()), (0.0, 0.0, 0));
    }
}
