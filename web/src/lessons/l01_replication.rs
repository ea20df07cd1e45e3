//! Replication from REPLICAOF to the stream of commands.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, node, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("Replication, step by step", "复制，一步一步来"),
    goal: text(
        "You will see how an empty node becomes a copy of another one, and stays one.",
        "看一个空节点如何成为另一个节点的副本，并一直保持同步。",
    ),
    scenario: "title Replication, step by step
seed 1
redis 2
sentinels 0
quorum 1
config redis-1 repl-diskless-sync-delay 1
start empty
at 0s run redis-2 REPLICAOF NO ONE
at 0s latency redis-1 redis-2 20ms
at 500ms run redis-1 SET greeting hello
look 1s
",
    steps: &[
        Step {
            title: text("Two strangers", "两个陌生的节点"),
            text: text(
                "Both nodes are masters: each would take writes, and neither knows the other. redis-1 holds the key \
                 \"greeting\", redis-2 holds nothing. One command makes a replica of it. (REPLICAOF is the new name of \
                 SLAVEOF.)",
                "两个节点都是主节点：都能接受写入，彼此互不相识。redis-1 有一个键 greeting，redis-2 什么都没有。一条命令就能让它成为副本。\
                 （REPLICAOF 是 SLAVEOF 的新名字。）",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("redis-2: REPLICAOF redis-1", "redis-2：REPLICAOF redis-1"),
                lines: &["run redis-2 REPLICAOF 10.0.1.1 6379"],
            }],
            pace: Pace::Slow,
            look: node("redis-2"),
            check: |scene| scene.is_now("event redis-2 Connecting to MASTER"),
        },
        Step {
            title: text("The question: PSYNC", "提问：PSYNC"),
            text: text(
                "The replica dials the master and introduces itself: PING, REPLCONF, and at last PSYNC with the history \
                 it has and the next byte it wants. Watch the messages cross. redis-1 has never heard of that history, \
                 so it answers FULLRESYNC: take everything, and know that it is worth this offset.",
                "副本连上主节点并自我介绍：PING、REPLCONF，最后是 PSYNC，带上自己的复制历史 ID 和想要的下一个字节。请看消息往来。redis-1 \
                 从没听说过那段历史，于是回答 FULLRESYNC：请拿走全部数据，它对应这个偏移量。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Slow,
            look: tab(Tab::Messages),
            check: |scene| scene.is_now("event redis-2 Full resync from master"),
        },
        Step {
            title: text("The snapshot", "快照"),
            text: text(
                "Now the data travels: a snapshot (RDB) of one moment. What is written meanwhile is kept for the replica \
                 and follows behind. When it has loaded the snapshot, its link is up.",
                "现在数据上路了：某一时刻的快照（RDB）。期间的新写入会为副本保留，随后送到。副本加载完快照，链路就建立好了。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Calm,
            look: node("redis-2"),
            check: |scene| scene.is("follows redis-2 redis-1") && scene.is("key redis-2 greeting hello"),
        },
        Step {
            title: text("A write, and its copy", "一次写入与它的复制"),
            text: text(
                "From now on the master sends every write down the stream. The wire to redis-2 takes 20 ms. You write to \
                 redis-1: when are you told OK?",
                "从现在起，主节点把每次写入都发到复制流里。到 redis-2 的线路需要 20 毫秒。你向 redis-1 写入：什么时候会收到 OK？",
            ),
            ask: Some(Question {
                answers: &[
                    text("When redis-2 has it too", "等 redis-2 也有了之后"),
                    text("At once, before redis-2 has it", "立刻，redis-2 还没有的时候"),
                ],
                right: 1,
                because: text(
                    "Replication is asynchronous: OK means that one node has it. The copy is still on the wire.",
                    "复制是异步的：OK 只表示一个节点有了它，发给 redis-2 的那一份还在线路上。",
                ),
            }),
            deeds: &[Deed {
                name: text("redis-1: SET greeting bonjour", "redis-1：SET greeting bonjour"),
                lines: &["run redis-1 SET greeting bonjour"],
            }],
            pace: Pace::Messages,
            look: tab(Tab::Messages),
            check: |scene| {
                scene.is_now("key redis-1 greeting bonjour")
                    && scene.was_done("run redis-1 SET greeting bonjour")
                    && scene.is("answer +OK")
            },
        },
        Step {
            title: text("The same offset", "同样的偏移量"),
            text: text(
                "You have your OK, and redis-2 still says hello. Let the command arrive. Both count the bytes of the \
                 stream: with the same history and the same offset they hold the same data.",
                "你已经收到 OK，而 redis-2 还是 hello。让命令到达吧。双方都数着复制流的字节：历史相同、偏移量相同，数据就相同。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Messages,
            look: tab(Tab::Replication),
            check: |scene| scene.is("key redis-2 greeting bonjour"),
        },
        Step {
            title: text("A replica takes no writes", "副本不接受写入"),
            text: text(
                "Its data is not its own: a write here would make two versions of the truth. Try it.",
                "它的数据不属于自己：在这里写入会造成两个版本的真相。试一试。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("redis-2: SET greeting bye", "redis-2：SET greeting bye"),
                lines: &["run redis-2 SET greeting bye"],
            }],
            pace: Pace::Slow,
            look: node("redis-2"),
            check: |scene| scene.is("answer -READONLY"),
        },
    ],
    learnt: text(
        "A replica asks for everything once, and then follows a stream of commands. History id and offset say exactly \
         how far it has come.",
        "副本先整体复制一次，之后跟随命令流。复制历史 ID 和偏移量准确说明它走到了哪里。",
    ),
    practice: text(
        "OK does not mean that it is safe: the last writes before a crash may be on one node alone. Where that matters, \
         ask with WAIT. Watch master_repl_offset on both sides: the difference is what you would lose.",
        "收到 OK 不等于安全：崩溃前的最后几次写入可能只存在于一个节点上。重要的写入请用 WAIT 确认。监控两边的 \
         master_repl_offset：差值就是你可能丢失的部分。",
    ),
    figures: None,
};
