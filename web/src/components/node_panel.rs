//! A chosen node: what it is, what it has, and what can be done to it. Without one: a line
//! for every other deed.

use std::rc::Rc;

use picket_sim::Power;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{DataPicture, NodePicture, Opinion, Part, Picture, Replication, WriterPicture};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) node: Option<NodePicture>,
    pub(crate) picture: Rc<Picture>,
    pub(crate) lang: Lang,
    pub(crate) refusal: Option<String>,
    pub(crate) on_deed: Callback<String>,
    pub(crate) on_close: Callback<()>,
}

/// The panel.
#[component]
pub(crate) fn NodePanel(props: &Props) -> Html {
    let texts = props.lang.texts();
    let body = match &props.node {
        None => overview(props),
        Some(node) => html! {
            <>
                { deeds(node, props) }
                { facts(node, props) }
            </>
        },
    };
    let title = props.node.as_ref().map_or(texts.tabs.node, |node| node.name.as_str());
    let on_close = props.on_close.clone();
    html! {
        <div class="panel">
            <h2>{ title.to_owned() }
                if props.node.is_some() {
                    <button type="button" class="close" aria-label={texts.page.close} onclick={move |_| on_close.emit(())}>{ "×" }</button>
                }
            </h2>
            { body }
            if let Some(refusal) = &props.refusal { <p class="alarm" role="alert">{ refusal }</p> }
        </div>
    }
}

/// What can be done to a node in its present state.
fn deeds(node: &NodePicture, props: &Props) -> Html {
    let texts = props.lang.texts();
    let deed = |name: &'static str, hint: &'static str, verb: &str| {
        let (on_deed, line) = (props.on_deed.clone(), format!("{verb} {}", node.name));
        html! { <button type="button" title={hint} onclick={move |_| on_deed.emit(line.clone())}>{ name }</button> }
    };
    let kill = deed(texts.node.kill, texts.node.kill_hint, "kill");
    let deeds = match node.power {
        Power::Running => html! {
            <>
                { kill }
                { deed(texts.node.freeze, texts.node.freeze_hint, "freeze") }
                { deed(texts.node.off, texts.node.off_hint, "off") }
                { deed(texts.node.isolate, texts.node.isolate_hint, "partition") }
            </>
        },
        Power::Frozen => html! { <>{ deed(texts.node.resume, texts.node.resume_hint, "resume") }{ kill }</> },
        Power::Killed | Power::Off => deed(texts.node.start, texts.node.start_hint, "start"),
    };
    let writing = matches!(node.part, Part::Writer(_)).then(|| {
        let button = |name: &'static str, switch: &str| {
            let (on_deed, line) = (props.on_deed.clone(), format!("writes {} {switch}", node.name));
            html! { <button type="button" onclick={move |_| on_deed.emit(line.clone())}>{ name }</button> }
        };
        html! { <>{ button(texts.node.write_off, "off") }{ button(texts.node.write_on, "on") }</> }
    });
    let heal = (!props.picture.cuts.is_empty()).then(|| heal(props));
    html! { <div class="deeds">{ deeds }{ writing }{ heal }</div> }
}

fn heal(props: &Props) -> Html {
    let on_deed = props.on_deed.clone();
    let name = props.lang.texts().node.heal;
    html! { <button type="button" onclick={move |_| on_deed.emit("heal".to_owned())}>{ name }</button> }
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
    html! {
        <>
            <p class="hint">{ texts.stage.stage_hint }</p>
            <form onsubmit={on_submit}>
                <label><span>{ texts.node.deed }</span>
                    <input type="text" placeholder={texts.node.deed_example} autocomplete="off" spellcheck="false" /></label>
                <button type="submit">{ texts.node.deed_do }</button>
                if !props.picture.cuts.is_empty() { { heal(props) } }
            </form>
        </>
    }
}

fn facts(node: &NodePicture, props: &Props) -> Html {
    let texts = props.lang.texts();
    let mut rows = vec![
        (texts.node.address, node.addr.to_string()),
        (texts.sentinels.stance, props.lang.power(node.power).to_owned()),
    ];
    let backlog = match &node.part {
        Part::Data(data) => {
            data_rows(&mut rows, data, props);
            data.replication.as_ref().map(|replication| backlog(replication, props.lang))
        }
        Part::Sentinel(opinion) => {
            opinion.iter().for_each(|opinion| sentinel_rows(&mut rows, opinion, props));
            None
        }
        Part::Writer(writer) => {
            writer_rows(&mut rows, writer, props);
            None
        }
    };
    html! {
        <>
            <dl class="facts">{ for rows.into_iter().map(|(name, value)| html! { <div><dt>{ name }</dt><dd>{ value }</dd></div> }) }</dl>
            { backlog }
        </>
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

/// The backlog as a bar: how full it is, and where each replica stands in it.
fn backlog(replication: &Replication, lang: Lang) -> Html {
    let texts = lang.texts();
    let Some(backlog) = replication.backlog else {
        return html! { <><h3>{ texts.replication.backlog }</h3><p class="hint">{ texts.replication.backlog_none }</p></> };
    };
    let percent = |part: u64| format!("{}%", part.saturating_mul(100) / backlog.size.max(1));
    let row = |replica: &crate::picture::ReplicaPicture| {
        html! {
            <tr><th scope="row">{ &replica.name }</th><td>{ replica.state }</td><td>{ replica.ack }</td>
                <td>{ format!("−{}", replication.offset.saturating_sub(replica.ack)) }</td></tr>
        }
    };
    html! {
        <>
            <h3>{ texts.replication.backlog }</h3>
            <div class="backlog" role="img" aria-label={format!("{} / {}", backlog.histlen, backlog.size)}>
                <i style={format!("width:{}", percent(backlog.histlen))} />
            </div>
            <dl class="figures">
                <div><dt>{ texts.replication.backlog_first }</dt><dd>{ backlog.first }</dd></div>
                <div><dt>{ texts.replication.backlog_len }</dt><dd>{ backlog.histlen }</dd></div>
                <div><dt>{ texts.replication.backlog_size }</dt><dd>{ backlog.size }</dd></div>
            </dl>
            if !replication.replicas.is_empty() {
                <table><caption>{ texts.replication.replicas }</caption><tbody>{ for replication.replicas.iter().map(row) }</tbody></table>
            }
        </>
    }
}
