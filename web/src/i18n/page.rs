//! What the page as a whole says.

super::texts! {
    /// Beside the logo.
    playground: "playground", "演练场";
    /// Under it.
    tagline: "This is no model of Picket: it is Picket, in a simulated world.", "这不是 Picket 的模型，而是运行在模拟世界中的 Picket 本身。";
    /// The choice of the language.
    language: "Language", "语言";
    /// Keys.
    keys: "Space: play or pause · ← →: a step · Shift+← →: an event · − +: speed · Esc: close", "空格：播放/暂停 · ← →：单步 · Shift+← →：按事件 · − +：速度 · Esc：关闭";
    /// Closes the panel.
    close: "Close", "关闭";
    /// The world stopped.
    violation: "A property that must hold was violated:", "必须成立的性质被违反：";
    /// Nothing.
    nobody: "nobody", "无";
}
