//! What can be done to a node in its present state.

use picket_sim::Power;
use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{NodePicture, Part};

/// The buttons.
pub(crate) fn deeds(node: &NodePicture, lang: Lang, on_deed: &Callback<String>) -> Html {
    let texts = &lang.texts().node;
    let name = node.name.as_str();
    let button = |label: &'static str, hint: &'static str, line: String| {
        let on_deed = on_deed.clone();
        html! { <button type="button" title={hint} onclick={move |_| on_deed.emit(line.clone())}>{ label }</button> }
    };
    let deed = |label, hint, verb: &str| button(label, hint, format!("{verb} {name}"));
    let kill = deed(texts.kill, texts.kill_hint, "kill");
    let by_power = match node.power {
        Power::Running => html! {
            <>
                { kill }
                { deed(texts.freeze, texts.freeze_hint, "freeze") }
                { deed(texts.off, texts.off_hint, "off") }
                { deed(texts.isolate, texts.isolate_hint, "partition") }
            </>
        },
        Power::Frozen => html! { <>{ deed(texts.resume, texts.resume_hint, "resume") }{ kill }</> },
        Power::Killed | Power::Off => deed(texts.start, texts.start_hint, "start"),
    };
    let further = match node.part {
        Part::Writer(_) => html! {
            <>
                { button(texts.write_off, texts.write_off, format!("writes {name} off")) }
                { button(texts.write_on, texts.write_on, format!("writes {name} on")) }
            </>
        },
        Part::Data(_) | Part::Sentinel(_) => html! {
            <details>
                <summary>{ texts.more }</summary>
                <div class="deeds">
                    if matches!(node.part, Part::Data(_)) { { deed(texts.wipe, texts.wipe_hint, "wipe") } }
                    { button(texts.clock_on, texts.clock_hint, format!("clock {name} +5000")) }
                    { button(texts.clock_back, texts.clock_hint, format!("clock {name} -5000")) }
                    { button(texts.disk_full, texts.disk_full_hint, format!("disk {name} full")) }
                    { button(texts.disk_flaky, texts.disk_flaky_hint, format!("disk {name} flaky 50")) }
                    { button(texts.disk_slow, texts.disk_slow_hint, format!("slow-disk {name} 200ms..400ms")) }
                    { button(texts.disk_ok, texts.disk_ok, format!("disk {name} ok")) }
                </div>
            </details>
        },
    };
    html! { <div class="deeds">{ by_power }{ further }</div> }
}
