//! The console of a node: commands as one types them into redis-cli, and what came back.

use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlInputElement};
use yew::prelude::*;

use crate::console::{Exchange, Outcome};
use crate::i18n::Lang;
use crate::line::seconds;
use crate::picture::{NodePicture, Part};

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) node: NodePicture,
    pub(crate) exchanges: Vec<Exchange>,
    /// What was typed since the page was opened, the oldest first.
    pub(crate) typed: Rc<Vec<String>>,
    pub(crate) playing: bool,
    pub(crate) lang: Lang,
    /// A command for this node.
    pub(crate) on_run: Callback<String>,
    /// Lets time pass until there is an answer.
    pub(crate) on_await: Callback<()>,
}

/// The console.
#[component]
pub(crate) fn Console(props: &Props) -> Html {
    let texts = &props.lang.texts().console;
    let (input, scroll) = (use_node_ref(), use_node_ref());
    // How far back in the history the line is.
    let back = use_mut_ref(|| 0_usize);
    let told = (props.node.id, props.exchanges.last().cloned());
    {
        let scroll = scroll.clone();
        use_effect_with(told, move |_| {
            if let Some(element) = scroll.cast::<Element>() {
                element.set_scroll_top(element.scroll_height());
            }
        });
    }
    let on_submit = {
        let (on_run, input, back) = (props.on_run.clone(), input.clone(), back.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(input) = input.cast::<HtmlInputElement>()
                && !input.value().trim().is_empty()
            {
                on_run.emit(input.value().trim().to_owned());
                input.set_value("");
                *back.borrow_mut() = 0;
            }
        }
    };
    let on_key = {
        let (typed, back) = (props.typed.clone(), back.clone());
        move |event: KeyboardEvent| {
            let mut back = back.borrow_mut();
            *back = match event.key().as_str() {
                "ArrowUp" => (*back + 1).min(typed.len()),
                "ArrowDown" => back.saturating_sub(1),
                _ => return,
            };
            event.prevent_default();
            let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
            if let Some(input) = input {
                let line = typed.len().checked_sub(*back).and_then(|place| typed.get(place));
                input.set_value(line.map_or("", String::as_str));
            }
        }
    };
    let example = |line: &'static str| {
        let on_run = props.on_run.clone();
        html! { <button type="button" onclick={move |_| on_run.emit(line.to_owned())}><code>{ line }</code></button> }
    };
    let waits = props.exchanges.iter().any(|exchange| exchange.outcome == Outcome::Waits);
    let prompt = format!("{}>", props.node.name);
    html! {
        <div class="console">
            <h3>{ texts.title }</h3>
            <div class="chips">{ for examples(&props.node).iter().copied().map(example) }</div>
            <div class="screen" ref={scroll} tabindex="0" role="log" aria-label={texts.title}>
                if props.exchanges.is_empty() { <p class="hint">{ texts.empty }</p> }
                { for props.exchanges.iter().map(|exchange| shown(exchange, &prompt, props.lang)) }
                if waits && !props.playing {
                    <button type="button" onclick={props.on_await.reform(|_| ())}>{ texts.let_pass }</button>
                }
            </div>
            <form onsubmit={on_submit}>
                <label><span class="unseen">{ texts.command }</span>
                    <input type="text" ref={input} onkeydown={on_key} placeholder={prompt.clone()} autocomplete="off"
                        autocapitalize="none" spellcheck="false" enterkeyhint="send" /></label>
                <button type="submit">{ texts.send }</button>
            </form>
        </div>
    }
}

fn shown(exchange: &Exchange, prompt: &str, lang: Lang) -> Html {
    let texts = &lang.texts().console;
    let (class, text) = match &exchange.outcome {
        Outcome::Waits => ("waits", texts.waits),
        Outcome::Reply(text) if text.starts_with("(error)") => ("error", text.as_str()),
        Outcome::Reply(text) => ("reply", text.as_str()),
        Outcome::Failed(reason) => ("error", reason.as_str()),
    };
    html! {
        <div key={exchange.index}>
            <p class="typed"><b>{ prompt }</b>{ " " }{ &exchange.line }<time>{ seconds(exchange.at_us) }</time></p>
            <pre {class}>{ text }</pre>
            if exchange.is_stream() { <p class="hint">{ lang.stream_bytes(exchange.stream_bytes) }</p> }
        </div>
    }
}

/// Commands to begin with.
fn examples(node: &NodePicture) -> &'static [&'static str] {
    match node.part {
        Part::Data(_) => &["INFO replication", "ROLE", "SET k v", "GET k", "PSYNC ? -1"],
        Part::Sentinel(_) => &[
            "SENTINEL masters",
            "SENTINEL replicas mymaster",
            "SENTINEL get-master-addr-by-name mymaster",
            "SENTINEL ckquorum mymaster",
        ],
        Part::Writer(_) => &[],
    }
}
