//! What the page is made of. All take plain values and send messages; none knows the engine's inside.
//!
//! Components are those that keep something (a place in a list, what is pointed at) or that are seldom another than they
//! were; what is drawn with every picture anyway is a function, which weighs a third.

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
