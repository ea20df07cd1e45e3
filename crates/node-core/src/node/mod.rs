//! A data node without I/O: clients, data, the master that it follows and the replicas that follow it.

mod event;
mod host_view;
mod io;
mod options;

use alloc::collections::VecDeque;
use core::fmt;

use picket_sansio::{Deadline, Time};
use picket_server_core::config::ConfigError;
use picket_server_core::{Server, ServerOptions, Settings};

pub use event::NodeEvent;
pub use host_view::{command_table, honours};
pub use io::{ConfigState, FileId, FileResult, NodeInput, NodeOutput};
pub use options::NodeOptions;

/// A data node: a value that turns inputs into outputs.
pub struct Node {
    server: Server,
    settings: Settings,
    outputs: VecDeque<NodeOutput>,
}

/// Why a node wants to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeTimer {
    /// A client is idle for too long, or a pause ends.
    Clients,
}

impl Node {
    /// A node that has not begun: its first outputs are there at once.
    ///
    /// # Errors
    /// A line of the configuration that cannot be carried out.
    pub fn new(now: Time, options: NodeOptions) -> Result<Self, ConfigError> {
        let NodeOptions { settings, users, renames, identity, seed, wall, .. } = options;
        let table = command_table();
        let server_options = ServerOptions::from_settings(&settings, &users, &renames, table, identity)?;
        let mut server = Server::new(now, server_options, seed);
        server.set_wall(now, wall);
        Ok(Self { server, settings, outputs: VecDeque::new() })
    }

    /// Changes the state; effects wait in [`Node::poll_output`].
    pub fn handle(&mut self, now: Time, input: NodeInput<'_>) {
        match input {
            NodeInput::ClientConnected { client, addresses } => self.server.accept(now, client, addresses),
            NodeInput::ClientData { client, bytes } => self.server.receive(now, client, bytes),
            NodeInput::ClientGone { client } => self.server.closed(client),
            _ => {}
        }
    }

    /// The next effect to carry out.
    pub fn poll_output(&mut self) -> Option<NodeOutput> {
        self.outputs.pop_front()
    }

    /// When to send [`NodeInput::Wake`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Deadline<NodeTimer>> {
        let deadline = self.server.next_deadline()?;
        Some(Deadline { at: deadline.at, timer: NodeTimer::Clients })
    }

    /// The directives in effect.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("server", &self.server).finish_non_exhaustive()
    }
}
