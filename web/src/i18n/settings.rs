//! The shape of the deployment and its settings.

use super::Lang;
use crate::settings::{Setting, Wrong};

super::texts! {
    /// Adding and removing nodes.
    topology: "Nodes come and go", "节点来去";
    /// Adds a data node.
    add_redis: "Add a data node", "添加数据节点";
    /// Adds a Sentinel.
    add_sentinel: "Add a Sentinel", "添加哨兵";
    /// Adds a client.
    add_writer: "Add a client", "添加客户端";
    /// Which node leaves.
    leaves: "This one leaves for good", "永久移除";
    /// Removes it.
    remove: "Remove", "移除";
    /// Settings while the world runs.
    live: "Settings, from this moment on", "设置（从此刻起生效）";
    /// Of all Sentinels.
    of_sentinels: "All Sentinels (SENTINEL SET)", "所有哨兵（SENTINEL SET）";
    /// Of all data nodes.
    of_redis: "All data nodes (CONFIG SET)", "所有数据节点（CONFIG SET）";
    /// Of one.
    of_one: "One data node (CONFIG SET)", "单个数据节点（CONFIG SET）";
    /// A node.
    node: "node", "节点";
    /// Does it.
    set: "Set", "设置";
    /// A new world.
    new: "A new world", "新的世界";
    /// What becomes of this one.
    new_hint: "It takes the place of this one. Share first what you want to keep.", "它会取代当前的世界。想保留的请先分享。";
    /// Begins it.
    begin: "Start anew", "重新开始";
    /// How it is kept.
    hint: "Whatever you set is done to the world at this moment: going back in time takes it back, and links hold it.", "每项设置都是此刻对世界做的操作：回到过去即可撤销，分享的链接也会包含它。";
}

impl Lang {
    /// What a setting is about.
    #[must_use]
    pub fn setting(self, setting: &Setting) -> &'static str {
        match (setting.word, self) {
            ("redis", Self::En) => "data nodes",
            ("redis", Self::Zh) => "数据节点数量",
            ("sentinels", Self::En) => "Sentinels",
            ("sentinels", Self::Zh) => "哨兵数量",
            ("seed", Self::En) => "seed of chance",
            ("seed", Self::Zh) => "随机种子",
            ("writer", Self::En) => "a client writes every",
            ("writer", Self::Zh) => "客户端写入间隔",
            (word, _) => word,
        }
    }

    /// Why a value is not taken.
    #[must_use]
    pub fn wrong(self, wrong: Wrong) -> String {
        let Setting { min, max, .. } = wrong.0;
        let name = self.setting(&wrong.0);
        match self {
            Self::En => format!("{name}: a whole number from {min} to {max}, please."),
            Self::Zh => format!("{name}：请输入 {min} 到 {max} 的整数。"),
        }
    }
}
