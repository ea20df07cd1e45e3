//! Why a replica may go on from where it was or needs everything, and what became of writes, in sentences.

use super::Lang;
use crate::picture::Why;

impl Lang {
    /// Why a replica got what it got.
    #[must_use]
    pub fn why_synced(self, why: &Why) -> String {
        match (why, self) {
            (Why::SameHistory(lacks), Self::En) => {
                format!("the same history; it lacks {lacks} bytes, and the backlog has them.")
            }
            (Why::SameHistory(lacks), Self::Zh) => {
                format!("复制历史相同；缺少 {lacks} 字节，积压缓冲区中都有。")
            }
            (Why::PreviousHistory(lacks), Self::En) => {
                format!(
                    "the history before the last promotion (replid2); it lacks {lacks} bytes, and the backlog has them."
                )
            }
            (Why::PreviousHistory(lacks), Self::Zh) => {
                format!("上次晋升之前的复制历史（replid2）；缺少 {lacks} 字节，积压缓冲区中都有。")
            }
            (Why::Nothing, Self::En) => "it has nothing to go on from.".to_owned(),
            (Why::Nothing, Self::Zh) => "它没有可以继续的数据。".to_owned(),
            (Why::UnknownHistory { asked, replid }, Self::En) => {
                format!("its history {asked} is not known here; this one is {replid}.")
            }
            (Why::UnknownHistory { asked, replid }, Self::Zh) => {
                format!("这里不认识它的复制历史 {asked}；当前历史是 {replid}。")
            }
            (Why::Diverged { asked, parted }, Self::En) => {
                format!("it wants byte {asked} of the old history, which parted from ours at {parted}.")
            }
            (Why::Diverged { asked, parted }, Self::Zh) => {
                format!("它请求旧历史的第 {asked} 字节，但双方在 {parted} 处已经分叉。")
            }
            (Why::NoBacklog, Self::En) => "there is no backlog.".to_owned(),
            (Why::NoBacklog, Self::Zh) => "没有积压缓冲区。".to_owned(),
            (Why::TooOld { asked, first, missing }, Self::En) => {
                format!(
                    "byte {asked} is no longer in the backlog, which begins with {first}: {missing} bytes are missing."
                )
            }
            (Why::TooOld { asked, first, missing }, Self::Zh) => {
                format!("第 {asked} 字节已不在积压缓冲区中，其中的数据从 {first} 开始：缺失 {missing} 字节。")
            }
            (Why::Ahead { asked, offset }, Self::En) => {
                format!("it wants byte {asked}, and there are only {offset}.")
            }
            (Why::Ahead { asked, offset }, Self::Zh) => {
                format!("它请求第 {asked} 字节，而这里只有 {offset} 字节。")
            }
            (Why::Error(error), _) => (*error).to_owned(),
        }
    }

    /// What followed the answer to PSYNC.
    #[must_use]
    pub fn stream_bytes(self, bytes: u64) -> String {
        match self {
            Self::En => {
                format!("then {bytes} bytes of snapshot and stream within 200 ms; the console hung up")
            }
            Self::Zh => format!("随后 200 毫秒内收到 {bytes} 字节的快照和复制流；控制台已断开连接"),
        }
    }

    /// On so many replicas.
    #[must_use]
    pub fn on_replicas(self, copies: usize) -> String {
        match (copies, self) {
            (0, Self::En) => "on one node only".to_owned(),
            (0, Self::Zh) => "仅在一个节点上".to_owned(),
            (1, Self::En) => "on 1 replica".to_owned(),
            (copies, Self::En) => format!("on {copies} replicas"),
            (copies, Self::Zh) => format!("在 {copies} 个副本上"),
        }
    }

    /// The first lost writes by their numbers.
    #[must_use]
    pub fn lost_writes(self, first: &[u64], all: u64) -> String {
        let names: Vec<String> = first.iter().map(u64::to_string).collect();
        let more = all.saturating_sub(first.len() as u64);
        match (self, more) {
            (Self::En, 0) => format!("Lost: {}.", names.join(", ")),
            (Self::En, more) => format!("Lost: {} and {more} more.", names.join(", ")),
            (Self::Zh, 0) => format!("丢失的写入：{}。", names.join("、")),
            (Self::Zh, more) => format!("丢失的写入：{} 等，另有 {more} 个。", names.join("、")),
        }
    }
}
