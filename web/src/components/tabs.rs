//! The tabs of the right column; one panel is shown at a time. Arrow keys, Home and End go from tab to tab.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;
use yew::prelude::*;

use crate::i18n::Lang;
use crate::tab::Tab;

/// The tabs and the panel.
/// `panel` is that of the active tab.
pub(crate) fn tabs(active: Tab, lang: Lang, on_choose: &Callback<Tab>, panel: Html) -> Html {
    let on_key = {
        let on_choose = on_choose.clone();
        move |event: KeyboardEvent| {
            let tab = match event.key().as_str() {
                "ArrowRight" => active.next(),
                "ArrowLeft" => active.before(),
                "Home" => Tab::ALL[0],
                "End" => Tab::ALL[Tab::ALL.len() - 1],
                _ => return,
            };
            event.prevent_default();
            // The page's own keys step through time.
            event.stop_propagation();
            on_choose.emit(tab);
            focus(&id_of(tab));
        }
    };
    let tab = |tab: Tab| {
        let is_active = tab == active;
        let on_choose = on_choose.clone();
        html! {
            <button type="button" role="tab" id={id_of(tab)} aria-selected={is_active.to_string()} aria-controls="panel"
                tabindex={if is_active { "0" } else { "-1" }} onclick={move |_| on_choose.emit(tab)}>
                { lang.tab(tab) }
            </button>
        }
    };
    html! {
        <section class="tabs">
            <div role="tablist" aria-label={lang.texts().tabs.title} onkeydown={on_key}>{ for Tab::ALL.into_iter().map(tab) }</div>
            <div role="tabpanel" id="panel" class={classes!("tabpanel", active.class())} aria-labelledby={id_of(active)}>
                { panel }
            </div>
        </section>
    }
}

fn id_of(tab: Tab) -> String {
    format!("tab-{}", tab.class())
}

/// A browser that does not move the focus leaves it on the tab that was left; the panel is right all the same.
fn focus(id: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    let element = document.and_then(|document| document.get_element_by_id(id));
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}
