//! What goes into a [`Node`](crate::Node) and what comes out of it.
//!
//! `Display` of both is one stable line; `Debug` is the same line. Users' data and what may hold passwords shows as
//! its length.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use picket_sansio::{ClientId, LinkId, Millis, QueryId, Secret, WallTime};
use picket_server_core::config::{RewriteLine, Rewriter, rewrite};
use picket_server_core::{ClientAddresses, HostInfo, Settings};

use super::event::NodeEvent;

/// Everything that can happen to a node. Bytes are borrowed, since they are parsed where they lie.
#[derive(Clone, PartialEq, Eq)]
pub enum NodeInput<'a> {
    /// The deadline of `next_deadline` has come.
    Wake,
    /// The calendar clock reads this now. Given at the start and about once a second.
    Wall(WallTime),
    /// Figures about the process, for INFO. Given at the start and about once a second.
    Host(&'a HostInfo),
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
        bytes: &'a [u8],
    },
    /// A client's connection has ended. The host forgets it.
    ClientGone {
        /// Which client.
        client: ClientId,
    },
    /// A client takes this many bytes at the moment. Told for clients of
    /// [`NodeOutput::ClientIsReplica`] whenever they have taken what they were sent.
    ClientWritable {
        /// Which client.
        client: ClientId,
        /// How much more the host would buffer for it.
        budget: u64,
    },
    /// A connection asked for with [`NodeOutput::Connect`] is established.
    LinkUp {
        /// Which link.
        link: LinkId,
        /// Both ends.
        addresses: ClientAddresses,
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
    /// An operation on a file has ended. Operations on one file end in the order in which they were asked for.
    File {
        /// Which file.
        file: FileId,
        /// How it ended.
        result: FileResult,
    },
    /// Answer to [`NodeOutput::RewriteConfig`] and [`NodeOutput::WriteText`].
    Written {
        /// Which question.
        query: QueryId,
        /// Whether it is durable, or the words of the operating system.
        result: Result<(), String>,
    },
    /// Answer to [`NodeOutput::ReadText`].
    TextRead {
        /// Which question.
        query: QueryId,
        /// What is in it, or the words of the operating system.
        result: Result<Secret, String>,
    },
    /// Answer to [`NodeOutput::ChangeFolder`].
    FolderChanged {
        /// Which question.
        query: QueryId,
        /// Its absolute path, or the words of the operating system.
        result: Result<Vec<u8>, String>,
    },
    /// A signal asks for the end.
    Terminate {
        /// Which one.
        signal: EndSignal,
    },
}

/// A signal that ends a server. For each a directive tells how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndSignal {
    /// SIGINT: `shutdown-on-sigint`.
    Interrupt,
    /// SIGTERM: `shutdown-on-sigterm`.
    Terminate,
}

impl EndSignal {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// An open file. A number is given out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u64);

/// How an operation on a file ended.
#[derive(Clone, PartialEq, Eq)]
pub enum FileResult {
    /// [`NodeOutput::OpenFile`]: it has this many bytes.
    Opened {
        /// Its length.
        len: u64,
    },
    /// [`NodeOutput::OpenFile`]: there is no such file.
    Missing,
    /// [`NodeOutput::ReadFile`]: these bytes; fewer than asked for only at the end, none behind it.
    Read(Bytes),
    /// [`NodeOutput::WriteFile`]: they are with the operating system.
    Written,
    /// [`NodeOutput::CommitFile`]: it is durable under its name.
    Committed,
    /// Any of them, [`NodeOutput::CreateFile`] too, in the words of the operating system. Nothing more is done with
    /// that file.
    Failed(String),
}

/// An effect that the host carries out, in the order given.
#[derive(Clone, PartialEq, Eq)]
pub enum NodeOutput {
    /// Send bytes to a client.
    ClientSend {
        /// To whom.
        client: ClientId,
        /// What.
        bytes: Bytes,
    },
    /// Send bytes that others share to a client, within its budget.
    ClientFeed {
        /// To whom.
        client: ClientId,
        /// What, in order.
        pieces: Vec<Bytes>,
    },
    /// The client is a replica now: limits on unsent output are the core's, and
    /// [`NodeInput::ClientWritable`] is to be told, first right away.
    ClientIsReplica {
        /// Which client.
        client: ClientId,
    },
    /// Close a client's connection once what was sent before is out. Nothing more is said about it by either side.
    ClientClose {
        /// Which client.
        client: ClientId,
    },
    /// Open a TCP connection to a master; answer with [`NodeInput::LinkUp`] or [`NodeInput::LinkDown`].
    Connect {
        /// The id of the new connection.
        link: LinkId,
        /// Host of the master: a name or an address, resolved by the host each time.
        host: String,
        /// Its port.
        port: u16,
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
    /// Read nothing from a link until told.
    LinkPause {
        /// Which link.
        link: LinkId,
    },
    /// Read from a link again.
    LinkResume {
        /// Which link.
        link: LinkId,
    },
    /// Close a link; nothing more is said about it by either side.
    LinkClose {
        /// Which link.
        link: LinkId,
    },
    /// Create a file in the working folder, under a name of the host's choice, to be written. Not answered unless it
    /// fails.
    CreateFile {
        /// Its id.
        file: FileId,
    },
    /// Append to a file that was created.
    WriteFile {
        /// Which file.
        file: FileId,
        /// What.
        bytes: Bytes,
    },
    /// Make a file that was created durable, under this name in the working folder, in place of what is there. It can
    /// be read from then on.
    CommitFile {
        /// Which file.
        file: FileId,
        /// Its name.
        name: String,
    },
    /// Remove a file that was committed from where it was put. It stays readable until it is closed.
    RemoveFile {
        /// Which file.
        file: FileId,
    },
    /// Open a file of the working folder to be read.
    OpenFile {
        /// Its id.
        file: FileId,
        /// Its name.
        name: String,
    },
    /// Read from a file.
    ReadFile {
        /// Which file.
        file: FileId,
        /// From this byte on.
        offset: u64,
        /// At most this many.
        len: u64,
    },
    /// Close a file. One that was created and not committed vanishes.
    CloseFile {
        /// Which file.
        file: FileId,
    },
    /// Rewrite the config file; answer with [`NodeInput::Written`].
    RewriteConfig {
        /// The question.
        query: QueryId,
        /// What it shall say.
        state: Box<ConfigState>,
    },
    /// Read a text file, such as the ACL file; answer with [`NodeInput::TextRead`].
    ReadText {
        /// The question.
        query: QueryId,
        /// Its path as configured.
        path: String,
    },
    /// Replace a text file as a whole; answer with [`NodeInput::Written`].
    WriteText {
        /// The question.
        query: QueryId,
        /// Its path as configured.
        path: String,
        /// What it shall say.
        text: Secret,
    },
    /// Use another working folder for every file that is created or opened from now on; answer with
    /// [`NodeInput::FolderChanged`]. A file that was created before is committed where it was.
    ChangeFolder {
        /// The question.
        query: QueryId,
        /// Its path, absolute or from the folder that is in use.
        path: Vec<u8>,
    },
    /// Settings have changed: the host looks at those that are its own (log level, output limits, keepalive).
    Settings(Box<Settings>),
    /// Do nothing for this long, neither reading nor writing nor waking: `DEBUG SLEEP`.
    Sleep(Millis),
    /// Something happened or was decided.
    Event(NodeEvent),
    /// End the process once everything before is done and sent.
    Exit {
        /// The exit code.
        code: i32,
    },
}

/// What `CONFIG REWRITE` writes.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigState {
    pub(crate) lines: Vec<RewriteLine>,
}

impl ConfigState {
    /// The old text with the new lines in the places of the old ones, and comments as they are.
    #[must_use]
    pub fn rewrite(&self, old: &[u8]) -> Vec<u8> {
        let mut known = Settings::known_keys();
        known.push(b"user");
        rewrite(old, &self.lines, &known, Rewriter::default())
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file-{}", self.0)
    }
}

impl fmt::Display for FileResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { len } => write!(f, "opened {len} bytes"),
            Self::Missing => f.write_str("missing"),
            Self::Read(bytes) => write!(f, "read {} bytes", bytes.len()),
            Self::Written => f.write_str("written"),
            Self::Committed => f.write_str("committed"),
            Self::Failed(reason) => write!(f, "failed {reason}"),
        }
    }
}

fn outcome(f: &mut fmt::Formatter<'_>, result: &Result<(), String>) -> fmt::Result {
    match result {
        Ok(()) => f.write_str("ok"),
        Err(reason) => write!(f, "failed {reason}"),
    }
}

impl fmt::Display for NodeInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wake => f.write_str("wake"),
            Self::Wall(wall) => write!(f, "wall {}", wall.0),
            Self::Host(_) => f.write_str("host"),
            Self::ClientConnected { client, addresses } => write!(f, "{client} connected {}", addresses.peer),
            Self::ClientData { client, bytes } => write!(f, "{client} data {} bytes", bytes.len()),
            Self::ClientGone { client } => write!(f, "{client} gone"),
            Self::ClientWritable { client, budget } => write!(f, "{client} writable {budget}"),
            Self::LinkUp { link, addresses } => write!(f, "{link} up {}", addresses.peer),
            Self::LinkData { link, bytes } => write!(f, "{link} data {} bytes", bytes.len()),
            Self::LinkDown { link, reason } => write!(f, "{link} down {reason}"),
            Self::File { file, result } => write!(f, "{file} {result}"),
            Self::Written { query, result } => {
                write!(f, "{query} ")?;
                outcome(f, result)
            }
            Self::TextRead { query, result: Ok(text) } => write!(f, "{query} read {text}"),
            Self::TextRead { query, result: Err(reason) } => write!(f, "{query} failed {reason}"),
            Self::FolderChanged { query, result: Ok(path) } => {
                write!(f, "{query} folder {}", String::from_utf8_lossy(path))
            }
            Self::FolderChanged { query, result: Err(reason) } => write!(f, "{query} failed {reason}"),
            Self::Terminate { signal } => write!(f, "terminate by {}", signal.name()),
        }
    }
}

impl fmt::Display for NodeOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientSend { client, bytes } => write!(f, "{client} send {} bytes", bytes.len()),
            Self::ClientFeed { client, pieces } => {
                write!(f, "{client} feed {} bytes", pieces.iter().map(Bytes::len).sum::<usize>())
            }
            Self::ClientIsReplica { client } => write!(f, "{client} is a replica"),
            Self::ClientClose { client } => write!(f, "{client} close"),
            Self::Connect { link, host, port } => write!(f, "{link} connect {host}:{port}"),
            Self::LinkSend { link, bytes } => write!(f, "{link} send {} bytes", bytes.len()),
            Self::LinkSendSecret { link, bytes } => write!(f, "{link} send {bytes}"),
            Self::LinkPause { link } => write!(f, "{link} pause"),
            Self::LinkResume { link } => write!(f, "{link} resume"),
            Self::LinkClose { link } => write!(f, "{link} close"),
            Self::CreateFile { file } => write!(f, "{file} create"),
            Self::WriteFile { file, bytes } => write!(f, "{file} write {} bytes", bytes.len()),
            Self::CommitFile { file, name } => write!(f, "{file} commit as {name}"),
            Self::RemoveFile { file } => write!(f, "{file} remove"),
            Self::OpenFile { file, name } => write!(f, "{file} open {name}"),
            Self::ReadFile { file, offset, len } => write!(f, "{file} read {len} bytes from {offset}"),
            Self::CloseFile { file } => write!(f, "{file} close"),
            Self::RewriteConfig { query, state } => {
                write!(f, "{query} rewrite config {} lines", state.lines.len())
            }
            Self::ReadText { query, path } => write!(f, "{query} read {path}"),
            Self::WriteText { query, path, text } => write!(f, "{query} write {path} {text}"),
            Self::ChangeFolder { query, path } => {
                write!(f, "{query} change folder to {}", String::from_utf8_lossy(path))
            }
            Self::Settings(_) => f.write_str("settings"),
            Self::Sleep(span) => write!(f, "sleep {span}"),
            Self::Event(event) => write!(f, "event {event}"),
            Self::Exit { code } => write!(f, "exit {code}"),
        }
    }
}

macro_rules! debug_as_display {
    ($($type:ty),*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_as_display!(FileResult, NodeInput<'_>, NodeOutput);

impl fmt::Debug for ConfigState {
    // The lines may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} lines", self.lines.len())
    }
}
