//! What the loop and everything that feeds a core share.

use std::cell::Cell;

use picket_sansio::Time;
use tokio::sync::{Notify, Semaphore};

use super::clock::Clock;
use crate::logging::Logger;

/// The clock of a host, its log, and how the loop is told that something has changed.
pub(crate) struct Pulse {
    pub(crate) clock: Clock,
    pub(crate) logger: Logger,
    /// Turns at the resolver.
    pub(crate) resolving: Semaphore,
    /// Said when the deadline has moved nearer, and when the core wants the end.
    pub(super) changed: Notify,
    /// The deadline that the loop waits for.
    pub(super) armed: Cell<Option<Time>>,
    /// How often there was news. What more a client sends without a pause is none.
    pub(super) heard: Cell<u64>,
}

/// Names that are resolved at the same time; a broken resolver must not use up all threads.
const RESOLVING_MAX: usize = 8;

impl Pulse {
    pub(crate) fn new(clock: Clock, logger: Logger) -> Self {
        Self {
            clock,
            logger,
            resolving: Semaphore::new(RESOLVING_MAX),
            changed: Notify::new(),
            armed: Cell::new(None),
            heard: Cell::new(0),
        }
    }

    /// There is news.
    pub(crate) fn hear(&self) {
        self.heard.set(self.heard.get().wrapping_add(1));
    }

    /// An input was handled: the loop looks again if the deadline is nearer than the one it waits for, or the core
    /// has ended.
    pub(crate) fn settle(&self, deadline: Option<Time>, ended: bool) {
        let nearer = match (deadline, self.armed.get()) {
            (Some(wanted), Some(armed)) => wanted < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if nearer || ended {
            self.changed.notify_one();
        }
    }
}
