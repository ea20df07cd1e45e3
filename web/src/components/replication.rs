//! What was written and how far it has come: writes, backlogs, and what replicas asked for.

use yew::prelude::*;

use super::ring::RingView;
use super::writes::Writes;
use crate::i18n::Lang;
use crate::line::seconds;
use crate::picture::{Asked, Got, Ring, Written};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) rings: Vec<Ring>,
    pub(crate) asked: Vec<Asked>,
    pub(crate) written: Vec<Written>,
    pub(crate) lang: Lang,
}

/// The panel.
#[component]
pub(crate) fn Replication(props: &Props) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().replication);
    let (with, without): (Vec<&Ring>, Vec<&Ring>) =
        props.rings.iter().partition(|ring| !ring.readers.is_empty());
    let shown = |ring: &Ring| html! { <RingView key={ring.name.clone()} ring={ring.clone()} {lang} /> };
    html! {
        <>
            <Writes written={props.written.clone()} {lang} />
            <h2>{ texts.backlogs }</h2>
            if props.rings.is_empty() { <p class="hint">{ texts.backlog_none }</p> }
            { for with.into_iter().map(shown) }
            if !without.is_empty() {
                <details>
                    <summary>{ texts.backlogs_idle }{ " " }{ without.iter().map(|ring| ring.name.as_str()).collect::<Vec<_>>().join(", ") }</summary>
                    { for without.into_iter().map(shown) }
                </details>
            }
            <h2>{ texts.asked }</h2>
            if props.asked.is_empty() { <p class="hint">{ texts.asked_none }</p> }
            <ul class="asked">{ for props.asked.iter().map(|asked| question(asked, lang)) }</ul>
        </>
    }
}

fn question(asked: &Asked, lang: Lang) -> Html {
    let texts = &lang.texts().replication;
    let (class, answer) = match asked.got {
        Got::Partial(from) => ("partial", format!("{} ({from})", texts.partial)),
        Got::Full => ("full", texts.full.to_owned()),
        Got::Refused => ("refused", texts.refused.to_owned()),
    };
    let at = asked.at_us.map_or_else(|| texts.before.to_owned(), seconds);
    html! {
        <li {class}>
            <time>{ at }</time><b>{ &asked.replica }{ " → " }{ &asked.master }</b>{ " " }<code>{ &asked.question }</code>
            <p><strong>{ answer }</strong>{ ": " }{ lang.why_synced(&asked.why) }</p>
        </li>
    }
}
