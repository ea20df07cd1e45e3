//! PSYNC: a short break, a long break, and how large a backlog has to be.

use super::{Deed, Lesson, Pace, Question, Scene, Step, tab, text};
use crate::i18n::Lang;
use crate::tab::Tab;

/// For how long a replica should be able to be away, in seconds: a restart of its machine.
const AWAY_S: u64 = 60;

const CUT: Deed = Deed {
    name: text("Cut the wire", "切断线路"),
    lines: &["cut redis-1 redis-2", "reset redis-1 redis-2"],
};
const MEND: Deed = Deed { name: text("Mend the wire", "修复线路"), lines: &["heal"] };

pub(super) const LESSON: Lesson = Lesson {
    title: text("A short break and a long one: PSYNC", "短暂断开与长时间断开：PSYNC"),
    goal: text(
        "You will know when a replica only needs what it missed, when it needs everything, and how to size the backlog.",
        "弄清副本什么时候只需补上错过的部分，什么时候必须全量复制，以及积压缓冲区该设多大。",
    ),
    scenario: "title A short break and a long one
seed 2
redis 2
sentinels 1
quorum 1
config redis repl-backlog-size 16384
writer 5ms
",
    steps: &[
        Step {
            title: text("The backlog turns", "积压缓冲区循环写入"),
            text: text(
                "redis-1 keeps the last 16 KiB of its stream in a ring, the backlog. A client writes more than a hundred times a second. \
                 Let it run until the ring is full: from then on every new byte replaces the oldest one.",
                "redis-1 把复制流最近的 16 KiB 保存在一个环里，这就是复制积压缓冲区。客户端每秒写入一百多次。让它运行到环被写满：\
                 此后每个新字节都会覆盖最旧的一个。",
            ),
            ask: None,
            deeds: &[super::GO_ON],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| scene.backlog("redis-1").is_some_and(|(_, histlen, size)| histlen >= size),
        },
        Step {
            title: text("A short break", "短暂断开"),
            text: text(
                "Cut the wire between the two, so that their connection breaks. The master goes on without its replica, and \
                 redis-2 falls behind, byte by byte. Time stops as soon as it has missed a little.",
                "切断两者之间的线路，使连接断开。主节点继续工作，redis-2 一个字节一个字节地落后。等它错过一点点，时间就会停下。",
            ),
            ask: None,
            deeds: &[CUT],
            pace: Pace::Calm,
            look: tab(Tab::Replication),
            check: |scene| scene.has_cuts() && scene.is_behind("redis-2", "redis-1") >= 2_000,
        },
        Step {
            title: text("It comes back", "它回来了"),
            text: text(
                "Mend the wire. redis-2 will ask PSYNC: this is my history, this is the next byte I need. What will it get? \
                 (Should time have gone too far, take the step again.)",
                "修复线路。redis-2 会用 PSYNC 提问：这是我的历史，这是我需要的下一个字节。它会得到什么？（如果时间走得太远，可以重做这一步。）",
            ),
            ask: Some(Question {
                answers: &[
                    text("Everything, to be safe", "全部数据，以防万一"),
                    text("Only what it missed", "只有它错过的部分"),
                    text("Nothing: it has to be restarted", "什么都没有：必须重启"),
                ],
                right: 1,
                because: text(
                    "The byte it asked for is still in the ring: +CONTINUE, and the missed bytes. No snapshot is made.",
                    "它要的字节还在环里：主节点回答 +CONTINUE，并补发错过的字节，无需快照。",
                ),
            }),
            deeds: &[MEND],
            pace: Pace::Calm,
            look: tab(Tab::Replication),
            check: |scene| scene.is_now("synced redis-2 partial"),
        },
        Step {
            title: text("A long break", "长时间断开"),
            text: text(
                "Cut it again and wait. Time stops at the very moment at which the byte that redis-2 needs next is \
                 overwritten in the ring.",
                "再切断一次，然后等待。当 redis-2 需要的下一个字节在环中被覆盖的那一刻，时间会停下。",
            ),
            ask: None,
            deeds: &[CUT],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| scene.has_cuts() && has_fallen_out(scene),
        },
        Step {
            title: text("Too late", "太迟了"),
            text: text(
                "Mend the wire. redis-2 asks the same question as before, and this time the byte is gone: the master has \
                 to make a snapshot and send all of its data. With 50 GB that takes minutes, and memory on both sides.",
                "修复线路。redis-2 提出同样的问题，但这次那个字节已经没有了：主节点只能生成快照，发送全部数据。若有 50 GB，\
                 就要花几分钟，还要占用双方的内存。",
            ),
            ask: None,
            deeds: &[MEND],
            pace: Pace::Calm,
            look: tab(Tab::Replication),
            check: |scene| scene.is_now("synced redis-2 full"),
        },
        Step {
            title: text("A larger ring", "更大的环"),
            text: text(
                "Make the backlog 1 MiB on both nodes, for the replica may be the next master, and cut the wire for longer \
                 than before.",
                "把两个节点的积压缓冲区都改成 1 MiB（副本可能就是下一个主节点），再切断更长的时间。",
            ),
            ask: None,
            deeds: &[
                Deed {
                    name: text("Backlog: 1 MiB", "积压缓冲区：1 MiB"),
                    lines: &["run redis CONFIG SET repl-backlog-size 1mb"],
                },
                CUT,
            ],
            pace: Pace::Fast,
            look: tab(Tab::Replication),
            check: |scene| {
                scene.has_cuts()
                    && scene.backlog("redis-1").is_some_and(|(_, _, size)| size >= 1 << 20)
                    && scene.is_behind("redis-2", "redis-1") > 20_000
            },
        },
        Step {
            title: text("The same break is short now", "同样的断开，现在算短的"),
            text: text(
                "redis-2 has missed more than the old ring could hold. Mend the wire and see.",
                "redis-2 错过的字节比原来的环还多。修复线路看看。",
            ),
            ask: None,
            deeds: &[MEND],
            pace: Pace::Calm,
            look: tab(Tab::Replication),
            check: |scene| scene.is_now("synced redis-2 partial"),
        },
    ],
    learnt: text(
        "It is not time that decides, but bytes: a replica goes on where it was as long as its next byte is in the backlog.",
        "决定性的不是时间而是字节：只要副本需要的下一个字节还在积压缓冲区里，它就能接着复制。",
    ),
    practice: text(
        "Size the backlog by what is written per second at the busiest hour, times the seconds that a restart or a \
         network fault may last, times two. The usual 1 MB is far too small for busy masters. INFO stats tells \
         sync_full and sync_partial_err: they should not grow.",
        "积压缓冲区大小 = 高峰期每秒写入字节数 × 一次重启或网络故障可能持续的秒数 × 2。默认的 1 MB 对繁忙的主节点远远不够。INFO stats 中的 \
         sync_full 和 sync_partial_err 不应增长。",
    ),
    figures: Some(figures),
};

/// The byte that the replica needs next is no longer in the backlog.
fn has_fallen_out(scene: &Scene<'_>) -> bool {
    match (scene.offset("redis-2"), scene.backlog("redis-1")) {
        (Some(offset), Some((first, ..))) => offset + 1 < first,
        _ => false,
    }
}

fn figures(scene: &Scene<'_>, lang: Lang) -> String {
    let written = scene.offset("redis-1").unwrap_or(0);
    // The stream began before the lesson: the rate is taken over what the world has lived.
    let per_second = written * 1_000 / (scene.lived_us() / 1_000).max(1);
    let wanted_kib = (per_second * AWAY_S * 2).div_ceil(1024);
    let held_s = 16_384 / per_second.max(1);
    match lang {
        Lang::En => format!(
            "About {per_second} bytes were written per second: 16 KiB lasted {held_s} s. To be away for \
             {AWAY_S} s, twice over: repl-backlog-size {wanted_kib}kb."
        ),
        Lang::Zh => format!(
            "每秒写入约 {per_second} 字节：16 KiB 只够 {held_s} 秒。要允许断开 {AWAY_S} 秒并留一倍余量：repl-backlog-size \
             {wanted_kib}kb。"
        ),
    }
}
