//! The same seed gives the same run, to the byte.

mod common;

use common::{MASTER, settled};
use picket_sansio::{Millis, Time};
use picket_sim::{Cluster, Detail, Shape, Ways};

fn story(seed: u64) -> (String, u64, u64) {
    let mut cluster = settled(seed, &Shape { sentinels: 5, quorum: 3, replicas: 3, ..Shape::default() });
    cluster.world.set_detail(Detail::Messages);
    let sentinels = cluster.sentinels.clone();
    cluster.world.add_writer(MASTER, &sentinels, Millis(10));
    let master = cluster.groups[0][0];
    common::pass(&mut cluster, 1_000);
    cluster.world.kill(master);
    common::pass(&mut cluster, 1_500);
    cluster.world.kill(sentinels[2]);
    cluster.world.cut(sentinels[0], sentinels[1], Ways::OneWay);
    common::pass(&mut cluster, 2_000);
    cluster.world.mend_everything();
    common::pass(&mut cluster, 5_000);
    (cluster.world.transcript().text(Time(0)), cluster.world.outputs_hash(), cluster.world.steps())
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let (text, hash, steps) = story(7);
    assert!(text.contains("+switch-master") && text.contains("-> redis-2 PING"));
    let again = story(7);
    assert!(text == again.0, "the transcripts differ");
    assert_eq!((hash, steps), (again.1, again.2));
}

#[test]
fn another_seed_gives_another_run() {
    assert_ne!(story(7).1, story(8).1);
}

#[test]
fn a_clone_goes_on_as_the_original_does() {
    let mut original = settled(3, &Shape::default());
    let mut copy: Cluster = original.clone();
    for cluster in [&mut original, &mut copy] {
        let master = cluster.groups[0][0];
        cluster.world.kill(master);
        common::pass(cluster, 5_000);
    }
    assert_eq!(original.world.outputs_hash(), copy.world.outputs_hash());
    assert_eq!(original.world.transcript(), copy.world.transcript());
}
