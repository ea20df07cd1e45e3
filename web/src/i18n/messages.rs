//! The messages view.

super::texts! {
    /// Its name.
    title: "Who told whom what", "谁对谁说了什么";
    /// There are none.
    none: "No such message in this time. Play, look further back, or take in more topics.", "这段时间内没有这样的消息。请播放、扩大时间范围，或选择更多类别。";
    /// Older ones are left out.
    cut: "Only the latest messages are drawn.", "只绘制了最近的消息。";
    /// How far back.
    span: "The last", "最近";
    /// A filter.
    topics: "Messages about", "消息类别";
    /// A filter.
    nodes: "Nodes", "节点";
    /// The same without a drawing.
    as_text: "As a list", "以列表显示";
    /// Of a message that has not arrived.
    open: "on its way", "传输中";
    /// To the moment when it was sent.
    go: "Go to this moment", "转到这一时刻";
    /// As a file.
    save: "Save as SVG", "保存为 SVG";
}
