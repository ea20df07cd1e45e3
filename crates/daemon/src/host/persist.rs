//! The thread that makes states durable. States that arrive while it writes are not written one by
//! one: the newest stands for all of them (group commit).

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use picket_sansio::Ticket;
use picket_sentinel_core::{Input, PersistentState};
use tokio::sync::mpsc::UnboundedSender;

/// A handle on the thread; the thread ends with it.
#[derive(Debug)]
pub(crate) struct Persister {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Job {
    ticket: Ticket,
    state: PersistentState,
}

impl Persister {
    /// Starts the thread. `write` makes one state durable; each result goes to `inbox`.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(crate) fn start(
        inbox: UnboundedSender<Input>,
        write: impl FnMut(&PersistentState) -> Result<(), String> + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let thread = std::thread::Builder::new()
            .name("persist".to_owned())
            .spawn(move || work(&waiting, &inbox, write))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Asks for a state to be written; returns at once.
    pub(crate) fn persist(&self, ticket: Ticket, state: PersistentState) {
        if let Some(jobs) = &self.jobs {
            // The thread only ends after this sender.
            let _ = jobs.send(Job { ticket, state });
        }
    }

    /// Waits until everything asked for is written.
    pub(crate) fn finish(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn work(
    waiting: &Receiver<Job>,
    inbox: &UnboundedSender<Input>,
    mut write: impl FnMut(&PersistentState) -> Result<(), String>,
) {
    while let Ok(first) = waiting.recv() {
        let newest = waiting.try_iter().last().unwrap_or(first);
        let result = write(&newest.state);
        if inbox.send(Input::Persisted { ticket: newest.ticket, result }).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, mpsc};

    #[test]
    fn states_that_wait_for_the_disk_are_written_as_one() {
        let (inbox, mut results) = tokio::sync::mpsc::unbounded_channel();
        let (release, released) = mpsc::channel::<()>();
        let (entered, is_writing) = mpsc::channel::<()>();
        let writes = Arc::new(Mutex::new(0));
        let count = Arc::clone(&writes);
        let mut persister = Persister::start(inbox, move |_| {
            entered.send(()).expect("the test waits");
            released.recv().expect("the test releases");
            *count.lock().expect("not poisoned") += 1;
            Err("disk full".to_owned())
        })
        .expect("a thread");
        persister.persist(Ticket(1), PersistentState::default());
        is_writing.recv().expect("the first write has begun");
        for ticket in 2..=9 {
            persister.persist(Ticket(ticket), PersistentState::default());
        }
        release.send(()).expect("the thread waits");
        release.send(()).expect("the thread waits");
        persister.finish();
        let tickets: Vec<Input> = std::iter::from_fn(|| results.try_recv().ok()).collect();
        let failed =
            |ticket| Input::Persisted { ticket: Ticket(ticket), result: Err("disk full".to_owned()) };
        assert_eq!(tickets, [failed(1), failed(9)]);
        assert_eq!(*writes.lock().expect("not poisoned"), 2);
    }
}
