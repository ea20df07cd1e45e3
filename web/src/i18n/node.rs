//! A chosen node: what it is, and what can be done to it.

super::texts! {
    /// A deed.
    kill: "Kill", "杀死";
    /// What it does.
    kill_hint: "The process ends at once, as by kill -9.", "进程立即结束，如同 kill -9。";
    /// A deed.
    off: "Power off", "断电";
    /// What it does.
    off_hint: "The machine is gone: nobody gets an answer.", "机器消失：任何请求都得不到应答。";
    /// A deed.
    start: "Start", "启动";
    /// What it does.
    start_hint: "Starts the process again.", "重新启动进程。";
    /// A deed.
    freeze: "Freeze", "冻结";
    /// What it does.
    freeze_hint: "SIGSTOP: the process stands still, its kernel goes on.", "SIGSTOP：进程停住，内核继续工作。";
    /// A deed.
    resume: "Resume", "恢复";
    /// What it does.
    resume_hint: "SIGCONT: the process goes on.", "SIGCONT：进程继续运行。";
    /// A deed.
    isolate: "Isolate", "隔离";
    /// What it does.
    isolate_hint: "Cuts all wires between this node and the others.", "切断该节点与其他节点之间的所有线路。";
    /// A deed.
    write_off: "Stop writing", "停止写入";
    /// A deed.
    write_on: "Write again", "继续写入";
    /// Further deeds.
    more: "More", "更多";
    /// A deed.
    wipe: "Wipe the disk", "清空磁盘";
    /// What it does.
    wipe_hint: "The process ends, and starts over with an empty disk.", "进程结束，并以空磁盘重新开始。";
    /// A deed.
    clock_on: "Clock +5 s", "时钟 +5 秒";
    /// A deed.
    clock_back: "Clock −5 s", "时钟 −5 秒";
    /// What it does.
    clock_hint: "The calendar clock of this machine jumps.", "这台机器的系统时钟发生跳变。";
    /// A deed.
    disk_full: "Disk full", "磁盘写满";
    /// What it does.
    disk_full_hint: "Every write to the disk fails.", "所有磁盘写入都失败。";
    /// A deed.
    disk_flaky: "Disk flaky", "磁盘不稳定";
    /// What it does.
    disk_flaky_hint: "About half of all writes to the disk fail.", "约一半的磁盘写入失败。";
    /// A deed.
    disk_slow: "Disk slow", "磁盘变慢";
    /// What it does.
    disk_slow_hint: "A write to the disk takes 200 to 400 ms.", "每次磁盘写入需要 200 到 400 毫秒。";
    /// A deed.
    disk_ok: "Disk well again", "磁盘恢复正常";
    /// A line of text as a deed.
    deed: "Do something else", "其他操作";
    /// An example of it.
    deed_example: "cut redis-1 -> sentinel-1", "cut redis-1 -> sentinel-1";
    /// Does it.
    deed_do: "Do it", "执行";
    /// Of its process.
    process: "process", "进程";
    /// Of a data node.
    address: "address", "地址";
    /// Of a data node.
    role: "role", "角色";
    /// Of a data node.
    follows: "follows", "跟随";
}
