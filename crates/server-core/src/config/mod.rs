//! Configuration files in the manner of `redis.conf`: reading them, the ordinary directives, and
//! rewriting them in place.
//!
//! Nothing here opens a file. The host reads text and gives it to [`load()`], whose `include` lines
//! come back to the host through a loader; [`rewrite()`] turns old text and wanted lines into new text.
//! Words that belong to an application (`sentinel …`) are collected for it, not interpreted.

mod directive;
mod line;
mod load;
mod rewrite;
mod settings;
mod special;
mod typed;
mod value;

pub use directive::{DIRECTIVES, Directive, Kind, Special, Unit, find_directive};
pub use line::{ConfigError, ConfigLine, lines};
pub use load::{Include, Included, LoadOptions, Loaded, load};
pub use rewrite::{RewriteLine, Rewriter, rewrite, word};
pub use settings::Settings;
pub use typed::{ClientClass, LogLevel, OutputBufferLimit, Supervised};
pub use value::{Value, format_memory, parse_integer, parse_memory};
