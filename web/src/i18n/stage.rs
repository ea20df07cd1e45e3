//! The stage and its legend.

super::texts! {
    /// The stage's name.
    title: "The deployment", "部署";
    /// How the stage is used.
    stage_hint: "Choose a node to see what it knows and to do something to it.", "选择一个节点，查看它的状态并对它进行操作。";
    /// What colours and shapes mean.
    legend: "What it means", "图例";
    /// Of the wires.
    cut: "cut wire", "被切断的连线";
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
