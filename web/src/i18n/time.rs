//! The time controls.

super::texts! {
    /// The time controls' name.
    title: "Time", "时间";
    /// A control.
    play: "Play", "播放";
    /// A control.
    pause: "Pause", "暂停";
    /// A control.
    speed: "Speed", "速度";
    /// A control.
    step: "One step on", "前进一步";
    /// A control.
    step_back: "One step back", "后退一步";
    /// A control.
    to_event: "To the next event", "到下一个事件";
    /// A control.
    to_event_back: "Back to the previous event", "回到上一个事件";
    /// The bar.
    scrub: "The moment that is looked at", "当前查看的时刻";
    /// Told while a frame has too much to do.
    behind: "as fast as it goes", "已达最快速度";
    /// Branches that were left.
    branches: "Other branches", "其他分支";
    /// A branch that was left.
    branch_to: "the one that goes to", "到达以下时刻的分支：";
}
