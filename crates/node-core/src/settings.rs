//! The directives of redis.conf that commands look at.

/// Limits of the small encodings, with Redis's defaults, and how keys are removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
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
    /// `proto-max-bulk-len`: the longest string that a command may make.
    pub proto_max_bulk_len: u64,
    /// `lazyfree-lazy-expire`: expired keys go into the stream as UNLINK.
    pub lazyfree_lazy_expire: bool,
    /// `lazyfree-lazy-server-del`: keys removed by another command do.
    pub lazyfree_lazy_server_del: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
            set_max_intset_entries: 512,
            set_max_listpack_entries: 128,
            set_max_listpack_value: 64,
            zset_max_listpack_entries: 128,
            zset_max_listpack_value: 64,
            list_max_listpack_size: -2,
            hll_sparse_max_bytes: 3000,
            proto_max_bulk_len: 512 << 20,
            lazyfree_lazy_expire: false,
            lazyfree_lazy_server_del: false,
        }
    }
}
