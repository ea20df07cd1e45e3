//! The main stories: a master dies, and what must happen then.

mod common;

use common::{MASTER, drive, drive_switch, first, last, pass, settled};
use picket_sansio::Millis;
use picket_sim::{Cluster, Shape};

#[test]
fn a_killed_master_is_replaced() {
    let mut cluster = settled(1, &Shape::default());
    let old = cluster.groups[0][0];
    let addr = cluster.world.addr(old);
    let writer = cluster.world.add_writer(MASTER, &cluster.sentinels.clone(), Millis(10));
    pass(&mut cluster, 3_000);
    let killed = cluster.world.now();
    cluster.world.kill(old);
    drive_switch(&mut cluster, 5_000, 0, addr);
    println!("{}", cluster.world.transcript().text(killed));
    let _ = (writer, first(&cluster.world, killed, "+odown"), last(&cluster.world, killed, "+switch-master"));
    drive(&mut cluster, 5_000, "whole", |cluster: &Cluster| cluster.is_whole(0));
}
