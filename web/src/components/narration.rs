//! The last thing of note in one sentence, which screen readers speak.

use yew::prelude::*;

use crate::i18n::Lang;
use crate::line::Line;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) line: Option<Line>,
    pub(crate) lang: Lang,
}

/// The sentence.
#[component]
pub(crate) fn Narration(props: &Props) -> Html {
    let told = props.line.as_ref().and_then(|line| props.lang.narrate(line));
    let empty = || props.lang.texts().log.empty.to_owned();
    html! { <p class="narration" aria-live="polite">{ told.unwrap_or_else(empty) }</p> }
}
