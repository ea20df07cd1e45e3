//! What became of the writes of clients: on how many replicas, and lost.

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::Written;

/// A bar and figures for each client.
pub(crate) fn writes(written: &[Written], lang: Lang) -> Html {
    let texts = &lang.texts().replication;
    html! {
        <div class="written">
            <h2>{ texts.writes }</h2>
            if written.is_empty() { <p class="hint">{ texts.writes_none }</p> }
            { for written.iter().map(|written| of(written, lang)) }
        </div>
    }
}

fn of(written: &Written, lang: Lang) -> Html {
    let texts = &lang.texts().replication;
    let lost = written.lost.unwrap_or_default();
    let all = (written.by_copies.iter().sum::<u64>() + lost).max(1);
    let last = written.by_copies.len() - 1;
    // The best kept first.
    let parts: Vec<(String, u64, String)> = (0..=last)
        .rev()
        .map(|copies| {
            (format!("copies c{}", copies.min(3)), written.by_copies[copies], lang.on_replicas(copies))
        })
        .chain([("copies lost".to_owned(), lost, texts.lost.to_owned())])
        .filter(|(_, count, _)| *count > 0)
        .collect();
    let bar = |(class, count, name): &(String, u64, String)| {
        let permille = count.saturating_mul(1_000) / all;
        let style = format!("flex-grow:{}", permille.max(4));
        html! { <i class={class.clone()} {style} title={format!("{name}: {count}")} /> }
    };
    let entry = |(class, count, name): &(String, u64, String)| {
        html! { <li><i class={class.clone()} />{ name }{ " " }<b>{ count }</b></li> }
    };
    html! {
        <div key={written.name.clone()}>
            <h3>{ &written.name }</h3>
            <dl class="figures">
                <div><dt>{ texts.acknowledged }</dt><dd>{ written.acknowledged }</dd></div>
                <div class={(lost > 0).then_some("bad")} title={texts.lost_hint}><dt>{ texts.lost }</dt>
                    <dd>{ written.lost.map_or_else(|| "–".to_owned(), |lost| lost.to_string()) }</dd></div>
                <div><dt>{ texts.failed }</dt><dd>{ written.failed }</dd></div>
            </dl>
            <div class="spread" aria-hidden="true">{ for parts.iter().map(bar) }</div>
            <ul class="spread-legend">{ for parts.iter().map(entry) }</ul>
            if !written.lost_first.is_empty() { <p class="alarm">{ lang.lost_writes(&written.lost_first, lost) }</p> }
        </div>
    }
}
