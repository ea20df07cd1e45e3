//! The end: replicas get what they lack, and the data goes to disk (`server.c: prepareForShutdown`).

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_replication::{MasterInput, WaitKind};
use picket_resp::Reply;
use picket_sansio::ClientId;
use picket_server_core::config::Value;
use picket_server_core::{LogLevel, UnblockWith};

use super::Node;
use super::io::{EndSignal, NodeOutput};

/// In whose name the end waits for replicas; no connection has this id.
pub(super) const WAITER: ClientId = ClientId(u64::MAX);

/// A shutdown that is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shutdown {
    /// Who asked for it, and is answered only if it is given up.
    clients: Vec<ClientId>,
    save: bool,
    force: bool,
    stage: Stage,
    /// What replicas are to have; what they are asked for it comes after it.
    offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Replicas are given time to catch up.
    Replicas,
    /// The data is being saved.
    Saving,
}

impl Node {
    /// `SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT]`.
    pub(super) fn shutdown_command(&mut self, client: ClientId, args: &[Bytes]) -> Option<Reply> {
        let (mut save, mut nosave, mut now, mut force, mut abort) = (false, false, false, false, false);
        for word in &args[1..] {
            match word.to_ascii_lowercase().as_slice() {
                b"save" => save = true,
                b"nosave" => nosave = true,
                b"now" => now = true,
                b"force" => force = true,
                b"abort" => abort = true,
                _ => return Some(Reply::error("ERR syntax error")),
            }
        }
        if save && nosave || abort && (save || nosave || now || force) {
            return Some(Reply::error("ERR syntax error"));
        }
        if abort {
            return Some(match self.abort_shutdown() {
                true => Reply::ok(),
                false => Reply::error("ERR No shutdown in progress."),
            });
        }
        if let Some(running) = &mut self.shutdown {
            running.force |= force;
        }
        let save = save || !nosave && !self.live.save_points.is_empty();
        self.begin_shutdown(Some(client), save, now, force);
        None
    }

    /// SIGTERM and SIGINT.
    pub(super) fn terminate(&mut self, signal: EndSignal) {
        let how = match signal {
            EndSignal::Interrupt => "shutdown-on-sigint",
            EndSignal::Terminate => "shutdown-on-sigterm",
        };
        let Some(Value::Choice(words)) = self.settings.value(how) else { return };
        let has = |word: &str| words.contains(&word);
        let save = has("save") || !has("nosave") && !self.live.save_points.is_empty();
        let (now, force) = (has("now"), has("force"));
        self.begin_shutdown(None, save, now, force);
    }

    fn begin_shutdown(&mut self, client: Option<ClientId>, save: bool, now: bool, force: bool) {
        if let Some(client) = client {
            self.server.suspend(client);
        }
        if let Some(running) = &mut self.shutdown
            && !now
        {
            running.clients.extend(client);
            return;
        }
        self.note(LogLevel::Warning, "User requested shutdown...".to_string());
        let mut clients = self.shutdown.take().map(|running| running.clients).unwrap_or_default();
        clients.extend(client);
        // What is there while data is loaded is not all of it: the file must not be replaced by that.
        let save = save && self.is_ready && self.loading.is_none();
        let offset = self.side.history().master_repl_offset;
        self.shutdown = Some(Shutdown { clients, save, force, stage: Stage::Replicas, offset });
        let behind = self.lagging_replicas(offset);
        let timeout = self.live.shutdown_timeout;
        if now || behind == 0 || timeout.0 == 0 || !self.is_master() {
            return self.save_and_end();
        }
        self.note(LogLevel::Notice, "Waiting for replicas before shutting down.".to_string());
        self.server.hold_writes(self.now, true);
        let args = [behind_text(self.replicas.len()), behind_text(timeout.0)].to_vec();
        let (client, kind) = (WAITER, WaitKind::Wait);
        self.side_input(MasterInput::Wait { client, kind, args, offset, may_block: true });
    }

    fn lagging_replicas(&self, offset: u64) -> usize {
        let caught_up = usize::try_from(self.side.acknowledged_by(offset)).unwrap_or(usize::MAX);
        self.replicas.len().saturating_sub(caught_up)
    }

    /// Those who were waited for may be gone, or follow another master now.
    pub(super) fn check_shutdown(&mut self) {
        let Some(Shutdown { offset, .. }) = self.shutdown else { return };
        if !self.is_master() || self.lagging_replicas(offset) == 0 {
            self.replicas_waited_for();
        }
    }

    /// All replicas have everything, or their time is over.
    pub(super) fn replicas_waited_for(&mut self) {
        let Some(Shutdown { stage: Stage::Replicas, offset, .. }) = self.shutdown else { return };
        self.side_input(MasterInput::Gone { conn: WAITER });
        let status = self.side.status();
        for replica in status.replicas.iter().filter(|replica| replica.ack < offset) {
            let text = format!(
                "Lagging replica {}:{} reported offset {} behind master, lag={}, state={}.",
                replica.ip,
                replica.port,
                offset.saturating_sub(replica.ack),
                replica.lag_seconds,
                replica.state.word()
            );
            self.note(LogLevel::Notice, text);
        }
        let all = self.replicas.len();
        let synced = all - self.lagging_replicas(offset);
        self.note(LogLevel::Notice, format!("{synced} of {all} replicas are in sync when shutting down."));
        self.save_and_end();
    }

    fn save_and_end(&mut self) {
        // What is written from now on would be in no snapshot.
        self.server.hold_writes(self.now, true);
        self.abandon_all_snapshots("the server ends");
        let Some(shutdown) = &mut self.shutdown else { return };
        shutdown.stage = Stage::Saving;
        if !shutdown.save {
            return self.end();
        }
        self.note(LogLevel::Notice, "Saving the final RDB snapshot before exiting.".to_string());
        if let Err(reason) = self.start_bgsave(None) {
            self.note(LogLevel::Warning, reason);
            self.saved_for_shutdown(false);
        }
    }

    /// A snapshot has ended: the last one, if this node is about to end.
    pub(super) fn saved_for_shutdown(&mut self, was_saved: bool) {
        let Some(shutdown) = self.shutdown.as_ref().filter(|shutdown| shutdown.stage == Stage::Saving) else {
            return;
        };
        if was_saved || shutdown.force {
            return self.end();
        }
        self.note(LogLevel::Warning, "Error trying to save the DB, can't exit.".to_string());
        self.stop_shutdown();
    }

    fn end(&mut self) {
        self.note(LogLevel::Warning, "Picket is now ready to exit, bye bye...".to_string());
        self.collect();
        self.push(NodeOutput::Exit { code: 0 });
        self.is_over = true;
    }

    fn abort_shutdown(&mut self) -> bool {
        if self.shutdown.as_ref().is_none_or(|shutdown| shutdown.stage != Stage::Replicas) {
            return false;
        }
        self.note(LogLevel::Notice, "Shutdown manually aborted.".to_string());
        self.stop_shutdown();
        true
    }

    fn stop_shutdown(&mut self) {
        let Some(shutdown) = self.shutdown.take() else { return };
        self.side_input(MasterInput::Gone { conn: WAITER });
        self.server.hold_writes(self.now, self.side.is_failing_over());
        for client in shutdown.clients {
            let text = "ERR Errors trying to SHUTDOWN. Check logs.";
            self.server.reply(client, &Reply::error(text));
            self.server.resume(client);
        }
    }

    /// CLIENT UNBLOCK of a client in WAIT.
    pub(super) fn end_wait(&mut self, client: ClientId, with: UnblockWith) {
        let offset = self.clients.get(&client).map_or(0, |state| state.last_write);
        self.side_input(MasterInput::Gone { conn: client });
        let reply = match with {
            UnblockWith::Timeout => {
                Reply::Integer(i64::try_from(self.side.acknowledged_by(offset)).unwrap_or(i64::MAX))
            }
            UnblockWith::Error => Reply::error(UnblockWith::ERROR),
        };
        self.server.reply(client, &reply);
        self.server.resume(client);
    }
}

fn behind_text(number: impl alloc::string::ToString) -> Bytes {
    crate::number::text(number)
}
