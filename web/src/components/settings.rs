//! Settings of the running world, nodes that come and go, and worlds that begin anew.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlFormElement, HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use crate::i18n::Lang;
use crate::settings::{LIVE, NEW, Setting, Whose, Wrong, new_world};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    /// The names of the nodes, data nodes first: what changes at every moment would clear the fields.
    pub(crate) nodes: Rc<[String]>,
    /// How many of them are data nodes.
    pub(crate) data_nodes: usize,
    /// What is in force of [`LIVE`], in its order; a node's own are in `priorities`.
    pub(crate) values: [u64; LIVE.len()],
    /// What is in force of a node's own setting, of each data node.
    pub(crate) priorities: Vec<u64>,
    /// The last thing that was set.
    pub(crate) done: Option<String>,
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
    let place = use_state(|| 0_usize);
    let (lang, texts) = (props.lang, &props.lang.texts().settings);
    let group = |name: &'static str, whose: Whose| {
        let settings = LIVE.iter().zip(props.values).filter(|(setting, _)| setting.whose == whose);
        html! {
            <fieldset>
                <legend>{ name }</legend>
                { for settings.map(|(setting, value)| row(props, setting, value, &wrong, &place)) }
            </fieldset>
        }
    };
    let on_input = {
        let wrong = wrong.clone();
        move |_: InputEvent| {
            if wrong.is_some() {
                wrong.set(None);
            }
        }
    };
    html! {
        <div class="settings" oninput={on_input}>
            <h2>{ texts.live }</h2>
            <p class="hint">{ texts.hint }</p>
            <p role="status">if let Some(done) = &props.done { <code>{ done }</code> }</p>
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

/// A field with its button. What is in force stands in it until somebody types.
fn row(
    props: &Props,
    setting: &'static Setting,
    value: u64,
    wrong: &UseStateHandle<Option<Wrong>>,
    place: &UseStateHandle<usize>,
) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().settings);
    let (on_deed, wrong) = (props.on_deed.clone(), wrong.clone());
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = form(&event) else { return };
        let node = chosen(&form);
        match setting.line(values(&form).first().map_or("", String::as_str), &node) {
            Ok(line) => {
                wrong.set(None);
                on_deed.emit(line);
                form.reset();
            }
            Err(is_wrong) => wrong.set(Some(is_wrong)),
        }
    };
    let of_one = setting.whose == Whose::OneNode;
    let value = if of_one { props.priorities.get(**place).copied().unwrap_or(value) } else { value };
    let on_node = {
        let place = place.clone();
        move |event: Event| {
            let select = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
            place.set(select.and_then(|select| usize::try_from(select.selected_index()).ok()).unwrap_or(0));
        }
    };
    html! {
        <form class="setting" onsubmit={on_submit}>
            { field(lang, setting, value) }
            if of_one {
                <label onchange={on_node}><span class="unseen">{ texts.node }</span>
                    { nodes(&props.nodes[..props.data_nodes], **place) }</label>
            }
            <button type="submit">{ texts.set }</button>
        </form>
    }
}

fn field(lang: Lang, setting: &Setting, value: u64) -> Html {
    html! {
        <label class="field"><span>{ lang.setting(setting) }</span>
            <input type="number" required=true step="1" min={setting.min.to_string()} max={setting.max.to_string()}
                ~defaultValue={value.to_string()} />
            <i>{ setting.unit }</i></label>
    }
}

/// A choice among nodes.
fn nodes(names: &[String], chosen: usize) -> Html {
    let option = |(place, name): (usize, &String)| {
        html! { <option key={name.clone()} selected={place == chosen}>{ name }</option> }
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
                <label class="field"><span>{ texts.leaves }</span>{ nodes(&props.nodes, 0) }</label>
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
            { for NEW.iter().map(|setting| field(props.lang, setting, setting.usual)) }
            <button type="submit" class="main">{ props.lang.texts().settings.begin }</button>
        </form>
    }
}

fn form(event: &SubmitEvent) -> Option<HtmlFormElement> {
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
