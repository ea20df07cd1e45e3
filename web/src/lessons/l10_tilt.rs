//! TILT: a Sentinel that stood still distrusts itself.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, node, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("TILT: a Sentinel that slept", "TILT：睡过头的哨兵"),
    goal: text(
        "You will know why a Sentinel that stood still only watches for a while, and that the others are enough.",
        "弄清停顿过的哨兵为什么要旁观一阵，以及为什么有其他哨兵就够了。",
    ),
    scenario: "title TILT
seed 11
redis 3
sentinels 3
quorum 2
writer 50ms
",
    steps: &[
        Step {
            title: text("It sleeps", "它睡着了"),
            text: text(
                "Freeze sentinel-1, as a paused virtual machine or heavy swapping would. It does not know that time goes by. \
                 After a second the others call it down. Wait five.",
                "冻结 sentinel-1，就像虚拟机被暂停或者严重的内存交换（swap）。它不知道时间在流逝。一秒后其他哨兵认为它下线。等五秒。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Freeze sentinel-1", "冻结 sentinel-1"),
                lines: &["freeze sentinel-1"],
            }],
            pace: Pace::Fast,
            look: node("sentinel-1"),
            check: |scene| scene.is("sdown sentinel-1 2") && scene.since_step_us() >= 5_000_000,
        },
        Step {
            title: text("It wakes", "它醒来"),
            text: text(
                "When it goes on, its clock says that nobody has answered for five seconds. What should it conclude?",
                "当它继续运行时，时钟显示已有五秒没有任何应答。它应该得出什么结论？",
            ),
            ask: Some(Question {
                answers: &[
                    text("All others are down", "其他节点都下线了"),
                    text("Something is wrong with itself", "是自己出了问题"),
                ],
                right: 1,
                because: text(
                    "Its own timer came five seconds late: it was the one who stood still, so what it measured means nothing. It \
                     enters TILT: it looks on for 30 seconds, and calls nobody down.",
                    "它自己的定时器迟到了五秒：停顿的是它自己，量到的静默时间毫无意义。它进入 TILT：旁观 30 秒，不判定任何人下线。",
                ),
            }),
            deeds: &[Deed {
                name: text("Resume sentinel-1", "恢复 sentinel-1"),
                lines: &["resume sentinel-1"],
            }],
            pace: Pace::Calm,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event sentinel-1 +tilt"),
        },
        Step {
            title: text("The others are enough", "其他哨兵已足够"),
            text: text(
                "Kill the master while sentinel-1 is in TILT. Two of three are quorum and majority.",
                "趁 sentinel-1 处于 TILT 时杀死主节点。三个中的两个既达到法定人数（quorum）也构成多数。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Kill redis-1", "杀死 redis-1"), lines: &["kill redis-1"] }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| {
                scene.is_dead("redis-1")
                    && scene.is_now("event +switch-master")
                    && scene.is("tilt sentinel-1")
            },
        },
        Step {
            title: text("It listens", "它在听"),
            text: text(
                "sentinel-1 calls nobody down and leads nothing, but believes a newer configuration that others tell it. Wait until its \
                 30 seconds are over.",
                "sentinel-1 不判定任何人下线，也不领导故障转移，但会相信其他哨兵告知的较新配置。等它的 30 秒过去。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Fast,
            look: node("sentinel-1"),
            check: |scene| scene.is("event sentinel-1 -tilt") && scene.is("agreed"),
        },
    ],
    learnt: text(
        "A judge must be awake. TILT keeps a Sentinel that stood still from calling the healthy down.",
        "裁判必须清醒。TILT 防止停顿过的哨兵把健康的节点判为下线。",
    ),
    practice: text(
        "+tilt in a log names a machine that stands still: look for swap, paused or migrated VMs, starved containers. One \
         Sentinel in TILT is no harm while a majority is awake; all on one host tilt together, and then nobody watches.",
        "日志里的 +tilt 指向一台会停顿的机器：检查内存交换（swap）、虚拟机暂停或迁移、CPU 不足的容器。只要多数哨兵清醒，一个哨兵处于 TILT 也无妨；\
         但如果都在同一台宿主机上，就会一起进入 TILT，那时就无人值守了。",
    ),
    figures: None,
};
