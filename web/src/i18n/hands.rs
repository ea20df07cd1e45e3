//! What can be done to what is chosen on the stage.

use super::Lang;

super::texts! {
    /// Its name.
    title: "What is chosen", "所选内容";
    /// Nothing is chosen.
    hint: "Choose a node or a wire. Shift-click or the space bar adds a node; a line drawn across the stage chooses all on one side.", "选择一个节点或一条线路。Shift 加点击或空格键可追加节点；在舞台上划一条线可选中其一侧的所有节点。";
    /// Chooses nothing.
    close: "Choose nothing", "取消选择";
    /// All wires.
    heal: "Mend all wires", "修复所有线路";
    /// What it does.
    heal_hint: "Everything passes everywhere again.", "所有线路恢复畅通。";
    /// A wire.
    cut: "Cut", "切断";
    /// What it does.
    cut_hint: "Nothing passes any more, either way.", "两个方向都不再通过任何数据。";
    /// What it does one way.
    cut_one_hint: "Nothing passes this way any more; the way back stays open.", "这个方向不再通过任何数据，反方向保持畅通。";
    /// A wire.
    mend: "Mend", "修复";
    /// What it does.
    mend_hint: "Everything passes again, both ways.", "两个方向都恢复畅通。";
    /// A wire.
    latency: "Latency", "延迟";
    /// What it does.
    latency_hint: "How long every message takes from now on, either way.", "从现在起每条消息单程所需的时间。";
    /// What it does one way.
    latency_one_hint: "How long every message takes this way from now on; the way back stays as it is.", "从现在起这个方向上每条消息所需的时间，反方向不变。";
    /// A wire.
    reset: "Reset connections", "重置连接";
    /// What it does.
    reset_hint: "The connections between the two break, and both see it.", "两者之间的连接断开，双方都会察觉。";
    /// A group.
    partition: "Set apart", "隔离";
    /// What it does.
    partition_hint: "Cuts all wires between the chosen nodes and all others.", "切断所选节点与其他所有节点之间的线路。";
    /// A message.
    delay: "Delay by", "推迟";
    /// What it does.
    delay_hint: "It arrives so much later, and what follows it on its connection waits.", "它会晚到这么久，同一连接上后面的消息也要等待。";
    /// A message.
    lose: "Lose it", "丢弃";
    /// What it does.
    lose_hint: "TCP sends it again after its time-out.", "TCP 会在超时后重新发送。";
}

impl Lang {
    /// So many nodes.
    #[must_use]
    pub fn nodes(self, count: usize) -> String {
        match self {
            Self::En => format!("{count} nodes"),
            Self::Zh => format!("{count} 个节点"),
        }
    }
}
