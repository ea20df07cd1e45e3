//! The time controls: play and pause, steps, speed, and the bar with the events on it.

use std::rc::Rc;

use picket_sansio::Time;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::engine::{Engine, Mark, Speed};
use crate::i18n::Lang;
use crate::line::seconds;

/// What the controls ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Time goes on by itself, or stands still.
    Play(bool),
    /// The next thing happens.
    Step,
    /// The last thing is taken back.
    StepBack,
    /// On to the next event.
    ToEvent,
    /// Back to the previous event.
    ToEventBack,
    /// So fast.
    Speed(Speed),
    /// To a moment, counted from the beginning.
    Seek(u64),
    /// To a branch that was left.
    Branch(usize),
}

impl Command {
    pub(crate) fn carry_out(self, engine: &mut Engine) {
        match self {
            Self::Play(playing) => engine.set_playing(playing),
            Self::Step => engine.step(),
            Self::StepBack => engine.step_back(),
            Self::ToEvent => {
                engine.step_to_event();
            }
            Self::ToEventBack => engine.step_back_to_event(),
            Self::Speed(speed) => engine.set_speed(speed),
            Self::Seek(to_us) => engine.seek_us(to_us),
            Self::Branch(index) => engine.switch_branch(index),
        }
    }
}

/// What it shows, and who is told.
pub(crate) struct Props {
    pub(crate) now_us: u64,
    pub(crate) end_us: u64,
    pub(crate) first: Time,
    pub(crate) marks: Rc<[Mark]>,
    pub(crate) playing: bool,
    pub(crate) speed: Speed,
    pub(crate) behind: bool,
    pub(crate) branches: Vec<u64>,
    pub(crate) lang: Lang,
    pub(crate) on_command: Callback<Command>,
}

/// The controls.
pub(crate) fn controls(props: &Props) -> Html {
    let texts = props.lang.texts();
    let button = |name: &'static str, key: &'static str, sign: &'static str, command: Command| {
        let on_command = props.on_command.clone();
        let title = format!("{name} ({key})");
        html! {
            <button type="button" {title} aria-label={name} onclick={move |_| on_command.emit(command)}>
                <svg viewBox="0 0 24 24" aria-hidden="true"><path d={sign} /></svg>
            </button>
        }
    };
    let (play_name, play_sign) = if props.playing {
        (texts.time.pause, "M6 4h4v16H6zM14 4h4v16h-4z")
    } else {
        (texts.time.play, "M6 4l14 8-14 8z")
    };
    let number = |event: InputEvent| -> Option<u64> {
        let input: HtmlInputElement = event.target()?.dyn_into().ok()?;
        input.value().parse().ok()
    };
    let on_seek = {
        let on_command = props.on_command.clone();
        move |event: InputEvent| {
            if let Some(ms) = number(event) {
                on_command.emit(Command::Seek(ms.saturating_mul(1_000)));
            }
        }
    };
    let on_speed = {
        let on_command = props.on_command.clone();
        move |event: InputEvent| {
            if let Some(index) = number(event) {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                on_command.emit(Command::Speed(Speed::at(index)));
            }
        }
    };
    let end_ms = props.end_us.div_ceil(1_000).max(1);
    let mark = |mark: &Mark| {
        let at_us = mark.at.0.saturating_sub(props.first.0);
        let permyriad = at_us.saturating_mul(10_000) / props.end_us.max(1);
        let style = format!("left:{}.{:02}%", permyriad / 100, permyriad % 100);
        html! { <i class={classes!("mark", mark.kind.class())} {style} /> }
    };
    html! {
        <div class="controls" role="group" aria-label={texts.time.title}>
            <div class="bar">
                <div class="marks" aria-hidden="true">{ for props.marks.iter().map(mark) }</div>
                <input type="range" min="0" max={end_ms.to_string()} step="1" aria-label={texts.time.scrub}
                    aria-valuetext={seconds(props.now_us)} value={(props.now_us / 1_000).to_string()} oninput={on_seek} />
            </div>
            <div class="buttons">
                { button(texts.time.to_event_back, "Shift+←", "M4 5h3v14H4zM20 5v14l-11-7z", Command::ToEventBack) }
                { button(texts.time.step_back, "←", "M16 5v14L5 12zM18 5h2v14h-2z", Command::StepBack) }
                <span class="play">{ button(play_name, "Space", play_sign, Command::Play(!props.playing)) }</span>
                { button(texts.time.step, "→", "M4 5h2v14H4zM8 5v14l11-7z", Command::Step) }
                { button(texts.time.to_event, "Shift+→", "M4 5v14l11-7zM17 5h3v14h-3z", Command::ToEvent) }
                <output class="time">{ seconds(props.now_us) }</output>
                <label class="speed">
                    <span>{ texts.time.speed }</span>
                    <input type="range" min="0" max={(Speed::ALL.len() - 1).to_string()} step="1"
                        aria-valuetext={props.speed.to_string()} value={props.speed.index().to_string()} oninput={on_speed} />
                    <b>{ props.speed.to_string() }</b>
                </label>
                if props.behind { <em>{ texts.time.behind }</em> }
            </div>
            if !props.branches.is_empty() {
                <div class="branches">
                    <span>{ texts.time.branches }</span>
                    { for props.branches.iter().enumerate().map(|(index, end_us)| {
                        let on_command = props.on_command.clone();
                        html! {
                            <button type="button" onclick={move |_| on_command.emit(Command::Branch(index))}>
                                <span class="unseen">{ texts.time.branch_to }{ " " }</span>{ seconds(*end_us) }
                            </button>
                        }
                    }) }
                </div>
            }
        </div>
    }
}
