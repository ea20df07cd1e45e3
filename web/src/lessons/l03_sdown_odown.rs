//! SDOWN, ODOWN and the quorum.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("One opinion, and enough of them: SDOWN and ODOWN", "一个看法与达到法定人数：SDOWN 与 ODOWN"),
    goal: text(
        "You will know what the quorum decides, and what it does not.",
        "弄清法定人数（quorum）决定什么，不决定什么。",
    ),
    scenario: "title SDOWN and ODOWN
seed 3
redis 3
sentinels 3
quorum 2
writer 50ms
",
    steps: &[
        Step {
            title: text("One Sentinel hears nothing", "一个哨兵收不到应答"),
            text: text(
                "Each Sentinel sends PING to every node. Cut the wire between sentinel-1 and the master. After \
                 down-after-milliseconds without an answer, one second here, it thinks that the master is subjectively \
                 down: SDOWN.",
                "每个哨兵都向所有节点发送 PING。切断 sentinel-1 与主节点之间的线路。超过 down-after-milliseconds（这里是 1 秒）\
                 没有应答，它就认为主节点主观下线：SDOWN。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Cut redis-1 from sentinel-1", "切断 redis-1 与 sentinel-1 之间的线路"),
                lines: &["cut redis-1 sentinel-1"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("sdown redis-1 1"),
        },
        Step {
            title: text("Nothing happens", "什么都没发生"),
            text: text(
                "The master itself is well: the client goes on writing to it. The quorum is 2. Will redis-1 be replaced \
                 now?",
                "主节点本身很好：客户端仍在写入。法定人数是 2。现在 redis-1 会被替换吗？",
            ),
            ask: Some(Question {
                answers: &[
                    text("Yes: a Sentinel has called it down", "会：已经有哨兵说它下线了"),
                    text("No: one opinion is less than the quorum", "不会：只有一个意见，达不到法定人数"),
                ],
                right: 1,
                because: text(
                    "sentinel-1 asks the others again and again; each answers: I can reach it.",
                    "sentinel-1 一遍遍询问其他哨兵，得到的回答都是：我能连上它。",
                ),
            }),
            deeds: &[GO_ON],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| {
                scene.since_step_us() >= 5_000_000 && scene.is("sdown redis-1 1") && !scene.is("event +odown")
            },
        },
        Step {
            title: text("A change of mind", "改变看法"),
            text: text(
                "Mend the wire. The first PONG is enough: an opinion costs nothing, and is given up as easily.",
                "修复线路。第一个 PONG 就够了：这只是一种看法，来得容易，收回也容易。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Mend the wire", "修复线路"), lines: &["mend redis-1 sentinel-1"]
            }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| !scene.is("sdown redis-1 1"),
        },
        Step {
            title: text("Two hear nothing", "两个都听不到"),
            text: text(
                "Now two of the three lose sight of the master. Two opinions are the quorum: objectively down, ODOWN. \
                 Time stops at that very moment.",
                "现在三个中有两个看不到主节点。两个意见达到法定人数：客观下线，ODOWN。时间会停在这一刻。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Cut redis-1 from two Sentinels", "切断 redis-1 与两个哨兵之间的线路"),
                lines: &["cut redis-1 sentinel-1", "cut redis-1 sentinel-2"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event +odown"),
        },
        Step {
            title: text("A healthy master is replaced", "健康的主节点被替换"),
            text: text(
                "ODOWN lets a Sentinel stand for election, and two of three are a majority too. Go on slowly, and mind \
                 redis-1: it has been well all the time.",
                "ODOWN 允许哨兵发起选举，而三个中的两个也构成多数。慢慢继续，留意 redis-1：它一直都好好的。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Slow,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event +switch-master"),
        },
        Step {
            title: text("All wires again", "线路全部恢复"),
            text: text(
                "Mend everything, and wait until all agree: redis-1 is a replica now, though it never failed.",
                "修复所有线路，等大家重新达成一致：redis-1 现在是副本，尽管它从未出过故障。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Mend all wires", "修复所有线路"), lines: &["heal"] }],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| !scene.has_cuts() && scene.is("whole") && !scene.is("agreed redis-1"),
        },
    ],
    learnt: text(
        "SDOWN is one Sentinel's opinion; ODOWN is the quorum's. Both speak of what Sentinels can reach, not of the master's \
         health. The quorum only opens the door: who acts must still be elected by a majority.",
        "SDOWN 是一个哨兵的看法，ODOWN 是达到法定人数的看法。两者说的都是哨兵能否连上，而不是主节点是否健康。达到法定人数\
         只是第一道门槛：由谁行动还要由多数选出。",
    ),
    practice: text(
        "Put Sentinels where your clients are, on at least three machines that fail independently, so that \"down for the \
         quorum\" means \"down for the clients\". A majority as quorum (2 of 3, 3 of 5) is right for nearly everybody. A \
         down-after that is shorter than your longest pause (fork, swap, VM migration) replaces healthy masters.",
        "把哨兵放在客户端所在之处，至少三台互相独立的机器，这样“达到法定人数的哨兵认为下线”才等于“客户端认为下线”。法定人数取多数\
         （3 取 2，5 取 3）适合绝大多数部署。down-after 若短于最长停顿（fork、内存交换（swap）、虚拟机迁移），就会替换健康的主节点。",
    ),
    figures: None,
};
