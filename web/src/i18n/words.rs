//! What roles, stances, links and topics are called.

use picket_sim::Power;

use super::Lang;
use crate::picture::{DataRole, LinkKind, Meaning, Stance, Topic};
use crate::tab::Tab;

impl Lang {
    /// What a role is called.
    #[must_use]
    pub fn role(self, role: DataRole) -> &'static str {
        match (role, self) {
            (DataRole::Master, Self::En) => "master",
            (DataRole::Master, Self::Zh) => "主节点",
            (DataRole::Replica, Self::En) => "replica",
            (DataRole::Replica, Self::Zh) => "副本",
            (DataRole::Apart, Self::En) => "link down",
            (DataRole::Apart, Self::Zh) => "链路断开",
            (DataRole::Syncing, Self::En) => "syncing",
            (DataRole::Syncing, Self::Zh) => "同步中",
            (DataRole::Down, Self::En) => "down",
            (DataRole::Down, Self::Zh) => "未运行",
        }
    }

    /// Whether a process runs.
    #[must_use]
    pub fn power(self, power: Power) -> &'static str {
        let texts = &self.texts().stage;
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
            (Stance::Promoting, Self::Zh) => "正在晋升副本",
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
            (Topic::Watch, Self::Zh) => "监视（PING、INFO）",
            (Topic::Hello, Self::En) => "hello among Sentinels",
            (Topic::Hello, Self::Zh) => "哨兵之间的 hello",
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

    /// The name of a tab.
    #[must_use]
    pub fn tab(self, tab: Tab) -> &'static str {
        let texts = &self.texts().tabs;
        match tab {
            Tab::Node => texts.node,
            Tab::Sentinels => texts.sentinels,
            Tab::Replication => texts.replication,
            Tab::Messages => texts.messages,
            Tab::Settings => texts.settings,
            Tab::Log => texts.log,
        }
    }

    /// What a message means, in a few words.
    #[must_use]
    pub fn meaning(self, meaning: &Meaning<'_>) -> String {
        match (meaning, self) {
            (Meaning::IsDown { whom }, Self::En) => format!("is {whom} down?"),
            (Meaning::IsDown { whom }, Self::Zh) => format!("{whom} 下线了吗？"),
            (Meaning::AskVote { epoch }, Self::En) => format!("may I lead? (epoch {epoch})"),
            (Meaning::AskVote { epoch }, Self::Zh) => format!("请投我一票（纪元 {epoch}）"),
            (Meaning::Answer { is_down: true }, Self::En) => "yes, it is down".to_owned(),
            (Meaning::Answer { is_down: true }, Self::Zh) => "是的，已下线".to_owned(),
            (Meaning::Answer { is_down: false }, Self::En) => "no, it is up".to_owned(),
            (Meaning::Answer { is_down: false }, Self::Zh) => "不，它在线".to_owned(),
            (Meaning::Vote { whom, epoch }, Self::En) => format!("my vote: {whom} (epoch {epoch})"),
            (Meaning::Vote { whom, epoch }, Self::Zh) => format!("我投 {whom}（纪元 {epoch}）"),
            (Meaning::Hello { master, epoch }, Self::En) => format!("hello: master {master} (epoch {epoch})"),
            (Meaning::Hello { master, epoch }, Self::Zh) => format!("hello：主节点 {master}（纪元 {epoch}）"),
            (Meaning::Plain(text), _) => (*text).to_owned(),
        }
    }
}
