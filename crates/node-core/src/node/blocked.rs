//! Clients that wait for keys: when they are tried again, and when they give up (`blocked.c`).

use picket_replication::MasterInput;
use picket_resp::Reply;
use picket_sansio::{ClientId, Time};
use picket_server_core::UnblockWith;

use super::Node;
use crate::block::Block;
use crate::commands::COMMANDS;
use crate::exec::named_by;

impl Node {
    /// A client's command found nothing and waits.
    pub(super) fn block_client(&mut self, client: ClientId, block: Block) {
        if let Some(timeout) = block.timeout {
            self.block_deadlines.insert((self.now + timeout, client));
            if let Some(state) = self.clients.get_mut(&client) {
                state.blocked_until = Some(self.now + timeout);
            }
        }
        self.keyspace.park(client, block);
        self.server.block(client);
    }

    /// Tries again whoever waits for keys that have changed, until nothing more follows from it.
    pub(super) fn serve_blocked(&mut self) {
        while let Some(client) = self.keyspace.next_ready(self.now_ms()) {
            self.retry(client);
        }
    }

    fn retry(&mut self, client: ClientId) {
        let Some(args) = self.keyspace.parked(client).map(|block| block.args.clone()) else { return };
        if let Err(refusal) = self.server.check_again(client, &args) {
            self.end_block(client);
            self.server.reply(client, &refusal);
            self.server.resume(client);
            return;
        }
        let context = self.client_context(client);
        let Some(state) = self.clients.get_mut(&client) else { return };
        let name = self.server.original_name(&args[0]).unwrap_or_default();
        let at = named_by(name.as_bytes(), &args).expect("it was looked up before it waited");
        let outcome = self.keyspace.execute_command(&mut state.session, context, &COMMANDS[at], &args);
        let is_over = outcome.block.is_none();
        // Looking may have found a key expired, even if there is nothing to be had.
        let reply = self.settle(client, outcome);
        if is_over {
            self.end_block(client);
            if reply.is_error() {
                self.statistics.note_failed(&args[0]);
                self.server.note_error(&reply);
            }
            self.server.reply(client, &reply);
            self.server.resume(client);
        }
    }

    fn end_block(&mut self, client: ClientId) -> Option<Block> {
        if let Some(state) = self.clients.get_mut(&client)
            && let Some(until) = state.blocked_until.take()
        {
            self.block_deadlines.remove(&(until, client));
        }
        self.keyspace.unpark(client)
    }

    /// When the next client gives up.
    pub(super) fn block_deadline(&self) -> Option<Time> {
        self.block_deadlines.first().map(|(at, _)| *at)
    }

    /// Answers those whose time is over.
    pub(super) fn end_overdue_blocks(&mut self) {
        while let Some((at, client)) = self.block_deadlines.first().copied().filter(|(at, _)| *at <= self.now)
        {
            self.block_deadlines.remove(&(at, client));
            self.time_out(client);
        }
    }

    fn time_out(&mut self, client: ClientId) {
        if let Some(block) = self.end_block(client) {
            self.server.reply(client, &block.on_timeout);
            self.server.resume(client);
        }
    }

    /// CLIENT UNBLOCK.
    pub(super) fn unblock(&mut self, client: ClientId, with: UnblockWith) {
        if self.waiting.remove(&client) {
            // In WAIT: what it would have answered at its end is what it answers now.
            return self.end_wait(client, with);
        }
        match with {
            UnblockWith::Timeout => self.time_out(client),
            UnblockWith::Error => {
                if self.end_block(client).is_some() {
                    self.server.reply(client, &Reply::error(UnblockWith::ERROR));
                    self.server.resume(client);
                }
            }
        }
    }

    /// A client is gone: nothing of it is left.
    pub(super) fn forget_client(&mut self, client: ClientId) {
        self.end_block(client);
        if self.waiting.remove(&client) {
            self.side_input(MasterInput::Gone { conn: client });
        }
        if let Some(mut state) = self.clients.remove(&client) {
            self.keyspace.unwatch(&mut state.session);
        }
    }
}
