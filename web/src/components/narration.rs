//! What is of note in sentences, the latest of which is seen; screen readers speak all of them as they come.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;
use crate::line::Line;
use crate::picture::Picture;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The last lines that are worth a sentence, the oldest first.
    pub(crate) lines: Rc<[Line]>,
    pub(crate) picture: Rc<Picture>,
    pub(crate) lang: Lang,
}

/// The sentences.
#[component]
pub(crate) fn Narration(props: &Props) -> Html {
    let texts = props.lang.texts();
    let sentence = |line: &Line| {
        let told = props.lang.narrate(line)?;
        Some(html! { <p key={line.index}>{ props.picture.with_names(&told) }</p> })
    };
    html! {
        <div class="narration" role="log" aria-live="polite" aria-label={texts.log.title}>
            if props.lines.is_empty() { <p>{ texts.log.empty }</p> } else { { for props.lines.iter().filter_map(sentence) } }
        </div>
    }
}
