//! A vote leaves only after it is on disk: what the voter would read after a crash at this moment
//! keeps it from voting again in that epoch (design.md, "Durability").

use alloc::format;
use alloc::string::String;

use super::{GivenVote, Observation};
use crate::world::World;

pub(crate) fn check(world: &World, what: &Observation<'_>) -> Result<(), String> {
    let Observation::Answered { by, request, reply } = what else { return Ok(()) };
    let Some(vote) = GivenVote::read(world, request, reply) else { return Ok(()) };
    // The model of a stock Sentinel stands still while it writes, and has no text.
    #[cfg(feature = "scale")]
    if matches!(world.node(*by).program, crate::node::Program::Stock(_)) {
        return Ok(());
    }
    let on_disk = world.node(*by).disk.number("leader-epoch", &vote.master).unwrap_or(0);
    if on_disk >= vote.epoch {
        return Ok(());
    }
    Err(format!(
        "{} gave its vote about {} in epoch {}, its disk knows epoch {on_disk}",
        world.name(*by),
        vote.master,
        vote.epoch
    ))
}
