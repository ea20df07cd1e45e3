//! The failover state machine, with the states lit in which Sentinels are.

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{Abort, Progress, State};

/// Names that are written into a state; more are counted.
const NAMES_MAX: usize = 4;
/// How long an abort is seen.
const ABORT_SEEN_US: u64 = 1_500_000;

/// The drawing. What it shows stands in words below it.
pub(crate) fn machine(all: &[Progress], lang: Lang) -> Html {
    let texts = &lang.texts().sentinels;
    let aborted = |wanted: &[Abort]| {
        let is_it = |one: &Progress| {
            one.abort.is_some_and(|(abort, ago_us)| wanted.contains(&abort) && ago_us < ABORT_SEEN_US)
        };
        all.iter().any(is_it)
    };
    let edge = |d: &'static str| html! { <path class="edge" {d} /> };
    let abort = |d: &'static str, title: &'static str, wanted: &[Abort]| {
        let lit = aborted(wanted).then_some("lit");
        html! { <path class={classes!("edge", "abort", lit)} {d}><title>{ title }</title></path> }
    };
    let tilted: Vec<&str> = all.iter().filter(|one| one.is_tilt).map(short).collect();
    html! {
        <svg class="machine" viewBox="0 0 440 236" role="img" aria-label={texts.machine}>
            <defs>
                <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                    <path d="M0 0l8 4-8 4z" /></marker>
            </defs>
            { edge("M138 44h14") }
            { edge("M286 44h14") }
            { edge("M368 66v33") }
            { edge("M368 143v33") }
            { edge("M302 198h-14") }
            { edge("M154 198h-14") }
            { edge("M28 176v-108") }
            { abort("M220 22c0-22-148-22-148-2", texts.abort_votes, &[Abort::CannotWin, Abort::VotesTimedOut, Abort::SteppedDown]) }
            { abort("M340 66c-20 26-190 34-232 4", texts.abort_no_replica, &[Abort::NoGoodReplica]) }
            { abort("M326 176c-40-60-170-70-222-107", texts.abort_promotion, &[Abort::PromotionTimedOut]) }
            { for State::ALL.into_iter().map(|state| shown(state, all)) }
            <g class={classes!("state", "tilt", (!tilted.is_empty()).then_some("lit"))} transform="translate(98 121)">
                <rect x="-52" y="-20" width="104" height="40" rx="20" />
                <text y={if tilted.is_empty() { "4" } else { "-3" }}>{ "TILT" }</text>
                <text class="who" y="12">{ who(&tilted) }</text>
            </g>
        </svg>
    }
}

fn shown(state: State, all: &[Progress]) -> Html {
    let names: Vec<&str> = all.iter().filter(|one| one.state == Some(state)).map(short).collect();
    let (x, y) = match state {
        State::None => (72, 44),
        State::WaitStart => (220, 44),
        State::SelectSlave => (368, 44),
        State::SendSlaveofNoone => (368, 121),
        State::WaitPromotion => (368, 198),
        State::UpdateConfig => (220, 198),
        State::ReconfSlaves => (72, 198),
    };
    let lit = (!names.is_empty()).then_some("lit");
    let quiet = matches!(state, State::None | State::UpdateConfig).then_some("quiet");
    html! {
        <g class={classes!("state", state.word(), lit, quiet)} transform={format!("translate({x} {y})")}>
            <rect x="-66" y="-22" width="132" height="44" rx="8" />
            <text y={if names.is_empty() { "4" } else { "-4" }}>{ state.word() }</text>
            <text class="who" y="13">{ who(&names) }</text>
        </g>
    }
}

/// `sentinel-3` is 3 here: who stands beside it says what it is.
fn short(one: &Progress) -> &str {
    one.name.strip_prefix("sentinel-").unwrap_or(&one.name)
}

fn who(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        names if names.len() <= NAMES_MAX => format!("S {}", names.join(" · ")),
        names => format!("S × {}", names.len()),
    }
}
