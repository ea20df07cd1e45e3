//! Against Debian's redis-server: our replica side follows a real master, our master side feeds a real
//! replica. A small pump on blocking `std` sockets stands in for a host.

#![allow(missing_docs, reason = "tests")]

mod master;
mod pump;
mod replica;
