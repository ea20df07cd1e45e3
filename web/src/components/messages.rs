//! Who tells whom what.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{Flight, Picture};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) lang: Lang,
}

/// The panel.
#[component]
pub(crate) fn Messages(props: &Props) -> Html {
    let texts = &props.lang.texts().messages;
    let row = |flight: &Flight| {
        html! {
            <li key={flight.id.0} class={classes!("message", flight.topic.class())}>
                <b>{ props.picture.name(flight.from) }{ " → " }{ props.picture.name(flight.to) }</b>{ " " }<code>{ &flight.text }</code>
            </li>
        }
    };
    let mut flying = props.picture.messages.iter().filter(|flight| flight.progress < 1_000).peekable();
    html! {
        <>
            <h2>{ texts.title }</h2>
            if flying.peek().is_none() {
                <p class="hint">{ texts.none }</p>
            } else {
                <ol class="flights">{ for flying.map(row) }</ol>
            }
        </>
    }
}
