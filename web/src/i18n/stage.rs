//! The stage and its legend.

super::texts! {
    /// The stage's name.
    title: "The deployment", "部署";
    /// How the stage is used.
    stage_hint: "Choose a node to see what it knows and to do something to it.", "选择一个节点，查看它的状态并对它进行操作。";
    /// What colours and shapes mean.
    legend: "What it means", "图例";
    /// Of the wires.
    cut: "cut wire", "被切断的线路";
    /// Of the wires.
    slow: "slow wire, and how long it takes", "慢线路及其延迟";
    /// A group of the legend.
    data_nodes: "Data nodes", "数据节点";
    /// A group of the legend.
    sentinels: "Sentinels", "哨兵";
    /// A group of the legend.
    all_nodes: "Processes", "进程";
    /// A group of the legend.
    wires: "Wires and messages", "线路与消息";
    /// Of a data node.
    is_sdown: "SDOWN: some Sentinel thinks that it is down", "SDOWN：有哨兵认为它主观下线";
    /// Of a data node.
    is_odown: "ODOWN: enough Sentinels do", "ODOWN：足够多的哨兵同意，它客观下线";
    /// Of a Sentinel.
    thinks_sdown: "thinks that the master is down (SDOWN)", "认为主节点主观下线（SDOWN）";
    /// Of a Sentinel.
    knows_odown: "knows that enough agree (ODOWN)", "得知主节点客观下线（ODOWN）";
    /// A kind of node.
    client: "client, with its acknowledged writes", "客户端及其已确认的写入数";
    /// Powers of nodes.
    killed_or_off: "killed, or powered off", "已杀死或断电";
    /// A data node.
    promoting: "being promoted", "正在晋升";
    /// A node's power.
    running: "running", "运行中";
    /// A node's power.
    frozen: "frozen", "已冻结";
    /// A node's power.
    killed: "killed", "已杀死";
    /// A node's power.
    powered_off: "powered off", "已断电";
}
