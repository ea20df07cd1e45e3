//! What goes into a Sentinel core and what comes out of it.
//!
//! `Display` of both is one stable line: golden transcripts and the playground print it. `Debug` is
//! the same line. Bytes of clients, and what we send to authenticate ourselves, can hold passwords:
//! only their length is shown.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId, QueryId, ScriptId, Secret, Ticket, WallTime};
use picket_server_core::{ClientAddresses, HostInfo};

use crate::event::Event;
use crate::persist::PersistentState;

/// Everything that can happen to a Sentinel.
#[derive(Clone, PartialEq, Eq)]
pub enum Input {
    /// The deadline of `next_deadline` has come.
    Wake,
    /// The calendar clock reads this now. Given at the start and whenever the host likes; used for
    /// what is shown to people, never for decisions.
    Wall(WallTime),
    /// Figures about the process, for INFO. Given at the start and about once a second.
    Host(Box<HostInfo>),
    /// A connection asked for with [`Output::Connect`] is established; `local` is our side's IP.
    LinkUp {
        /// Which link.
        link: LinkId,
        /// Our address on that connection, announced in hello messages.
        local: IpAddr,
    },
    /// Bytes arrived on a link.
    LinkData {
        /// Which link.
        link: LinkId,
        /// The bytes, cut anywhere.
        bytes: Bytes,
    },
    /// A link could not be established or has ended. The host forgets it.
    LinkDown {
        /// Which link.
        link: LinkId,
        /// Why, in the words of the operating system.
        reason: String,
    },
    /// Somebody connected to us.
    ClientConnected {
        /// The id of the connection, never used before.
        client: ClientId,
        /// Both ends.
        addresses: ClientAddresses,
    },
    /// Bytes arrived from a client.
    ClientData {
        /// Which client.
        client: ClientId,
        /// The bytes, cut anywhere.
        bytes: Bytes,
    },
    /// A client's connection has ended. The host forgets it.
    ClientGone {
        /// Which client.
        client: ClientId,
    },
    /// Answer to [`Output::Resolve`].
    Resolved {
        /// Which query.
        query: QueryId,
        /// The addresses in the resolver's order (never empty), or why there are none.
        result: Result<Vec<IpAddr>, String>,
    },
    /// Answer to [`Output::Persist`]: that state, or a later one, is on disk; or it could not be
    /// written and the words of the operating system say why.
    Persisted {
        /// Which state. Tickets given out earlier are answered by it as well.
        ticket: Ticket,
        /// Whether it is durable.
        result: Result<(), String>,
    },
    /// A script started with [`Output::RunScript`] has a process id.
    ScriptStarted {
        /// Which run.
        script: ScriptId,
        /// Its process id.
        pid: u32,
    },
    /// A script has ended, or could not be started.
    ScriptEnded {
        /// Which run.
        script: ScriptId,
        /// How.
        outcome: ScriptOutcome,
    },
    /// Answer to [`Output::CheckScript`].
    ScriptChecked {
        /// Which question.
        query: QueryId,
        /// True if the file exists and may be executed.
        executable: bool,
    },
    /// Answer to [`Output::ReadFile`].
    FileRead {
        /// Which question.
        query: QueryId,
        /// What is in it, or the words of the operating system.
        result: Result<Secret, String>,
    },
    /// Answer to [`Output::WriteFile`].
    FileWritten {
        /// Which question.
        query: QueryId,
        /// Whether it is durable.
        result: Result<(), String>,
    },
    /// SIGTERM or SIGINT arrived.
    Terminate,
}

/// How a script ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptOutcome {
    /// It exited with this code.
    Exited(i32),
    /// This signal ended it.
    Signaled(i32),
    /// No process could be made (stock reports signal 99, code 0 for it).
    NotStarted,
}

/// An effect that the host carries out, in the order given.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a TCP connection from the configured source address; answer with [`Input::LinkUp`] or
    /// [`Input::LinkDown`].
    Connect {
        /// The id of the new connection.
        link: LinkId,
        /// Where to.
        to: SocketAddr,
    },
    /// Send bytes on a link.
    LinkSend {
        /// Which link.
        link: LinkId,
        /// What.
        bytes: Bytes,
    },
    /// Send bytes that hold a password on a link.
    LinkSendSecret {
        /// Which link.
        link: LinkId,
        /// What.
        bytes: Secret,
    },
    /// Close a link; nothing more is said about it by either side.
    LinkClose {
        /// Which link.
        link: LinkId,
    },
    /// Send bytes to a client.
    ClientSend {
        /// Which client.
        client: ClientId,
        /// What.
        bytes: Bytes,
    },
    /// Close a client's connection once everything before it is sent; nothing more is said about it
    /// by either side.
    ClientClose {
        /// Which client.
        client: ClientId,
    },
    /// Resolve a host name; answer with [`Input::Resolved`].
    Resolve {
        /// The id of the query.
        query: QueryId,
        /// The name.
        host: String,
    },
    /// Make this state durable (rewrite the config file); answer with [`Input::Persisted`]. A later
    /// state replaces an earlier one that is still waiting.
    Persist {
        /// The id of the state.
        ticket: Ticket,
        /// The state.
        state: PersistentState,
    },
    /// Run a script without a shell; answer with [`Input::ScriptStarted`] and [`Input::ScriptEnded`].
    RunScript {
        /// The id of the run.
        script: ScriptId,
        /// Path and arguments.
        argv: Vec<String>,
    },
    /// Send SIGKILL to a running script; its end still arrives as [`Input::ScriptEnded`].
    KillScript {
        /// Which run.
        script: ScriptId,
    },
    /// Say whether a file can be executed; answer with [`Input::ScriptChecked`].
    CheckScript {
        /// The id of the question.
        query: QueryId,
        /// The file.
        path: String,
    },
    /// Read a whole file, the one with the users; answer with [`Input::FileRead`].
    ReadFile {
        /// The id of the question.
        query: QueryId,
        /// The file.
        path: String,
    },
    /// Replace the content of a file, the one with the users, all at once and durably; answer with
    /// [`Input::FileWritten`].
    WriteFile {
        /// The id of the question.
        query: QueryId,
        /// The file.
        path: String,
        /// What shall be in it.
        text: Secret,
    },
    /// Something happened or was decided. The host logs it; the core has published it already.
    Event(Event),
    /// The log level was changed at run time.
    LogLevel(picket_server_core::LogLevel),
    /// End the process with this code, after what came before was carried out.
    Exit {
        /// 0 for an orderly end, 99 for a simulated crash.
        code: i32,
    },
}

fn line(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    write!(f, "\"{}\"", bytes.escape_ascii())
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wake => f.write_str("wake"),
            Self::Wall(wall) => write!(f, "wall {}", wall.0),
            Self::Host(_) => f.write_str("host"),
            Self::LinkUp { link, local } => write!(f, "{link} up local={local}"),
            Self::LinkData { link, bytes } => {
                write!(f, "{link} data ")?;
                line(f, bytes)
            }
            Self::LinkDown { link, reason } => write!(f, "{link} down {reason}"),
            Self::ClientConnected { client, addresses } => write!(f, "{client} connected {}", addresses.peer),
            Self::ClientData { client, bytes } => write!(f, "{client} data {} bytes", bytes.len()),
            Self::ClientGone { client } => write!(f, "{client} gone"),
            Self::Resolved { query, result: Ok(ips) } => {
                write!(f, "{query} resolved")?;
                ips.iter().try_for_each(|ip| write!(f, " {ip}"))
            }
            Self::Resolved { query, result: Err(reason) } => write!(f, "{query} unresolved {reason}"),
            Self::Persisted { ticket, result: Ok(()) } => write!(f, "{ticket} persisted"),
            Self::Persisted { ticket, result: Err(reason) } => write!(f, "{ticket} not-persisted {reason}"),
            Self::ScriptStarted { script, pid } => write!(f, "{script} started pid={pid}"),
            Self::ScriptEnded { script, outcome } => write!(f, "{script} ended {outcome:?}"),
            Self::ScriptChecked { query, executable } => write!(f, "{query} executable={executable}"),
            Self::FileRead { query, result: Ok(text) } => {
                write!(f, "{query} file-read {} bytes", text.expose().len())
            }
            Self::FileRead { query, result: Err(reason) } => write!(f, "{query} file-unread {reason}"),
            Self::FileWritten { query, result: Ok(()) } => write!(f, "{query} file-written"),
            Self::FileWritten { query, result: Err(reason) } => write!(f, "{query} file-unwritten {reason}"),
            Self::Terminate => f.write_str("terminate"),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { link, to } => write!(f, "{link} connect {to}"),
            Self::LinkSend { link, bytes } => {
                write!(f, "{link} send ")?;
                line(f, bytes)
            }
            Self::LinkSendSecret { link, bytes } => write!(f, "{link} send {bytes}"),
            Self::LinkClose { link } => write!(f, "{link} close"),
            Self::ClientSend { client, bytes } => write!(f, "{client} send {} bytes", bytes.len()),
            Self::ClientClose { client } => write!(f, "{client} close"),
            Self::Resolve { query, host } => write!(f, "{query} resolve {host}"),
            Self::Persist { ticket, state } => write!(f, "{ticket} persist {state}"),
            Self::RunScript { script, argv } => write!(f, "{script} run {}", argv.join(" ")),
            Self::KillScript { script } => write!(f, "{script} kill"),
            Self::CheckScript { query, path } => write!(f, "{query} check {path}"),
            Self::ReadFile { query, path } => write!(f, "{query} read-file {path}"),
            Self::WriteFile { query, path, text } => {
                write!(f, "{query} write-file {path} {} bytes", text.expose().len())
            }
            Self::Event(event) => write!(f, "event {event}"),
            Self::LogLevel(level) => write!(f, "loglevel {level}"),
            Self::Exit { code } => write!(f, "exit {code}"),
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
