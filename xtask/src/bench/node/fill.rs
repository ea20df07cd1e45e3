//! Filling servers with data, the same on each.

use std::io;
use std::time::{Duration, Instant};

use picket_testkit::wait::wait_for_every;
use picket_testkit::{Client, DataServer};

/// How long anything of this may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// How often progress is looked at.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Commands sent before their replies are read.
const BATCH: u64 = 1000;

/// Sets `count` keys named as redis-benchmark does, with a value made from the number.
pub(super) fn fill(server: &DataServer, count: u64, value: impl Fn(u64) -> String) -> io::Result<()> {
    let mut client = Client::connect_within(&server.addr(), PATIENCE)?;
    let mut batch = Vec::new();
    let mut from = 0;
    while from < count {
        let to = count.min(from + BATCH);
        batch.clear();
        for number in from..to {
            let value = value(number);
            let len = value.len();
            let command = format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{number:012}\r\n${len}\r\n{value}\r\n");
            batch.extend_from_slice(command.as_bytes());
        }
        client.send_raw(&batch)?;
        for _ in from..to {
            let reply = client.read()?;
            assert!(reply.is_ok(), "SET was answered {reply:?}");
        }
        from = to;
    }
    Ok(())
}

/// Text that compresses hardly at all: letters of a xorshift sequence that begins with the number.
pub(super) fn noise(number: u64, len: usize) -> String {
    let mut state = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let letter = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'0' + u8::try_from(state % 64).expect("it is below 64"))
    };
    (0..len).map(letter).collect()
}

/// Waits until `replica` has all that `master` has, and says how long that took.
pub(super) fn caught_up(master: &DataServer, replica: &DataServer, since: Instant) -> Duration {
    let wanted = offset(master, "master_repl_offset").expect("the master tells its offset");
    wait_for_every(LOOK_EVERY, PATIENCE, "the replica has the master's offset", || {
        let has = offset(replica, "slave_repl_offset")?;
        (has >= wanted).then(|| since.elapsed())
    })
    .0
}

fn offset(server: &DataServer, field: &str) -> Option<u64> {
    server.replication(field).parse().ok()
}

/// Makes `replica` follow `master` and says how long it took until its link was up.
pub(super) fn follow(master: &DataServer, replica: &DataServer) -> Duration {
    let since = Instant::now();
    let port = master.port();
    let reply = replica.cmd(&["REPLICAOF", "127.0.0.1", &port.to_string()]).expect("it answers");
    assert!(reply.is_ok(), "REPLICAOF was answered {reply:?}");
    wait_for_every(LOOK_EVERY, PATIENCE, "the replica is in sync", || {
        replica.follows(port).then(|| since.elapsed())
    })
    .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_the_same_each_time_and_differs_by_number() {
        assert_eq!(noise(7, 1000), noise(7, 1000));
        assert_ne!(noise(7, 100), noise(8, 100));
        assert_eq!(noise(0, 33).len(), 33);
        assert!(noise(1, 1000).chars().all(|letter| ('0'..='o').contains(&letter)));
    }
}
