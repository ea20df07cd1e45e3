//! A Sentinel's configuration as the host gets hold of it: the file, standard input, the command
//! line, included files and the ACL file. What the text means is for the cores to say.

mod check;
mod source;
mod store;
mod unsupported;

pub(crate) use check::explain;
pub(crate) use source::{Source, StartError, load, read_text};
pub(crate) use store::ConfigStore;
