//! A build without the feature `full`, such as the playground's: `cargo test -p picket-node-core --no-default-features
//! --test left_out`.

#![cfg(not(feature = "full"))]

use bytes::Bytes;
use picket_node_core::{
    Context, Keyspace, LoadOptions, LoadRole, Loader, OldData, Origin, Session, Settings,
};
use picket_resp::{Protocol, Reply};

fn run(keyspace: &mut Keyspace, words: &[&str]) -> Reply {
    let context =
        Context { now_ms: 1_000, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
    let args: Vec<Bytes> = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
    keyspace.execute(&mut Session::new(), context, &args).reply
}

#[test]
fn what_is_left_out_is_refused_by_name() {
    let mut keyspace = Keyspace::new(1, Settings::default());
    assert_eq!(run(&mut keyspace, &["SET", "key", "1"]), Reply::ok());
    assert_eq!(run(&mut keyspace, &["INCR", "key"]), Reply::Integer(2));
    for words in
        [&["lpush", "list", "a"][..], &["LPUSH"], &["HSET", "a", "b", "c"], &["XADD"], &["EVAL", "", "0"]]
    {
        let name = words[0].to_uppercase();
        let refusal = Reply::error(format!("ERR {name} is left out of this build of Picket"));
        assert_eq!(run(&mut keyspace, words), refusal);
    }
    let Reply::Error(text) = run(&mut keyspace, &["NOSUCH"]) else { panic!("it is no command") };
    assert!(text.starts_with(b"ERR unknown command 'NOSUCH'"), "{text:?}");
}

#[test]
fn an_rdb_with_other_types_is_refused() {
    let load = |body: &[u8]| {
        let mut keyspace = Keyspace::new(1, Settings::default());
        let options = LoadOptions {
            now_ms: 1_000,
            role: LoadRole::Replica,
            old_data: OldData::Empty,
            verify_checksum: true,
        };
        let mut loader = Loader::new(&mut keyspace, options);
        loader.push(&[&b"REDIS0009"[..], body, b"\xff\0\0\0\0\0\0\0\0"].concat().into());
        loader.step(u64::MAX).map_err(|error| error.to_string())?;
        loader.finish(&mut keyspace).map(|report| report.keys_loaded).map_err(|error| error.to_string())
    };
    assert_eq!(load(b"\x00\x01k\x01v"), Ok(1));
    for value_type in [1, 2, 3, 4, 5, 11, 14, 15, 16, 18, 20, 21] {
        let loaded = load(&[&[value_type, 1, b'k'][..], b"\x01\x01\x01"].concat());
        let why = loaded.expect_err("no build of this kind has the type");
        let expected = format!("values of type {value_type} are left out of this build");
        assert!(why.contains(&expected), "{why}");
    }
}
