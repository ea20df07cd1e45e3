//! The host of a core: reads sockets and gives the bytes to the core, carries out what the core asks for, and wakes
//! it at its deadlines. It decides nothing about the protocol. Here is what all hosts share and the one of a Sentinel
//! (`inner`, `tasks`, `persist`, `scripts`); that of a data node is in [`node`](crate::node).
//!
//! Everything runs on one thread. A task per connection waits for its socket; what it reads goes
//! straight into the core, and what the core wants done is done before the task goes on. The disk,
//! name resolution and scripts have threads or processes of their own and answer through an inbox.

mod budget;
mod clock;
mod conn;
mod conns;
mod inner;
mod link;
mod listen;
mod notify;
mod persist;
mod pidfile;
mod pulse;
mod resolve;
mod run;
mod scripts;
mod stream;
mod tasks;
mod unsent;
mod vitals;

pub(crate) use budget::budget;
pub(crate) use clock::{Clock, wall};
pub(crate) use conn::{Conn, ConnId, Read};
pub(crate) use conns::{Conns, Serves, serve_conn};
pub(crate) use inner::{Host, HostOptions, Observer};
pub(crate) use link::connect;
pub(crate) use listen::{tcp as listen_tcp, unix as listen_unix};
pub(crate) use notify::{Supervisor, ready, supervisor};
pub(crate) use persist::Persister;
pub(crate) use pidfile::PidFile;
pub(crate) use pulse::Pulse;
pub(crate) use resolve::resolve;
pub(crate) use run::{Hosted, Listeners, serve};
pub(crate) use scripts::is_executable;
pub(crate) use stream::Stream;
pub(crate) use vitals::Vitals;
