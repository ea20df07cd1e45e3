//! What Sentinels think and do.

super::texts! {
    /// Opinions' name.
    opinions: "What each Sentinel thinks", "各个 Sentinel 的看法";
    /// A column.
    sentinel: "Sentinel", "Sentinel";
    /// A column.
    stance: "state", "状态";
    /// A column.
    master: "master", "主节点";
    /// A column.
    agree: "say down", "认为下线";
    /// A column.
    epoch: "epoch", "纪元";
    /// A column.
    vote: "vote", "投票";
    /// A column.
    failover: "failover", "故障转移";
}
