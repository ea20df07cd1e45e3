//! The shape of the deployment and its settings.

use std::rc::Rc;

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{NodePicture, Part, Picture};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) lang: Lang,
    /// Does what a line says, such as `kill redis-1`.
    pub(crate) on_deed: Callback<String>,
}

/// The panel.
#[component]
pub(crate) fn Settings(props: &Props) -> Html {
    let texts = &props.lang.texts().settings;
    let names = |is_wanted: fn(&NodePicture) -> bool| {
        let nodes = props.picture.nodes.iter().filter(|node| is_wanted(node));
        nodes.map(|node| node.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    html! {
        <>
            <h2>{ texts.topology }</h2>
            <dl class="facts">
                <div><dt>{ texts.data_nodes }</dt><dd>{ names(|node| matches!(node.part, Part::Data(_))) }</dd></div>
                <div><dt>{ texts.sentinels }</dt><dd>{ names(|node| matches!(node.part, Part::Sentinel(_))) }</dd></div>
                <div><dt>{ texts.writers }</dt><dd>{ names(|node| matches!(node.part, Part::Writer(_))) }</dd></div>
            </dl>
        </>
    }
}
