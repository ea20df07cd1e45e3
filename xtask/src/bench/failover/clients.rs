//! Clients that look for the master: one that asks the Sentinels, one that listens to them.

use std::time::{Duration, Instant};

use picket_testkit::wait::wait_for_every;
use picket_testkit::{Client, SentinelProcess, Subscriber};

use super::{DEADLINE, LOOK_EVERY};

/// How long a server may take to answer a client.
const PATIENCE: Duration = Duration::from_millis(500);

/// When a client that asks the Sentinels in turn, each millisecond, has its first write acknowledged by another
/// master than the one on `old`.
pub(super) fn asking(sentinels: &[SentinelProcess], old: u16) -> Instant {
    let mut turn = 0;
    wait_for_every(LOOK_EVERY, DEADLINE, "an asking client writes", || {
        turn += 1;
        let port = sentinels[turn % sentinels.len()].master_port("mymaster").filter(|port| *port != old)?;
        write(port)
    })
    .0
}

/// When a client that is subscribed to the Sentinels has its first write acknowledged by the master that they
/// told last.
pub(super) fn following(events: &Subscriber, old: u16) -> Instant {
    events.wait("+switch-master", DEADLINE);
    wait_for_every(LOOK_EVERY, DEADLINE, "a following client writes", || {
        let told = events.events().into_iter().rev().find(|event| event.channel == "+switch-master")?;
        write(new_port(&told.payload).filter(|port| *port != old)?)
    })
    .0
}

/// The last word of `<master> <ip> <port> <ip> <port>`.
fn new_port(payload: &str) -> Option<u16> {
    payload.rsplit(' ').next()?.parse().ok()
}

fn write(port: u16) -> Option<Instant> {
    let mut client = Client::connect_within(&format!("127.0.0.1:{port}"), PATIENCE).ok()?;
    let reply = client.cmd(&["SET", "picket-bench", "1"]).ok()?;
    reply.is_ok().then(Instant::now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_address_stands_last() {
        assert_eq!(new_port("mymaster 127.0.0.1 6379 127.0.0.1 6380"), Some(6380));
        assert_eq!(new_port("mymaster"), None);
    }
}
