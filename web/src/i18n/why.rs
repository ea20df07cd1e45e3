//! Why something happened, as lines of logs tell it. In English those are the core's own words.

use std::borrow::Cow;

use picket_sentinel_core::{
    Ballot, Choice, DownReason, Event, HandoverFailure, LossReason, Ranked, Rejected, TiltReason, WaitReason,
};
use picket_sim::Told;

use super::Lang;
use crate::line::Line;

impl Lang {
    /// Why what a line tells has happened, if that is told.
    #[must_use]
    pub fn why(self, line: &Line) -> Option<Cow<'_, str>> {
        let own = line.why.as_deref()?;
        let told = match (self, &line.told) {
            (Self::Zh, Told::Sentinel(event)) => in_chinese(event),
            _ => None,
        };
        Some(told.map_or(Cow::Borrowed(own), Cow::Owned))
    }
}

/// What [`Event::explanation`] says, in Chinese.
fn in_chinese(event: &Event) -> Option<String> {
    Some(match event {
        Event::SubjectivelyDown { reason, .. } => down(reason),
        Event::ObjectivelyDown { agreeing, .. } => format!("{} 也认为它已下线", agreeing.join("、")),
        Event::Elected { forced: true, .. } => "由运维人员发起".to_owned(),
        Event::Elected { epoch, needed, ballots, .. } => {
            format!("纪元 {epoch}，需要 {needed} 票：{}", list(ballots, ballot))
        }
        Event::Selected { ranking, rejected, .. } => {
            let mut text = format!("排序：{}", list(ranking, ranked));
            if !rejected.is_empty() {
                text.push_str(&format!("；不符合条件：{}", list(rejected, not_eligible)));
            }
            text
        }
        Event::AbortNotElected { epoch, needed, why, ballots, .. } => {
            let why = match why {
                LossReason::CannotWin => "已无法达到",
                LossReason::TimedOut => "没有及时达到",
            };
            format!("纪元 {epoch}，需要 {needed} 票，{why}：{}", list(ballots, ballot))
        }
        Event::AbortNoGoodReplica { rejected, .. } if rejected.is_empty() => "不知道任何副本".to_owned(),
        Event::AbortNoGoodReplica { rejected, .. } => list(rejected, not_eligible),
        Event::AbortHandover { why, .. } => handover(why),
        Event::UserFailover { to, handover: Some(patience), .. } => format!(
            "协调式切换，目标：{}；主节点最多可暂停写入 {patience}",
            to.as_deref().unwrap_or("最合适的副本")
        ),
        Event::UserFailover { to: Some(to), .. } => format!("目标：{to}"),
        Event::ConvertToReplica { reported_for, confirmed_by, .. } if confirmed_by.is_empty() => {
            format!("它自称主节点已有 {reported_for}")
        }
        Event::ConvertToReplica { confirmed_by, .. } => {
            format!("它已被故障转移，更新的配置得到 {} 的确认", confirmed_by.join("、"))
        }
        Event::NoQuorum { unreachable, .. } => format!("没有收到 {} 的应答", unreachable.join("、")),
        Event::FailoverDelayed { master, why, .. } => {
            let why = match why {
                WaitReason::VotedFor(run_id) => format!("已投票给 {run_id}"),
                WaitReason::Lost => "上一次选举失败".to_owned(),
                WaitReason::Failed => "上一次故障转移失败".to_owned(),
                WaitReason::Listening => "先听取其他哨兵的消息".to_owned(),
            };
            format!("{why}（“{master}”的故障转移）")
        }
        Event::FixReplicaConfig { follows, .. } => format!("它跟随的是 {follows}"),
        Event::TiltEntered { reason: TiltReason::Stalled(span) } => format!("进程曾停顿 {span}"),
        _ => return None,
    })
}

fn list<T>(items: &[T], of: impl Fn(&T) -> String) -> String {
    items.iter().map(of).collect::<Vec<_>>().join("，")
}

fn down(reason: &DownReason) -> String {
    match reason {
        DownReason::NoValidReply(span, None) => format!("已有 {span} 没有对 PING 的有效应答"),
        DownReason::NoValidReply(span, Some(error)) => {
            format!("已有 {span} 没有对 PING 的有效应答，最后一次应答是：{error}")
        }
        DownReason::Disconnected(span, None) => format!("连接已断开 {span}"),
        DownReason::Disconnected(span, Some(why)) => format!("连接已断开 {span}：{why}"),
        DownReason::CallsItselfReplica(span) => format!("应为主节点，却已自称副本 {span}"),
        DownReason::RebootTooLong(span) => format!("{span} 前重启，至今尚未就绪"),
    }
}

fn ballot(Ballot { voter, choice }: &Ballot) -> String {
    match choice {
        Some(Choice::For(run_id)) => format!("{voter} 投给 {run_id}"),
        Some(Choice::Refused { epoch }) => format!("{voter} 拒绝（它的票属于纪元 {epoch}）"),
        None => format!("{voter} 尚未应答"),
    }
}

fn ranked(Ranked { replica, in_sync, priority, offset, info_age, .. }: &Ranked) -> String {
    let sync = if *in_sync { "" } else { "，尚未同步" };
    format!("{replica}（优先级 {priority}，偏移量 {offset}{sync}，INFO 于 {info_age} 前）")
}

fn not_eligible(Rejected { replica, why }: &Rejected) -> String {
    format!("{replica}：{}", Lang::Zh.why_not(why))
}

fn handover(why: &HandoverFailure) -> String {
    match why {
        HandoverFailure::Refused(words) => format!("主节点拒绝：{words}"),
        HandoverFailure::NotListed => "主节点的副本列表中没有所选的副本".to_owned(),
        HandoverFailure::NotCaughtUp(span) => format!("副本没有在 {span} 内追上"),
        HandoverFailure::NotTakenOver(span) => format!("副本没有在 {span} 内接管"),
        HandoverFailure::TakenBack => "主节点放弃了切换，原因见它的日志".to_owned(),
        HandoverFailure::Unreachable(span) => format!("与主节点的连接已断开 {span}"),
        HandoverFailure::MasterDown => "主节点已下线".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::library;

    /// Plays all that there is and looks at every reason that was told on the way.
    #[test]
    fn every_reason_is_told_in_chinese() {
        let mut seen = 0;
        for entry in library::ALL {
            let scenario = entry.text().parse().expect("a scenario");
            let mut engine = Engine::open(scenario).expect("it can be shown");
            engine.seek_us(engine.end_us());
            for line in engine.lines(5_000) {
                let (own, chinese) = (Lang::En.why(&line), Lang::Zh.why(&line));
                assert_eq!(own.as_deref(), line.why.as_deref());
                if let (Some(chinese), Told::Sentinel(_)) = (chinese, &line.told) {
                    seen += 1;
                    let is_chinese = chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
                    assert!(is_chinese, "{}: {chinese}", line.what);
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
