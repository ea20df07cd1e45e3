//! A client that writes all the time, and finds the master as clients do: by asking the Sentinels.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use picket_sansio::Time;

use super::client::{Client, ask};
use crate::host::Clock;

/// What became of the writes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Numbers of the acknowledged writes, with when and by whom.
    pub(super) acknowledged: Vec<(u64, Time, SocketAddr)>,
    /// How many got no acknowledgement.
    pub(super) failed: u64,
    next: u64,
}

impl Ledger {
    fn last_master(&self) -> Option<SocketAddr> {
        self.acknowledged.last().map(|(_, _, by)| *by)
    }

    /// Notes what became of a write and gives that back.
    fn note(&mut self, number: u64, acknowledged: bool, at: Time, by: SocketAddr) -> bool {
        if acknowledged {
            self.acknowledged.push((number, at, by));
        } else {
            self.failed += 1;
        }
        acknowledged
    }
}

/// Pause between two writes.
const PERIOD: Duration = Duration::from_millis(5);
/// How long the writer waits for anybody.
const PATIENCE: Duration = Duration::from_millis(250);

/// The key of a write.
pub(super) fn key(number: u64) -> String {
    format!("picket:demo:{number}")
}

/// Writes until the task is ended. `moved` hears when a write is acknowledged by another master than the
/// one before.
pub(super) async fn write_steadily(
    sentinels: Vec<SocketAddr>,
    master_name: &'static str,
    clock: Clock,
    ledger: Rc<RefCell<Ledger>>,
    moved: impl Fn(Time, SocketAddr),
) {
    for sentinel in sentinels.iter().cycle() {
        if let Some(master) = master_address(*sentinel, master_name).await
            && let Ok(client) = Client::connect(master, PATIENCE).await
        {
            write_to(client, master, clock, &ledger, &moved).await;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn write_to(
    mut client: Client,
    master: SocketAddr,
    clock: Clock,
    ledger: &RefCell<Ledger>,
    moved: &impl Fn(Time, SocketAddr),
) {
    loop {
        let number = {
            let mut ledger = ledger.borrow_mut();
            ledger.next += 1;
            ledger.next
        };
        let result = client.call(&["SET", &key(number), "1"]).await;
        let at = clock.now();
        if result.is_ok() && ledger.borrow().last_master().is_some_and(|last| last != master) {
            moved(at, master);
        }
        if !ledger.borrow_mut().note(number, result.is_ok(), at, master) {
            return;
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// Whom a Sentinel names as the master.
pub(super) async fn master_address(sentinel: SocketAddr, name: &str) -> Option<SocketAddr> {
    let reply = ask(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], PATIENCE).await.ok()?;
    let [host, port] = reply.as_array()? else { return None };
    Some(SocketAddr::new(host.as_str()?.parse().ok()?, port.as_str()?.parse().ok()?))
}
