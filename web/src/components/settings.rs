//! Settings of the running world, nodes that come and go, and worlds that begin anew.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::i18n::Lang;
use crate::settings::{LIVE, NEW, Setting, Whose, Wrong, new_world};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The names of the nodes, data nodes first: what changes at every moment would clear the fields.
    pub(crate) nodes: Rc<[String]>,
    /// How many of them are data nodes.
    pub(crate) data_nodes: usize,
    /// The lines that add a data node, a Sentinel and a client; none where the page is full.
    pub(crate) additions: [Option<String>; 3],
    pub(crate) lang: Lang,
    /// Does what a line says, such as `kill redis-1`.
    pub(crate) on_deed: Callback<String>,
    /// Begins a world with that text.
    pub(crate) on_new: Callback<String>,
}

/// The panel.
#[component]
pub(crate) fn Settings(props: &Props) -> Html {
    let wrong = use_state(|| None::<Wrong>);
    let done = use_state(String::new);
    let (lang, texts) = (props.lang, &props.lang.texts().settings);
    let group = |name: &'static str, whose: Whose| {
        let settings = LIVE.iter().filter(|setting| setting.whose == whose);
        html! {
            <fieldset>
                <legend>{ name }</legend>
                { for settings.map(|setting| row(props, setting, wrong.clone(), done.clone())) }
            </fieldset>
        }
    };
    html! {
        <div class="settings">
            <h2>{ texts.live }</h2>
            <p class="hint">{ texts.hint }</p>
            <p role="status"><code>{ &*done }</code></p>
            if let Some(wrong) = *wrong { <p class="alarm" role="alert">{ lang.wrong(wrong) }</p> }
            { group(texts.of_sentinels, Whose::Sentinels) }
            { group(texts.of_redis, Whose::Redis) }
            { group(texts.of_one, Whose::OneNode) }
            <h2>{ texts.topology }</h2>
            { topology(props) }
            <h2>{ texts.new }</h2>
            <p class="hint">{ texts.new_hint }</p>
            { begin(props, wrong.clone()) }
        </div>
    }
}

/// A field with its button.
fn row(
    props: &Props,
    setting: &'static Setting,
    wrong: UseStateHandle<Option<Wrong>>,
    done: UseStateHandle<String>,
) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().settings);
    let on_deed = props.on_deed.clone();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = form(&event) else { return };
        let node = chosen(&form);
        match setting.line(values(&form).first().map_or("", String::as_str), &node) {
            Ok(line) => {
                wrong.set(None);
                done.set(line.clone());
                on_deed.emit(line);
            }
            Err(is_wrong) => wrong.set(Some(is_wrong)),
        }
    };
    html! {
        <form class="setting" onsubmit={on_submit}>
            { field(lang, setting) }
            if setting.whose == Whose::OneNode {
                <label><span class="unseen">{ texts.node }</span>{ nodes(&props.nodes[..props.data_nodes]) }</label>
            }
            <button type="submit">{ texts.set }</button>
        </form>
    }
}

fn field(lang: Lang, setting: &Setting) -> Html {
    html! {
        <label class="field"><span>{ lang.setting(setting) }</span>
            <input type="number" required=true step="1" min={setting.min.to_string()} max={setting.max.to_string()}
                ~defaultValue={setting.usual.to_string()} />
            <i>{ setting.unit }</i></label>
    }
}

/// A choice among nodes.
fn nodes(names: &[String]) -> Html {
    let option = |(place, name): (usize, &String)| {
        html! { <option key={name.clone()} selected={place == 0}>{ name }</option> }
    };
    html! { <select>{ for names.iter().enumerate().map(option) }</select> }
}

fn topology(props: &Props) -> Html {
    let texts = &props.lang.texts().settings;
    let names = [texts.add_redis, texts.add_sentinel, texts.add_writer];
    let additions = names.into_iter().zip(props.additions.iter().cloned()).map(|(name, line)| {
        let (on_deed, is_full) = (props.on_deed.clone(), line.is_none());
        let on_click = move |_: MouseEvent| {
            if let Some(line) = &line {
                on_deed.emit(line.clone());
            }
        };
        html! { <button type="button" disabled={is_full} onclick={on_click}>{ name }</button> }
    });
    let on_deed = props.on_deed.clone();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(form) = form(&event) {
            on_deed.emit(format!("remove {}", chosen(&form)));
        }
    };
    html! {
        <>
            <div class="deeds">{ for additions }</div>
            <form class="setting" onsubmit={on_submit}>
                <label class="field"><span>{ texts.leaves }</span>{ nodes(&props.nodes) }</label>
                <button type="submit">{ texts.remove }</button>
            </form>
        </>
    }
}

/// The form for a world that begins anew.
fn begin(props: &Props, wrong: UseStateHandle<Option<Wrong>>) -> Html {
    let on_new = props.on_new.clone();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = form(&event) else { return };
        match new_world(&values(&form)) {
            Ok(text) => {
                wrong.set(None);
                on_new.emit(text);
            }
            Err(is_wrong) => wrong.set(Some(is_wrong)),
        }
    };
    html! {
        <form class="new" onsubmit={on_submit}>
            { for NEW.iter().map(|setting| field(props.lang, setting)) }
            <button type="submit" class="main">{ props.lang.texts().settings.begin }</button>
        </form>
    }
}

fn form(event: &SubmitEvent) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// What stands in the fields of a form, in their order.
fn values(form: &Element) -> Vec<String> {
    let inputs = form.get_elements_by_tag_name("input");
    let inputs = (0..inputs.length()).filter_map(|place| inputs.item(place));
    inputs.filter_map(|input| input.dyn_into::<HtmlInputElement>().ok()).map(|input| input.value()).collect()
}

/// The node that is chosen in a form.
fn chosen(form: &Element) -> String {
    let select = form.get_elements_by_tag_name("select").item(0);
    select
        .and_then(|select| select.dyn_into::<HtmlSelectElement>().ok())
        .map(|select| select.value())
        .unwrap_or_default()
}
