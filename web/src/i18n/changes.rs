//! What was done to the world, in words.

use picket_sim::{Change, DiskFault, Ways};

use super::Lang;

impl Lang {
    /// What was done to a node, or to the world.
    #[must_use]
    pub fn changed(self, change: &Change) -> String {
        match self {
            Self::En => change.to_string(),
            Self::Zh => in_chinese(change),
        }
    }
}

fn in_chinese(change: &Change) -> String {
    match change {
        Change::Killed => "进程被杀死".to_owned(),
        Change::SwitchedOff => "机器断电".to_owned(),
        Change::Started => "重新启动".to_owned(),
        Change::Wiped => "磁盘被清空".to_owned(),
        Change::Frozen => "进程被冻结".to_owned(),
        Change::Resumed => "进程恢复运行".to_owned(),
        Change::Added => "加入".to_owned(),
        Change::Removed => "永久移除".to_owned(),
        Change::Cut(other, Ways::Both) => format!("与 {other} 之间的线路被切断"),
        Change::Cut(other, Ways::OneWay) => format!("通往 {other} 的线路被切断（单向）"),
        Change::Mended(other) => format!("与 {other} 之间的线路已修复"),
        Change::Parted(group) => format!("网络分区：{} 与其他节点隔离", group.join("、")),
        Change::Healed => "所有线路已修复".to_owned(),
        Change::Reset(other) => format!("与 {other} 之间的连接断开"),
        Change::HalfOpen(other) => format!("丢失了与 {other} 的连接，而对方并不知情（半开连接）"),
        Change::Lossy(Some(other), percent) => format!("与 {other} 之间的线路丢包率为 {percent}%"),
        Change::Lossy(None, percent) => format!("所有线路丢包率为 {percent}%"),
        Change::Slowed(Some((other, Ways::Both)), latency) => {
            format!("与 {other} 之间的线路延迟为 {latency}")
        }
        Change::Slowed(Some((other, Ways::OneWay)), latency) => {
            format!("通往 {other} 的线路延迟为 {latency}（单向）")
        }
        Change::Slowed(None, latency) => format!("所有线路延迟为 {latency}"),
        Change::Delayed(message, by) => format!("消息 {message} 被推迟 {by}"),
        Change::Lost(message, after) => format!("消息 {message} 丢失，{after} 后重传"),
        Change::Disk(DiskFault::None) => "磁盘恢复正常".to_owned(),
        Change::Disk(DiskFault::Full) => "磁盘写满".to_owned(),
        Change::Disk(DiskFault::Flaky(percent)) => format!("磁盘不稳定：{percent}% 的写入失败"),
        Change::SlowDisk(latency) => format!("磁盘写入耗时 {latency}"),
        Change::ClockJumped(by_ms) => format!("系统时钟跳变 {by_ms} 毫秒"),
        Change::Answers(answering) => format!("应答方式：{answering:?}"),
        Change::WritesAgain => "继续写入".to_owned(),
        Change::WritesNoMore => "停止写入".to_owned(),
        Change::WaitsFor(0) => "写入后不再等待副本确认".to_owned(),
        Change::WaitsFor(replicas) => format!("每次写入后等待 {replicas} 个副本确认（WAIT）"),
        Change::Named(name, ips) if ips.is_empty() => format!("域名 {name} 已不存在"),
        Change::Named(name, ips) => {
            let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
            format!("域名 {name} 解析为 {}", ips.join("、"))
        }
        Change::ResolvesNoMore => "无法解析域名".to_owned(),
        Change::ResolvesAgain => "可以解析域名了".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;
    use crate::line::Kind;

    #[test]
    fn whatever_is_done_by_hand_is_told_in_chinese() {
        let text = "redis 3\nwriter 50ms".parse().expect("a scenario");
        let mut engine = Engine::open(text).expect("it can be shown");
        for line in [
            "freeze redis-2",
            "resume redis-2",
            "wipe redis-3",
            "cut redis-1 redis-2",
            "cut redis-1 -> sentinel-1",
            "mend redis-1 redis-2",
            "partition redis-1 writer-1",
            "heal",
            "reset redis-1 redis-2",
            "latency redis-1 redis-2 100ms",
            "latency redis-1 -> redis-2 1s",
            "latency 1ms",
            "loss 5%",
            "loss redis-1 redis-2 5%",
            "half-open redis-2 redis-1",
            "disk redis-1 full",
            "disk redis-1 flaky 50",
            "slow-disk redis-1 200ms..400ms",
            "disk redis-1 ok",
            "names redis-1 off",
            "names redis-1 on",
            "clock redis-1 +5000",
            "writes writer-1 off",
            "writes writer-1 on",
            "waits writer-1 1",
            "waits writer-1 0",
            "add sentinel-4",
            "remove sentinel-4",
            "kill redis-1",
            "start redis-1",
            "off redis-1",
        ] {
            let told = engine.world().transcript().len();
            engine.inject(line).unwrap_or_else(|why| panic!("{line}: {why}"));
            let lines = engine.lines(engine.world().transcript().len() - told);
            let deed = lines.iter().find(|line| line.kind == Kind::Deed);
            let deed = deed.unwrap_or_else(|| panic!("{line} is not told"));
            let chinese = deed.what(Lang::Zh);
            assert!(chinese.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{line}: {chinese}");
            assert_eq!(deed.what(Lang::En), deed.what, "{line}");
        }
    }
}
