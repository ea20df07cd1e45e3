//! Replication, backlogs and writes.

super::texts! {
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
    /// First byte.
    backlog_first: "first byte", "首字节";
    /// Length.
    backlog_len: "bytes held", "已保存字节";
    /// Size.
    backlog_size: "room", "容量";
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
