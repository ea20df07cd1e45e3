//! What is of note in sentences, the latest of which is seen; screen readers speak all of them as they come.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The last sentences, the oldest first, each with the number of its line.
    pub(crate) told: Rc<[(usize, String)]>,
    pub(crate) lang: Lang,
}

/// The sentences.
#[component]
pub(crate) fn Narration(props: &Props) -> Html {
    let texts = &props.lang.texts().log;
    html! {
        <div class="narration" role="log" aria-live="polite" aria-label={texts.title}>
            if props.told.is_empty() { <p>{ texts.empty }</p> }
            { for props.told.iter().map(|(line, told)| html! { <p key={*line}>{ told }</p> }) }
        </div>
    }
}
