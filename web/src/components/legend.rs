//! What the lines and dots on the stage mean.

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{LinkKind, Topic};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) lang: Lang,
}

/// The legend.
#[component]
pub(crate) fn Legend(props: &Props) -> Html {
    let lang = props.lang;
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
    let cut = html! { <g class="cut"><path d="M12 1l10 10m0-10l-10 10" /></g> };
    html! {
        <details class="legend">
            <summary>{ lang.texts().stage.legend }</summary>
            <ul>
                { for LinkKind::ALL.into_iter().map(link) }
                { for Topic::ALL.into_iter().map(topic) }
                { entry(cut, lang.texts().stage.cut) }
            </ul>
        </details>
    }
}
