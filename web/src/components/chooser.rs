//! The chooser of lessons and scenarios in the header.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::guide::Played;
use crate::i18n::Lang;
use crate::{lessons, library};

/// The chooser.
pub(crate) fn chooser(chosen: Played, lang: Lang, on_choose: Callback<Played>) -> Html {
    let texts = &lang.texts().guide;
    let scenarios = library::ALL.len();
    // Options have numbers: free play, the lessons, the scenarios, one's own.
    let on_change = move |event: Event| {
        let select = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
        let place = select.and_then(|select| usize::try_from(select.selected_index()).ok());
        match place {
            Some(0) => on_choose.emit(Played::Free),
            Some(place) if place <= lessons::ALL.len() => on_choose.emit(Played::Lesson(place - 1)),
            Some(place) if place <= lessons::ALL.len() + scenarios => {
                on_choose.emit(Played::Scenario(place - 1 - lessons::ALL.len()));
            }
            _ => {}
        }
    };
    let option = |choice: Played, name: String| {
        html! { <option selected={chosen == choice}>{ name }</option> }
    };
    let title = |place: usize| {
        let (english, chinese) = library::ALL[place].titles();
        match lang {
            Lang::En => english,
            Lang::Zh => chinese,
        }
    };
    html! {
        <label class="chooser">
            <span class="unseen">{ texts.choose }</span>
            <select onchange={on_change}>
                { option(Played::Free, texts.free.to_owned()) }
                <optgroup label={texts.lessons}>
                    { for lessons::ALL.iter().enumerate().map(|(number, lesson)| {
                        option(Played::Lesson(number), format!("{}. {}", number + 1, lesson.title.get(lang)))
                    }) }
                </optgroup>
                <optgroup label={texts.scenarios}>
                    { for (0..scenarios).map(|place| option(Played::Scenario(place), title(place).to_owned())) }
                </optgroup>
                if chosen == Played::Own { { option(Played::Own, texts.own.to_owned()) } }
            </select>
        </label>
    }
}
