//! Why something cannot be done to the world, in words.

use picket_sim::{ActionError, NodeKind, Wrong};

use super::Lang;

impl Lang {
    /// Why a line is no action, or cannot be done.
    #[must_use]
    pub fn refused(self, error: &ActionError) -> String {
        match self {
            Self::En => error.to_string(),
            Self::Zh => in_chinese(error),
        }
    }

    /// What is wrong with a line of a scenario.
    #[must_use]
    pub fn misread(self, wrong: &Wrong) -> String {
        match self {
            Self::En => wrong.to_string(),
            Self::Zh => wrong_in_chinese(wrong),
        }
    }

    /// What a node says of the file that it would start with. Nodes speak English, as Redis does: it is quoted.
    #[must_use]
    pub fn refused_file(self, why: &str) -> String {
        match self {
            Self::En => why.to_owned(),
            Self::Zh => format!("节点不接受它的配置文件，原文：“{why}”"),
        }
    }
}

fn in_chinese(error: &ActionError) -> String {
    match error {
        ActionError::Empty => "空行不是操作".to_owned(),
        ActionError::UnknownVerb(verb) => {
            format!("没有“{verb}”这种操作，可用的操作：{}", listed(ActionError::verbs()))
        }
        ActionError::Form(form) => format!("正确写法：{form}"),
        ActionError::Quotes => "引号不配对".to_owned(),
        ActionError::NoText => "含有不是 UTF-8 的内容".to_owned(),
        ActionError::Span(text) => {
            format!("“{text}”不是时长：请写成 250us、20ms、3s 或 2m，最长一天")
        }
        ActionError::Backwards(text) => format!("“{text}”的结束早于开始"),
        ActionError::Flaky => "flaky 需要 0 到 100 之间的百分数".to_owned(),
        ActionError::ClockJump => "时钟跳变需要整数毫秒，最多一百年".to_owned(),
        ActionError::Loss(text) => {
            format!("“{text}”不是丢包率：请写 0% 到 90%；丢弃一切的线路请直接切断")
        }
        ActionError::Switch(text) => format!("“{text}”既不是 on 也不是 off"),
        ActionError::MessageNumber(text) => format!("“{text}”不是消息编号"),
        ActionError::Interval => "客户端的写入间隔必须是整数毫秒，至少 1 毫秒".to_owned(),
        ActionError::Name(name, kind) => {
            format!("“{name}”不能作为{}的名称：编号须为 1 到 254", kind_in_chinese(*kind))
        }
        ActionError::NoNode(name) => format!("没有名为“{name}”的节点"),
        ActionError::OwnWire(name) => format!("{name} 与自己之间没有线路"),
        ActionError::WrongKind { name, is, wanted } => {
            let wanted: Vec<&str> = wanted.iter().map(|kind| kind_in_chinese(*kind)).collect();
            format!("{name} 是{}，而不是{}", kind_in_chinese(*is), wanted.join("或"))
        }
        ActionError::NoneRuns(group) => format!("{group} 中没有正在运行的节点"),
        ActionError::NoMessage(message) => format!("消息 {message} 不在传输途中"),
        ActionError::Taken(name) => format!("{name} 已经存在"),
        ActionError::Gone(name) => format!("{name} 已永久移除，它的名称不会再次使用"),
        ActionError::TooMany => "每类节点最多 64 个，这类已达到上限".to_owned(),
        ActionError::NoSentinels => "客户端要向哨兵询问主节点，而这里没有哨兵".to_owned(),
        ActionError::MasterUnclear(master) => {
            format!("{master} 的主节点尚不明确：请指明新节点要跟随谁")
        }
        ActionError::Busy(busy) => format!("最多 200 条命令同时等待应答，已有 {busy} 条，请稍后再试"),
        ActionError::TooMuch(command) => format!("带有这些参数的 {command} 超出了模拟节点允许的规模"),
        ActionError::Config(why) => Lang::Zh.refused_file(why),
    }
}

fn wrong_in_chinese(wrong: &Wrong) -> String {
    match wrong {
        Wrong::Action(error) => in_chinese(error),
        Wrong::Word(word, expected) => format!("这里不能以“{word}”开头，可用的词：{expected}"),
        Wrong::UnknownFact(fact) => format!("没有“{fact}”这种条件，可用的条件：{}", listed(Wrong::facts())),
        Wrong::Count(word, min) => format!("{word} 后面需要 {min} 到 64 的整数"),
        Wrong::Millis(word) => format!("{word} 后面需要整数毫秒，至少 1 毫秒"),
        Wrong::Steps(text) => format!("“{text}”：# 后面需要步数"),
        Wrong::StepsOfFact => "只有执行操作的行才能写步数".to_owned(),
        Wrong::TooLate(text) => format!("“{text}”：场景最长一小时"),
        Wrong::Order => "各行必须按时间先后排列".to_owned(),
        Wrong::AfterLook => "look 必须是最后一行".to_owned(),
        Wrong::TooManyLines => "场景最多 10000 行".to_owned(),
        Wrong::TooManyNodes => "场景中每类节点最多 64 个".to_owned(),
    }
}

fn listed(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join("、")
}

fn kind_in_chinese(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Sentinel => "哨兵",
        NodeKind::Server => "数据节点",
        NodeKind::Writer => "客户端",
        NodeKind::Console => "控制台",
    }
}

#[cfg(test)]
mod tests {
    use picket_sim::Scenario;

    use super::*;
    use crate::engine::Engine;

    #[test]
    fn whatever_a_world_refuses_is_told_in_chinese() {
        let text = "redis 2\nwriter 50ms".parse().expect("a scenario");
        let mut engine = Engine::open(text).expect("it can be shown");
        engine.inject("add redis-3").expect("it can be added");
        engine.inject("remove redis-3").expect("it can leave");
        for line in [
            "",
            "explode redis-1",
            "kill",
            "kill \"redis-1",
            "latency 3h",
            "latency 3ms..2ms",
            "disk redis-1 flaky 101",
            "clock redis-1 soon",
            "loss 5",
            "writes writer-1 maybe",
            "drop it",
            "drop 99999999",
            "add writer-2 1500us",
            "add redis-0",
            "add redis-1",
            "add redis-3",
            "kill redis-9",
            "cut redis-1 redis-1",
            "wipe sentinel-1",
            "clock writer-1 +1",
            "run redis-1 SETRANGE k 500000000 x",
        ] {
            let error = engine.inject(line).expect_err(line);
            let chinese = Lang::Zh.refused(&error);
            assert!(is_chinese(&chinese), "{line}: {chinese}");
            assert_eq!(Lang::En.refused(&error), error.to_string());
            has_the_figures_of(&chinese, &error.to_string());
        }
    }

    #[test]
    fn whatever_is_wrong_with_a_scenario_is_told_in_chinese() {
        for text in [
            "sentinel 3",
            "at 0s heal\nredis 3",
            "redis 65",
            "redis 9\nmasters 9",
            "writer 1500us",
            "nodes toy",
            "at 1s expect happy",
            "by 1s#3 expect whole",
            "at 1s#x heal",
            "at 61m heal",
            "at 2s heal\nat 1s heal",
            "look 2s\nat 3s heal",
        ] {
            let wrong = text.parse::<Scenario>().expect_err(text).reason;
            let chinese = Lang::Zh.misread(&wrong);
            assert!(is_chinese(&chinese), "{text}: {chinese}");
            assert_eq!(Lang::En.misread(&wrong), wrong.to_string());
            has_the_figures_of(&chinese, &wrong.to_string());
        }
        let told = Lang::Zh.refused_file("Invalid IP address");
        assert!(is_chinese(&told) && told.contains("Invalid IP address"), "{told}");
    }

    /// What none of the lines above brings about.
    #[test]
    fn limits_are_told_with_their_figures() {
        for error in [ActionError::TooMany, ActionError::Busy(7)] {
            has_the_figures_of(&Lang::Zh.refused(&error), &error.to_string());
        }
        for wrong in [Wrong::TooManyLines, Wrong::TooManyNodes] {
            has_the_figures_of(&Lang::Zh.misread(&wrong), &wrong.to_string());
        }
    }

    /// Limits that English tells are told in Chinese too, also when they change.
    #[track_caller]
    fn has_the_figures_of(chinese: &str, english: &str) {
        let figures = |text: &str| -> Vec<String> {
            let numbers = text.split(|c: char| !c.is_ascii_digit());
            numbers.filter(|number| !number.is_empty()).map(str::to_owned).collect()
        };
        let told = figures(chinese);
        for figure in figures(english) {
            assert!(told.contains(&figure), "{figure} of {english:?} is not in {chinese:?}");
        }
    }

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
    }
}
