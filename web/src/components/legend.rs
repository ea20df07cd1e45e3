//! What the shapes, lines and dots on the stage mean.

use yew::prelude::*;

use super::sign::{Sign, body};
use crate::i18n::Lang;
use crate::picture::{DataRole, LinkKind, Stance, Topic};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) lang: Lang,
}

/// The legend.
#[component]
pub(crate) fn Legend(props: &Props) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().stage);
    let entry = |sign: Html, text: &'static str| {
        html! { <li><svg viewBox="0 0 36 12" aria-hidden="true">{ sign }</svg>{ text }</li> }
    };
    let link = |kind: LinkKind| {
        let sign = html! { <g class={classes!("link", kind.class())}><line class="drawn" x1="0" y1="6" x2="32" y2="6" /></g> };
        entry(sign, lang.link(kind))
    };
    let topic = |topic: Topic| {
        let sign = html! { <g class={classes!("message", topic.class())}><circle class="drawn" cx="18" cy="6" r="5.5" /></g> };
        entry(sign, lang.topic(topic))
    };
    let node = |kind: &'static str, state: &'static str, sign: Option<Sign>, text: &'static str| {
        html! {
            <li><svg class="shape" viewBox="-42 -36 84 72" aria-hidden="true"><g class={classes!("node", kind, state)}>
                { body(kind) }
                if let Some(sign) = sign { { sign.draw() } }
            </g></svg>{ text }</li>
        }
    };
    let badged = |sign: Sign, text: &'static str| {
        html! {
            <li><svg class="shape" viewBox="-42 -46 88 82" aria-hidden="true"><g class="node data replica">
                { body("data") }<g transform="translate(28 -26)">{ sign.draw() }</g>
            </g></svg>{ text }</li>
        }
    };
    let cut = html! { <g class="cut"><path d="M12 1l10 10m0-10l-10 10" /></g> };
    let slow = html! { <g class="slow"><line class="drawn" x1="0" y1="6" x2="36" y2="6" /></g> };
    html! {
        <details class="legend">
            <summary>{ texts.legend }</summary>
            <h3>{ texts.data_nodes }</h3>
            <ul>
                { node("data", "master", Some(Sign::Master), lang.role(DataRole::Master)) }
                { node("data", "replica", None, lang.role(DataRole::Replica)) }
                { node("data", "syncing", Some(Sign::Syncing), lang.role(DataRole::Syncing)) }
                { node("data", "apart", Some(Sign::Apart), lang.role(DataRole::Apart)) }
                { node("data", "promoting", Some(Sign::Promoted), texts.promoting) }
                { badged(Sign::Sdown, texts.is_sdown) }
                { badged(Sign::Odown, texts.is_odown) }
            </ul>
            <h3>{ texts.sentinels }</h3>
            <ul>
                { node("sentinel", "up", None, lang.stance(Stance::Up)) }
                { node("sentinel", "sdown", Some(Sign::Sdown), texts.thinks_sdown) }
                { node("sentinel", "odown", Some(Sign::Odown), texts.knows_odown) }
                { node("sentinel", "candidate", Some(Sign::Candidate), lang.stance(Stance::Candidate)) }
                { node("sentinel", "leader", Some(Sign::Leader), lang.stance(Stance::Leader)) }
                { node("sentinel", "promoting", Some(Sign::Promoting), lang.stance(Stance::Promoting)) }
                { node("sentinel", "tilt", Some(Sign::Tilt), lang.stance(Stance::Tilt)) }
            </ul>
            <h3>{ texts.all_nodes }</h3>
            <ul>
                { node("writer", "up", None, texts.client) }
                { node("data", "frozen", Some(Sign::Frozen), texts.frozen) }
                { node("data", "killed", Some(Sign::Gone), texts.killed_or_off) }
            </ul>
            <h3>{ texts.wires }</h3>
            <ul>
                { for LinkKind::ALL.into_iter().map(link) }
                { for Topic::ALL.into_iter().map(topic) }
                { entry(cut, texts.cut) }
                { entry(slow, texts.slow) }
            </ul>
        </details>
    }
}
