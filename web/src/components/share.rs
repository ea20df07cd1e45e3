//! The dialog for sharing: a link to this moment, and files.

use wasm_bindgen::JsCast as _;
use web_sys::{File, HtmlDialogElement, HtmlInputElement};
use yew::prelude::*;

use crate::i18n::Lang;

/// What is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shared {
    /// The link; none if it would be too long, or the browser cannot make one.
    pub(crate) link: Option<String>,
    /// The text of the scenario.
    pub(crate) text: String,
    /// Whether the link is in the clipboard; none before that was tried.
    pub(crate) is_copied: Option<bool>,
}

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) shared: Shared,
    pub(crate) lang: Lang,
    pub(crate) on_copy: Callback<()>,
    pub(crate) on_file: Callback<File>,
    pub(crate) on_close: Callback<()>,
}

/// The dialog.
#[component]
pub(crate) fn Share(props: &Props) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().guide);
    let dialog = use_node_ref();
    use_effect_with(dialog.clone(), |dialog| {
        // A browser without modal dialogs shows it in the page.
        if let Some(dialog) = dialog.cast::<HtmlDialogElement>()
            && dialog.show_modal().is_err()
        {
            dialog.set_open(true);
        }
    });
    let on_close = props.on_close.clone();
    let close = on_close.reform(|_: MouseEvent| ());
    let on_copy = props.on_copy.reform(|_: MouseEvent| ());
    let on_file = props.on_file.clone();
    let on_choose = move |event: Event| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(file) = input.and_then(|input| input.files()).and_then(|files| files.get(0)) {
            on_file.emit(file);
        }
    };
    let select = |event: FocusEvent| {
        if let Some(input) = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok()) {
            input.select();
        }
    };
    let told = match props.shared.is_copied {
        Some(true) => texts.copied,
        Some(false) => texts.not_copied,
        None => "",
    };
    let href = format!(
        "data:text/plain;charset=utf-8,{}",
        String::from(js_sys::encode_uri_component(&props.shared.text))
    );
    html! {
        <dialog class="share" ref={dialog} aria-labelledby="share-title" onclose={on_close.reform(|_: Event| ())}>
            <h2 id="share-title">{ texts.share }
                <button type="button" class="close" aria-label={lang.texts().page.close} onclick={close}>{ "×" }</button>
            </h2>
            if let Some(link) = &props.shared.link {
                <p>{ texts.share_hint }</p>
                <div class="link">
                    <label><span class="unseen">{ texts.link }</span>
                        <input type="text" readonly=true value={link.clone()} onfocus={select} /></label>
                    <button type="button" class="main" onclick={on_copy}>{ texts.copy }</button>
                </div>
            } else {
                <p>{ texts.too_long_to_link }</p>
            }
            <p role="status">{ told }</p>
            <p class="files">
                <a class="button" {href} download="scenario.picket.txt">{ texts.save }</a>
                <label class="button file">{ texts.load }
                    <input type="file" accept=".txt,text/plain" onchange={on_choose} /></label>
            </p>
            <p class="hint">{ texts.load_hint }</p>
        </dialog>
    }
}
