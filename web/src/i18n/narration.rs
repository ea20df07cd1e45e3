//! What happened, told in sentences for those who listen.

use super::Lang;
use crate::line::{Kind, Line, seconds};

impl Lang {
    /// One sentence for a line of what happened, for those who listen; none for what would be noise.
    #[must_use]
    pub fn narrate(self, line: &Line) -> Option<String> {
        let (at, who) = (seconds(line.at_us), &line.who);
        let words: Vec<&str> = line.what.split(' ').collect();
        let word = |place: usize| words.get(place).copied().unwrap_or("?");
        // `+sdown slave NAME IP PORT @ …`: the name of a Sentinel is that of its node, others have their address.
        let whom = match word(1) {
            "sentinel" => word(2).to_owned(),
            _ => format!("{} {}:{}", word(1), word(3), word(4)),
        };
        let sentence = match (line.kind, words.first().copied().unwrap_or_default(), self) {
            (Kind::Deed, _, Self::En) => format!("{who}: {}", line.what),
            (Kind::Deed, _, Self::Zh) => format!("{who}：{}", deed_in_chinese(&line.what)),
            (Kind::Sdown, "+tilt", Self::En) => format!("{who} distrusts its own clock and enters TILT"),
            (Kind::Sdown, "+tilt", Self::Zh) => format!("{who} 不再信任自己的时钟，进入 TILT"),
            (Kind::Recovery, "-tilt", Self::En) => format!("{who} leaves TILT"),
            (Kind::Recovery, "-tilt", Self::Zh) => format!("{who} 退出 TILT"),
            (Kind::Sdown, _, Self::En) => format!("{who} thinks that {whom} is down"),
            (Kind::Sdown, _, Self::Zh) => format!("{who} 认为 {whom} 下线了"),
            (Kind::Odown, _, Self::En) => {
                format!("{who} knows that enough Sentinels think the master is down")
            }
            (Kind::Odown, _, Self::Zh) => format!("{who} 得知足够多的 Sentinel 认为主节点下线"),
            (Kind::Election, "+try-failover", Self::En) => format!("{who} wants to lead a failover"),
            (Kind::Election, "+try-failover", Self::Zh) => format!("{who} 想要领导一次故障转移"),
            (Kind::Election, "+vote-for-leader", Self::En) => {
                format!("{who} votes for {} in epoch {}", word(1), word(2))
            }
            (Kind::Election, "+vote-for-leader", Self::Zh) => {
                format!("{who} 在纪元 {} 投票给 {}", word(2), word(1))
            }
            (Kind::Election, "+elected-leader", Self::En) => format!("{who} is elected leader"),
            (Kind::Election, "+elected-leader", Self::Zh) => format!("{who} 当选领导者"),
            (Kind::Election, "-failover-abort-not-elected", Self::En) => format!("{who} was not elected"),
            (Kind::Election, "-failover-abort-not-elected", Self::Zh) => format!("{who} 没有当选"),
            (Kind::Failover, "+selected-slave", Self::En) => format!("{who} chooses the replica {}", word(2)),
            (Kind::Failover, "+selected-slave", Self::Zh) => format!("{who} 选择副本 {}", word(2)),
            (Kind::Failover, "+promoted-slave", Self::En) => format!("{} is promoted", word(2)),
            (Kind::Failover, "+promoted-slave", Self::Zh) => format!("{} 已晋升为主节点", word(2)),
            (Kind::Switch, _, Self::En) => format!("{who}: the new master is {}:{}", word(4), word(5)),
            (Kind::Switch, _, Self::Zh) => format!("{who}：新的主节点是 {}:{}", word(4), word(5)),
            (Kind::Recovery, "-sdown", Self::En) => format!("{who} sees {whom} up again"),
            (Kind::Recovery, "-sdown", Self::Zh) => format!("{who} 看到 {whom} 恢复"),
            (Kind::Recovery, "+failover-end", Self::En) => format!("{who}: the failover has ended"),
            (Kind::Recovery, "+failover-end", Self::Zh) => format!("{who}：故障转移结束"),
            (Kind::Violation, _, Self::En | Self::Zh) => line.what.clone(),
            (Kind::Election | Kind::Failover | Kind::Sync | Kind::Recovery | Kind::Other, _, _) => {
                return None;
            }
        };
        Some(match self {
            Self::En => format!("{at}: {sentence}."),
            Self::Zh => format!("{at}：{sentence}。"),
        })
    }
}

fn deed_in_chinese(what: &str) -> String {
    match what {
        "killed" => "被杀死",
        "switched off" => "断电",
        "started again" => "重新启动",
        "wiped" => "磁盘被清空",
        "frozen" => "被冻结",
        "goes on" => "继续运行",
        "writes again" => "继续写入",
        "writes no more" => "停止写入",
        "all wires mended" => "所有连线已修复",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, what: &str, english: Option<&str>, chinese: Option<&str>) {
        let line = Line {
            index: 0,
            at_us: 1_002_683,
            node: None,
            who: "sentinel-2".to_owned(),
            what: what.to_owned(),
            why: None,
            kind,
        };
        assert_eq!(Lang::En.narrate(&line).as_deref(), english);
        assert_eq!(Lang::Zh.narrate(&line).as_deref(), chinese);
    }

    #[test]
    fn what_matters_is_told_in_sentences() {
        check(
            Kind::Sdown,
            "+sdown master mymaster 10.0.1.1 6379",
            Some("1.002 s: sentinel-2 thinks that master 10.0.1.1:6379 is down."),
            Some("1.002 s：sentinel-2 认为 master 10.0.1.1:6379 下线了。"),
        );
        check(
            Kind::Election,
            "+vote-for-leader sentinel-1 3",
            Some("1.002 s: sentinel-2 votes for sentinel-1 in epoch 3."),
            Some("1.002 s：sentinel-2 在纪元 3 投票给 sentinel-1。"),
        );
        check(
            Kind::Switch,
            "+switch-master mymaster 10.0.1.1 6379 10.0.1.3 6379",
            Some("1.002 s: sentinel-2: the new master is 10.0.1.3:6379."),
            Some("1.002 s：sentinel-2：新的主节点是 10.0.1.3:6379。"),
        );
        check(Kind::Failover, "+slave-reconf-sent slave 10.0.1.2:6379 10.0.1.2 6379", None, None);
        check(
            Kind::Switch,
            "+switch-master",
            Some("1.002 s: sentinel-2: the new master is ?:?."),
            Some("1.002 s：sentinel-2：新的主节点是 ?:?。"),
        );
    }
}
