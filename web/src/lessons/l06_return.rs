//! The old master comes back and becomes a replica.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, node, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("The old master returns", "旧主节点归来"),
    goal: text(
        "You will see what becomes of a master that was replaced while it was away.",
        "看一个在离开期间被替换的主节点会怎样。",
    ),
    scenario: "title The old master returns
seed 6
redis 3
sentinels 3
quorum 2
writer 50ms
",
    steps: &[
        Step {
            title: text("It dies", "主节点宕机"),
            text: text(
                "Kill the master and let the Sentinels do their work, until all agree on another one. The client asks them \
                 where the master is and follows.",
                "杀死主节点，让哨兵完成故障转移，直到大家认定新的主节点。客户端会向它们询问主节点在哪里，并跟过去。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Kill redis-1", "杀死 redis-1"), lines: &["kill redis-1"] }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("agreed") && !scene.is("agreed redis-1"),
        },
        Step {
            title: text("It comes back", "它回来了"),
            text: text(
                "Its own config file knows nothing of all this. What will redis-1 take itself for when it starts?",
                "它自己的配置文件对这一切一无所知。redis-1 启动时会认为自己是什么？",
            ),
            ask: Some(Question {
                answers: &[text("A replica of the new master", "新主节点的副本"), text("A master", "主节点")],
                right: 1,
                because: text(
                    "Nobody has told it anything yet. There are two masters now, but only one whom the Sentinels name.",
                    "还没有人告诉它任何事。现在有两个主节点，但哨兵只承认其中一个。",
                ),
            }),
            deeds: &[Deed { name: text("Start redis-1", "启动 redis-1"), lines: &["start redis-1"] }],
            pace: Pace::Calm,
            look: node("redis-1"),
            check: |scene| scene.is("runs redis-1") && scene.is("role redis-1 master"),
        },
        Step {
            title: text("It is told", "它被告知"),
            text: text(
                "The Sentinels still watch its address. As soon as one sees that a former master claims to be one, and is \
                 sure of the newer configuration, it sends REPLICAOF. Watch for +convert-to-slave.",
                "哨兵一直监视着它的地址。一旦发现旧主节点仍自称主节点，并确信新配置有效，就会发送 REPLICAOF。留意 +convert-to-slave。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Real,
            look: tab(Tab::Log),
            check: |scene| scene.is("event +convert-to-slave"),
        },
        Step {
            title: text("It follows", "它跟随"),
            text: text(
                "redis-1 takes a copy of the new master's data. Whatever it had and the new master has not is thrown away: \
                 there is one truth. Go on until all follow.",
                "redis-1 复制新主节点的数据。凡是它有而新主节点没有的，都会被丢弃：真相只有一个。继续，直到全部跟随。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| scene.is("whole") && scene.is("role redis-1 replica"),
        },
        Step {
            title: text("All the same", "完全一致"),
            text: text(
                "Let the client pause, so that nothing is under way, and compare: the three hold the same data.",
                "让客户端暂停，等所有数据到位，然后比较：三个节点的数据完全相同。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Stop writing", "停止写入"), lines: &["writes writer-1 off"] }],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| {
                scene.was_done("writes writer-1 off")
                    && scene.since_step_us() >= 500_000
                    && scene.is("same redis-1 redis-2")
                    && scene.is("same redis-1 redis-3")
            },
        },
    ],
    learnt: text(
        "Who returns has no say: the configuration with the highest epoch counts, and the old master becomes a replica of \
         the new one.",
        "归来者没有发言权：以最高纪元的配置为准，旧主节点成为新主节点的副本。",
    ),
    practice: text(
        "For a moment a returning master takes writes that will be thrown away: let clients ask the Sentinels, never a fixed \
         address, and check ROLE after connecting. Let supervisors restart a dead master only after down-after, or with \
         its data on disk: one that restarts at once and empty makes its replicas empty too.",
        "归来的主节点会短暂接受一些终将丢弃的写入：客户端应向哨兵询问地址，不要写死，并在连接后检查 ROLE。进程管理器应在 \
         down-after 之后再重启主节点，或确保数据已落盘：立刻以空数据集重启的主节点会让副本也变空。",
    ),
    figures: None,
};
