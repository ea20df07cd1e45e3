//! Data of every type and encoding, and a second round of changes to all of it.

use picket_testkit::DataServer;

/// A command of any bytes.
pub(crate) type Command = Vec<Vec<u8>>;

/// A command from strings and bytes of any kind.
macro_rules! cmd {
    ($($arg:expr),+ $(,)?) => { vec![$(Vec::<u8>::from($arg)),+] };
}
pub(crate) use cmd;

/// A key that is no text.
const BINARY: &[u8] = b"bin\x00\xff\r\n*1\xc3";
/// Milliseconds since 1970 in the year 2100.
const LATER_MS: &str = "4102444800123";

/// Commands separated by lines, words by blanks.
fn lines(text: &str) -> Vec<Command> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| line.split(' ').map(|word| word.replace('_', " ").into_bytes()).collect())
        .collect()
}

/// `first` and one argument for each number.
fn long(first: &[&str], numbers: std::ops::Range<u32>, arg: impl Fn(u32) -> Vec<String>) -> Command {
    let mut command: Command = first.iter().map(|word| word.as_bytes().to_vec()).collect();
    command.extend(numbers.flat_map(arg).map(String::into_bytes));
    command
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Makes the data.
pub(crate) fn first_round() -> Vec<Command> {
    let mut all = lines(&format!(
        "SET int 12345
         SET int:least -9223372036854775808
         SET int:most 9223372036854775807
         SET not:int 0123
         SET embstr a_short_text
         SET expires value PXAT {LATER_MS}
         SET expires:too value EX 100000
         SET soon gone PX 300
         APPEND appended abc
         APPEND appended def
         SETBIT bits 100000 1
         SETBIT bits 7 1
         BITFIELD field SET u8 0 255 SET i16 100 -300 INCRBY u4 12 3
         INCRBYFLOAT float 10.5
         RPUSH list a b c 1 -1 70000
         RPUSH list:one x
         RPUSH list:expires x
         PEXPIREAT list:expires {LATER_MS}
         SADD set:ints 1 2 3 -4
         SADD set:ints32 1 100000
         SADD set:ints64 1 9000000000000000000
         SADD set:text a b c 1
         ZADD zset 1 one 2 two 2 too -1.5 minus 0.1 tenth 1e300 huge -inf least +inf most 3.0000000000000004 odd
         HSET hash field value other 1 empty x
         HINCRBYFLOAT hash float 0.1
         PFADD hll:sparse a b c d e
         GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania -122.27652 37.805186 station
         XADD stream 1-1 field value
         XADD stream 1-2 field other more fields
         XADD stream 5-0 different names here now
         XADD stream:deleted 7-7 a b
         XDEL stream:deleted 7-7
         XGROUP CREATE stream:groups readers 0 MKSTREAM
         XGROUP CREATE stream:groups late $
         XGROUP CREATE stream:empty nobody $ MKSTREAM
         SET {{tag}}copy 1"
    ));
    all.extend([
        cmd!["SET", "raw", "x".repeat(100)],
        cmd!["SET", "huge", "0123456789abcdef".repeat(5 << 16)],
        cmd!["SET", "noise", noise(200_000)],
        cmd!["SET", "empty", ""],
        cmd!["SET", "", "a key without a name"],
        cmd!["SET", BINARY, noise(40)],
        cmd!["HSET", "hash:binary", BINARY, noise(10), "", ""],
        cmd!["RPUSH", "list:binary", BINARY, "", noise(300)],
        cmd!["SADD", "set:binary", BINARY, ""],
        cmd!["ZADD", "zset:binary", "1", BINARY, "1", ""],
        cmd!["SADD", "set:long", "m".repeat(65)],
        cmd!["HSET", "hash:long", "field", "v".repeat(65)],
        cmd!["ZADD", "zset:long", "1", "m".repeat(65)],
        long(&["RPUSH", "list:large"], 0..3000, |n| vec![format!("element {n}")]),
        long(&["RPUSH", "list:big"], 0..12, |n| vec![format!("{n}").repeat(20_000)]),
        long(&["SADD", "set:ints:large"], 0..600, |n| vec![format!("{}", n * 7)]),
        long(&["SADD", "set:large"], 0..1000, |n| vec![format!("member {n}")]),
        long(&["ZADD", "zset:large"], 0..500, |n| vec![format!("{}.25", n / 3), format!("member {n}")]),
        long(&["HSET", "hash:large"], 0..1000, |n| vec![format!("field {n}"), format!("value {n}")]),
        long(&["PFADD", "hll:dense"], 0..5000, |n| vec![format!("seen {n}")]),
        long(&["GEOADD", "geo:large"], 0..200, |n| {
            vec![format!("{}.5", n % 170), format!("{}.25", n % 80), format!("place {n}")]
        }),
    ]);
    for n in 1..400 {
        all.push(cmd!["XADD", "stream:large", format!("{n}-{}", n % 3), "n", n.to_string(), "same", "field"]);
        all.push(cmd!["XADD", "stream:groups", format!("{n}-0"), "n", n.to_string()]);
    }
    all.extend(lines(
        "XDEL stream:large 100-1 200-2
         XREADGROUP GROUP readers alice COUNT 10 STREAMS stream:groups >
         XREADGROUP GROUP readers bob COUNT 150 STREAMS stream:groups >
         XACK stream:groups readers 1-0 2-0 11-0
         XGROUP CREATECONSUMER stream:groups readers idle
         SELECT 1
         SET other database
         RPUSH list 1 2 3
         SELECT 9
         SET moves 1
         MOVE moves 15
         SET flushed 1
         SELECT 12
         SET flushed 1
         SELECT 0",
    ));
    all.push(cmd!["FUNCTION", "LOAD", library("one")]);
    all.push(cmd!["FUNCTION", "LOAD", library("two")]);
    all
}

fn library(name: &str) -> String {
    format!("#!lua name={name}\nredis.register_function('{name}', function(keys, args) return 1 end)\n")
}

/// Changes all of it, with every command that has a form of its own in the stream.
pub(crate) fn second_round() -> Vec<Command> {
    let mut all = lines(&format!(
        "INCR int
         INCRBY int:least 5
         DECRBY int:most 7
         GETSET embstr another
         SET raw short KEEPTTL
         APPEND huge tail
         SETRANGE noise 1000 changed
         SETRANGE made:by:setrange 5000000 x
         APPEND empty nothing
         SETBIT bits 100001 1
         BITOP NOT bits:not bits
         BITOP XOR bits:xor bits field
         BITFIELD field OVERFLOW SAT INCRBY u8 0 100 OVERFLOW FAIL INCRBY u4 12 15
         INCRBYFLOAT float -3.0e2
         PERSIST expires
         EXPIRE expires:too 200000 GT
         GETEX expires:too PERSIST
         GETEX embstr EX 5000
         SET got 1
         GETDEL got
         SETEX setex 1000 value
         PSETEX psetex 1000000 value
         SETNX setnx value
         MSET m1 1 m2 2
         MSETNX m3 3 m4 4
         SET with:get new GET
         SET past value PXAT 1000
         EXPIREAT m1 4102444800
         PEXPIRE m2 900000
         EXPIRE m3 -1
         COPY list list:copy
         COPY stream:groups stream:copy REPLACE
         COPY zset:large zset:copy DB 3
         RENAME m4 renamed
         RENAMENX renamed renamed:again
         LPOP list
         RPOP list 2
         LINSERT list BEFORE c between
         LSET list 0 set
         LPUSHX list first
         LMOVE list list:one LEFT RIGHT
         RPOPLPUSH list:large list:one
         LTRIM list:large 100 1500
         LREM list:large 1 element_777
         LSET list:large 3 {big}
         LMPOP 2 none list:large LEFT COUNT 3
         BLPOP list:large 0
         BLMOVE list:large list:copy RIGHT LEFT 0
         BRPOPLPUSH list:large list:copy 0
         BLMPOP 0 1 list:large RIGHT COUNT 2
         SORT list:copy ALPHA DESC STORE sorted
         SADD set:ints text
         SREM set:ints:large 7 14
         SADD set:ints32 -9000000000000000000
         SPOP set:large
         SPOP set:large 20
         SPOP set:ints64 5
         SMOVE set:text set:ints32 a
         SINTERSTORE set:inter set:large set:text
         SUNIONSTORE set:union set:text set:ints
         SDIFFSTORE set:diff set:large set:text
         ZADD zset XX GT CH 5 one
         ZADD zset INCR 1.1 two
         ZINCRBY zset -0.3 tenth
         ZREM zset odd
         ZPOPMIN zset
         ZPOPMAX zset:large 3
         ZMPOP 1 zset:large MIN COUNT 5
         BZPOPMIN zset:large 0
         BZMPOP 0 1 zset:large MAX
         ZREMRANGEBYRANK zset:large 0 3
         ZREMRANGEBYSCORE zset:large 100 (103
         ZREMRANGEBYLEX zset:copy - (a
         ZRANGESTORE zset:range zset:large 10 (50 BYSCORE REV LIMIT 0 0
         ZRANGESTORE zset:range zset:large (10 50 BYSCORE LIMIT 1 20
         ZUNIONSTORE zset:union 2 zset zset:long WEIGHTS 0.5 -2 AGGREGATE MAX
         ZINTERSTORE zset:inter 2 zset:large zset:large
         ZDIFFSTORE zset:diff 2 zset:large zset
         HSET hash:large field_1 changed
         HDEL hash:large field_2 field_3
         HINCRBY hash other 41
         HINCRBYFLOAT hash float 1e-3
         HSETNX hash new value
         HMSET hash a 1 b 2
         PFADD hll:sparse f g h
         PFADD hll:dense another
         PFMERGE hll:merged hll:sparse hll:dense
         PFCOUNT hll:sparse
         GEOADD geo XX CH 13.4 38.1 Palermo
         GEOSEARCHSTORE geo:found geo FROMLONLAT 15 37 BYRADIUS 200 km ASC
         GEORADIUS geo 15 37 300 km STOREDIST geo:distances
         XADD stream * auto id
         XADD stream 99999999999999-* partial id
         XADD stream:large MAXLEN ~ 250 * n trimmed
         XTRIM stream:large MINID ~ 300
         XTRIM stream:large MAXLEN 20
         XADD stream:nomk NOMKSTREAM * a b
         XSETID stream:deleted 9-9
         XREADGROUP GROUP readers alice COUNT 20 STREAMS stream:groups >
         XREADGROUP GROUP readers carol NOACK COUNT 5 STREAMS stream:groups >
         XCLAIM stream:groups readers carol 0 3-0 4-0 TIME 1700000000000 RETRYCOUNT 7
         XCLAIM stream:groups readers carol 0 5-0 JUSTID
         XAUTOCLAIM stream:groups readers dave 0 0 COUNT 5
         XDEL stream:groups 6-0
         XACK stream:groups readers 7-0
         XGROUP DELCONSUMER stream:groups readers bob
         XGROUP SETID stream:groups late 50
         XGROUP CREATE stream:groups third 10 ENTRIESREAD 10
         XGROUP DESTROY stream:empty nobody
         MULTI
         SET in:multi 1
         LPUSH in:multi:list 1 2
         EXPIRE in:multi 1000
         SELECT 4
         SET in:multi 4
         EXEC
         SELECT 9
         FLUSHDB
         SELECT 12
         FLUSHDB ASYNC
         SET after flush
         SELECT 1
         UNLINK list
         SWAPDB 1 2
         SELECT 0
         FUNCTION DELETE two
         SET done 1",
        big = "B".repeat(10_000)
    ));
    all.push(cmd!["APPEND", BINARY, noise(3)]);
    all.push(cmd!["HSET", "hash:binary", "", noise(70)]);
    all.push(cmd!["LREM", "list:binary", "0", BINARY]);
    all.push(cmd!["SREM", "set:binary", ""]);
    all.push(cmd!["ZADD", "zset:binary", "2", ""]);
    all
}

/// Runs the commands; none may fail.
#[track_caller]
pub(crate) fn run(server: &DataServer, commands: &[Command]) {
    let mut client = server.client().expect("connected");
    let replies = client.pipeline(commands).expect("replies");
    for (command, reply) in commands.iter().zip(&replies) {
        let words: Vec<_> = command.iter().take(6).map(|word| String::from_utf8_lossy(word)).collect();
        assert!(reply.error().is_none(), "{:.200}: {reply}", words.join(" "));
    }
}

/// Also what needs a reply of before: a DUMP that is restored under other names, with and without time to live.
#[track_caller]
pub(crate) fn run_second_round(server: &DataServer) {
    run(server, &second_round());
    let mut client = server.client().expect("connected");
    for key in ["huge", "list:large", "set:large", "zset", "hash:large", "stream:groups", "hll:dense", "int"]
    {
        let picket_testkit::Reply::Bulk(dump) = client.cmd(&["DUMP", key]).expect("a reply") else {
            panic!("no dump of {key}")
        };
        let restored = format!("restored:{key}");
        for command in [
            cmd!["RESTORE", restored.as_str(), "0", dump.as_slice()],
            cmd!["RESTORE", restored.as_str(), "5000000", dump.as_slice(), "REPLACE", "FREQ", "3"],
        ] {
            let reply = client.cmd_bytes(&command).expect("a reply");
            assert!(reply.is_ok(), "{restored}: {reply}");
        }
    }
}
