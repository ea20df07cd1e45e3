//! Replication, backlogs and writes.

super::texts! {
    /// A ring's name, before that of its node.
    backlog_of: "Backlog of", "积压缓冲区：";
    /// All rings.
    backlogs: "Backlogs", "复制积压缓冲区";
    /// Rings that nobody reads from.
    backlogs_idle: "Nobody reads from:", "无人读取：";
    /// Offsets in it.
    backlog_holds: "holds bytes", "保存的字节范围";
    /// Offsets that are gone.
    overwritten: "no longer here", "已不在其中";
    /// None are.
    overwritten_none: "nothing", "无";
    /// A column.
    replica: "replica", "副本";
    /// A column.
    state: "state", "状态";
    /// A column.
    acked: "acknowledged", "已确认到";
    /// A column.
    lag: "lag (bytes)", "落后（字节）";
    /// Behind a lag that the backlog cannot serve.
    lag_gone: " – overwritten", "——已被覆盖";
    /// What replicas asked for.
    asked: "What replicas asked for", "副本的同步请求";
    /// Nobody has.
    asked_none: "Nobody has asked for anything yet.", "还没有同步请求。";
    /// Before the beginning.
    before: "before", "此前";
    /// A decision.
    partial: "partial, goes on with the next byte", "部分同步，从下一字节继续";
    /// A decision.
    full: "full, a snapshot", "全量同步，发送快照";
    /// A decision.
    refused: "refused", "被拒绝";
    /// No client writes.
    writes_none: "No client writes here.", "没有客户端写入。";
    /// Of a data node.
    offset: "offset", "偏移量";
    /// Of a data node.
    history: "history", "复制历史";
    /// Of a data node.
    history_before: "before that", "此前的历史";
    /// Of a data node.
    keys_held: "keys", "键";
    /// Of a data node.
    syncs: "full / partial / refused", "全量 / 部分 / 被拒";
    /// Of a data node.
    backlog: "Backlog", "复制积压缓冲区";
    /// It has none.
    backlog_none: "There is none: nobody follows this node.", "没有：无人跟随该节点。";
    /// Length.
    backlog_len: "bytes held", "已保存字节";
    /// Replicas' name.
    replicas: "Replicas", "副本";
    /// A writer.
    acknowledged: "acknowledged", "已确认";
    /// A writer.
    failed: "failed", "失败";
    /// All writers.
    lost: "lost", "丢失";
    /// What it means.
    lost_hint: "acknowledged writes that the present master does not have", "已确认但当前主节点没有的写入";
    /// All writers.
    writes: "Writes", "写入";
}
