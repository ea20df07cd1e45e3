//! Two machines, two Sentinels, quorum 1: the setup of many old instructions.

use super::{Deed, Lesson, Pace, Question, Step, tab, text};
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("Two Sentinels, quorum 1", "两个哨兵，法定人数为 1"),
    goal: text(
        "You will see why the setup of many old blog posts fails on the day it is needed.",
        "看清许多旧博客里的配置为什么会在最需要它的那天失效。",
    ),
    scenario: "title Two Sentinels, quorum 1
seed 7
redis 2
sentinels 2
quorum 1
writer 50ms
",
    steps: &[
        Step {
            title: text("The demonstration", "演示"),
            text: text(
                "Two machines, each with a data node and a Sentinel; quorum 1, \"so that one Sentinel is enough\". The blog \
                 post kills the master's process. So do you.",
                "两台机器，各有一个数据节点和一个哨兵；法定人数（quorum）设为 1，“这样一个哨兵就够了”。博客里演示了杀死主节点进程。你也试试。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Kill redis-1", "杀死 redis-1"), lines: &["kill redis-1"] }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("agreed redis-2"),
        },
        Step {
            title: text("It works", "成功了"),
            text: text(
                "The replica took over, and the post ends here. Start redis-1 again, and wait until it follows.",
                "副本接管了，博客到此结束。重新启动 redis-1，等它跟随新的主节点。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Start redis-1", "启动 redis-1"), lines: &["start redis-1"] }],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is("whole") && scene.is("role redis-1 replica"),
        },
        Step {
            title: text("The real day", "真正的那一天"),
            text: text(
                "In earnest it is a machine that fails, and with the master goes the Sentinel beside it. redis-1 and \
                 sentinel-1 are well. What happens?",
                "真实情况是整台机器坏掉，主节点和旁边的哨兵一起消失。redis-1 和 sentinel-1 都很好。会发生什么？",
            ),
            ask: Some(Question {
                answers: &[
                    text("sentinel-1 promotes redis-1: quorum 1", "sentinel-1 晋升 redis-1：法定人数是 1"),
                    text("Nothing: sentinel-1 cannot be elected", "什么都没有：sentinel-1 无法当选"),
                ],
                right: 1,
                because: text(
                    "Quorum 1 let it say ODOWN alone. But to lead it needs a majority of the two known Sentinels, which is \
                     two. It has one vote: its own.",
                    "法定人数为 1 让它可以独自判定 ODOWN。但要成为领导者，需要两个已知哨兵的多数，也就是两票。它只有自己的一票。",
                ),
            }),
            deeds: &[Deed {
                name: text("Power off redis-2's machine", "给 redis-2 的机器断电"),
                lines: &["off redis-2", "off sentinel-2"],
            }],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| {
                scene.is("odown redis-2 1")
                    && scene.is_dead("sentinel-2")
                    && scene.since_step_us() >= 15_000_000
            },
        },
        Step {
            title: text("Down, with a good replica", "副本完好，服务却中断"),
            text: text(
                "The client has been without a master all this time, and will be until a person comes. Bring the machine \
                 back.",
                "这段时间客户端一直没有主节点，直到有人来处理为止。把机器恢复。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Start that machine", "启动那台机器"),
                lines: &["start redis-2", "start sentinel-2"],
            }],
            pace: Pace::Fast,
            look: tab(Tab::Sentinels),
            check: |scene| !scene.is_dead("redis-2") && scene.is("whole"),
        },
        Step {
            title: text("A third Sentinel", "第三个哨兵"),
            text: text(
                "The cure is small: a Sentinel on any third machine, an application server will do, and a quorum of 2. Add \
                 it, and wait until all know each other.",
                "解决办法很简单：在任意第三台机器（比如应用服务器）上放一个哨兵，法定人数设为 2。加上它，等大家互相认识。",
            ),
            ask: None,
            deeds: &[
                Deed { name: text("Add sentinel-3", "添加 sentinel-3"), lines: &["add sentinel-3"] },
                Deed {
                    name: text("Quorum: 2", "法定人数：2"),
                    lines: &["run sentinels SENTINEL SET mymaster quorum 2"],
                },
            ],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| {
                let masters = |node| scene.world().sentinel(node).map(|status| status.masters);
                let known = scene
                    .world()
                    .nodes()
                    .filter_map(masters)
                    .filter_map(|masters| masters.into_iter().next());
                let ready = known.filter(|master| {
                    master.peers.len() == 2 && master.quorum == 2 && !master.replicas.is_empty()
                });
                ready.count() == 3
            },
        },
        Step {
            title: text("The same day again", "同样的一天再来一次"),
            text: text(
                "Power off the master's machine and its Sentinel once more.",
                "再次给主节点所在的机器和它的哨兵断电。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Power off the master's machine", "给主节点的机器断电"),
                lines: &["off $master", "off sentinel-2"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event +switch-master") && scene.is("agreed"),
        },
    ],
    learnt: text(
        "A quorum of 1 does not make one Sentinel enough: to act takes a majority of all of them. With two, losing either \
         is losing both.",
        "法定人数为 1 并不意味着一个哨兵就够了：行动需要全体的多数。只有两个时，失去任何一个就等于失去全部。",
    ),
    practice: text(
        "Never fewer than three Sentinels on three machines. And never a quorum of 1 with more of them: a single Sentinel with \
         a bad wire then has the master replaced whenever the others go along with it.",
        "绝不要少于三台机器上的三个哨兵。数量更多时也不要把法定人数设为 1：那样一个网络不好的哨兵就能在其他人附和时换掉主节点。",
    ),
    figures: None,
};
