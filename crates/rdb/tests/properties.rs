//! Any split gives the same, what is written is read again, and no damage makes the reader panic.

#[allow(dead_code, reason = "shared with other tests")]
mod check;

use bytes::Bytes;
use picket_rdb::{
    FieldTtlPolicy, HashField, KeyMeta, RdbItem, RdbLimits, RdbVersion, Score, StreamConsumer, StreamGroup,
    StreamId, StreamItem, StreamMeta, StreamPending, StreamValue, Value, dump,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..12),
        any::<i64>().prop_map(|n| n.to_string().into_bytes()),
        any::<i16>().prop_map(|n| n.to_string().into_bytes()),
        "[0-9-]{0,12}".prop_map(String::into_bytes),
        (any::<u8>(), 0..20_000_usize).prop_map(|(byte, len)| vec![byte; len]),
        vec(any::<u8>(), 0..500),
        "(abc|defgh|ij){1,200}".prop_map(String::into_bytes),
    ]
}

fn score() -> impl Strategy<Value = Score> {
    prop_oneof![any::<i64>().prop_map(Score::from_int), any::<u64>().prop_filter_map("NaN", Score::from_bits)]
}

fn stream_id() -> impl Strategy<Value = StreamId> {
    prop_oneof![(any::<u64>(), any::<u64>()), (0..50_u64, 0..5_u64)]
        .prop_map(|(ms, seq)| StreamId { ms, seq })
}

fn group() -> impl Strategy<Value = StreamGroup> {
    let consumers = btree_map(string(), (any::<i64>(), 0..i64::MAX, any::<bool>()), 0..4);
    let pending = btree_map(stream_id(), (any::<u32>(), any::<i64>(), any::<u64>()), 0..20);
    let read = proptest::option::of(0..u64::MAX);
    (string(), stream_id(), read, consumers, pending).prop_map(
        |(name, last_id, entries_read, consumers, pending)| {
            let consumers: Vec<_> = consumers
                .into_iter()
                .map(|(name, (seen_time_ms, active, was_active))| StreamConsumer {
                    name,
                    seen_time_ms,
                    active_time_ms: was_active.then_some(active),
                })
                .collect();
            let owners = u32::try_from(consumers.len()).expect("few");
            let pending = pending
                .into_iter()
                .filter(|_| owners > 0)
                .map(|(id, (owner, delivery_time_ms, delivery_count))| StreamPending {
                    id,
                    consumer: owner % owners,
                    delivery_time_ms,
                    delivery_count,
                })
                .collect();
            StreamGroup { name, last_id, entries_read, consumers, pending }
        },
    )
}

fn stream() -> impl Strategy<Value = StreamValue> {
    let entries = btree_map(stream_id(), vec((string(), string()), 0..4), 0..150);
    let names = prop_oneof![Just(true), Just(false)];
    (entries, names, vec(group(), 0..3), stream_id(), any::<u64>()).prop_map(
        |(entries, same_names, mut groups, deleted, added)| {
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(id, mut fields)| {
                    if same_names {
                        for (place, (name, _)) in fields.iter_mut().enumerate() {
                            *name = format!("field{place}").into_bytes();
                        }
                    }
                    StreamItem { id, fields }
                })
                .collect();
            groups.sort_by(|a, b| a.name.cmp(&b.name));
            groups.dedup_by(|a, b| a.name == b.name);
            let id = |item: Option<&StreamItem>| item.map_or(StreamId::default(), |item| item.id);
            let meta = StreamMeta {
                length: entries.len() as u64,
                last_id: id(entries.last()),
                first_id: id(entries.first()),
                max_deleted_id: deleted,
                entries_added: added,
            };
            StreamValue { entries, meta, groups }
        },
    )
}

fn value() -> impl Strategy<Value = Value> {
    let field = (string(), proptest::option::of(1..1_u64 << 48));
    prop_oneof![
        string().prop_map(Value::String),
        vec(string(), 0..40).prop_map(Value::List),
        btree_set(string(), 0..40).prop_map(|members| Value::Set(members.into_iter().collect())),
        btree_map(string(), score(), 0..40).prop_map(|members| Value::ZSet(members.into_iter().collect())),
        btree_map(string(), field, 0..40).prop_map(|fields| Value::Hash(
            fields
                .into_iter()
                .map(|(field, (value, expire_at_ms))| HashField { field, value, expire_at_ms })
                .collect()
        )),
        stream().prop_map(Value::Stream),
    ]
}

fn entry() -> impl Strategy<Value = RdbItem> {
    let meta = (proptest::option::of(any::<i64>()), proptest::option::of(any::<u64>()), any::<Option<u8>>())
        .prop_map(|(expire_at_ms, idle_s, freq)| KeyMeta { expire_at_ms, idle_s, freq });
    (string(), meta, value()).prop_map(|(key, meta, value)| RdbItem::Entry { key, meta, value })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again_from_any_pieces(entries in vec(entry(), 0..6), cut in any::<u8>()) {
        let file = check::write(&entries, RdbVersion::V12);
        let limits = RdbLimits::default();
        let (items, end) = check::read(&file, &check::cuts(cut, file.len()), limits);
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(&items[1..items.len() - 1], &entries[..]);
    }

    #[test]
    fn every_cut_of_a_file_gives_the_same(entry in entry(), at in any::<proptest::sample::Index>()) {
        let file = check::write(&[entry], RdbVersion::V12);
        let whole = check::read(&file, &[file.len()], RdbLimits::default());
        let at = at.index(file.len() + 1);
        let cut = check::read(&file, &[at, file.len() - at], RdbLimits::default());
        prop_assert_eq!(cut, whole);
        let ends_early = check::read(&file[..at], &[at], RdbLimits::default()).1;
        prop_assert_eq!(ends_early.is_ok(), at == file.len());
    }

    #[test]
    fn a_payload_gives_its_value_back(value in value()) {
        let payload = dump::encode(&value, RdbVersion::V12, true, FieldTtlPolicy::Refuse).expect("writable");
        prop_assert_eq!(dump::decode(payload.clone(), RdbLimits::default()), Ok(value));
        for at in [0, payload.len() / 2, payload.len() - 1] {
            let mut damaged = payload.to_vec();
            damaged[at] ^= 0x10;
            prop_assert!(dump::decode(Bytes::from(damaged), RdbLimits::default()).is_err());
        }
    }

    #[test]
    fn older_versions_hold_all_but_what_they_lack(entry in entry()) {
        let RdbItem::Entry { value, .. } = &entry else { unreachable!("it is an entry") };
        for version in [RdbVersion::V9, RdbVersion::V10, RdbVersion::V11] {
            let payload = dump::encode(value, version, true, FieldTtlPolicy::Forget).expect("writable");
            let mut expected = value.clone();
            forget(&mut expected, version);
            prop_assert_eq!(dump::decode(payload, RdbLimits::default()), Ok(expected));
        }
    }

    #[test]
    fn damage_never_panics(
        entries in vec(entry(), 1..4),
        damage in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<u8>(),
    ) {
        let mut file = check::write(&entries, RdbVersion::V12).to_vec();
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        check::file(&file, cut);
    }

    #[test]
    fn noise_never_panics(noise in vec(any::<u8>(), 0..300), header in any::<bool>()) {
        let mut data = if header { b"\0REDIS0012".to_vec() } else { Vec::new() };
        data.extend_from_slice(&noise);
        check::any(&data);
    }
}

/// What an older version cannot say.
fn forget(value: &mut Value, version: RdbVersion) {
    match value {
        Value::Hash(fields) => fields.iter_mut().for_each(|field| field.expire_at_ms = None),
        Value::Stream(stream) => {
            for consumer in stream.groups.iter_mut().flat_map(|group| &mut group.consumers) {
                if version < RdbVersion::V11 {
                    consumer.active_time_ms = Some(consumer.seen_time_ms).filter(|time| *time != -1);
                }
            }
            if version == RdbVersion::V9 {
                stream.meta.max_deleted_id = StreamId::default();
                stream.meta.entries_added = stream.meta.length;
                let meta = stream.meta;
                let told = |group: &mut StreamGroup| group.entries_read = meta.count_up_to(group.last_id);
                stream.groups.iter_mut().for_each(told);
            }
        }
        _ => {}
    }
}
