//! Sentinels and the real data nodes in one world.

mod common;

use picket_resp::Reply;
use picket_sansio::Millis;
use picket_sim::{Cluster, NodeId, Shape, Ways, World};

fn settled(seed: u64) -> Cluster {
    let shape = Shape { real_nodes: true, ..Shape::default() };
    Cluster::settled(seed, &shape).unwrap_or_else(|stop| panic!("not settled: {stop}"))
}

#[track_caller]
fn until(cluster: &mut Cluster, what: &str, condition: impl Fn(&Cluster) -> bool) {
    let deadline = cluster.world.now() + Millis(60_000);
    while !condition(cluster) {
        assert!(cluster.world.now() < deadline, "never: {what}\n{}", cluster.picture());
        cluster.world.run_for(Millis(10)).unwrap_or_else(|stop| panic!("{what}: {stop}"));
    }
}

fn ask(world: &mut World, node: NodeId, words: &[&str]) -> Reply {
    world.command(node, words).unwrap_or_else(|reason| panic!("{words:?}: {reason}"))
}

#[test]
fn a_master_dies_and_comes_back_as_a_replica_with_the_same_data() {
    for seed in 0..4 {
        let mut cluster = settled(seed);
        let sentinels = cluster.sentinels.clone();
        let group = cluster.groups[0].clone();
        let writer = cluster.world.add_writer("mymaster", &sentinels, Millis(20));
        cluster.world.run_for(Millis(2_000)).expect("no violation");
        cluster.world.kill(group[0]);
        until(&mut cluster, "another master", |cluster| {
            cluster.agreed_master("mymaster").is_some_and(|master| master != group[0])
        });
        cluster.world.run_for(Millis(2_000)).expect("no violation");
        cluster.world.restart(group[0]);
        until(&mut cluster, "all in line", |cluster| cluster.is_whole(0));
        cluster.world.set_writing(writer, false);
        cluster.world.run_for(Millis(1_000)).expect("no violation");
        let report = cluster.world.writer(writer).expect("a writer");
        assert!(report.acknowledged.len() > 150, "{}", report.acknowledged.len());
        let master = cluster.agreed_master("mymaster").expect("agreed");
        let data = cluster.world.server(master).expect("a data node").data;
        // With asynchronous replication the last ones before the death may be lost, no others.
        let lost = report.acknowledged.iter().filter(|(number, _)| !data.contains(number)).count();
        assert!(lost <= 2, "seed {seed}: {lost} lost");
        for node in &group {
            let digest = ask(&mut cluster.world, *node, &["DEBUG", "DIGEST"]);
            assert_eq!(digest, ask(&mut cluster.world, master, &["DEBUG", "DIGEST"]), "seed {seed}");
        }
    }
}

#[test]
fn a_replica_that_was_cut_off_for_a_moment_goes_on_where_it_was() {
    let mut cluster = settled(7);
    let group = cluster.groups[0].clone();
    let counters = |cluster: &Cluster| cluster.world.data_node(group[0]).expect("it runs").side.counters;
    let before = counters(&cluster);
    cluster.world.cut(group[0], group[1], Ways::Both);
    ask(&mut cluster.world, group[0], &["SET", "key", "value"]);
    cluster.world.reset_connections(group[0], group[1]);
    cluster.world.run_for(Millis(2_000)).expect("no violation");
    cluster.world.heal();
    until(&mut cluster, "it goes on", |cluster| {
        counters(cluster).sync_partial_ok == before.sync_partial_ok + 1 && cluster.is_whole(0)
    });
    assert_eq!(counters(&cluster).sync_full, before.sync_full);
    until(&mut cluster, "the key is there", |cluster| {
        cluster.world.core(group[1]).is_some_and(|node| node.db(0).get(b"key").is_some())
    });
}

#[test]
fn what_was_saved_is_there_after_a_crash_and_nothing_else() {
    let mut cluster = settled(9);
    let master = cluster.groups[0][0];
    ask(&mut cluster.world, master, &["SET", "saved", "1"]);
    assert_eq!(ask(&mut cluster.world, master, &["SAVE"]), Reply::ok());
    assert!(cluster.world.file_len(master, "dump.rdb").is_some());
    ask(&mut cluster.world, master, &["SET", "unsaved", "1"]);
    cluster.world.kill(master);
    cluster.world.restart(master);
    cluster.world.run_for(Millis(100)).expect("no violation");
    let has =
        |cluster: &Cluster, key: &[u8]| cluster.world.core(master).expect("it runs").db(0).get(key).is_some();
    assert!(has(&cluster, b"saved"));
    assert!(!has(&cluster, b"unsaved"));
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let run = |seed| {
        let mut cluster = settled(seed);
        let (sentinels, master) = (cluster.sentinels.clone(), cluster.groups[0][0]);
        cluster.world.add_writer("mymaster", &sentinels, Millis(20));
        cluster.world.run_for(Millis(1_000)).expect("no violation");
        cluster.world.kill(master);
        cluster.world.run_for(Millis(4_000)).expect("no violation");
        (cluster.world.outputs_hash(), cluster.world.steps())
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
}
