//! The messages view.

super::texts! {
    /// Its name.
    title: "On their way", "正在传输";
    /// There are none.
    none: "No message is on its way at this moment.", "此刻没有正在传输的消息。";
}
