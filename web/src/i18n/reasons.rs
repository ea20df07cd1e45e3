//! Why a Sentinel waits, did not vote, or gave a failover up, in sentences.

use super::Lang;
use crate::picture::{Abort, Refusal, Waits, WhyNot};

impl Lang {
    /// For so long.
    #[must_use]
    pub fn for_span(self, span: &str) -> String {
        match self {
            Self::En => format!("for {span}"),
            Self::Zh => format!("已持续 {span}"),
        }
    }

    /// What a Sentinel waits for.
    #[must_use]
    pub fn waits(self, waits: &Waits) -> String {
        match (waits, self) {
            (Waits::Nothing, Self::En) => "The master is up; there is nothing to do.".to_owned(),
            (Waits::Nothing, Self::Zh) => "主节点正常，无事可做。".to_owned(),
            (Waits::Agreement { agree, quorum }, Self::En) => {
                format!(
                    "Thinks that the master is down and waits for others to agree: {agree} of {quorum} so far."
                )
            }
            (Waits::Agreement { agree, quorum }, Self::Zh) => {
                format!("认为主节点已下线，正在等待其他哨兵同意：目前 {agree}/{quorum}。")
            }
            (Waits::Voted(name), Self::En) => format!("Voted for {name} and gives it the time to finish."),
            (Waits::Voted(name), Self::Zh) => format!("已投票给 {name}，给它时间完成故障转移。"),
            (Waits::AfterLoss, Self::En) => "Lost an election; pauses before the next one.".to_owned(),
            (Waits::AfterLoss, Self::Zh) => "选举失败，等待下一次选举。".to_owned(),
            (Waits::AfterFailure, Self::En) => {
                "Its failover failed; waits twice failover-timeout before the next.".to_owned()
            }
            (Waits::AfterFailure, Self::Zh) => {
                "它的故障转移失败了，等待两倍 failover-timeout 后再试。".to_owned()
            }
            (Waits::Listening, Self::En) => {
                "Has just come; listens for other Sentinels before it stands for election.".to_owned()
            }
            (Waits::Listening, Self::Zh) => "刚刚加入，先听取其他哨兵的消息，再参加选举。".to_owned(),
            (Waits::Majority { reachable, needed }, Self::En) => {
                format!("Cannot win: {reachable} Sentinels can be reached, {needed} votes are needed.")
            }
            (Waits::Majority { reachable, needed }, Self::Zh) => {
                format!("无法当选：只能联系到 {reachable} 个哨兵，需要 {needed} 票。")
            }
            (Waits::Turn, Self::En) => {
                "Enough agree that the master is down; its turn to stand comes soon.".to_owned()
            }
            (Waits::Turn, Self::Zh) => "足够多的哨兵同意主节点已下线，即将参加选举。".to_owned(),
            (Waits::Votes { given, needed }, Self::En) => {
                format!("Stands for election and waits for votes: {given} of {needed}.")
            }
            (Waits::Votes { given, needed }, Self::Zh) => format!("正在竞选，等待选票：{given}/{needed}。"),
            (Waits::FreshInfo, Self::En) => {
                "Leads; asks all replicas for fresh INFO before it chooses.".to_owned()
            }
            (Waits::FreshInfo, Self::Zh) => "已当选领导者；选择之前先向所有副本索取最新的 INFO。".to_owned(),
            (Waits::Connection(name), Self::En) => format!("Chose {name} and waits for a connection to it."),
            (Waits::Connection(name), Self::Zh) => format!("已选择 {name}，等待与它建立连接。"),
            (Waits::Promotion(name), Self::En) => {
                format!("Sent SLAVEOF NO ONE; waits until {name} says that it is a master.")
            }
            (Waits::Promotion(name), Self::Zh) => {
                format!("已发送 SLAVEOF NO ONE，等待 {name} 报告自己成为主节点。")
            }
            (Waits::Replicas { follow, all }, Self::En) => {
                format!("Tells the other replicas to follow the new master: {follow} of {all} do.")
            }
            (Waits::Replicas { follow, all }, Self::Zh) => {
                format!("正在让其他副本跟随新的主节点：已完成 {follow}/{all}。")
            }
            (Waits::TiltEnd { stalled_ms }, Self::En) => {
                format!(
                    "Distrusts itself, because its process did not run for {stalled_ms} ms; only watches."
                )
            }
            (Waits::TiltEnd { stalled_ms }, Self::Zh) => {
                format!("进程曾停顿 {stalled_ms} 毫秒，不信任自己的判断，只观察不行动。")
            }
        }
    }

    /// Who agrees that the master is down.
    #[must_use]
    pub fn agreeing(self, names: &[String]) -> String {
        match self {
            Self::En => format!("Also take it for down: {}.", names.join(", ")),
            Self::Zh => format!("同样认为它已下线：{}。", names.join("、")),
        }
    }

    /// For whom it voted.
    #[must_use]
    pub fn voted(self, name: &str, epoch: u64) -> String {
        match self {
            Self::En => format!("Voted for {name} in epoch {epoch}."),
            Self::Zh => format!("在纪元 {epoch} 投票给 {name}。"),
        }
    }

    /// Why a vote was not given.
    #[must_use]
    pub fn refusal(self, refusal: &Refusal) -> String {
        let Refusal { candidate, epoch, why } = refusal;
        let why = match (why, self) {
            (WhyNot::Voted(Some(leader), of), Self::En) => format!("the vote of epoch {of} went to {leader}"),
            (WhyNot::Voted(Some(leader), of), Self::Zh) => format!("纪元 {of} 的票已投给 {leader}"),
            (WhyNot::Voted(None, of), Self::En) => format!("the vote of epoch {of} was given"),
            (WhyNot::Voted(None, of), Self::Zh) => format!("纪元 {of} 的票已经投出"),
            (WhyNot::Configured(of), Self::En) => format!("the configuration of epoch {of} is in force"),
            (WhyNot::Configured(of), Self::Zh) => format!("纪元 {of} 的配置已经生效"),
            (WhyNot::Implausible, Self::En) => "no election can have reached that epoch".to_owned(),
            (WhyNot::Implausible, Self::Zh) => "任何选举都不可能达到这个纪元".to_owned(),
            (WhyNot::Promoting, Self::En) => "it is promoting a replica itself".to_owned(),
            (WhyNot::Promoting, Self::Zh) => "它自己正在晋升副本".to_owned(),
        };
        match self {
            Self::En => format!("Did not vote for {candidate} in epoch {epoch}: {why}."),
            Self::Zh => format!("在纪元 {epoch} 没有投票给 {candidate}：{why}。"),
        }
    }

    /// How a failover was aborted, and how long ago.
    #[must_use]
    pub fn abort(self, abort: Abort, ago: &str) -> String {
        let how = match (abort, self) {
            (Abort::CannotWin, Self::En) => "the votes could not suffice any more",
            (Abort::CannotWin, Self::Zh) => "剩余选票已不足以当选",
            (Abort::VotesTimedOut, Self::En) => "the votes did not come in time",
            (Abort::VotesTimedOut, Self::Zh) => "选票没有及时到达",
            (Abort::NoGoodReplica, Self::En) => "no replica could be promoted",
            (Abort::NoGoodReplica, Self::Zh) => "没有可以晋升的副本",
            (Abort::PromotionTimedOut, Self::En) => "the promotion was not seen in time",
            (Abort::PromotionTimedOut, Self::Zh) => "没有及时看到副本晋升",
            (Abort::SteppedDown, Self::En) => "somebody else leads a newer one",
            (Abort::SteppedDown, Self::Zh) => "其他哨兵正在领导更新的故障转移",
        };
        match self {
            Self::En => format!("Gave its failover up {ago} ago: {how}."),
            Self::Zh => format!("{ago} 前放弃了故障转移：{how}。"),
        }
    }
}
