//! Why something happened, as lines of logs tell it. In English those are the core's own words. In Chinese every reason of
//! a Sentinel has words of ours; what data nodes log is quoted as it is, for that is what one finds in a log.

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
            (Self::Zh, Told::Deed(_) | Told::Node(_) | Told::Message | Told::Violation | Told::Other)
            | (Self::En, _) => None,
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
            format!("它已在故障转移中被替换，较新的配置得到 {} 的确认", confirmed_by.join("、"))
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
        // What they say of themselves is all.
        Event::UserFailover { to: None, handover: None, .. }
        | Event::Monitor { .. }
        | Event::Unmonitor { .. }
        | Event::Set { .. }
        | Event::ResetMaster { .. }
        | Event::ReplicaAdded { .. }
        | Event::SentinelAdded { .. }
        | Event::SentinelAddressSwitch { .. }
        | Event::SentinelAddressUpdate { .. }
        | Event::SentinelInvalidAddr { .. }
        | Event::Reboot { .. }
        | Event::SubjectivelyUp { .. }
        | Event::ObjectivelyUp { .. }
        | Event::NewEpoch { .. }
        | Event::Voted { .. }
        | Event::TryFailover { .. }
        | Event::StateSelect { .. }
        | Event::StatePromote { .. }
        | Event::StateWaitPromotion { .. }
        | Event::Promoted { .. }
        | Event::StateReconf { .. }
        | Event::ReconfSent { .. }
        | Event::ReconfInProgress { .. }
        | Event::ReconfDone { .. }
        | Event::ReconfSentTimeout { .. }
        | Event::ReconfSentBestEffort { .. }
        | Event::FailoverEndForTimeout { .. }
        | Event::FailoverEnd { .. }
        | Event::SwitchMaster { .. }
        | Event::ConfigUpdateFrom { .. }
        | Event::AbortReplicaTimeout { .. }
        | Event::RoleChange { .. }
        | Event::TiltExited
        | Event::ScriptError { .. }
        | Event::ScriptTimeout { .. }
        | Event::ScriptStarted { .. }
        | Event::ScriptEnded { .. }
        | Event::CommandLinkDown { .. }
        | Event::PubsubLinkDown { .. }
        | Event::PeerVoted { .. }
        | Event::NoMajority { .. }
        | Event::VoteRefused { .. }
        | Event::Forgotten { .. }
        | Event::SteppedDown { .. }
        | Event::ResolveFailed { .. }
        | Event::NotDurable { .. }
        | Event::CrashRequested { .. }
        | Event::ToldUnsaved { .. }
        | Event::SimulatedCrash { .. }
        | Event::Garbage { .. } => return None,
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
        DownReason::CallsItselfReplica(span) => format!("应为主节点，却自称副本已有 {span}"),
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
    use std::collections::BTreeSet;

    use picket_sansio::{Millis, Time};
    use picket_sentinel_core::{Addr, Ineligible, InstanceRef, Kind, RefusalReason, RefusedVote};

    use super::*;
    use crate::engine::Engine;
    use crate::library;

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }

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
                    assert!(is_chinese(&chinese), "{}: {chinese}", line.what);
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }

    /// What no scenario brings about: each event that has a reason, with each of its reasons.
    #[test]
    fn whatever_has_a_reason_has_it_in_chinese_too() {
        let mut kinds = BTreeSet::new();
        for event in explained() {
            let own = event.explanation().unwrap_or_else(|| panic!("{event} has no reason"));
            let chinese = in_chinese(&event).unwrap_or_else(|| panic!("{event}: {own}: nothing in Chinese"));
            assert!(is_chinese(&chinese), "{event}: {chinese}");
            // Two reasons are not told by the same words.
            assert!(kinds.insert(chinese.clone()), "{event}: {chinese} again");
        }
        for event in unexplained() {
            assert_eq!((event.explanation(), in_chinese(&event)), (None, None), "{event}");
        }
    }

    fn instance() -> InstanceRef {
        let (name, host) = ("mymaster".to_owned(), "10.0.1.1".to_owned());
        InstanceRef { kind: Kind::Master, name, host, port: 6379, master: None }
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    /// Every reason that there is.
    fn explained() -> Vec<Event> {
        let span = Millis(1_500);
        let mut events = Vec::new();
        let mut down = |reason| events.push(Event::SubjectivelyDown { instance: instance(), reason });
        down(DownReason::NoValidReply(span, None));
        down(DownReason::NoValidReply(span, Some(text("-BUSY"))));
        down(DownReason::Disconnected(span, None));
        down(DownReason::Disconnected(span, Some(text("Connection refused"))));
        down(DownReason::CallsItselfReplica(span));
        down(DownReason::RebootTooLong(span));
        let agreeing = vec![text("b")];
        events.push(Event::ObjectivelyDown { instance: instance(), agree: 2, quorum: 2, agreeing });
        let choices = [None, Some(Choice::For(text("a"))), Some(Choice::Refused { epoch: 8 })];
        let ballots = |choice| vec![Ballot { voter: text("b"), choice }];
        for choice in choices {
            let (instance, ballots) = (instance(), ballots(choice));
            events.push(Event::Elected { instance, epoch: 7, needed: 2, forced: false, ballots });
        }
        for why in [LossReason::CannotWin, LossReason::TimedOut] {
            let (instance, ballots) = (instance(), ballots(None));
            events.push(Event::AbortNotElected { instance, epoch: 7, needed: 2, why, ballots });
        }
        events.push(Event::Elected {
            instance: instance(),
            epoch: 7,
            needed: 2,
            forced: true,
            ballots: Vec::new(),
        });
        for in_sync in [true, false] {
            let (replica, run_id) = (text("10.0.1.2:6379"), text("d"));
            let ranked = Ranked { replica, in_sync, priority: 100, offset: 5, run_id, info_age: span };
            let (ranking, rejected) = (vec![ranked], Vec::new());
            events.push(Event::Selected { instance: instance(), ranking, rejected });
        }
        events.push(Event::AbortNoGoodReplica { instance: instance(), rejected: Vec::new() });
        for why in [
            Ineligible::Down,
            Ineligible::Disconnected,
            Ineligible::NoRecentReply(span),
            Ineligible::PriorityZero,
            Ineligible::InfoTooOld(span),
            Ineligible::MasterLinkDownTooLong(span),
            Ineligible::LostData { offset: 5, had: 9 },
            Ineligible::NotWanted,
            Ineligible::NotFollowing,
            Ineligible::LinkBroken,
            Ineligible::NotListed,
        ] {
            let rejected = vec![Rejected { replica: text("10.0.1.2:6379"), why }];
            let ranking = Vec::new();
            events.push(Event::Selected { instance: instance(), ranking, rejected: rejected.clone() });
            events.push(Event::AbortNoGoodReplica { instance: instance(), rejected });
        }
        for why in [
            HandoverFailure::Refused(text("ERR")),
            HandoverFailure::NotListed,
            HandoverFailure::NotCaughtUp(span),
            HandoverFailure::NotTakenOver(span),
            HandoverFailure::TakenBack,
            HandoverFailure::Unreachable(span),
            HandoverFailure::MasterDown,
        ] {
            events.push(Event::AbortHandover { instance: instance(), why });
        }
        let to = || Some(text("10.0.1.2:6379"));
        for (to, handover) in [(None, Some(span)), (to(), Some(span)), (to(), None)] {
            events.push(Event::UserFailover { master: text("mymaster"), to, handover });
        }
        for confirmed_by in [Vec::new(), vec![text("b")]] {
            events.push(Event::ConvertToReplica { instance: instance(), reported_for: span, confirmed_by });
        }
        let (master, unreachable) = (text("mymaster"), vec![text("b")]);
        events.push(Event::NoQuorum { master, agree: 1, quorum: 2, unreachable });
        for why in
            [WaitReason::VotedFor(text("b")), WaitReason::Lost, WaitReason::Failed, WaitReason::Listening]
        {
            events.push(Event::FailoverDelayed { master: text("mymaster"), until: Time(0), why });
        }
        let follows = Addr::new("10.0.1.3", 6379);
        events.push(Event::FixReplicaConfig { instance: instance(), follows });
        events.push(Event::TiltEntered { reason: TiltReason::Stalled(span) });
        events
    }

    /// What says all by itself, with reasons in its own words among them.
    fn unexplained() -> Vec<Event> {
        let (instance, master, reason) = (instance(), text("mymaster"), text("a reason"));
        let refused = RefusedVote { candidate: text("b"), epoch: 7, why: RefusalReason::Implausible };
        vec![
            Event::Monitor { instance: instance.clone(), quorum: 2 },
            Event::ResetMaster { instance: instance.clone() },
            Event::SubjectivelyUp { instance: instance.clone() },
            Event::NewEpoch { master: master.clone(), epoch: 7 },
            Event::CommandLinkDown { instance: instance.clone(), reason: reason.clone() },
            Event::UserFailover { master: master.clone(), to: None, handover: None },
            Event::NoMajority { master: master.clone(), reachable: 1, needed: 2 },
            Event::VoteRefused { master, refused },
            Event::ResolveFailed { host: text("a.b"), reason: reason.clone() },
            Event::NotDurable { what: "a vote", reason: reason.clone() },
            Event::ToldUnsaved { what: "a vote", reason: reason.clone() },
            Event::Garbage { instance, reason },
            Event::TiltExited,
        ]
    }
}
