//! What the page is made of. Components take plain values and send messages; none of them knows the engine's inside.

pub(crate) mod choice;
pub(crate) mod chooser;
pub(crate) mod console;
pub(crate) mod controls;
pub(crate) mod deeds;
pub(crate) mod hands;
pub(crate) mod legend;
pub(crate) mod lesson_card;
pub(crate) mod log;
pub(crate) mod machine;
pub(crate) mod messages;
pub(crate) mod narration;
pub(crate) mod node_panel;
pub(crate) mod opinions;
pub(crate) mod replication;
pub(crate) mod ring;
pub(crate) mod settings;
pub(crate) mod share;
mod sign;
pub(crate) mod stage;
mod stage_events;
mod stage_messages;
pub(crate) mod stage_node;
pub(crate) mod tabs;
pub(crate) mod writes;
