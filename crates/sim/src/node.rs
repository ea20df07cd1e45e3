//! A node: a process and its machine.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::net::IpAddr;

use crate::console::Console;
use crate::context::{Context, Signal};
use crate::data::DataNode;
use crate::disk::Disk;
use crate::ids::{NodeKind, Power, Run};
use crate::sentinel::SentinelHost;
use crate::server::Server;
use crate::writer::Writer;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) run: Run,
    pub(crate) power: Power,
    /// What arrived while the process was frozen.
    pub(crate) inbox: VecDeque<Signal>,
    /// A Sentinel's; others have an empty one.
    pub(crate) disk: Disk,
    pub(crate) program: Program,
}

#[derive(Clone, Debug)]
pub(crate) enum Program {
    Sentinel(Box<SentinelHost>),
    Server(Server),
    Data(Box<DataNode>),
    Writer(Writer),
    Console(Console),
}

impl Program {
    pub(crate) fn kind(&self) -> NodeKind {
        match self {
            Self::Sentinel(_) => NodeKind::Sentinel,
            Self::Server(_) | Self::Data(_) => NodeKind::Server,
            Self::Writer(_) => NodeKind::Writer,
            Self::Console(_) => NodeKind::Console,
        }
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match self {
            Self::Sentinel(sentinel) => sentinel.handle(ctx, signal),
            Self::Server(server) => server.handle(ctx, signal),
            Self::Data(node) => node.handle(ctx, signal),
            Self::Writer(writer) => writer.handle(ctx, signal),
            Self::Console(console) => console.handle(ctx, signal),
        }
    }
}
