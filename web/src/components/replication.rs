//! What was written, and how far it has come.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{Part, Picture};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) lost: Option<u64>,
    pub(crate) lang: Lang,
}

/// The panel.
#[component]
pub(crate) fn Replication(props: &Props) -> Html {
    let texts = &props.lang.texts().replication;
    let writers = props.picture.nodes.iter().filter_map(|node| match &node.part {
        Part::Writer(writer) => Some(writer),
        _ => None,
    });
    let (acknowledged, failed) =
        writers.fold((0, 0), |(taken, failed), writer| (taken + writer.acknowledged, failed + writer.failed));
    html! {
        <>
            <h2>{ texts.writes }</h2>
            <dl class="figures">
                <div><dt>{ texts.acknowledged }</dt><dd>{ acknowledged }</dd></div>
                <div><dt>{ texts.failed }</dt><dd>{ failed }</dd></div>
                <div class={classes!(props.lost.is_some_and(|lost| lost > 0).then_some("bad"))} title={texts.lost_hint}>
                    <dt>{ texts.lost }</dt>
                    <dd>{ props.lost.map_or_else(|| "–".to_owned(), |lost| lost.to_string()) }</dd>
                </div>
            </dl>
        </>
    }
}
