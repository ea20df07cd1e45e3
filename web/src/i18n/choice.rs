//! Why a replica was chosen, in sentences.

use picket_sentinel_core::Ineligible;

use super::Lang;
use crate::picture::{Criterion, ReplicaChoice};

impl Lang {
    /// Who chose, and when.
    #[must_use]
    pub fn chosen_by(self, by: &str, at: &str) -> String {
        match self {
            Self::En => format!(
                "{by} chose at {at}. Compared are, in this order: synchronisation, priority, offset, run id."
            ),
            Self::Zh => format!("{by} 在 {at} 做出选择。依次比较：同步状态、优先级、偏移量、run id。"),
        }
    }

    /// What decided.
    #[must_use]
    pub fn decided(self, choice: &ReplicaChoice) -> String {
        let Some(first) = choice.ranked.first().map(|first| first.name.as_str()) else {
            return match self {
                Self::En => "No replica could be promoted.",
                Self::Zh => "没有可以晋升的副本。",
            }
            .to_owned();
        };
        let why = match (choice.decided_by, self) {
            (None, Self::En) => "it was the only one",
            (None, Self::Zh) => "它是唯一的候选副本",
            (Some(Criterion::InSync), Self::En) => "it had finished its synchronisation, the others had not",
            (Some(Criterion::InSync), Self::Zh) => "它已完成同步，而其他副本没有",
            (Some(Criterion::Priority), Self::En) => "its replica-priority is the lowest",
            (Some(Criterion::Priority), Self::Zh) => "它的 replica-priority 最小",
            (Some(Criterion::Offset), Self::En) => "it had received the most of the stream",
            (Some(Criterion::Offset), Self::Zh) => "它收到的复制流最多",
            (Some(Criterion::RunId), Self::En) => "all else was equal, and its run id is the smallest",
            (Some(Criterion::RunId), Self::Zh) => "其他条件都相同，而它的 run id 最小",
        };
        match self {
            Self::En => format!("{first} was chosen: {why}."),
            Self::Zh => format!("选择了 {first}：{why}。"),
        }
    }

    /// Why a replica could not be promoted.
    #[must_use]
    pub fn ineligible(self, name: &str, why: &Ineligible) -> String {
        let why = self.why_not(why);
        match self {
            Self::En => format!("Not {name}: {why}."),
            Self::Zh => format!("不选 {name}：{why}。"),
        }
    }

    /// The same as a part of a sentence.
    pub(super) fn why_not(self, why: &Ineligible) -> String {
        match (why, self) {
            (Ineligible::Down, Self::En) => "it is down".to_owned(),
            (Ineligible::Down, Self::Zh) => "它已下线".to_owned(),
            (Ineligible::Disconnected, Self::En) => "there is no connection to it".to_owned(),
            (Ineligible::Disconnected, Self::Zh) => "与它没有连接".to_owned(),
            (Ineligible::NoRecentReply(span), Self::En) => {
                format!("it gave no valid reply to PING for {span}")
            }
            (Ineligible::NoRecentReply(span), Self::Zh) => format!("它已有 {span} 没有有效应答 PING"),
            (Ineligible::PriorityZero, Self::En) => {
                "its replica-priority is 0: it must never be master".to_owned()
            }
            (Ineligible::PriorityZero, Self::Zh) => "它的 replica-priority 为 0，绝不会成为主节点".to_owned(),
            (Ineligible::InfoTooOld(span), Self::En) => format!("what is known of it is {span} old"),
            (Ineligible::InfoTooOld(span), Self::Zh) => format!("关于它的信息是 {span} 前的"),
            (Ineligible::MasterLinkDownTooLong(span), Self::En) => {
                format!("it had had no link to the master for {span}")
            }
            (Ineligible::MasterLinkDownTooLong(span), Self::Zh) => format!("它与主节点的链路已断开 {span}"),
            (Ineligible::LostData { offset, had }, Self::En) => {
                format!("it lost data: its offset is {offset} and was {had}")
            }
            (Ineligible::LostData { offset, had }, Self::Zh) => {
                format!("它丢失了数据：偏移量现在是 {offset}，曾经是 {had}")
            }
            (Ineligible::NotWanted, Self::En) => "another one was asked for".to_owned(),
            (Ineligible::NotWanted, Self::Zh) => "运维人员指定了另一个副本".to_owned(),
            (Ineligible::NotFollowing, Self::En) => "it does not follow the master".to_owned(),
            (Ineligible::NotFollowing, Self::Zh) => "它没有跟随主节点".to_owned(),
            (Ineligible::LinkBroken, Self::En) => "its link to the master is not up".to_owned(),
            (Ineligible::LinkBroken, Self::Zh) => "它与主节点的复制链路未建立".to_owned(),
            (Ineligible::NotListed, Self::En) => "the master does not list it as a replica".to_owned(),
            (Ineligible::NotListed, Self::Zh) => "主节点的副本列表中没有它".to_owned(),
        }
    }
}
