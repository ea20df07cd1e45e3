//! Which replica is promoted: priority, offset, run id; and who is left out.

use super::{Deed, GO_ON, Lesson, Pace, Question, Step, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("Choosing the replica", "选择副本"),
    goal: text(
        "You will be able to say beforehand which replica becomes the master.",
        "你将能提前说出哪个副本会成为主节点。",
    ),
    scenario: "title Choosing the replica
seed 5
redis 5
sentinels 3
quorum 2
config redis-2 replica-priority 0
config redis-3 replica-priority 50
config redis-4 replica-priority 50
writer 20ms
",
    steps: &[
        Step {
            title: text("Four candidates", "四个候选副本"),
            text: text(
                "Four replicas differ in replica-priority: redis-2 has 0, redis-3 and redis-4 have 50, redis-5 the usual \
                 100. Cut redis-3 from the master, so that it misses the latest writes.",
                "四个副本的 replica-priority 不同：redis-2 为 0，redis-3 和 redis-4 为 50，redis-5 是默认的 100。切断 redis-3 与主节点之间的线路，\
                 让它错过最近的写入。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Cut redis-1 from redis-3", "切断 redis-1 与 redis-3 之间的线路"),
                lines: &["cut redis-1 redis-3"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| scene.is_behind("redis-3", "redis-4") >= 500,
        },
        Step {
            title: text("Who will it be?", "会是谁？"),
            text: text(
                "Kill the master. The leader looks at all replicas that answer. Which one does it choose?",
                "杀死主节点。领导者会查看所有有应答的副本。它会选哪一个？",
            ),
            ask: Some(Question {
                answers: &[
                    text("redis-2: the smallest number", "redis-2：数值最小"),
                    text("redis-3: priority 50, and the first", "redis-3：优先级 50，排在前面"),
                    text("redis-4: priority 50, and the latest data", "redis-4：优先级 50，数据最新"),
                    text("redis-5: the highest number", "redis-5：数值最大"),
                ],
                right: 2,
                because: text(
                    "Priority 0 means never. All others hold a whole copy, so the smallest number wins, 50; between redis-3 and \
                     redis-4 the higher offset. Had that been the same too, the smaller run id would have decided.",
                    "优先级 0 表示永不当选。其余副本都已完成同步，数值小者优先，即 50；redis-3 和 redis-4 之间比偏移量，大者胜。若偏移量也相同，则 run id \
                     较小者当选。",
                ),
            }),
            deeds: &[Deed { name: text("Kill redis-1", "杀死 redis-1"), lines: &["kill redis-1"] }],
            pace: Pace::Calm,
            look: tab(Tab::Log),
            check: |scene| scene.is("event +selected-slave"),
        },
        Step {
            title: text("The reasons", "理由"),
            text: text(
                "The log tells why it was chosen, and of each other replica why not. Go on until the new master is in \
                 force.",
                "日志写明了为什么选它，以及其他每个副本为什么没被选。继续，直到新的主节点生效。",
            ),
            ask: None,
            deeds: &[GO_ON],
            pace: Pace::Calm,
            look: tab(Tab::Log),
            check: |scene| scene.is("agreed redis-4"),
        },
        Step {
            title: text("Mend the wires", "修复线路"),
            text: text(
                "Mend the wire, and wait until redis-3 follows the new master. It only lacked a few bytes.",
                "修复线路，等到 redis-3 跟随新的主节点。它只缺少几个字节。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Mend all wires", "修复所有线路"), lines: &["heal"] }],
            pace: Pace::Fast,
            look: tab(Tab::Replication),
            check: |scene| !scene.has_cuts() && scene.is("whole") && scene.is("event +failover-end"),
        },
        Step {
            title: text("The choice is yours", "由你决定"),
            text: text(
                "A smaller number makes a node the favourite. Give redis-5 the priority 10, and ask for a failover: \
                 SENTINEL FAILOVER needs no dead master. The leader asks every replica anew before it chooses.",
                "数值越小越受青睐。给 redis-5 设置优先级 10，然后请求故障转移：SENTINEL FAILOVER 不需要主节点宕机。领导者在选择之前会重新\
                 询问每个副本。",
            ),
            ask: None,
            deeds: &[
                Deed {
                    name: text("redis-5: priority 10", "redis-5：优先级 10"),
                    lines: &["run redis-5 CONFIG SET replica-priority 10"],
                },
                Deed {
                    name: text("SENTINEL FAILOVER", "SENTINEL FAILOVER"),
                    lines: &["run sentinel-1 SENTINEL FAILOVER mymaster"],
                },
            ],
            pace: Pace::Real,
            look: tab(Tab::Log),
            check: |scene| scene.is("agreed redis-5"),
        },
    ],
    learnt: text(
        "Left out are those that are down, cut off from the master for too long, or of priority 0. Then, in this order: who \
         has finished its synchronisation, the smallest priority, the highest offset, the smallest run id.",
        "下线的、与主节点断开太久的、优先级为 0 的都被排除。然后依次比较：已完成同步、优先级最小、偏移量最大、run id 最小。",
    ),
    practice: text(
        "Priority comes before offset: a favourite that lags is still chosen, and its missing writes are lost. Keep equal \
         machines at equal priority, and use 0 for those that must never lead: backups, other regions, smaller machines.",
        "优先级先于偏移量：即使首选副本落后，它仍会当选，缺少的写入就丢失了。同等的机器用同等的优先级；绝不能当主节点的（备份、异地、\
         小机器）用 0。",
    ),
    figures: None,
};
