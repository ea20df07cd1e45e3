//! The console of a node.

super::texts! {
    /// Its name.
    title: "Console", "控制台";
    /// Nothing was typed.
    empty: "Real commands for the real node, as in redis-cli. Each has a connection of its own; arrow up brings earlier ones back.", "向真实节点发送真实命令，就像使用 redis-cli 一样。每条命令使用单独的连接；按上方向键可调出之前的命令。";
    /// The line.
    command: "Command", "命令";
    /// Sends it.
    send: "Send", "发送";
    /// No answer so far.
    waits: "… waiting for an answer", "……等待应答";
    /// While time stands still.
    let_pass: "Let time pass until it answers", "让时间前进，直到收到应答";
}
