//! Loading: as a master and as a replica, in pieces of any size, and what is refused.

use bytes::{Bytes, BytesMut};
use picket_node_core::{Context, Effect};
use picket_node_core::{
    Keyspace, LoadError, LoadOptions, LoadProgress, LoadReport, LoadRole, Loader, OldData, Origin, Progress,
    Session, Settings, Snapshot, SnapshotError, SnapshotOptions,
};
use picket_rdb::{KeyMeta, RdbErrorKind, RdbVersion, RdbWriter, Score, ValueType, WriteOptions};
use picket_resp::{Protocol, Reply};
use picket_sansio::Prng;

const NOW_MS: u64 = 1_700_000_000_000;

/// A file by hand.
struct File {
    writer: RdbWriter,
    out: BytesMut,
}

impl File {
    fn new() -> Self {
        let mut file = Self { writer: RdbWriter::new(WriteOptions::default()), out: BytesMut::new() };
        file.writer.header(&mut file.out);
        file
    }

    fn db(mut self, number: u64) -> Self {
        self.writer.select_db(&mut self.out, number);
        self
    }

    fn string(mut self, key: &str, expire_at_ms: Option<u64>) -> Self {
        let expire_at_ms = expire_at_ms.map(|at| i64::try_from(at).expect("in range"));
        let meta = KeyMeta { expire_at_ms, ..KeyMeta::default() };
        self.writer.key(&mut self.out, key.as_bytes(), &meta, ValueType::String);
        self.writer.encode(&mut self.out, |value| value.string(b"value"));
        self
    }

    fn elements(mut self, key: &str, value_type: ValueType, elements: &[&str]) -> Self {
        self.writer.key(&mut self.out, key.as_bytes(), &KeyMeta::default(), value_type);
        self.writer.encode(&mut self.out, |value| {
            value.elements(elements.len() as u64);
            for element in elements {
                match value_type {
                    ValueType::Hash => value.field(element.as_bytes(), b"v"),
                    ValueType::ZSet2 => value.scored(element.as_bytes(), Score::ZERO),
                    _ => value.string(element.as_bytes()),
                }
            }
        });
        self
    }

    fn function(mut self, source: &str) -> Self {
        self.writer.function(&mut self.out, source.as_bytes()).expect("the version has functions");
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.writer.append(&mut self.out, bytes);
        self
    }

    fn end(mut self) -> BytesMut {
        self.writer.end(&mut self.out);
        self.out
    }
}

fn options(role: LoadRole, old_data: OldData) -> LoadOptions {
    LoadOptions { now_ms: NOW_MS, role, old_data, verify_checksum: true }
}

/// Loads in pieces, with the removals that the stream is told.
fn load_into(
    keyspace: &mut Keyspace,
    file: &[u8],
    options: LoadOptions,
    piece: impl Fn() -> usize,
) -> Result<(LoadReport, Vec<Effect>), LoadError> {
    let mut loader = Loader::new(keyspace, options);
    let (mut rest, mut effects) = (file, Vec::new());
    loop {
        let progress = loader.step(piece() as u64)?;
        effects.extend(loader.take_effects());
        match progress {
            LoadProgress::Complete => break,
            LoadProgress::More => {}
            LoadProgress::NeedsBytes if rest.is_empty() => break,
            LoadProgress::NeedsBytes => {
                let (next, others) = rest.split_at(piece().min(rest.len()));
                loader.push(&Bytes::copy_from_slice(next));
                rest = others;
            }
        }
    }
    let report = loader.finish(keyspace)?;
    Ok((report, effects))
}

fn load(file: &[u8], role: LoadRole) -> Result<(Keyspace, LoadReport, Vec<Effect>), LoadError> {
    let mut keyspace = Keyspace::new(1, Settings::default());
    let loaded = load_into(&mut keyspace, file, options(role, OldData::Empty), || 1 << 20);
    loaded.map(|(report, effects)| (keyspace, report, effects))
}

fn run(keyspace: &mut Keyspace, session: &mut Session, words: &[&str]) -> Reply {
    let args: Vec<_> = words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect();
    let context =
        Context { now_ms: NOW_MS, origin: Origin::Client, protocol: Protocol::Resp2, may_block: false };
    keyspace.execute(session, context, &args).reply
}

#[test]
fn a_master_drops_expired_keys_and_a_replica_keeps_them() {
    let file = File::new()
        .db(0)
        .string("lives", None)
        .string("expired", Some(NOW_MS - 1))
        .string("expires now", Some(NOW_MS))
        .db(3)
        .string("expired too", Some(1))
        .end();
    let (keyspace, report, effects) = load(&file, LoadRole::Master).expect("it is well formed");
    assert_eq!((report.keys_loaded, report.keys_expired), (2, 2));
    assert_eq!((keyspace.dbs()[0].len(), keyspace.dbs()[3].len()), (2, 0));
    let del = |db, key: &'static str| Effect { db, args: vec!["DEL".into(), key.into()] };
    assert_eq!(effects, [del(0, "expired"), del(3, "expired too")]);

    let (keyspace, report, effects) = load(&file, LoadRole::Replica).expect("it is well formed");
    assert_eq!((report.keys_loaded, report.keys_expired, effects.len()), (4, 0, 0));
    assert_eq!((keyspace.dbs()[0].expiries_len(), keyspace.dbs()[3].expiries_len()), (2, 1));
}

#[test]
fn collections_without_elements_are_passed_over() {
    let file = File::new()
        .db(0)
        .elements("set", ValueType::Set, &[])
        .elements("hash", ValueType::Hash, &[])
        .elements("list", ValueType::List, &["a"])
        .end();
    let (keyspace, report, _) = load(&file, LoadRole::Replica).expect("it is well formed");
    assert_eq!((report.keys_loaded, report.empty_keys_skipped, keyspace.dbs()[0].len()), (1, 2, 1));
}

#[test]
fn what_cannot_be_kept_is_refused_by_name() {
    let twice = |value_type| File::new().db(0).elements("k", value_type, &["a", "b", "a"]).end();
    for value_type in [ValueType::Set, ValueType::Hash, ValueType::ZSet2] {
        let error = load(&twice(value_type), LoadRole::Master).expect_err("a member comes twice");
        assert!(matches!(error, LoadError::Rdb(error) if error.kind == RdbErrorKind::DuplicateMember));
    }
    let file = File::new().db(0).string("a", None).db(1).string("a", None).db(0).string("a", None).end();
    let error = load(&file, LoadRole::Master).expect_err("a key comes twice");
    assert_eq!(error.to_string(), "Duplicated key found in RDB file: 'a' in DB 0 (offset 42)");
    let error = load(&File::new().db(16).end(), LoadRole::Master).expect_err("there are 16");
    assert_eq!(error.to_string(), "database 16 is out of range, there are 16 (offset 9)");
    // A value of ReJSON-RL, version 3, of one integer.
    let id = b"ReJSON-RL".iter().fold(0_u64, |id, byte| {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        id << 6 | digits.iter().position(|digit| digit == byte).expect("a digit") as u64
    });
    let mut id_bytes = vec![0x81];
    id_bytes.extend_from_slice(&(id << 10 | 3).to_be_bytes());
    let value = [b"\x07\x01k".as_slice(), &id_bytes, b"\x02\x05\x00"].concat();
    let error = load(&File::new().db(0).raw(&value).end(), LoadRole::Master).expect_err("a module's");
    assert!(error.to_string().contains("the module 'ReJSON-RL'"), "{error}");
    let aux = [b"\xf7".as_slice(), &id_bytes, b"\x02\x01\x02\x05\x00"].concat();
    let error = load(&File::new().raw(&aux).end(), LoadRole::Master).expect_err("a module's");
    assert!(error.to_string().contains("the module 'ReJSON-RL'"), "{error}");
    let file = File::new().function("return 1").end();
    let error = load(&file, LoadRole::Master).expect_err("it has no name");
    assert!(error.to_string().contains("Missing library metadata"), "{error}");
    let library = "#!lua name=a\n";
    let error = load(&File::new().function(library).function(library).end(), LoadRole::Master);
    assert!(error.expect_err("it comes twice").to_string().contains("Library 'a' already exists"));
}

/// A keyspace with some data, and its file.
fn sample() -> (Keyspace, BytesMut) {
    let mut keyspace = Keyspace::new(5, Settings::default());
    let mut session = Session::new();
    for number in 0..40 {
        let text = "some text ".repeat(number + 1);
        for words in [
            vec!["SET".to_owned(), format!("string{number}"), text.clone()],
            vec!["RPUSH".into(), "list".into(), text.clone(), number.to_string()],
            vec!["HSET".into(), format!("hash{}", number % 3), number.to_string(), text.clone()],
            vec!["ZADD".into(), "zset".into(), number.to_string(), text.clone()],
            vec!["SADD".into(), "set".into(), text.clone()],
        ] {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            assert!(!run(&mut keyspace, &mut session, &words).is_error());
        }
    }
    run(&mut keyspace, &mut session, &["FUNCTION", "LOAD", "#!lua name=a\n"]);
    run(&mut keyspace, &mut session, &["PEXPIREAT", "zset", "4102444800000"]);
    let file = save(&mut keyspace, WriteOptions::default());
    (keyspace, file)
}

fn save(keyspace: &mut Keyspace, write: WriteOptions) -> BytesMut {
    let options = SnapshotOptions { write, ..SnapshotOptions::default() };
    let mut snapshot = Snapshot::start(keyspace, options).expect("none is under way");
    let mut file = BytesMut::new();
    while snapshot.next(keyspace, 1 << 20, &mut file).expect("it goes on") == Progress::More {}
    file
}

#[test]
fn pieces_of_any_size_give_the_same() {
    let (expected, file) = sample();
    for size in [1, 2, 3, 7, 64, 1000, 1 << 20] {
        let mut keyspace = Keyspace::new(6, Settings::default());
        let options = options(LoadRole::Replica, OldData::Empty);
        load_into(&mut keyspace, &file, options, || size).expect("it is well formed");
        assert!(keyspace.dbs() == expected.dbs() && keyspace.functions() == expected.functions(), "{size}");
    }
}

#[test]
fn a_damaged_file_changes_nothing_that_was_to_stay() {
    let (_, file) = sample();
    let mut prng = Prng::new(9);
    let mut keyspace = Keyspace::new(6, Settings::default());
    let mut session = Session::new();
    run(&mut keyspace, &mut session, &["SET", "old", "data"]);
    for round in 0..400 {
        let mut damaged = file.to_vec();
        if round % 4 == 0 {
            damaged.truncate(usize::try_from(prng.below(file.len() as u64)).expect("small"));
        } else {
            let at = usize::try_from(prng.below(file.len() as u64)).expect("small");
            damaged[at] ^= 1 << prng.below(8);
        }
        let keep = options(LoadRole::Master, OldData::KeepUntilLoaded);
        let loaded = load_into(&mut keyspace, &damaged, keep, || 1000);
        assert!(loaded.is_err(), "round {round}: a checksum covers every byte");
        assert_eq!(keyspace.dbs()[0].len(), 1, "round {round}");
        while keyspace.take_garbage().is_some() {}
    }
    let half = &file[..file.len() / 2];
    load_into(&mut keyspace, half, options(LoadRole::Master, OldData::KeepUntilLoaded), || 1000)
        .expect_err("it is not complete");
    assert!(keyspace.take_garbage().is_some(), "what was loaded is freed later");
    let keep = options(LoadRole::Master, OldData::KeepUntilLoaded);
    load_into(&mut keyspace, &file, keep, || 1000).expect("it is well formed");
    assert!(keyspace.dbs()[0].get(b"old").is_none() && keyspace.dbs()[0].len() > 40);
}

#[test]
fn damage_that_no_checksum_shows_is_refused_or_gives_sound_data() {
    let (mut keyspace, _) = sample();
    let mut session = Session::new();
    for line in [
        "DEL list",
        "XADD stream 5-1 a b c d",
        "XADD stream 6-1 a x c y",
        "XADD stream 7-1 e f",
        "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g alice COUNT 2 STREAMS stream >",
        "SADD ints 1 2 300",
        "RPUSH list a 1 300 text",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        assert!(!run(&mut keyspace, &mut session, &words).is_error(), "{line}");
    }
    for compress in [true, false] {
        let write = WriteOptions { version: RdbVersion::V11, compress, ..WriteOptions::default() };
        let file = save(&mut keyspace, write);
        let mut prng = Prng::new(10);
        let (mut loaded, mut refused) = (0, 0);
        for round in 0..1500 {
            let mut damaged = file.to_vec();
            for _ in 0..=prng.below(2) {
                let at = usize::try_from(prng.below(file.len() as u64)).expect("small");
                damaged[at] = prng.next_u64().to_le_bytes()[0];
            }
            let mut other = Keyspace::new(6, Settings::default());
            let options =
                LoadOptions { verify_checksum: false, ..options(LoadRole::Replica, OldData::Empty) };
            if load_into(&mut other, &damaged, options, || 1 << 20).is_err() {
                refused += 1;
                continue;
            }
            loaded += 1;
            // What was taken can be saved and loaded again.
            let again = save(&mut other, write);
            let mut copy = Keyspace::new(7, Settings::default());
            load_into(&mut copy, &again, options, || 1 << 20).expect("it was written here");
            assert!(copy.dbs() == other.dbs(), "round {round}");
        }
        assert!(loaded > 20 && refused > 20, "{loaded} {refused}");
    }
}

#[test]
fn new_data_tells_watchers_and_ends_a_snapshot() {
    let (mut keyspace, file) = sample();
    let mut watching = Session::new();
    run(&mut keyspace, &mut watching, &["WATCH", "list"]);
    assert!(!keyspace.is_dirty(&watching, NOW_MS));
    let mut snapshot = Snapshot::start(&mut keyspace, SnapshotOptions::default()).expect("none is under way");
    let keep = options(LoadRole::Master, OldData::KeepUntilLoaded);
    load_into(&mut keyspace, &file, keep, || 1000).expect("it is well formed");
    assert!(keyspace.is_dirty(&watching, NOW_MS));
    let next = snapshot.next(&mut keyspace, 1000, &mut BytesMut::new());
    assert_eq!(next, Err(SnapshotError::Cancelled));
    assert!(keyspace.take_garbage().is_some(), "the old data is freed later");
}

#[test]
fn what_follows_the_end_is_given_back() {
    let mut keyspace = Keyspace::new(1, Settings::default());
    let mut loader = Loader::new(&mut keyspace, options(LoadRole::Replica, OldData::Empty));
    let mut file = File::new().db(0).string("a", None).end();
    file.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
    loader.push(&file.freeze());
    while loader.step(1).expect("it is well formed") != LoadProgress::Complete {}
    let rest: Vec<u8> = loader.take_rest().flat_map(|piece| piece.to_vec()).collect();
    assert_eq!(rest, b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(loader.finish(&mut keyspace).expect("it is complete").keys_loaded, 1);
}

#[test]
fn idle_times_and_counts_of_use_are_kept() {
    use picket_node_core::MaxmemoryPolicy::{AllkeysLfu, AllkeysLru};
    for (policy, question, expected) in [(AllkeysLru, "IDLETIME", 100), (AllkeysLfu, "FREQ", 5)] {
        let settings = Settings { maxmemory_policy: policy, ..Settings::default() };
        let mut keyspace = Keyspace::new(1, settings.clone());
        let mut session = Session::new();
        run(&mut keyspace, &mut session, &["SET", "a", "1"]);
        let options = SnapshotOptions {
            write: WriteOptions { version: RdbVersion::V9, ..WriteOptions::default() },
            now_ms: if policy == AllkeysLru { NOW_MS + 100_000 } else { NOW_MS },
            ..SnapshotOptions::default()
        };
        let mut snapshot = Snapshot::start(&mut keyspace, options).expect("none is under way");
        let mut file = BytesMut::new();
        while snapshot.next(&mut keyspace, 1000, &mut file).expect("it goes on") == Progress::More {}
        let mut loaded = Keyspace::new(2, settings);
        let as_replica = self::options(LoadRole::Replica, OldData::Empty);
        load_into(&mut loaded, &file, as_replica, || 1000).expect("it is well formed");
        let reply = run(&mut loaded, &mut session, &["OBJECT", question, "a"]);
        assert_eq!(reply, Reply::Integer(expected), "{question}");
    }
}
