//! A partition with clients on both sides, and what min-replicas-to-write saves.

use super::{Deed, GO_ON, Lesson, Pace, Question, Scene, Step, tab, text};
use crate::i18n::Lang;
use crate::tab::Tab;

pub(super) const LESSON: Lesson = Lesson {
    title: text("Writes on both sides", "两边都在写入"),
    goal: text(
        "You will see acknowledged writes disappear, know which, and how to lose hardly any.",
        "看到已确认的写入消失，明白是哪些，以及怎样几乎不丢。",
    ),
    scenario: "title Writes on both sides
seed 8
redis 3
sentinels 3
quorum 2
writer 20ms
writer 20ms
",
    steps: &[
        Step {
            title: text("The network splits", "网络分区"),
            text: text(
                "Two clients write. A cut divides the world: redis-1, sentinel-1 and writer-1 on one side, all others on \
                 the other. The larger side elects a leader and promotes a replica.",
                "两个客户端在写入。一次网络分区把节点分成两半：redis-1、sentinel-1 和 writer-1 在一边，其余在另一边。较大的一边选出领导者，\
                 晋升一个副本。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("Split the network", "制造网络分区"),
                lines: &["partition redis-1 sentinel-1 writer-1"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Sentinels),
            check: |scene| scene.is_now("event sentinel-2 +switch-master") && has_two_masters(scene),
        },
        Step {
            title: text("Two masters", "两个主节点"),
            text: text(
                "There are two masters now. writer-1 can still reach the old one. Will that one take its writes?",
                "现在有两个主节点。writer-1 仍能连上旧的那个。旧主节点还会接受它的写入吗？",
            ),
            ask: Some(Question {
                answers: &[
                    text("Yes, and says OK", "会，而且回答 OK"),
                    text("No: it knows that it has been replaced", "不会：它知道自己已被替换"),
                ],
                right: 0,
                because: text(
                    "Nobody can tell it: the word does not get through. For itself it is the master, and OK is what a master \
                     says.",
                    "没人能告诉它：消息过不去。在它看来自己就是主节点，主节点当然回答 OK。",
                ),
            }),
            deeds: &[GO_ON],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| {
                has_two_masters(scene)
                    && scene.since_step_us() >= 3_000_000
                    && scene.silent_us("writer-1") < 200_000
            },
        },
        Step {
            title: text("One truth", "真相只有一个"),
            text: text(
                "Mend the network. The newer configuration counts: redis-1 becomes a replica, and what it took alone is thrown \
                 away.",
                "修复网络。以较新的配置为准：redis-1 成为副本，它独自接受的写入被丢弃。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Mend the network", "修复网络"), lines: &["heal"] }],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| scene.is("whole") && scene.is("role redis-1 replica") && scene.is("lost some"),
        },
        Step {
            title: text("Fewer promises", "少作承诺"),
            text: text(
                "See the lost writes: each was answered with OK. Now tell every node to refuse writes unless a replica has \
                 confirmed the stream within the last second.",
                "看看丢失的写入：每一个都得到过 OK。现在告诉每个节点：如果最近一秒内没有副本确认复制流，就拒绝写入。",
            ),
            ask: None,
            deeds: &[Deed {
                name: text("min-replicas-to-write 1", "min-replicas-to-write 1"),
                lines: &["run redis CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 1"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| {
                scene.was_done("run redis CONFIG SET min-replicas-to-write")
                    && scene.is("answer +OK")
                    && scene.since_step_us() >= 2_000_000
                    && scene.is("whole")
            },
        },
        Step {
            title: text("The same split", "同样的分区"),
            text: text(
                "Split the network again, around the present master and writer-1. What happens to writer-1's writes?",
                "再次制造分区，这次把当前主节点和 writer-1 隔开。writer-1 的写入会怎样？",
            ),
            ask: Some(Question {
                answers: &[
                    text("All are refused from the first moment", "从第一刻起全部被拒绝"),
                    text("Taken for a second or two, then refused", "先接受一两秒，然后被拒绝"),
                    text("All are taken, as before", "和之前一样全部接受"),
                ],
                right: 1,
                because: text(
                    "The master notices only when the last confirmation is older than min-replicas-max-lag. What it took \
                     until then is at risk; what follows is refused, and the client knows.",
                    "直到最后一次确认超过 min-replicas-max-lag，主节点才会察觉。在此之前接受的写入有风险；之后的会被拒绝，客户端也会知道。",
                ),
            }),
            deeds: &[Deed {
                name: text("Split the network", "制造网络分区"),
                lines: &["partition $master sentinel-1 writer-1"],
            }],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| {
                has_two_masters(scene)
                    && scene.since_step_us() >= 5_000_000
                    && scene.silent_us("writer-1") >= 2_000_000
            },
        },
        Step {
            title: text("The price and the gain", "代价与收获"),
            text: text(
                "Mend the network. The losses of this second split are those of its first seconds alone, however long it lasts.",
                "修复网络。第二次分区的损失只是最初几秒的写入，不管它持续多久。",
            ),
            ask: None,
            deeds: &[Deed { name: text("Mend the network", "修复网络"), lines: &["heal"] }],
            pace: Pace::Real,
            look: tab(Tab::Replication),
            check: |scene| !has_two_masters(scene) && scene.is("whole"),
        },
    ],
    learnt: text(
        "An acknowledged write dies if the master that took it is replaced by a replica that does not have it. A partition makes many of \
         them: everything that the smaller side took.",
        "已确认的写入，如果接受它的主节点被一个尚未收到它的副本替换，就会消失。网络分区会造成很多：较小一边接受的全部写入。",
    ),
    practice: text(
        "Set min-replicas-to-write 1 with a small min-replicas-max-lag: it bounds the loss by seconds. The price: with one \
         replica alone, its death stops the writes, so have two. For writes that must not be lost, WAIT, and know that \
         even it is no transaction.",
        "设置 min-replicas-to-write 1 并配上较小的 min-replicas-max-lag：把损失限制在几秒之内。代价是：如果只有一个副本，它一宕机写入就会停止，\
         所以要有两个。绝不能丢的写入用 WAIT，但要知道它也不是事务。",
    ),
    figures: Some(figures),
};

fn has_two_masters(scene: &Scene<'_>) -> bool {
    let is_master = |number: u32| scene.is(&format!("role redis-{number} master"));
    (1..=3).filter(|number| is_master(*number)).count() >= 2
}

fn figures(scene: &Scene<'_>, lang: Lang) -> String {
    let lost = crate::picture::lost_writes(scene.world(), scene.master()).unwrap_or(0);
    let taken = scene.acknowledged("writer-1").0 + scene.acknowledged("writer-2").0;
    match lang {
        Lang::En => {
            format!("{taken} writes were acknowledged and {lost} of them lost.")
        }
        Lang::Zh => format!("共确认了 {taken} 次写入，其中丢失 {lost} 次。"),
    }
}
