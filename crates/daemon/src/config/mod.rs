//! A configuration as the host gets hold of it: the file, standard input, the command
//! line, included files and the ACL file. What the text means is for the cores to say.

mod advice;
mod check;
mod node;
mod source;
mod store;
mod texts;
mod unsupported;

pub(crate) use check::explain;
pub(crate) use node::{NodeSource, explain as explain_node, load as load_node};
pub(crate) use source::{Source, load};
pub(crate) use store::ConfigStore;
pub(crate) use texts::{Origin, StartError, read_text};
