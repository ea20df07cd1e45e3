//! A chosen node: what it is, what it has, and what can be done to it. Without one: a line
//! for every other deed.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::console::Console;
use crate::chosen::Choice;
use crate::console::Exchange;
use crate::i18n::Lang;
use crate::picture::{DataPicture, NodePicture, Opinion, Part, Picture, Replication, WriterPicture};

/// What it shows, and who is told.
pub(crate) struct Props {
    pub(crate) node: Option<NodePicture>,
    pub(crate) picture: Rc<Picture>,
    pub(crate) lang: Lang,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) typed: Rc<Vec<String>>,
    pub(crate) playing: bool,
    pub(crate) on_deed: Callback<String>,
    pub(crate) on_run: Callback<String>,
    pub(crate) on_await: Callback<()>,
    pub(crate) on_choose: Callback<Choice>,
}

/// The panel.
pub(crate) fn node_panel(props: &Props) -> Html {
    let texts = props.lang.texts();
    let body = match &props.node {
        None => overview(props),
        Some(node) => html! {
            <>
                { facts(node, props) }
                if !matches!(node.part, Part::Writer(_)) {
                    <Console node={node.clone()} exchanges={props.exchanges.clone()} typed={props.typed.clone()}
                        playing={props.playing} lang={props.lang} on_run={props.on_run.clone()} on_await={props.on_await.clone()} />
                }
            </>
        },
    };
    let title = props.node.as_ref().map_or(texts.tabs.node, |node| node.name.as_str());
    let on_close = props.on_choose.reform(|_| Choice::Nothing);
    html! {
        <div class="panel">
            <h2>{ title.to_owned() }
                if props.node.is_some() {
                    <button type="button" class="close" aria-label={texts.page.close} onclick={on_close}>{ "×" }</button>
                }
            </h2>
            { body }
        </div>
    }
}

/// What to do, and the line for deeds.
fn overview(props: &Props) -> Html {
    let texts = props.lang.texts();
    let on_submit = {
        let on_deed = props.on_deed.clone();
        move |event: SubmitEvent| {
            event.prevent_default();
            let form = event.target().and_then(|form| form.dyn_into::<web_sys::Element>().ok());
            let input = form.and_then(|form| form.query_selector("input").ok().flatten());
            if let Some(input) = input.and_then(|input| input.dyn_into::<HtmlInputElement>().ok()) {
                on_deed.emit(input.value());
            }
        }
    };
    let choice = |node: &NodePicture| {
        let (id, on_choose) = (node.id, props.on_choose.clone());
        html! { <button type="button" onclick={move |_| on_choose.emit(Choice::Node(id))}>{ &node.name }</button> }
    };
    html! {
        <>
            <p class="hint">{ texts.stage.stage_hint }</p>
            <div class="chips">{ for props.picture.nodes.iter().map(choice) }</div>
            <form onsubmit={on_submit}>
                <label><span>{ texts.node.deed }</span>
                    <input type="text" placeholder={texts.node.deed_example} autocomplete="off" spellcheck="false" /></label>
                <button type="submit">{ texts.node.deed_do }</button>
            </form>
        </>
    }
}

fn facts(node: &NodePicture, props: &Props) -> Html {
    let texts = props.lang.texts();
    let mut rows = vec![
        (texts.node.address, node.addr.to_string()),
        (texts.node.process, props.lang.power(node.power).to_owned()),
    ];
    match &node.part {
        Part::Data(data) => data_rows(&mut rows, data, props),
        Part::Sentinel(opinion) => {
            opinion.iter().for_each(|opinion| sentinel_rows(&mut rows, opinion, props));
        }
        Part::Writer(writer) => writer_rows(&mut rows, writer, props),
    }
    html! {
        <dl class="facts">{ for rows.into_iter().map(|(name, value)| html! { <div><dt>{ name }</dt><dd>{ value }</dd></div> }) }</dl>
    }
}

type Rows = Vec<(&'static str, String)>;

fn data_rows(rows: &mut Rows, data: &DataPicture, props: &Props) {
    let texts = props.lang.texts();
    let role = props.lang.role(data.role);
    let promoting = if data.is_promoting { format!(", {}", texts.stage.promoting) } else { String::new() };
    rows.push((texts.node.role, format!("{role}{promoting}")));
    if let Some(master) = data.follows {
        rows.push((texts.node.follows, props.picture.name(master).to_owned()));
    }
    if let Some(replication) = &data.replication {
        let Replication { full, partial, refused, .. } = replication;
        rows.push((texts.replication.offset, replication.offset.to_string()));
        rows.push((texts.replication.history, replication.replid.clone()));
        if let Some((replid, offset)) = &replication.before {
            rows.push((texts.replication.history_before, format!("{replid} < {offset}")));
        }
        rows.push((texts.replication.keys_held, replication.keys.to_string()));
        rows.push((texts.replication.syncs, format!("{full} / {partial} / {refused}")));
    }
}

fn sentinel_rows(rows: &mut Rows, opinion: &Opinion, props: &Props) {
    let texts = props.lang.texts();
    rows.push((texts.sentinels.stance, props.lang.stance(opinion.stance).to_owned()));
    let master = opinion.master.map_or(texts.page.nobody, |master| props.picture.name(master));
    rows.push((
        texts.sentinels.master,
        format!("{master} ({} {})", texts.sentinels.epoch, opinion.config_epoch),
    ));
    rows.push((texts.sentinels.failover, opinion.failover.to_owned()));
}

fn writer_rows(rows: &mut Rows, writer: &WriterPicture, props: &Props) {
    let texts = props.lang.texts();
    rows.push((
        texts.sentinels.master,
        writer.master.map_or(texts.page.nobody, |master| props.picture.name(master)).to_owned(),
    ));
    rows.push((texts.replication.acknowledged, writer.acknowledged.to_string()));
    rows.push((texts.replication.failed, writer.failed.to_string()));
}
