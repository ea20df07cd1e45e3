//! Looking at servers and Sentinels from outside.

use std::net::SocketAddr;

use super::client::{Client, PATIENCE, ask, field};

/// Whether a server is a replica in sync, of `master` if that is given.
pub(super) async fn follows(server: SocketAddr, master: Option<SocketAddr>) -> bool {
    let Ok(mut client) = Client::connect(server, PATIENCE).await else { return false };
    let Ok(info) = client.info("replication").await else { return false };
    let is = |name: &str, value: &str| info.iter().any(|(key, found)| key == name && found == value);
    is("role", "slave")
        && is("master_link_status", "up")
        && master.is_none_or(|master| is("master_port", &master.port().to_string()))
}

/// Whether a Sentinel knows the master, both replicas in sync and both other Sentinels.
pub(super) async fn knows_all(sentinel: SocketAddr, master_name: &str) -> bool {
    let Ok(master) = ask(sentinel, &["SENTINEL", "MASTER", master_name], PATIENCE).await else {
        return false;
    };
    let is = |name: &str, value: &str| field(&master, name).as_deref() == Some(value);
    if !is("flags", "master") || !is("num-slaves", "2") || !is("num-other-sentinels", "2") {
        return false;
    }
    let Ok(replicas) = ask(sentinel, &["SENTINEL", "REPLICAS", master_name], PATIENCE).await else {
        return false;
    };
    replicas.as_array().is_some_and(|replicas| {
        replicas.iter().all(|replica| {
            let is = |name: &str, value: &str| field(replica, name).as_deref() == Some(value);
            is("flags", "slave") && is("master-link-status", "ok")
        })
    })
}

/// How far a server's stream of writes has come.
pub(super) async fn offset(server: SocketAddr) -> Option<u64> {
    let info = Client::connect(server, PATIENCE).await.ok()?.info("replication").await.ok()?;
    let value = |name: &str| info.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    value("slave_repl_offset").or_else(|| value("master_repl_offset"))?.parse().ok()
}
