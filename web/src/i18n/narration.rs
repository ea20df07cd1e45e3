//! What happened, told in sentences for those who listen. Nodes have their names in them.

use picket_sentinel_core::{Event, InstanceRef, Kind};
use picket_sim::Told;

use super::Lang;
use crate::line::{Line, seconds};
use crate::picture::Picture;

impl Line {
    /// Whether it is worth a sentence.
    #[must_use]
    pub fn is_narrated(&self) -> bool {
        match &self.told {
            Told::Deed(_) | Told::Violation => true,
            Told::Sentinel(event) => matches!(
                **event,
                Event::TiltEntered { .. }
                    | Event::TiltExited
                    | Event::SubjectivelyDown { .. }
                    | Event::SubjectivelyUp { .. }
                    | Event::ObjectivelyDown { .. }
                    | Event::TryFailover { .. }
                    | Event::Voted { .. }
                    | Event::Elected { .. }
                    | Event::AbortNotElected { .. }
                    | Event::AbortNoGoodReplica { .. }
                    | Event::SteppedDown { .. }
                    | Event::Selected { .. }
                    | Event::Promoted { .. }
                    | Event::SwitchMaster { .. }
                    | Event::FailoverEnd { .. }
            ),
            Told::Node(_) | Told::Message | Told::Other => false,
        }
    }
}

impl Lang {
    /// One sentence for a line of what happened, for those who listen; none for what would be noise.
    #[must_use]
    pub fn narrate(self, line: &Line, picture: &Picture) -> Option<String> {
        let (at, who) = (seconds(line.at_us), &line.who);
        let sentence = match (&line.told, self) {
            (Told::Deed(change), Self::En) => format!("{who}: {}", self.changed(change)),
            (Told::Deed(change), Self::Zh) => match line.node {
                Some(_) => format!("{who}：{}", self.changed(change)),
                None => self.changed(change),
            },
            (Told::Violation, _) => line.what.clone(),
            (Told::Sentinel(event), _) => self.narrate_event(who, event, picture)?,
            (Told::Node(_) | Told::Message | Told::Other, _) => return None,
        };
        Some(match self {
            Self::En => format!("{at}: {sentence}."),
            Self::Zh => format!("{at}：{sentence}。"),
        })
    }

    fn narrate_event(self, who: &str, event: &Event, picture: &Picture) -> Option<String> {
        let name = |instance: &InstanceRef| match instance.kind {
            Kind::Sentinel => picture.name_of_run_id(&instance.name),
            Kind::Master | Kind::Replica => picture.name_of_ip(&instance.host),
        };
        Some(match (event, self) {
            (Event::TiltEntered { .. }, Self::En) => {
                format!("{who} stood still for too long, distrusts itself and enters TILT")
            }
            (Event::TiltEntered { .. }, Self::Zh) => format!("{who} 停顿过久，不再信任自己，进入 TILT 模式"),
            (Event::TiltExited, Self::En) => format!("{who} leaves TILT"),
            (Event::TiltExited, Self::Zh) => format!("{who} 退出 TILT 模式"),
            (Event::SubjectivelyDown { instance, .. }, Self::En) => {
                format!("{who} thinks that {} is down", name(instance))
            }
            (Event::SubjectivelyDown { instance, .. }, Self::Zh) => {
                format!("{who} 认为 {} 主观下线", name(instance))
            }
            (Event::SubjectivelyUp { instance }, Self::En) => {
                format!("{who} sees {} up again", name(instance))
            }
            (Event::SubjectivelyUp { instance }, Self::Zh) => format!("{who} 看到 {} 恢复", name(instance)),
            (Event::ObjectivelyDown { agree, quorum, .. }, Self::En) => {
                format!("{who} knows that {agree} Sentinels think the master is down, and {quorum} suffice")
            }
            (Event::ObjectivelyDown { agree, quorum, .. }, Self::Zh) => {
                format!("{who} 得知 {agree} 个哨兵认为主节点下线，达到法定人数 {quorum}：主节点客观下线")
            }
            (Event::TryFailover { epoch, .. }, Self::En) => {
                format!("{who} wants to lead a failover, in epoch {epoch}")
            }
            (Event::TryFailover { epoch, .. }, Self::Zh) => {
                format!("{who} 在纪元 {epoch} 参选，想要领导故障转移")
            }
            (Event::Voted { run_id, epoch, .. }, Self::En) => {
                format!("{who} votes for {} in epoch {epoch}", picture.name_of_run_id(run_id))
            }
            (Event::Voted { run_id, epoch, .. }, Self::Zh) => {
                format!("{who} 在纪元 {epoch} 投票给 {}", picture.name_of_run_id(run_id))
            }
            (Event::Elected { .. }, Self::En) => format!("{who} is elected leader"),
            (Event::Elected { .. }, Self::Zh) => format!("{who} 当选领导者"),
            (Event::AbortNotElected { .. }, Self::En) => format!("{who} was not elected"),
            (Event::AbortNotElected { .. }, Self::Zh) => format!("{who} 没有当选"),
            (Event::AbortNoGoodReplica { .. }, Self::En) => {
                format!("{who} finds no replica that could be promoted")
            }
            (Event::AbortNoGoodReplica { .. }, Self::Zh) => format!("{who} 找不到可以晋升的副本"),
            (Event::SteppedDown { .. }, Self::En) => format!("{who} gives way to a newer leader"),
            (Event::SteppedDown { .. }, Self::Zh) => format!("{who} 让位给更新的领导者"),
            (Event::Selected { instance, .. }, Self::En) => {
                format!("{who} chooses the replica {}", name(instance))
            }
            (Event::Selected { instance, .. }, Self::Zh) => format!("{who} 选择副本 {}", name(instance)),
            (Event::Promoted { instance }, Self::En) => format!("{} is promoted", name(instance)),
            (Event::Promoted { instance }, Self::Zh) => format!("{} 已晋升为主节点", name(instance)),
            (Event::SwitchMaster { new_host, .. }, Self::En) => {
                format!("{who}: the new master is {}", picture.name_of_ip(new_host))
            }
            (Event::SwitchMaster { new_host, .. }, Self::Zh) => {
                format!("{who}：新的主节点是 {}", picture.name_of_ip(new_host))
            }
            (Event::FailoverEnd { .. }, Self::En) => format!("{who}: the failover has ended"),
            (Event::FailoverEnd { .. }, Self::Zh) => format!("{who}：故障转移结束"),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::{engine, play_until};

    /// The sentences of a failover in a language.
    fn told(lang: Lang) -> Vec<String> {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        let switched = |picture: &Picture| {
            let master = picture.master();
            master.is_some_and(|master| picture.name(master) != "redis-1")
                && picture.opinions().all(|(_, opinion)| opinion.master == master)
        };
        let picture = play_until(&mut engine, switched);
        let lines = engine.lines(500);
        for line in &lines {
            assert_eq!(line.is_narrated(), lang.narrate(line, &picture).is_some(), "{}", line.what);
        }
        lines.iter().filter_map(|line| lang.narrate(line, &picture)).collect()
    }

    #[test]
    fn a_failover_is_told_in_sentences_with_names() {
        let english = told(Lang::En);
        for sentence in [
            "redis-1: killed.",
            " thinks that redis-1 is down.",
            " Sentinels think the master is down, and 2 suffice.",
            " wants to lead a failover, in epoch 1.",
            " votes for sentinel-",
            " is elected leader.",
            " chooses the replica redis-",
            " is promoted.",
            ": the new master is redis-",
        ] {
            assert!(english.iter().any(|told| told.contains(sentence)), "{sentence}: {english:#?}");
        }
        let chinese = told(Lang::Zh);
        for sentence in ["redis-1：进程被杀死。", "认为 redis-1 主观下线。", "：新的主节点是 redis-"]
        {
            assert!(chinese.iter().any(|told| told.contains(sentence)), "{sentence}: {chinese:#?}");
        }
        assert_eq!(chinese.len(), english.len());
        for told in english.iter().chain(&chinese) {
            assert!(!told.contains("10.0.") && !told.contains('?'), "an address or nothing: {told}");
        }
    }
}
