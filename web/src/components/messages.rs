//! Who told whom what: the sequence diagram, its filters, the same as a list, and as a file.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlSelectElement};
use yew::prelude::*;

use crate::download::save;
use crate::i18n::Lang;
use crate::line::seconds;
use crate::picture::{NodePicture, Picture, Topic};
use crate::sequence::{Arrow, Filter, Look, Sequence, draw};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) sequence: Rc<Sequence>,
    pub(crate) filter: Filter,
    pub(crate) lang: Lang,
    pub(crate) on_filter: Callback<Filter>,
    /// To a moment, counted from the beginning.
    pub(crate) on_seek: Callback<u64>,
}

/// The panel.
#[component]
pub(crate) fn Messages(props: &Props) -> Html {
    let texts = &props.lang.texts().messages;
    let scroll = use_node_ref();
    {
        let scroll = scroll.clone();
        let latest = props.sequence.arrows.last().map(|arrow| arrow.id);
        use_effect_with(latest, move |_| {
            if let Some(element) = scroll.cast::<Element>() {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let on_click = {
        let on_seek = props.on_seek.clone();
        move |event: MouseEvent| {
            let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
            let found = target.and_then(|target| target.closest("[data-at]").ok().flatten());
            if let Some(at) = found.and_then(|found| found.get_attribute("data-at")?.parse().ok()) {
                on_seek.emit(at);
            }
        }
    };
    let on_save = {
        let sequence = props.sequence.clone();
        move |_| save("sequence.svg", "image/svg+xml", &draw(&sequence, Look::File))
    };
    let is_empty = props.sequence.arrows.is_empty() && props.sequence.notes.is_empty();
    html! {
        <>
            <h2>{ texts.title }<button type="button" class="small" disabled={is_empty} onclick={on_save}>{ texts.save }</button></h2>
            { filters(props) }
            if props.sequence.is_cut { <p class="hint">{ texts.cut }</p> }
            if is_empty {
                <p class="hint">{ texts.none }</p>
            } else {
                <div class="sequence" ref={scroll} tabindex="0" role="region" aria-label={texts.title} onclick={on_click}>
                    { Html::from_html_unchecked(draw(&props.sequence, Look::Page).into()) }
                </div>
                <details>
                    <summary>{ texts.as_text }</summary>
                    <ol class="flights">{ for props.sequence.arrows.iter().map(|arrow| as_text(arrow, props)) }</ol>
                </details>
            }
        </>
    }
}

/// What is shown: how far back, about what, and of whom.
fn filters(props: &Props) -> Html {
    let texts = &props.lang.texts().messages;
    let chip = |name: String, class: &'static str, is_on: bool, change: Box<dyn Fn(&mut Filter)>| {
        let (filter, on_filter) = (props.filter.clone(), props.on_filter.clone());
        let onclick = move |_| {
            let mut filter = filter.clone();
            change(&mut filter);
            on_filter.emit(filter);
        };
        html! { <button type="button" class={classes!("message", class)} aria-pressed={is_on.to_string()} {onclick}>{ name }</button> }
    };
    let topic = |topic: Topic| {
        let change = Box::new(move |filter: &mut Filter| filter.toggle_topic(topic));
        chip(props.lang.topic(topic).to_owned(), topic.class(), props.filter.wants(topic), change)
    };
    let node = |node: &NodePicture| {
        let id = node.id;
        let change = Box::new(move |filter: &mut Filter| filter.toggle_node(id));
        chip(node.name.clone(), "who", !props.filter.hides(id), change)
    };
    let on_span = {
        let (filter, on_filter) = (props.filter.clone(), props.on_filter.clone());
        move |event: Event| {
            let select = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
            if let Some(span_us) = select.and_then(|select| select.value().parse().ok()) {
                let mut filter = filter.clone();
                filter.span_us = span_us;
                on_filter.emit(filter);
            }
        }
    };
    let span = |span_us: u64| {
        html! { <option value={span_us.to_string()} selected={span_us == props.filter.span_us}>{ seconds(span_us) }</option> }
    };
    html! {
        <div class="filters">
            <label>{ texts.span }{ " " }<select onchange={on_span}>{ for Filter::SPANS_US.into_iter().map(span) }</select></label>
            <div class="chips" role="group" aria-label={texts.topics}>{ for Topic::ALL.into_iter().map(topic) }</div>
            <div class="chips" role="group" aria-label={texts.nodes}>{ for props.picture.nodes.iter().map(node) }</div>
        </div>
    }
}

fn as_text(arrow: &Arrow, props: &Props) -> Html {
    let texts = &props.lang.texts().messages;
    let name = |place: usize| props.sequence.lines.get(place).map_or("?", |line| line.name.as_str());
    let end = arrow.arrived_us.map_or_else(|| texts.open.to_owned(), seconds);
    let (at, on_seek) = (arrow.sent_us, props.on_seek.clone());
    html! {
        <li key={arrow.id.0} class={classes!("message", arrow.topic.class())}>
            <button type="button" class="small" title={texts.go} onclick={move |_| on_seek.emit(at)}>{ seconds(at) }</button>
            { " – " }{ end }{ " " }<b>{ name(arrow.from) }{ " → " }{ name(arrow.to) }</b>{ " " }{ &arrow.label }
            if arrow.label != arrow.text { { " " }<code>{ &arrow.text }</code> }
        </li>
    }
}
