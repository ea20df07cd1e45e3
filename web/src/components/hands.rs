//! What can be done to what is chosen on the stage: a node, the wire between two, a group, a message.

use std::rc::Rc;

use picket_sim::NodeId;
use yew::prelude::*;

use super::deeds::deeds;
use crate::chosen::{Choice, Chosen};
use crate::i18n::Lang;
use crate::picture::{Flight, Meaning, Picture};

/// What it shows, and who is told.
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) chosen: Chosen,
    pub(crate) lang: Lang,
    pub(crate) on_deed: Callback<String>,
    pub(crate) on_choose: Callback<Choice>,
}

/// The buttons under the stage.
pub(crate) fn hands(props: &Props) -> Html {
    let texts = &props.lang.texts().hands;
    let picture = &props.picture;
    let message = props.chosen.message(picture);
    let (title, buttons) = match (message, props.chosen.nodes()) {
        (Some(message), _) => of_message(message, props),
        (None, []) => (None, html! { <p class="hint">{ texts.hint }</p> }),
        (None, [node]) => (Some(picture.name(*node).to_owned()), of_node(*node, props)),
        (None, [a, b]) => of_wire(picture.name(*a), picture.name(*b), props),
        (None, group) => (Some(props.lang.nodes(group.len())), of_group(props)),
    };
    let on_close = {
        let on_choose = props.on_choose.clone();
        move |_| on_choose.emit(Choice::Nothing)
    };
    html! {
        <div class="hands" role="group" aria-label={texts.title}>
            if let Some(title) = title {
                <p class="what" aria-live="polite"><b>{ title }</b>
                    <button type="button" class="close" aria-label={texts.close} onclick={on_close}>{ "×" }</button></p>
            }
            { buttons }
            if !picture.cuts.is_empty() { { button(texts.heal, texts.heal_hint, "heal".to_owned(), props) } }
        </div>
    }
}

fn button(label: &'static str, hint: &'static str, line: String, props: &Props) -> Html {
    let on_deed = props.on_deed.clone();
    html! { <button type="button" title={hint} onclick={move |_| on_deed.emit(line.clone())}>{ label }</button> }
}

/// A button whose label is too short for those who do not see where it stands.
fn short_button(label: String, spoken: String, hint: &'static str, line: String, props: &Props) -> Html {
    let on_deed = props.on_deed.clone();
    html! {
        <button type="button" title={hint} aria-label={spoken} onclick={move |_| on_deed.emit(line.clone())}>{ label }</button>
    }
}

fn of_node(node: NodeId, props: &Props) -> Html {
    let Some(node) = props.picture.node(node) else { return html! {} };
    deeds(node, props.lang, &props.on_deed)
}

fn of_wire(a: &str, b: &str, props: &Props) -> (Option<String>, Html) {
    let texts = &props.lang.texts().hands;
    let cut = |arrow: &str, from: &str, to: &str| {
        let label = format!("{} {arrow}", texts.cut);
        let spoken = format!("{label} {to}");
        short_button(label, spoken, texts.cut_one_hint, format!("cut {from} -> {to}"), props)
    };
    let latency = |arrow: &'static str, wire: String| {
        let button = move |span: &str| {
            let to = if arrow == "→" { b } else { a };
            let spoken = match arrow {
                "⇄" => format!("{} {span}", texts.latency),
                _ => format!("{} → {to} {span}", texts.latency),
            };
            let hint = if arrow == "⇄" { texts.latency_hint } else { texts.latency_one_hint };
            short_button(span.to_owned(), spoken, hint, format!("latency {wire} {span}"), props)
        };
        html! {
            <span class="choice"><span aria-hidden="true">{ texts.latency }{ " " }{ arrow }</span>
                { for ["1ms", "100ms", "1s"].into_iter().map(button) }</span>
        }
    };
    let deeds = html! {
        <div class="deeds">
            { button(texts.cut, texts.cut_hint, format!("cut {a} {b}"), props) }
            { cut("→", a, b) }
            { cut("←", b, a) }
            { button(texts.mend, texts.mend_hint, format!("mend {a} {b}"), props) }
            { latency("⇄", format!("{a} {b}")) }
            { latency("→", format!("{a} -> {b}")) }
            { latency("←", format!("{b} -> {a}")) }
            { button(texts.reset, texts.reset_hint, format!("reset {a} {b}"), props) }
            { of_group(props) }
        </div>
    };
    (Some(format!("{a} → {b}")), deeds)
}

fn of_group(props: &Props) -> Html {
    let texts = &props.lang.texts().hands;
    let names: Vec<&str> = props.chosen.nodes().iter().map(|node| props.picture.name(*node)).collect();
    button(texts.partition, texts.partition_hint, format!("partition {}", names.join(" ")), props)
}

fn of_message(message: &Flight, props: &Props) -> (Option<String>, Html) {
    let texts = &props.lang.texts().hands;
    let id = message.id.0;
    let title = format!("{} → {}", props.picture.name(message.from), props.picture.name(message.to));
    let delay = |span: &str| {
        let line = format!("delay {id} {span}");
        short_button(span.to_owned(), format!("{} {span}", texts.delay), texts.delay_hint, line, props)
    };
    let deeds = html! {
        <>
            <p>{ props.lang.meaning(&Meaning::of(&message.text, &props.picture)) }</p>
            if message.progress < 1_000 {
                <div class="deeds">
                    <span class="choice"><span aria-hidden="true">{ texts.delay }</span>{ for ["100ms", "1s"].into_iter().map(delay) }</span>
                    { button(texts.lose, texts.lose_hint, format!("drop {id}"), props) }
                </div>
            }
        </>
    };
    (Some(title), deeds)
}
