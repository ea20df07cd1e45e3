//! The election of a leader: one vote per epoch, first come first served, a majority of all.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("Who may act: the election", "谁来行动：选举"),
    goal: text(
        "You will know how five Sentinels settle on one who acts, and why two of them cannot.",
        "弄清五个哨兵如何选出一个来行动，以及为什么两个做不到。",
    ),
    scenario: "title The election
seed 4
redis 3
sentinels 5
quorum 2
writer 50ms
",
    steps: &[
        Step {
            title: text("The master dies", "主节点宕机"),
            text: text(
                "Five Sentinels, quorum 2. Kill the master. Time stops when the first of them misses it; one second of silence is \
                 enough.",
                "五个哨兵，法定人数（quorum）为 2。杀死主节点。当第一个哨兵发现它失联时，时间会停下；一秒没有应答就够了。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Kill redis-1", "杀死 redis-1"), lines: &["kill redis-1"] }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("event +sdown master"),
        },
        Step {
            title: text("Somebody stands", "有人参选"),
            text: text(
                "As soon as a second one misses it, the quorum is there. But if all acted at once, there would be several masters. So whoever is \
                 first takes a new epoch, one above the highest that it has heard of, votes for itself and asks for votes.",
                "第二个哨兵也发现时，就达到了法定人数。但如果大家同时行动，就会出现多个主节点。所以最先的那个取一个新的纪元（比它听说过的最大编号大一），\
                 给自己投票，并请其他哨兵投票给它。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Messages,
            look: tab(Tab::Messages),
            check: |scene| scene.is("event +try-failover") && scene.is("event +vote-for-leader"),
        },
        Step {
            title: text("The votes", "投票"),
            text: text(
                "Each Sentinel has one vote per epoch. It goes to the first who asks, and is on disk before it is told, so \
                 that not even a crash can make it two. How many votes does the candidate need?",
                "每个哨兵每个纪元只有一票，投给第一个来要票的，并且先写入磁盘再回答，因此即使崩溃也不会变成两票。候选者需要几票？",
            ),
            ask: Some(Question {
                answers: &[
                    text("2, the quorum", "2 票，即法定人数"),
                    text("3, the majority of five", "3 票，五个中的多数"),
                    text("5, everybody", "5 票，所有人"),
                ],
                right: 1,
                because: text(
                    "Both are needed, quorum and majority: here 3. Two groups of three out of five share a member with \
                     one vote, so there is one leader at most in an epoch.",
                    "法定人数和多数都要满足：这里是 3 票。从五个中任取两组、每组三个，至少有一个共同成员，而它只有一票，所以每个纪元最多一个领导者。",
                ),
            }),
            deeds: &[GO_ON],
            pace: Pace::Messages,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("event +elected-leader"),
        },
        Step {
            title: text("The leader acts", "领导者行动"),
            text: text(
                "Now one alone acts: it promotes a replica (REPLICAOF NO ONE), and tells all that the configuration of \
                 this epoch has a new master. The others believe the highest epoch.",
                "现在只有一个在行动：它晋升一个副本（REPLICAOF NO ONE），并通知所有哨兵：这个纪元的配置有了新的主节点。其他哨兵以最高纪元为准。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Slow,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("agreed") && !scene.is("agreed redis-1"),
        },
        Step {
            title: text("Two of five", "五个中的两个"),
            text: text(
                "Kill three Sentinels, and then the new master. The two that are left are the quorum. What will they do?",
                "杀死三个哨兵，再杀死新的主节点。剩下的两个恰好达到法定人数。它们会做什么？",
            ),
            ask: Some(Question {
                answers: &[
                    text("Elect one of them and go on", "从两个里选一个继续"),
                    text("Agree that it is down, and change nothing", "一致认为它下线，但不做任何改变"),
                ],
                right: 1,
                because: text(
                    "They know five Sentinels, and two are no majority of five, whoever is dead. The three might as well be \
                     alive behind a cut wire, electing a leader of their own. Picket's do not even stand while they cannot \
                     win; stock Sentinels stand, lose, and try again.",
                    "它们知道共有五个哨兵，两个不是五个中的多数，不管其余的是否已宕机。那三个也可能还活着，只是在断线的另一边，正在选自己的领导者。\
                     Picket 的哨兵在无法获胜时根本不参选；原版哨兵会参选、落选、再试。",
                ),
            }),
            deeds: &[
                Deed {
                    name: text("Kill three Sentinels", "杀死三个哨兵"),
                    lines: &["kill sentinel-3", "kill sentinel-4", "kill sentinel-5"],
                },
                Deed { name: text("Kill the master", "杀死主节点"), lines: &["kill $master"] },
            ],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| {
                let dead = (1..=5).filter(|number| scene.is_dead(&format!("sentinel-{number}"))).count();
                dead == 3
                    && scene.master().is_some_and(|master| scene.is_dead(scene.world().name(master)))
                    && scene.is_now("event +odown")
                    && scene.since_step_us() >= 8_000_000
                    && !scene.is_now("event +elected-leader")
            },
        },
        Step {
            title: text("A third voice", "第三个声音"),
            text: text(
                "Start one Sentinel again. It remembers its votes, learns what it missed, and its vote makes the majority.",
                "重新启动一个哨兵。它记得自己投过的票，补上错过的消息，它的一票凑成了多数。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Start sentinel-3", "启动 sentinel-3"),
                lines: &["start sentinel-3"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event +switch-master"),
        },
    ],
    learnt: text(
        "The quorum says that the master is down; a majority of all known Sentinels says who acts. One vote per epoch makes \
         sure that it is one.",
        "法定人数决定主节点是否下线；所有已知哨兵的多数决定由谁行动。每个纪元一票，保证行动者只有一个。",
    ),
    practice: text(
        "Run an odd number of Sentinels, three or five, each on a machine of its own: three survive the loss of one, five of \
         two. Four are no better than three. A Sentinel that is gone for good still counts: remove it with SENTINEL RESET. \
         SENTINEL CKQUORUM tells whether there are enough.",
        "运行奇数个哨兵，三个或五个，各在独立的机器上：三个可以失去一个，五个可以失去两个，四个并不比三个强。永久离开的哨兵\
         仍被计入总数，要用 SENTINEL RESET 清除。SENTINEL CKQUORUM 会告诉你数量是否足够。",
    ),
    figures: None,
};
