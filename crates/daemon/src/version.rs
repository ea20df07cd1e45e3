//! The versions that Picket reports, in one place.
//!
//! Clients parse `redis_version` to learn which commands and fields they may expect, so Picket names
//! the release whose behaviour it has, beside its own version.

use picket_server_core::Identity;

/// The Redis release that Picket stands in for.
pub(crate) const REDIS: &str = "7.4.0";

/// The Valkey release that Picket stands in for when it is called by a Valkey name.
pub(crate) const VALKEY: &str = "8.0.1";

/// The `redis_version` that Valkey reports: the last release before it was founded.
const REDIS_OF_VALKEY: &str = "7.2.4";

/// Picket's own version.
pub(crate) const PICKET: &str = env!("CARGO_PKG_VERSION");

/// Whose texts are spoken: decided by the name that the program was called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Brand {
    /// Redis, and every name that is not Valkey's.
    #[default]
    Redis,
    /// `valkey-sentinel`, `valkey-server`.
    Valkey,
}

impl Brand {
    /// The product's name in start-up lines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Redis => "Redis",
            Self::Valkey => "Valkey",
        }
    }

    /// The release that is stood in for.
    pub(crate) fn release(self) -> &'static str {
        match self {
            Self::Redis => REDIS,
            Self::Valkey => VALKEY,
        }
    }

    /// What stands in the brackets of a fatal config error.
    pub(crate) fn in_brackets(self) -> String {
        match self {
            Self::Redis => format!("Redis {REDIS}"),
            Self::Valkey => format!("Version {VALKEY}"),
        }
    }

    /// Who the core says it is, in INFO and HELLO.
    pub(crate) fn identify(self, identity: &mut Identity) {
        identity.version = REDIS_OF_VALKEY.to_owned();
        identity.build_id = format!("picket-{PICKET}");
        match self {
            Self::Redis => identity.version = REDIS.to_owned(),
            Self::Valkey => {
                identity.name = "valkey".to_owned();
                identity.valkey_version = Some(VALKEY.to_owned());
            }
        }
    }

    /// The line that `--version` prints under a stock name; scripts parse its `v=` word.
    pub(crate) fn stock_line(self) -> String {
        format!(
            "{} server v={} sha=00000000:0 malloc=system bits=64 build=picket-{PICKET}",
            self.name(),
            self.release()
        )
    }
}

/// The line that `picket --version` prints.
pub(crate) fn own_line() -> String {
    format!("picket {PICKET} (stands in for the sentinels and servers of Redis {REDIS} and Valkey {VALKEY})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_lines_name_the_compatible_release() {
        assert!(Brand::Redis.stock_line().starts_with("Redis server v=7."));
        assert!(Brand::Valkey.stock_line().starts_with("Valkey server v=8."));
        assert!(own_line().starts_with(&format!("picket {PICKET} ")));
    }
}
