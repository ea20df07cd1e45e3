//! The names of the tabs.

super::texts! {
    /// The tabs as a whole.
    title: "Views", "视图";
    /// A tab.
    node: "Node", "节点";
    /// A tab.
    sentinels: "Sentinels", "哨兵";
    /// A tab.
    replication: "Replication", "复制";
    /// A tab.
    messages: "Messages", "消息";
    /// A tab.
    settings: "Settings", "设置";
    /// A tab.
    log: "Log", "日志";
}
