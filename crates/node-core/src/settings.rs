//! The directives of redis.conf that commands look at.

/// Limits of the small encodings and of memory, with Redis's defaults, and how keys are removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `databases`: how many there are, from the beginning on.
    pub databases: u32,
    /// `hash-max-listpack-entries`.
    pub hash_max_listpack_entries: u64,
    /// `hash-max-listpack-value`.
    pub hash_max_listpack_value: u64,
    /// `set-max-intset-entries`.
    pub set_max_intset_entries: u64,
    /// `set-max-listpack-entries`.
    pub set_max_listpack_entries: u64,
    /// `set-max-listpack-value`.
    pub set_max_listpack_value: u64,
    /// `zset-max-listpack-entries`.
    pub zset_max_listpack_entries: u64,
    /// `zset-max-listpack-value`.
    pub zset_max_listpack_value: u64,
    /// `list-max-listpack-size`: negative for a size class in bytes, else a number of elements.
    pub list_max_listpack_size: i32,
    /// `hll-sparse-max-bytes`: how long a HyperLogLog may be before it becomes dense.
    pub hll_sparse_max_bytes: u64,
    /// `stream-node-max-bytes`: how long the listpack of a node of a stream may become; 0 for no limit.
    pub stream_node_max_bytes: u64,
    /// `stream-node-max-entries`: how many entries it may hold; 0 for no limit.
    pub stream_node_max_entries: u64,
    /// `proto-max-bulk-len`: the longest string that a command may make.
    pub proto_max_bulk_len: u64,
    /// `lazyfree-lazy-expire`: expired keys go into the stream as UNLINK.
    pub lazyfree_lazy_expire: bool,
    /// `lazyfree-lazy-server-del`: keys removed by another command do.
    pub lazyfree_lazy_server_del: bool,
    /// `lazyfree-lazy-eviction`: evicted keys do.
    pub lazyfree_lazy_eviction: bool,
    /// `maxmemory`: from how many bytes on keys are evicted or writes refused; 0 for no limit.
    pub maxmemory: u64,
    /// `maxmemory-policy`: which keys.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// `maxmemory-samples`: among how many drawn at a time.
    pub maxmemory_samples: u32,
    /// `lfu-log-factor`: how slowly the count of accesses grows.
    pub lfu_log_factor: u64,
    /// `lfu-decay-time`: after how many minutes without an access it loses one; 0 for never.
    pub lfu_decay_time: u64,
}

/// `maxmemory-policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxmemoryPolicy {
    /// Writes are refused.
    #[default]
    NoEviction,
    /// The key that was not used for the longest time.
    AllkeysLru,
    /// The key that is used most seldom.
    AllkeysLfu,
    /// Any key.
    AllkeysRandom,
    /// As with all keys, among those that have a time to live.
    VolatileLru,
    /// As with all keys, among those that have a time to live.
    VolatileLfu,
    /// Any key that has a time to live.
    VolatileRandom,
    /// The key that expires next.
    VolatileTtl,
}

/// By what a policy chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    Lru,
    Lfu,
    Random,
    Ttl,
}

impl MaxmemoryPolicy {
    /// All of them, in the order in which Redis lists them.
    pub const ALL: [Self; 8] = [
        Self::VolatileLru,
        Self::VolatileLfu,
        Self::VolatileRandom,
        Self::VolatileTtl,
        Self::AllkeysLru,
        Self::AllkeysLfu,
        Self::AllkeysRandom,
        Self::NoEviction,
    ];

    /// As redis.conf spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoEviction => "noeviction",
            Self::AllkeysLru => "allkeys-lru",
            Self::AllkeysLfu => "allkeys-lfu",
            Self::AllkeysRandom => "allkeys-random",
            Self::VolatileLru => "volatile-lru",
            Self::VolatileLfu => "volatile-lfu",
            Self::VolatileRandom => "volatile-random",
            Self::VolatileTtl => "volatile-ttl",
        }
    }

    /// The policy of that name, in any case.
    #[must_use]
    pub fn of_name(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name().as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether it chooses by when keys were last used.
    #[must_use]
    pub fn is_lru(self) -> bool {
        self.rank() == Some(Rank::Lru)
    }

    /// Whether keys remember how often they are used.
    #[must_use]
    pub fn is_lfu(self) -> bool {
        self.rank() == Some(Rank::Lfu)
    }

    /// Whether only keys with a time to live come into question.
    #[must_use]
    pub fn is_volatile(self) -> bool {
        matches!(self, Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl)
    }

    pub(crate) fn rank(self) -> Option<Rank> {
        match self {
            Self::NoEviction => None,
            Self::AllkeysLru | Self::VolatileLru => Some(Rank::Lru),
            Self::AllkeysLfu | Self::VolatileLfu => Some(Rank::Lfu),
            Self::AllkeysRandom | Self::VolatileRandom => Some(Rank::Random),
            Self::VolatileTtl => Some(Rank::Ttl),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            databases: 16,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            list_max_listpack_size: -2,
            hll_sparse_max_bytes: 3000,
            stream_node_max_bytes: 4096,
            stream_node_max_entries: 100,
            proto_max_bulk_len: 512 << 20,
            lazyfree_lazy_expire: false,
            lazyfree_lazy_server_del: false,
            lazyfree_lazy_eviction: false,
            maxmemory: 0,
            maxmemory_policy: MaxmemoryPolicy::NoEviction,
            maxmemory_samples: 5,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
        }
    }
}
