//! What happened, with reasons, the latest on top; and a sentence for those who listen.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;
use crate::line::{Line, seconds};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) lines: Rc<[Line]>,
    pub(crate) lang: Lang,
}

/// The log.
#[component]
pub(crate) fn Log(props: &Props) -> Html {
    let texts = props.lang.texts();
    let told = props.lines.iter().rev().find_map(|line| props.lang.narrate(line));
    let line = |line: &Line| {
        html! {
            <li key={line.index} class={line.kind.class()}>
                <time>{ seconds(line.at_us) }</time>
                <b>{ &line.who }</b>
                <span>{ &line.what }</span>
                if let Some(why) = &line.why {
                    <q><span class="unseen">{ texts.why }{ ": " }</span>{ why }</q>
                }
            </li>
        }
    };
    html! {
        <section class="log">
            <h2>{ texts.log }</h2>
            <p class="narration" aria-live="polite">{ told.unwrap_or_else(|| texts.log_empty.to_owned()) }</p>
            <ol tabindex="0" aria-label={texts.log}>{ for props.lines.iter().rev().map(line) }</ol>
        </section>
    }
}
