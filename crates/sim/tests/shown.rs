//! What is told to those who look: decisions about synchronisations, votes, writes, and lines as data.

use std::sync::Arc;

use picket_replication::{PsyncReason, SyncDecision, SyncQuestion};
use picket_sansio::Millis;
use picket_sentinel_core::{Event, RefusalReason};
use picket_sim::{Action, Change, Detail, NodeId, Scenario, Timeline, Told, World};

fn timeline(text: &str) -> Timeline {
    text.parse::<Scenario>().expect("a scenario").timeline(Detail::Arrivals).expect("it begins")
}

fn act(timeline: &mut Timeline, line: &str) {
    let action: Action = line.parse().expect("an action");
    timeline.inject(action).unwrap_or_else(|error| panic!("{line}: {error}"));
}

fn pass(timeline: &mut Timeline, ms: u64) {
    timeline.seek(timeline.now() + Millis(ms));
}

fn find(world: &World, name: &str) -> NodeId {
    world.find(name).expect("it is there")
}

#[test]
fn every_synchronisation_is_told_with_question_decision_and_reason() {
    let mut timeline = timeline("redis 2\nsentinels 0\n");
    let requests = |timeline: &Timeline| {
        let world = timeline.world();
        world.data_node(find(world, "redis-1")).expect("it runs").side.requests
    };
    let first = requests(&timeline);
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].question, SyncQuestion::Psync { replid: "?".into(), offset: Some(-1) });
    assert_eq!(first[0].decision, SyncDecision::Full { reason: PsyncReason::NothingCached });
    assert_eq!((first[0].replica.ip.as_str(), first[0].replica.port), ("10.0.1.2", 6379));

    act(&mut timeline, "reset redis-1 redis-2");
    let lost = timeline.now();
    pass(&mut timeline, 2_000);
    let second = requests(&timeline);
    assert_eq!(second.len(), 2);
    assert!(second[1].at > lost && second[1].at < timeline.now(), "in the world's time: {}", second[1].at);
    assert!(matches!(
        second[1].decision,
        SyncDecision::Partial { reason: PsyncReason::SameHistory { .. }, .. }
    ));
    assert!(second[1].decision.to_string().contains("same replication ID"), "{}", second[1].decision);

    // Only the last ones are remembered.
    for _ in 0..20 {
        act(&mut timeline, "reset redis-1 redis-2");
        pass(&mut timeline, 2_000);
    }
    assert_eq!(requests(&timeline).len(), 16);
}

#[test]
fn a_replica_without_its_master_refuses_its_own_replicas_and_says_so() {
    let mut timeline = timeline("redis 1\nsentinels 0\n");
    act(&mut timeline, "add redis-2 redis-1");
    pass(&mut timeline, 1_000);
    act(&mut timeline, "add redis-3 redis-2");
    pass(&mut timeline, 1_000);
    act(&mut timeline, "kill redis-1");
    pass(&mut timeline, 1_000);
    act(&mut timeline, "reset redis-2 redis-3");
    pass(&mut timeline, 3_000);
    let world = timeline.world();
    let requests = world.data_node(find(world, "redis-2")).expect("it runs").side.requests;
    let last = requests.last().expect("it was asked");
    let SyncDecision::Refused { error } = last.decision else { panic!("{}", last.decision) };
    assert!(error.starts_with("NOMASTERLINK"), "{error}");
}

#[test]
fn a_vote_that_is_refused_is_told_with_its_reason() {
    // Both candidates ask the others while nobody hears of the other's candidacy.
    let text = include_str!("../scenarios/10-split-vote.txt");
    let scenario: Scenario = text.parse().expect("a scenario");
    let mut timeline = scenario.timeline(Detail::Events).expect("it begins");
    let mut refused = None;
    let _ = timeline.run_until(Millis(20_000), |world| {
        let status = world.sentinels().filter_map(|node| world.sentinel(node));
        refused =
            status.flat_map(|status| status.masters).find_map(|master| Some((master.refused?, master.vote)));
        refused.is_some()
    });
    let (refused, (leader, epoch)) = refused.expect("a split vote");
    assert_eq!(refused.epoch, epoch);
    assert_ne!(Some(&refused.candidate), leader.as_ref());
    assert_eq!(refused.why, RefusalReason::Voted { leader, epoch });
    assert!(timeline.world().name_of_id(&refused.candidate).starts_with("sentinel-"));
}

#[test]
fn lines_are_data_as_well() {
    let mut timeline = timeline("redis 2\nsentinels 3\n");
    let since = timeline.now();
    act(&mut timeline, "kill redis-1");
    pass(&mut timeline, 5_000);
    let world = timeline.world();
    let told: Vec<&Told> = world.transcript().since(since).map(|entry| &entry.told).collect();
    assert_eq!(told[0], &Told::Deed(Arc::new(Change::Killed)));
    let switched = told.iter().filter(
        |told| matches!(told, Told::Sentinel(event) if matches!(**event, Event::SwitchMaster { .. })),
    );
    assert_eq!(switched.count(), 3, "each of the Sentinels");
    assert!(told.iter().any(|told| matches!(told, Told::Node(_))));
    for entry in world.transcript().since(since) {
        if let Told::Sentinel(event) = &entry.told {
            let begins = event.channel().is_none_or(|channel| entry.text.starts_with(channel));
            assert!(begins, "{}", entry.text);
        }
    }
}

#[test]
fn writes_are_followed_to_their_end() {
    let mut timeline = timeline("redis 3\nsentinels 3\nwriter 10ms\n");
    pass(&mut timeline, 1_000);
    let writer = find(timeline.world(), "writer-1");
    {
        let world = timeline.world();
        let counts = world.write_counts(writer).expect("a writer");
        assert!(counts.acknowledged > 50);
        let writes: Vec<_> = world.writes(writer, 0).collect();
        assert_eq!(writes.len() as u64, counts.acknowledged);
        assert_eq!(writes[0].holders.len(), 3);
        assert!(writes.iter().all(|write| write.is_lost == Some(false)));
        assert_eq!(world.writes(writer, 50).next(), writes.get(50).cloned());
        assert_eq!(world.writes(writer, 0).next_back(), writes.last().cloned());
    }
    // What is acknowledged behind a wire that is cut reaches nobody.
    act(&mut timeline, "partition redis-1 writer-1");
    let before = timeline.world().write_counts(writer).expect("a writer").acknowledged;
    pass(&mut timeline, 500);
    let last = timeline.world().writes(writer, 0).next_back().expect("it writes on");
    assert_eq!(
        (last.holders.as_slice(), last.is_lost),
        (&[find(timeline.world(), "redis-1")][..], Some(false))
    );
    pass(&mut timeline, 4_000);
    act(&mut timeline, "heal");
    pass(&mut timeline, 15_000);
    let world = timeline.world();
    let lost: Vec<_> = world.writes(writer, 0).filter(|write| write.is_lost == Some(true)).collect();
    assert!(lost.len() > 50, "{}", lost.len());
    assert!(lost.iter().all(|write| write.holders.is_empty()));
    let first = world.writes(writer, usize::try_from(before).expect("few")).next().expect("more were made");
    assert_eq!(first.is_lost, Some(true));
    let master = world.agreed_master("mymaster").expect("they agree");
    assert_eq!(world.lost_writes(master), Some(lost.len() as u64));
    // Who has left still counts.
    let count = lost.len() as u64;
    act(&mut timeline, "remove writer-1");
    assert_eq!(timeline.world().lost_writes(master), Some(count));
}
