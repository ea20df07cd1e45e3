//! What happened, with reasons, the latest on top.

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
    let line = |line: &Line| {
        html! {
            <li key={line.index} class={line.kind.class()}>
                <time>{ seconds(line.at_us) }</time>
                <b>{ &line.who }</b>
                <span>{ line.what(props.lang).into_owned() }</span>
                if let Some(why) = props.lang.why(line) {
                    <q><span class="unseen">{ texts.log.why }{ ": " }</span>{ why.into_owned() }</q>
                }
            </li>
        }
    };
    html! {
        <div class="lines">
            <h2>{ texts.log.title }</h2>
            if props.lines.is_empty() { <p class="hint">{ texts.log.empty }</p> }
            <ol tabindex="0" aria-label={texts.log.title}>{ for props.lines.iter().rev().map(line) }</ol>
        </div>
    }
}
