//! What happened.

super::texts! {
    /// The log's name.
    title: "What happened", "事件记录";
    /// The log is empty.
    empty: "Nothing yet. Press play, or kill the master.", "还没有事件。点击播放，或者杀死主节点。";
    /// Before a reason.
    why: "why", "原因";
}
