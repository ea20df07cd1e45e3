//! The scenarios that the page brings along: those of the simulator's tests, and the world that it shows first.

/// What the page shows before anything is chosen: three data nodes, three Sentinels, and a client that writes.
pub const FIRST: &str = "redis 3\nsentinels 3\nquorum 2\nwriter 50ms\n";

/// A scenario that the page brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What links call it.
    pub name: &'static str,
    /// Its title in Chinese; the English one stands in its text.
    chinese: &'static str,
    text: &'static str,
}

macro_rules! entries {
    ($($file:literal $chinese:literal;)*) => {
        /// All of them, in the order in which they are offered.
        pub const ALL: &[Entry] = &[$(Entry {
            name: $file,
            chinese: $chinese,
            text: include_str!(concat!("../../crates/sim/scenarios/", $file, ".txt")),
        },)*];
    };
}

entries! {
    "01-replication" "复制，一步一步来";
    "02-psync" "PSYNC：部分还是全量";
    "03-sdown-odown" "SDOWN 与 ODOWN";
    "04-election" "每个纪元一票";
    "05-choosing-the-replica" "选择副本";
    "06-return-of-the-master" "旧主节点归来";
    "07-two-sentinels" "两个哨兵，法定人数为 1";
    "08-writes-on-both-sides" "两边都在写入";
    "09-min-replicas-to-write" "min-replicas-to-write";
    "10-split-vote" "选票分散";
    "11-tilt" "TILT";
    "12-frozen-master" "主节点停住不动";
    "13-empty-master" "主节点带着空数据重启";
    "14-half-open-link" "断电的机器一声不响";
    "15-leader-dies" "领导者宕机";
    "16-planned-failover" "SENTINEL FAILOVER";
    "17-psync-after-failover" "副本无需全量复制";
    "18-no-good-replica" "没有合适的副本";
    "19-wait" "WAIT";
    "20-nodes-come-and-go" "节点来来去去";
    "21-settings" "运行中修改设置";
    "22-loss" "会丢包的线路";
    "23-twice-the-same-replica" "同一个副本出现两次";
    "24-coordinated-failover" "SENTINEL FAILOVER COORDINATED：协调式切换";
    "25-failover-to" "SENTINEL FAILOVER TO：指定副本";
    "26-replica-cannot-catch-up" "副本追不上主节点";
    "27-master-dies-handing-over" "主节点在切换途中宕机";
    "28-leader-dies-handing-over" "切换途中领导者宕机";
    "29-forget" "SENTINEL FORGET";
    "30-reset-and-death" "RESET 之后主节点宕机";
    "31-master-without-failover" "没有 FAILOVER 命令的主节点";
    "32-reset-and-slow-death" "RESET 之后，很晚才发现的宕机";
    "33-reset-and-restart" "RESET 与刚刚重启的主节点";
    "34-wait-after-every-write" "每次写入之后都 WAIT";
    "35-wait-counts-once" "WAIT 只把一个副本计一次";
    "36-slow-wires" "缓慢的线路";
    "37-reset-after-calm" "平静许久之后 RESET，随后主节点宕机";
    "38-forget-refused" "活着的节点不会被 FORGET";
    "39-held-up-while-the-master-dies" "主节点宕机时所有哨兵都被挂起";
    "40-rivals-behind-a-stall" "同一纪元的两份配置，与一次停顿";
    "41-reset-in-tilt" "TILT 期间的 RESET 与归来的主节点";
    "42-copy-of-an-old-replica" "向落后的副本取一份拷贝";
    "43-forget-behind-reset" "RESET 之后的 FORGET";
    "44-rival-is-dead" "两份配置，其中一个主节点已宕机";
}

impl Entry {
    /// Its title in English and Chinese.
    #[must_use]
    pub fn titles(&self) -> (&'static str, &'static str) {
        let title = self.text.lines().find_map(|line| line.strip_prefix("title "));
        (title.unwrap_or(self.name), self.chinese)
    }

    /// It.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use picket_sim::Scenario;

    use super::*;
    use crate::engine::Engine;

    #[test]
    fn every_scenario_of_the_simulator_is_here() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/sim/scenarios");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|file| file.expect("it can be read").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let names: Vec<String> = ALL.iter().map(|entry| format!("{}.txt", entry.name)).collect();
        assert_eq!(names, files);
    }

    #[test]
    fn each_can_be_shown_and_has_its_title() {
        for entry in ALL {
            let scenario: Scenario = entry.text().parse().expect(entry.name);
            assert_eq!(entry.titles().0, scenario.setup.title);
            if let Err(why) = Engine::open(scenario) {
                panic!("{}: {why}", entry.name);
            }
        }
    }
}
