//! A build without the feature `ui`: it serves no page, and says so.

use std::net::SocketAddr;

/// There is none.
#[derive(Debug)]
pub(crate) enum HttpServer {}

impl HttpServer {
    /// # Errors
    /// Always.
    pub(crate) fn start(_: SocketAddr) -> Result<Self, String> {
        Err("This picket was built without the feature ui: it has no page and no HTTP".to_owned())
    }

    pub(crate) fn about(&self) -> String {
        match *self {}
    }

    pub(crate) fn has_page(&self) -> bool {
        match *self {}
    }
}
