//! What Sentinels think and do.

super::texts! {
    /// The table of replicas.
    choice: "Why this replica", "为什么是这个副本";
    /// A column.
    candidate: "replica", "副本";
    /// A column.
    in_sync: "in sync", "已同步";
    /// A column.
    priority: "priority", "优先级";
    /// A column.
    offset: "offset", "偏移量";
    /// A column.
    run_id: "run id", "run id";
    /// It is.
    yes: "yes", "是";
    /// It is not.
    no: "no", "否";
    /// The drawing.
    machine: "The failover, state by state", "故障转移的各个状态";
    /// The list below.
    why: "Why", "原因";
    /// A column.
    epochs: "epoch", "纪元";
    /// What it means.
    epochs_hint: "the highest epoch it heard of, and that of the configuration in force", "它听说过的最高纪元，以及当前生效配置的纪元";
    /// Its process does not run.
    not_running: "does not run", "未运行";
    /// An edge.
    abort_votes: "not elected, or a newer leader", "没有当选，或出现更新的领导者";
    /// An edge.
    abort_no_replica: "no replica fits", "没有合适的副本";
    /// An edge.
    abort_promotion: "no promotion within failover-timeout", "failover-timeout 内没有完成晋升";
    /// Opinions' name.
    opinions: "What each Sentinel thinks", "各个哨兵的看法";
    /// A column.
    sentinel: "Sentinel", "哨兵";
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
