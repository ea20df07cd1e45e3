//! A split vote: everybody votes for itself, and it is tried again.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("Split vote", "选票分散"),
    goal: text(
        "You will see an election that nobody wins, why it does no harm, and what makes it rare.",
        "看一次没有人获胜的选举，为什么它无害，以及怎样让它少发生。",
    ),
    scenario: "title Split vote
seed 2
redis 3
sentinels 4
quorum 1
at 2s kill redis-1
at 2900ms latency sentinel-1 sentinel-2 150ms
at 2900ms latency sentinel-1 sentinel-3 150ms
at 2900ms latency sentinel-1 sentinel-4 150ms
at 2900ms latency sentinel-2 sentinel-3 150ms
at 2900ms latency sentinel-2 sentinel-4 150ms
at 2900ms latency sentinel-3 sentinel-4 150ms
look 1900ms
",
    steps: &[
        Step {
            title: text("A bad setup", "糟糕的配置"),
            text: text(
                "Four Sentinels and quorum 1. In a moment the master dies by itself, and what kills it makes the wires \
                 between the Sentinels slow: 150 ms, which nobody has measured yet. With quorum 1 each may stand as soon as \
                 it misses the master, without asking anybody. How many votes does it take to win?",
                "四个哨兵，法定人数（quorum）为 1。片刻之后主节点会自己宕机，同一个故障还会让哨兵之间的线路变慢：150 毫秒，而谁都还没有测到。\
                 法定人数为 1 时，每个哨兵一发现主节点失联就可以参选，不必问任何人。获胜需要几票？",
            ),
            ask: Some(Question {
                answers: &[text("1", "1 票"), text("2", "2 票"), text("3", "3 票")],
                right: 2,
                because: text(
                    "A majority of four is three. Two would be half, and the other half could elect somebody else.",
                    "四个的多数是三个。两票只是一半，另一半可能选出另一个哨兵。",
                ),
            }),
            deeds: &[GO_ON],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("event +try-failover"),
        },
        Step {
            title: text("Another one stands", "又有人参选"),
            text: text(
                "The request for votes is on its slow way. Before it arrives, somebody else misses the master too and votes \
                 for itself, as everybody does who stands. Go on and watch the votes.",
                "请求投票的消息还在慢慢路上。在它到达之前，另一个哨兵也发现主节点失联，并投票给自己（参选者都会这样）。继续，注意选票。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Calm,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("events 2 +try-failover"),
        },
        Step {
            title: text("Nobody wins", "没有人获胜"),
            text: text(
                "The votes of this epoch are given away, and nobody can take them back. Candidates see from the answers \
                 that three can no longer be reached, and give up. Will there ever be a leader?",
                "这个纪元的选票已经投完，谁也收不回来。候选者从回答中看出三票已不可能，于是放弃。还会有领导者吗？",
            ),
            ask: Some(Question {
                answers: &[
                    text("Yes: a new epoch, new votes", "会：新的纪元，新的选票"),
                    text("No: they will split for ever", "不会：永远分散下去"),
                ],
                right: 0,
                because: text(
                    "Each waits for a short random time before it stands again, in a newer epoch. Sooner or later one is far \
                     enough ahead of the others.",
                    "每个候选者等待一小段随机时间，再在新的纪元参选。迟早会有一个领先得足够多。",
                ),
            }),
            deeds: &[GO_ON],
            pace: Pace::Calm,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("events 2 -failover-abort-not-elected"),
        },
        Step {
            title: text("Tried again", "再试一次"),
            text: text(
                "Stock Sentinel would wait for twice the failover-timeout, minutes by default. Picket sees the split in the \
                 answers and tries again after a moment. Go on until there is a new master.",
                "原版哨兵会等待 failover-timeout 的两倍，默认要好几分钟。Picket 从回答中看出选票分散，片刻之后就重试。继续，直到出现新的\
                 主节点。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Calm,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("event +switch-master") && scene.is("agreed"),
        },
        Step {
            title: text("A good setup", "良好的配置"),
            text: text(
                "Give them wires of a millisecond and quorum 3, so that they have spoken with each other before anybody \
                 stands. Bring redis-1 back, and kill the master again, when all follow.",
                "把线路改成 1 毫秒，法定人数改成 3，这样在有人参选之前它们已经互相沟通过。让 redis-1 回来，等全部跟随后，再次杀死主节点。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Fast wires, quorum 3, start redis-1", "快线路，法定人数 3，启动 redis-1"),
                lines: &[
                    "latency sentinel-1 sentinel-2 1ms",
                    "latency sentinel-1 sentinel-3 1ms",
                    "latency sentinel-1 sentinel-4 1ms",
                    "latency sentinel-2 sentinel-3 1ms",
                    "latency sentinel-2 sentinel-4 1ms",
                    "latency sentinel-3 sentinel-4 1ms",
                    "run sentinels SENTINEL SET mymaster quorum 3",
                    "start redis-1",
                ],
            }],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("runs redis-1") && scene.is("role redis-1 replica") && scene.is("whole"),
        },
        Step {
            title: text("One election", "一次选举"),
            text: text(
                "Kill the master, and see who votes for whom this time.",
                "杀死主节点，看看这次谁投给了谁。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Kill the master", "杀死主节点"), lines: &["kill $master"] }],
            pace: Pace::Calm,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event +switch-master"),
        },
    ],
    learnt: text(
        "A split vote is safe: no leader, no change. It only costs time, and a new epoch.",
        "选票分散是安全的：没有领导者，就没有改变。它只花费时间和一个新的纪元。",
    ),
    practice: text(
        "An odd number of Sentinels, a majority as quorum, and short wires make splits rare. -failover-abort-not-elected in \
         the log now and then is harmless; again and again it says that votes do not come through: look at the network, \
         and at disks that are slow to store a vote.",
        "奇数个哨兵、多数作为法定人数、低延迟线路，会让选票分散很少发生。日志里偶尔出现 -failover-abort-not-elected 无妨；反复出现则说明选票\
         送不到：检查网络，以及保存选票太慢的磁盘。",
    ),
    figures: None,
};
