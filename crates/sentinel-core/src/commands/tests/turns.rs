//! Clients that ask for more than anybody should wait for.

use alloc::vec;
use alloc::vec::Vec;

use bytes::Bytes;
use picket_resp::command;
use picket_sansio::Millis;

use super::{FILE, World};
use crate::io::Input;

/// A client sends `count` requests at once, and another one a PING thereafter. Returns how many the first was answered
/// in each turn, and in which turn the other was.
fn flood(words: &[&str], count: usize) -> (Vec<usize>, usize) {
    let mut world = World::new(FILE);
    let (greedy, modest) = (world.connect(), world.connect());
    let requests: Vec<u8> = command(words).repeat(count);
    world.give(Input::ClientData { client: greedy, bytes: Bytes::from(requests) });
    let (mut answered, mut turn_of_modest) = (Vec::new(), None);
    loop {
        let (of_modest, of_greedy): (Vec<_>, Vec<_>) =
            world.replies.drain(..).partition(|(client, _)| *client == modest);
        if !of_modest.is_empty() {
            turn_of_modest = Some(answered.len());
        }
        answered.push(of_greedy.len());
        let is_behind = world.sentinel.next_deadline().is_some_and(|due| due.at <= world.now);
        assert_eq!(is_behind, !world.sentinel.takes_requests(greedy));
        if answered.len() == 1 {
            assert!(world.sentinel.takes_requests(modest));
            world.send(modest, &["PING"]);
            assert!(world.replies.len() <= 1, "who is behind waits until others were heard");
        }
        if is_behind {
            world.give(Input::Wake);
        } else if answered.len() > 1 {
            break;
        }
    }
    assert_eq!(answered.iter().sum::<usize>(), count, "nothing that was asked is lost");
    (answered, turn_of_modest.expect("its turn comes"))
}

#[test]
fn many_requests_are_answered_in_turns() {
    assert_eq!(flood(&["PING"], 600), (vec![256, 255, 89], 1));
    assert_eq!(flood(&["no.such.command"], 600), (vec![256, 255, 89], 1));
}

#[test]
fn large_replies_are_sent_in_turns() {
    let large = "x".repeat(300_000);
    assert_eq!(flood(&["PING", &large], 9), (vec![4, 4, 1], 2));
}

#[test]
fn what_anybody_asks_for_is_answered_at_once() {
    assert_eq!(flood(&["PING"], 100), (vec![100, 0], 1));
}

#[test]
fn who_asks_while_the_process_is_held_up_is_heard_once() {
    let mut world = World::new(FILE);
    let client = world.connect();
    let due = world.sentinel.next_deadline().expect("there is always something to do").at;
    world.now = due + Millis(500);
    world.send(client, &["PING"]);
    assert!(world.replies.is_empty(), "others are heard first");
    assert!(!world.sentinel.takes_requests(client), "more of it would pile up");
    world.give(Input::Wake);
    assert_eq!(world.replies.len(), 1);
    assert!(world.sentinel.takes_requests(client));
}
