//! What each Sentinel thinks, side by side.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{NodePicture, Opinion, Part, Picture};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) lang: Lang,
}

/// The table of opinions.
#[component]
pub(crate) fn Opinions(props: &Props) -> Html {
    let (lang, texts) = (props.lang, props.lang.texts());
    let row = |node: &NodePicture| {
        let Part::Sentinel(opinion) = &node.part else { return html! {} };
        let cells = match opinion {
            None => html! { <td colspan="6">{ lang.power(node.power) }</td> },
            Some(opinion) => cells(opinion, &props.picture, lang),
        };
        html! { <tr><th scope="row">{ &node.name }</th>{ cells }</tr> }
    };
    html! {
        <div class="opinions">
            <h2>{ texts.sentinels.opinions }</h2>
            <div class="scroll" tabindex="0" role="region" aria-label={texts.sentinels.opinions}>
                <table>
                    <thead><tr>
                        { for [texts.sentinels.sentinel, texts.sentinels.stance, texts.sentinels.agree, texts.sentinels.master, texts.sentinels.epoch, texts.sentinels.vote, texts.sentinels.failover]
                            .into_iter().map(|name| html! { <th scope="col">{ name }</th> }) }
                    </tr></thead>
                    <tbody>{ for props.picture.nodes.iter().map(row) }</tbody>
                </table>
            </div>
        </div>
    }
}

fn cells(opinion: &Opinion, picture: &Picture, lang: Lang) -> Html {
    let texts = lang.texts();
    let vote = opinion.vote.as_ref().map(|(name, epoch)| format!("{name} ({epoch})"));
    let down = opinion.agree + u32::from(opinion.sdown);
    html! {
        <>
            <td><span class={classes!("stance", stance_class(opinion.stance))}>{ lang.stance(opinion.stance) }</span></td>
            <td>{ format!("{down} / {}", opinion.quorum) }</td>
            <td>{ opinion.master.map_or(texts.page.nobody, |master| picture.name(master)) }</td>
            <td>{ opinion.epoch }</td>
            <td>{ vote.unwrap_or_else(|| "–".to_owned()) }</td>
            <td><code>{ opinion.failover }</code></td>
        </>
    }
}

/// A stance's name in style sheets.
pub(crate) fn stance_class(stance: crate::picture::Stance) -> &'static str {
    use crate::picture::Stance;
    match stance {
        Stance::Up => "up",
        Stance::Sdown => "sdown",
        Stance::Odown => "odown",
        Stance::Candidate => "candidate",
        Stance::Leader => "leader",
        Stance::Promoting => "promoting",
        Stance::Tilt => "tilt",
    }
}
