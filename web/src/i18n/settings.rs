//! The shape of the deployment and its settings.

super::texts! {
    /// The list's name.
    topology: "Topology", "拓扑";
    /// Data nodes.
    data_nodes: "Data nodes", "数据节点";
    /// Sentinels.
    sentinels: "Sentinels", "Sentinel（哨兵）";
    /// Clients.
    writers: "Clients that write", "写入客户端";
}
