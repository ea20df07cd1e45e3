//! Everything that the page says, in each of its languages. A text that a language lacks does not compile.
//!
//! Words of the wire (`+odown`, `wait_promotion`, `redis-1`) are the same in every language.

use picket_sim::Power;

use crate::line::{Kind, Line, seconds};
use crate::picture::{DataRole, LinkKind, Stance, Topic};

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// Its tag in HTML.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    /// Its name in itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "简体中文",
        }
    }

    /// The language for what a browser prefers, such as `zh-CN`.
    #[must_use]
    pub fn preferred(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// Its texts.
    #[must_use]
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::En => &ENGLISH,
            Self::Zh => &CHINESE,
        }
    }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $chinese:literal;)*) => {
        /// The fixed texts of the page.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Texts {
            $($(#[$doc])* pub $name: &'static str,)*
        }
        const ENGLISH: Texts = Texts { $($name: $english,)* };
        const CHINESE: Texts = Texts { $($name: $chinese,)* };
        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $chinese),)*];
    };
}

texts! {
    /// Beside the logo.
    playground: "playground", "演练场";
    /// Under it.
    tagline: "This is no model of Picket: it is Picket, in a simulated world.", "这不是 Picket 的模型，而是运行在模拟世界中的 Picket 本身。";
    /// The choice of the language.
    language: "Language", "语言";
    /// The stage's name.
    stage: "The deployment", "部署";
    /// How the stage is used.
    stage_hint: "Choose a node to see what it knows and to do something to it.", "选择一个节点，查看它的状态并对它进行操作。";
    /// The time controls' name.
    time: "Time", "时间";
    /// A control.
    play: "Play", "播放";
    /// A control.
    pause: "Pause", "暂停";
    /// A control.
    speed: "Speed", "速度";
    /// A control.
    step: "One step on", "前进一步";
    /// A control.
    step_back: "One step back", "后退一步";
    /// A control.
    to_event: "To the next event", "到下一个事件";
    /// A control.
    to_event_back: "Back to the last event", "回到上一个事件";
    /// The bar.
    scrub: "The moment that is looked at", "当前查看的时刻";
    /// Told while a frame has too much to do.
    behind: "as fast as it goes", "已达最快速度";
    /// Keys.
    keys: "Space: play or pause · ← →: a step · Shift+← →: an event · − +: speed · Esc: close", "空格：播放/暂停 · ← →：单步 · Shift+← →：按事件 · − +：速度 · Esc：关闭";
    /// Branches that were left.
    branches: "Other branches", "其他分支";
    /// A branch that was left.
    branch_to: "the one that goes to", "到达此刻的分支：";
    /// The log's name.
    log: "What happened", "事件记录";
    /// The log is empty.
    log_empty: "Nothing yet. Press play, or kill the master.", "还没有事件。点击播放，或者杀死主节点。";
    /// Before a reason.
    why: "why", "原因";
    /// Opinions' name.
    opinions: "What each Sentinel thinks", "各个 Sentinel 的看法";
    /// A column.
    sentinel: "Sentinel", "Sentinel";
    /// A column.
    stance: "state", "状态";
    /// A column.
    master: "master", "主节点";
    /// A column.
    agree: "say down", "认为下线";
    /// A column.
    epoch: "epoch", "纪元";
    /// A column.
    vote: "vote", "投票";
    /// A column.
    failover: "failover", "故障转移";
    /// The node panel's name.
    node: "Node", "节点";
    /// No node is chosen.
    node_none: "No node is chosen.", "尚未选择节点。";
    /// Closes the panel.
    close: "Close", "关闭";
    /// A deed.
    kill: "Kill", "杀死";
    /// What it does.
    kill_hint: "The process ends at once, as by kill -9.", "进程立即结束，如同 kill -9。";
    /// A deed.
    off: "Power off", "断电";
    /// What it does.
    off_hint: "The machine is gone: nobody gets an answer.", "机器消失：任何请求都得不到回应。";
    /// A deed.
    start: "Start", "启动";
    /// What it does.
    start_hint: "Starts the process again.", "重新启动进程。";
    /// A deed.
    freeze: "Freeze", "冻结";
    /// What it does.
    freeze_hint: "SIGSTOP: the process stands still, its kernel goes on.", "SIGSTOP：进程停住，内核继续工作。";
    /// A deed.
    resume: "Resume", "恢复";
    /// What it does.
    resume_hint: "SIGCONT: the process goes on.", "SIGCONT：进程继续运行。";
    /// A deed.
    isolate: "Isolate", "隔离";
    /// What it does.
    isolate_hint: "Cuts all wires between this node and the others.", "切断该节点与其他节点之间的所有连线。";
    /// A deed.
    heal: "Mend all wires", "修复所有连线";
    /// A deed.
    write_off: "Stop writing", "停止写入";
    /// A deed.
    write_on: "Write again", "继续写入";
    /// A line of text as a deed.
    deed: "Do something else", "其他操作";
    /// An example of it.
    deed_example: "cut redis-1 -> sentinel-1", "cut redis-1 -> sentinel-1";
    /// Does it.
    deed_do: "Do it", "执行";
    /// Of a data node.
    address: "address", "地址";
    /// Of a data node.
    role: "role", "角色";
    /// Of a data node.
    follows: "follows", "跟随";
    /// Of a data node.
    offset: "offset", "偏移量";
    /// Of a data node.
    history: "history", "复制历史";
    /// Of a data node.
    history_before: "before that", "此前的历史";
    /// Of a data node.
    keys_held: "keys", "键";
    /// Of a data node.
    syncs: "full / partial / refused", "全量 / 部分 / 被拒";
    /// Of a data node.
    backlog: "Backlog", "复制积压缓冲区";
    /// It has none.
    backlog_none: "There is none: nobody follows this node.", "没有：无人跟随该节点。";
    /// First byte.
    backlog_first: "first byte", "首字节";
    /// Length.
    backlog_len: "bytes held", "已保存字节";
    /// Size.
    backlog_size: "room", "容量";
    /// Replicas' name.
    replicas: "Replicas", "副本";
    /// A writer.
    acknowledged: "acknowledged", "已确认";
    /// A writer.
    failed: "failed", "失败";
    /// All writers.
    lost: "lost", "丢失";
    /// What it means.
    lost_hint: "acknowledged writes that the present master does not have", "已确认但当前主节点没有的写入";
    /// All writers.
    writes: "Writes", "写入";
    /// What colours and shapes mean.
    legend: "What it means", "图例";
    /// The world stopped.
    violation: "A property that must hold was violated:", "必须成立的性质被违反：";
    /// A node's power.
    running: "running", "运行中";
    /// A node's power.
    frozen: "frozen", "已冻结";
    /// A node's power.
    killed: "killed", "已杀死";
    /// A node's power.
    powered_off: "powered off", "已断电";
    /// A data node.
    promoting: "is being promoted", "正在晋升";
    /// Of the wires.
    cut: "cut wire", "被切断的连线";
    /// Nothing.
    nobody: "nobody", "无";
}

impl Lang {
    /// What a role is called.
    #[must_use]
    pub fn role(self, role: DataRole) -> &'static str {
        match (role, self) {
            (DataRole::Master, Self::En) => "master",
            (DataRole::Master, Self::Zh) => "主节点",
            (DataRole::Replica, Self::En) => "replica",
            (DataRole::Replica, Self::Zh) => "副本",
            (DataRole::Apart, Self::En) => "replica, link down",
            (DataRole::Apart, Self::Zh) => "副本，链路断开",
            (DataRole::Syncing, Self::En) => "syncing",
            (DataRole::Syncing, Self::Zh) => "同步中",
            (DataRole::Down, Self::En) => "down",
            (DataRole::Down, Self::Zh) => "未运行",
        }
    }

    /// Whether a process runs.
    #[must_use]
    pub fn power(self, power: Power) -> &'static str {
        let texts = self.texts();
        match power {
            Power::Running => texts.running,
            Power::Frozen => texts.frozen,
            Power::Killed => texts.killed,
            Power::Off => texts.powered_off,
        }
    }

    /// What a Sentinel's stance is called.
    #[must_use]
    pub fn stance(self, stance: Stance) -> &'static str {
        match (stance, self) {
            (Stance::Up, Self::En) => "all is well",
            (Stance::Up, Self::Zh) => "一切正常",
            (Stance::Sdown, _) => "SDOWN",
            (Stance::Odown, _) => "ODOWN",
            (Stance::Candidate, Self::En) => "candidate",
            (Stance::Candidate, Self::Zh) => "候选者",
            (Stance::Leader, Self::En) => "leader",
            (Stance::Leader, Self::Zh) => "领导者",
            (Stance::Promoting, Self::En) => "promoting",
            (Stance::Promoting, Self::Zh) => "正在提升副本",
            (Stance::Tilt, _) => "TILT",
        }
    }

    /// What a link is for.
    #[must_use]
    pub fn link(self, kind: LinkKind) -> &'static str {
        match (kind, self) {
            (LinkKind::Follows, Self::En) => "replication",
            (LinkKind::Follows, Self::Zh) => "复制",
            (LinkKind::Watches, Self::En) => "takes it for the master",
            (LinkKind::Watches, Self::Zh) => "认为它是主节点",
            (LinkKind::Writes, Self::En) => "writes",
            (LinkKind::Writes, Self::Zh) => "写入",
        }
    }

    /// What a message is about.
    #[must_use]
    pub fn topic(self, topic: Topic) -> &'static str {
        match (topic, self) {
            (Topic::Watch, Self::En) => "watching (PING, INFO)",
            (Topic::Watch, Self::Zh) => "监视 (PING, INFO)",
            (Topic::Hello, Self::En) => "hello among Sentinels",
            (Topic::Hello, Self::Zh) => "Sentinel 之间的 hello",
            (Topic::Vote, Self::En) => "is it down? your vote?",
            (Topic::Vote, Self::Zh) => "它下线了吗？投票？",
            (Topic::Order, Self::En) => "order to a data node",
            (Topic::Order, Self::Zh) => "给数据节点的命令",
            (Topic::Stream, Self::En) => "replication",
            (Topic::Stream, Self::Zh) => "复制",
            (Topic::Write, Self::En) => "writes of clients",
            (Topic::Write, Self::Zh) => "客户端写入",
        }
    }

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
            (Kind::Election | Kind::Failover | Kind::Recovery | Kind::Other, _, _) => return None,
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

    #[test]
    fn no_text_is_empty_and_chinese_is_chinese() {
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for (name, english, chinese) in PAIRS {
            assert!(!english.is_empty() && !is_chinese(english), "{name}");
            let is_word_of_the_wire = english == chinese;
            assert!(is_chinese(chinese) || is_word_of_the_wire, "{name}");
        }
    }

    #[track_caller]
    fn check(what: &str, english: Option<&str>, chinese: Option<&str>) {
        let line = Line {
            index: 0,
            at_us: 1_002_683,
            node: None,
            who: "sentinel-2".to_owned(),
            what: what.to_owned(),
            why: None,
            kind: Kind::of(what),
        };
        assert_eq!(Lang::En.narrate(&line).as_deref(), english);
        assert_eq!(Lang::Zh.narrate(&line).as_deref(), chinese);
    }

    #[test]
    fn what_matters_is_told_in_sentences() {
        check(
            "+sdown master mymaster 10.0.1.1 6379",
            Some("1.002 s: sentinel-2 thinks that master 10.0.1.1:6379 is down."),
            Some("1.002 s：sentinel-2 认为 master 10.0.1.1:6379 下线了。"),
        );
        check(
            "+vote-for-leader sentinel-1 3",
            Some("1.002 s: sentinel-2 votes for sentinel-1 in epoch 3."),
            Some("1.002 s：sentinel-2 在纪元 3 投票给 sentinel-1。"),
        );
        check(
            "+switch-master mymaster 10.0.1.1 6379 10.0.1.3 6379",
            Some("1.002 s: sentinel-2: the new master is 10.0.1.3:6379."),
            Some("1.002 s：sentinel-2：新的主节点是 10.0.1.3:6379。"),
        );
        check("+slave-reconf-sent slave 10.0.1.2:6379 10.0.1.2 6379", None, None);
        check(
            "+switch-master",
            Some("1.002 s: sentinel-2: the new master is ?:?."),
            Some("1.002 s：sentinel-2：新的主节点是 ?:?。"),
        );
    }

    #[test]
    fn browsers_say_what_they_prefer() {
        assert_eq!(Lang::preferred("zh-CN"), Lang::Zh);
        assert_eq!(Lang::preferred("de-DE"), Lang::En);
    }
}
