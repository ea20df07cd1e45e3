//! What was written and how far it has come: writes, backlogs, and what replicas asked for.

use yew::prelude::*;

use super::ring::ring;
use super::writes::writes;
use crate::i18n::Lang;
use crate::line::seconds;
use crate::picture::{Asked, Got, Ring, Written};

/// The panel.
pub(crate) fn replication(rings: &[Ring], asked: &[Asked], written: &[Written], lang: Lang) -> Html {
    let texts = &lang.texts().replication;
    let (with, without): (Vec<&Ring>, Vec<&Ring>) = rings.iter().partition(|ring| !ring.readers.is_empty());
    html! {
        <>
            { writes(written, lang) }
            <h2>{ texts.backlogs }</h2>
            if rings.is_empty() { <p class="hint">{ texts.backlog_none }</p> }
            { for with.into_iter().map(|one| ring(one, lang)) }
            if !without.is_empty() {
                <details>
                    <summary>{ texts.backlogs_idle }{ " " }{ without.iter().map(|ring| ring.name.as_str()).collect::<Vec<_>>().join(", ") }</summary>
                    { for without.into_iter().map(|one| ring(one, lang)) }
                </details>
            }
            <h2>{ texts.asked }</h2>
            if asked.is_empty() { <p class="hint">{ texts.asked_none }</p> }
            <ul class="asked">{ for asked.iter().map(|asked| question(asked, lang)) }</ul>
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
