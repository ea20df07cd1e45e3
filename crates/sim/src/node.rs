//! A node: a process and its machine.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::net::IpAddr;

use picket_sansio::{Prng, Time};

use crate::console::Console;
use crate::context::{Context, Signal};
use crate::data::DataNode;
use crate::disk::{Disk, Drive};
use crate::ids::{NodeKind, Power, Run};
use crate::sentinel::SentinelHost;
use crate::server::Server;
#[cfg(feature = "scale")]
use crate::stock::StockSentinel;
use crate::writer::Writer;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) ip: IpAddr,
    pub(crate) port: u16,
    pub(crate) run: Run,
    pub(crate) power: Power,
    /// When it is to be woken, as [`World`](crate::World) has it in its order.
    pub(crate) wakes_at: Option<Time>,
    /// What arrived while the process was frozen.
    pub(crate) inbox: VecDeque<Signal>,
    /// How the machine's disk works.
    pub(crate) drive: Drive,
    /// What is on a Sentinel's. A data node keeps its files itself; others have none.
    pub(crate) disk: Disk,
    /// By how much the machine's calendar clock differs from that of others, in milliseconds.
    pub(crate) clock_ms: i64,
    /// It has left for good.
    pub(crate) is_removed: bool,
    pub(crate) program: Program,
}

impl Node {
    /// What its process can do at this moment.
    pub(crate) fn context<'a>(&self, now: Time, prng: &'a mut Prng, conns: &'a mut u64) -> Context<'a> {
        Context { drive: self.drive, clock_ms: self.clock_ms, ..Context::new(now, prng, conns) }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Program {
    Sentinel(Box<SentinelHost>),
    Server(Server),
    Data(Box<DataNode>),
    Writer(Writer),
    Console(Console),
    /// A model of a stock Sentinel.
    #[cfg(feature = "scale")]
    Stock(Box<StockSentinel>),
}

impl Program {
    pub(crate) fn kind(&self) -> NodeKind {
        match self {
            Self::Sentinel(_) => NodeKind::Sentinel,
            Self::Server(_) | Self::Data(_) => NodeKind::Server,
            Self::Writer(_) => NodeKind::Writer,
            Self::Console(_) => NodeKind::Console,
            #[cfg(feature = "scale")]
            Self::Stock(_) => NodeKind::Sentinel,
        }
    }

    /// When it wants to be woken. Models and clients have timers instead.
    pub(crate) fn deadline(&self) -> Option<Time> {
        match self {
            Self::Sentinel(sentinel) => sentinel.deadline(),
            Self::Data(data) => data.deadline(),
            Self::Server(_) | Self::Writer(_) | Self::Console(_) => None,
            #[cfg(feature = "scale")]
            Self::Stock(_) => None,
        }
    }

    pub(crate) fn handle(&mut self, ctx: &mut Context<'_>, signal: Signal) {
        match self {
            Self::Sentinel(sentinel) => sentinel.handle(ctx, signal),
            Self::Server(server) => server.handle(ctx, signal),
            Self::Data(node) => node.handle(ctx, signal),
            Self::Writer(writer) => writer.handle(ctx, signal),
            Self::Console(console) => console.handle(ctx, signal),
            #[cfg(feature = "scale")]
            Self::Stock(stock) => stock.handle(ctx, signal),
        }
    }
}
