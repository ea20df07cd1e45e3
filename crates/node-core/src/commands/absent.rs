//! The commands that a build without the feature `full` refuses by name, so that nobody takes them for a slip.

#[cfg(not(feature = "full"))]
use crate::command::{Command, Keys, docs};
#[cfg(not(feature = "full"))]
use crate::fault::Fault;

/// What such a build has instead of their groups.
#[cfg(not(feature = "full"))]
pub(super) static TABLE: [Command; NAMES.len()] = {
    let mut rows = [row(NAMES[0]); NAMES.len()];
    let mut at = 0;
    while at < NAMES.len() {
        rows[at] = row(NAMES[at]);
        at += 1;
    }
    rows
};

#[cfg(not(feature = "full"))]
const fn row(name: &'static str) -> Command {
    let (flags, categories) = (picket_server_core::Flags::NONE, picket_server_core::Categories::NONE);
    Command::new(name, -1, flags, categories, docs("", "", "", ""), Keys::None, |_, args| {
        Err(Fault::left_out(&args[0]))
    })
}

#[rustfmt::skip]
pub(super) const NAMES: &[&str] = &[
    "bitcount", "bitfield", "bitfield_ro", "bitop", "bitpos", "blmove", "blmpop", "blpop", "brpop", "brpoplpush",
    "bzmpop", "bzpopmax", "bzpopmin", "dump", "eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro",
    "function", "geoadd", "geodist", "geohash", "geopos", "georadius", "georadius_ro", "georadiusbymember",
    "georadiusbymember_ro", "geosearch", "geosearchstore", "getbit", "hdel", "hexists", "hexpire", "hexpireat",
    "hexpiretime", "hget", "hgetall", "hincrby", "hincrbyfloat", "hkeys", "hlen", "hmget", "hmset", "hpersist",
    "hpexpire", "hpexpireat", "hpexpiretime", "hpttl", "hrandfield", "hscan", "hset", "hsetnx", "hstrlen", "httl",
    "hvals", "incrbyfloat", "lcs", "lindex", "linsert", "llen", "lmove", "lmpop", "lpop", "lpos", "lpush", "lpushx",
    "lrange", "lrem", "lset", "ltrim", "memory", "pfadd", "pfcount", "pfdebug", "pfmerge", "pfselftest", "restore",
    "rpop", "rpoplpush", "rpush", "rpushx", "sadd", "scard", "script", "sdiff", "sdiffstore", "setbit", "sinter",
    "sintercard", "sinterstore", "sismember", "smembers", "smismember", "smove", "sort", "sort_ro", "spop",
    "srandmember", "srem", "sscan", "sunion", "sunionstore", "xack", "xadd", "xautoclaim", "xclaim", "xdel",
    "xgroup", "xinfo", "xlen", "xpending", "xrange", "xread", "xreadgroup", "xrevrange", "xsetid", "xtrim", "zadd",
    "zcard", "zcount", "zdiff", "zdiffstore", "zincrby", "zinter", "zintercard", "zinterstore", "zlexcount",
    "zmpop", "zmscore", "zpopmax", "zpopmin", "zrandmember", "zrange", "zrangebylex", "zrangebyscore",
    "zrangestore", "zrank", "zrem", "zremrangebylex", "zremrangebyrank", "zremrangebyscore", "zrevrange",
    "zrevrangebylex", "zrevrangebyscore", "zrevrank", "zscan", "zscore", "zunion", "zunionstore",
];
