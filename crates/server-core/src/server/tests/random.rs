//! Bytes that no client should send.

use super::*;
use proptest::prelude::*;

proptest! {
    /// No bytes panic, hang or leave a client that is half gone.
    #[test]
    fn any_bytes_are_survived(chunks in proptest::collection::vec((0_u64..3, chunk()), 0..40)) {
        let mut world = World::new();
        let ids = [world.connect(), world.connect(), world.connect()];
        for (index, bytes) in chunks {
            world.server.receive(world.now, ids[index as usize], &bytes);
            world.run();
            world.server.publish(b"a", b"b");
            world.now = world.now + Millis(7);
            world.server.wake(world.now);
        }
        for id in ids {
            world.server.closed(id);
        }
        prop_assert_eq!(world.server.subscribed(), (0, 0));
        prop_assert_eq!(world.server.clients().count(), 0);
    }
}

fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("client"),
        Just("kill"),
        Just("type"),
        Just("normal"),
        Just("acl"),
        Just("setuser"),
        Just("u"),
        Just("+@all"),
        Just("subscribe"),
        Just("psubscribe"),
        Just("unsubscribe"),
        Just("a"),
        Just("*"),
        Just("hello"),
        Just("3"),
        Just("2"),
        Just("pause"),
        Just("9"),
        Just("unpause"),
        Just("reply"),
        Just("off"),
        Just("skip"),
        Just("role"),
        Just("tracking"),
        Just("on"),
        Just("command"),
        Just("docs"),
        Just("id"),
        Just("auth"),
        Just("list"),
        Just("info"),
        Just("log"),
        Just("deluser"),
        Just("skipme"),
        Just("no"),
    ];
    prop_oneof![
        8 => proptest::collection::vec(word, 1..6).prop_map(|words| request(&words)),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ]
}
