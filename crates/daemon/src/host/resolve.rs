//! Name resolution, away from the loop: the system's resolver blocks the thread that asks it.

use std::net::IpAddr;

use crate::errno::strerror;

/// The addresses of `host` in the resolver's order, each once.
///
/// # Errors
/// Why there are none.
pub(crate) async fn resolve(host: &str) -> Result<Vec<IpAddr>, String> {
    let found = tokio::net::lookup_host((host, 0)).await.map_err(|error| strerror(&error))?;
    let mut ips = Vec::new();
    for address in found {
        if !ips.contains(&address.ip()) {
            ips.push(address.ip());
        }
    }
    if ips.is_empty() { Err("no address".to_owned()) } else { Ok(ips) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resolve_or_say_why_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let ips = resolve("localhost").await.expect("every machine has it");
            assert!(ips.iter().all(IpAddr::is_loopback) && !ips.is_empty());
            assert!(!resolve("").await.expect_err("an empty name").is_empty());
        });
    }
}
