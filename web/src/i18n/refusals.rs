//! Why something cannot be done to the world, in words.

use picket_sim::{ActionError, NodeKind};

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
}

fn in_chinese(error: &ActionError) -> String {
    match error {
        ActionError::Empty => "空行不是操作".to_owned(),
        ActionError::UnknownVerb(verb) => format!("没有“{verb}”这种操作"),
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
        ActionError::Name(name, kind) => format!("“{name}”不能作为{}的名称", kind_in_chinese(*kind)),
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
        ActionError::TooMany => "这类节点已达到数量上限".to_owned(),
        ActionError::NoSentinels => "客户端要向哨兵询问主节点，而这里没有哨兵".to_owned(),
        ActionError::MasterUnclear(master) => {
            format!("{master} 的主节点尚不明确：请指明新节点要跟随谁")
        }
        ActionError::Busy(busy) => format!("已有 {busy} 条命令在等待应答，请稍后再试"),
        ActionError::TooMuch(command) => format!("带有这些参数的 {command} 超出了模拟节点允许的规模"),
        ActionError::Config(why) => why.clone(),
    }
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
            assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{line}: {chinese}");
            assert_eq!(Lang::En.refused(&error), error.to_string());
        }
    }
}
