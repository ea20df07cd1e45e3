//! What keys mean wherever the focus is.

use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent};

use super::App;
use crate::components::controls::Command;
use crate::engine::{Engine, Speed};

/// What uses keys itself: fields, and what opens above the page.
const FIELDS: &str = "dialog, input, select, textarea";
/// What scrolls by arrows, or is gone through by them, once it has the focus.
const ARROWS: &str = "[role=tablist], [role=log], [role=region], [tabindex='0']:not(.node)";
/// What the space bar presses.
const PRESSED: &str = "button, summary, a, label";

/// What a key means.
pub(super) enum Pressed {
    /// Time is stepped through.
    Time(Command),
    /// Nothing is to be chosen.
    Close,
}

impl App {
    /// Keys count wherever the focus is.
    pub(super) fn listen(&self) {
        if let Some(window) = web_sys::window() {
            // Without keys there are still the buttons.
            let _ = window.add_event_listener_with_callback("keydown", self.keys.as_ref().unchecked_ref());
        }
    }
}

/// What a key asks for.
pub(super) fn pressed(event: &KeyboardEvent, engine: &Engine) -> Option<Pressed> {
    if event.ctrl_key() || event.meta_key() || event.alt_key() {
        return None;
    }
    let on = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is_in =
        |wanted: &str| on.as_ref().is_some_and(|element| matches!(element.closest(wanted), Ok(Some(_))));
    if is_in(FIELDS) {
        return None;
    }
    let speed = engine.speed().index();
    let command = match (event.key().as_str(), event.shift_key()) {
        (" ", _) if !is_in(PRESSED) => Command::Play(!engine.is_playing()),
        ("ArrowRight" | "ArrowLeft", _) if is_in(ARROWS) => return None,
        ("ArrowRight", false) => Command::Step,
        ("ArrowLeft", false) => Command::StepBack,
        ("ArrowRight", true) => Command::ToEvent,
        ("ArrowLeft", true) => Command::ToEventBack,
        ("+" | "=", _) => Command::Speed(Speed::at(speed + 1)),
        ("-", _) => Command::Speed(Speed::at(speed.saturating_sub(1))),
        ("Escape", _) => return Some(Pressed::Close),
        _ => return None,
    };
    Some(Pressed::Time(command))
}
