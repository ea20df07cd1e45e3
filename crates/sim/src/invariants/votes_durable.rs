//! A vote leaves only after it is on disk: what the voter would read after a crash at this moment
//! keeps it from voting again in that epoch (design.md, "Durability").

use alloc::format;
use alloc::string::String;

use super::files::Files;
use super::{GivenVote, Observation};
use crate::world::World;

pub(crate) fn check(world: &World, what: &Observation<'_>, files: &mut Files) -> Result<(), String> {
    let Observation::Answered { by, request, reply } = what else { return Ok(()) };
    let Some(vote) = GivenVote::read(world, request, reply) else { return Ok(()) };
    // The model of a stock Sentinel stands still while it writes, and has no text.
    #[cfg(feature = "scale")]
    if matches!(world.node(*by).program, crate::node::Program::Stock(_)) {
        return Ok(());
    }
    let on_disk = files.of(world, *by, &vote.master)?.map_or(0, |master| master.leader_epoch);
    if on_disk >= vote.epoch {
        return Ok(());
    }
    Err(format!(
        "{} gave its vote about {} in epoch {}, its disk knows epoch {on_disk}",
        world.name(*by),
        vote.master,
        vote.epoch
    ))
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use bytes::Bytes;
    use picket_resp::Reply;
    use picket_sansio::{Prng, Secret, Ticket, Time};
    use picket_sentinel_core::{PersistentLine, PersistentState};

    use super::*;
    use crate::cluster::{Cluster, Shape};

    /// sentinel-1 gives its vote in epoch 7, with that text on its disk and this line written over it.
    fn votes(text: &str, written: Option<(&'static str, bool)>) -> Result<(), String> {
        let mut cluster = Cluster::new(1, &Shape { sentinels: 1, ..Shape::default() });
        let (world, by) = (&mut cluster.world, cluster.sentinels[0]);
        let config = world.disk_text(by);
        world.set_disk_text(by, &format!("{config}{text}"));
        if let Some((vote, forced)) = written {
            let line = |option, line: &str, forced| {
                let text = Secret::new(line.as_bytes().to_vec());
                PersistentLine { option, text, forced }
            };
            let monitor = "sentinel monitor mymaster 10.0.1.1 6379 2";
            let lines =
                vec![line("sentinel monitor", monitor, true), line("sentinel leader-epoch", vote, forced)];
            let mut prng = Prng::new(1);
            let machine = world.node_mut(by);
            machine.disk.write(machine.drive, Time(0), &mut prng, Ticket(1), PersistentState { lines });
            while machine.disk.finish(machine.drive, &mut prng).is_some() {}
        }
        let addr = world.addr(cluster.groups[0][0]);
        let words = ["SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "10.0.1.1", "6379", "7", "candidate"];
        assert_eq!(addr, "10.0.1.1:6379".parse().expect("an address"));
        let request = words.map(|word| Bytes::from_static(word.as_bytes()));
        let reply = Reply::Array(vec![Reply::Integer(1), Reply::bulk("candidate"), Reply::Integer(7)]);
        check(world, &Observation::Answered { by, request: &request, reply: &reply }, &mut Files::default())
    }

    #[test]
    fn a_vote_counts_as_written_once_a_restart_would_read_it() {
        assert_eq!(votes("sentinel leader-epoch mymaster 7\n", None), Ok(()));
        assert_eq!(votes("", Some(("sentinel leader-epoch mymaster 7", true))), Ok(()));
        for (text, written) in [
            ("", None),
            ("sentinel leader-epoch mymaster 6\n", None),
            ("sentinel config-epoch mymaster 7\n", None),
            // The Sentinel gave the right line, and what was made of the file lacks it.
            ("", Some(("sentinel leader-epoch mymaster 7", false))),
        ] {
            let lost = votes(text, written).expect_err(text);
            assert!(lost.starts_with("sentinel-1 gave its vote about mymaster in epoch 7"), "{lost}");
        }
    }
}
