//! What each Sentinel thinks, side by side, where it is in a failover, and why.

use yew::prelude::*;

use super::choice::choice;
use super::machine::machine;
use crate::i18n::Lang;
use crate::line::seconds;
use crate::picture::{NodePicture, Opinion, Part, Picture, Progress, ReplicaChoice, Stance, Waits};

/// The panel.
pub(crate) fn opinions(
    picture: &Picture,
    progress: &[Progress],
    chosen: Option<&ReplicaChoice>,
    lang: Lang,
) -> Html {
    let texts = &lang.texts().sentinels;
    let row = |node: &NodePicture| {
        let Part::Sentinel(opinion) = &node.part else { return html! {} };
        let cells = match opinion {
            None => html! { <td colspan="5">{ lang.power(node.power) }</td> },
            Some(opinion) => cells(opinion, picture, lang),
        };
        html! { <tr><th scope="row">{ &node.name }</th>{ cells }</tr> }
    };
    let busy: Vec<&Progress> = progress.iter().filter(|one| !one.is_idle()).collect();
    let idle: Vec<&str> = progress.iter().filter(|one| one.is_idle()).map(|one| one.name.as_str()).collect();
    html! {
        <div class="opinions">
            <h2>{ texts.machine }</h2>
            { machine(progress, lang) }
            <h2>{ texts.opinions }</h2>
            <div class="scroll" tabindex="0" role="region" aria-label={texts.opinions}>
                <table>
                    <thead><tr>
                        { for [texts.sentinel, texts.stance, texts.agree, texts.master, texts.epochs, texts.vote]
                            .into_iter().map(|name| html! { <th scope="col">{ name }</th> }) }
                    </tr></thead>
                    <tbody>{ for picture.nodes.iter().map(row) }</tbody>
                </table>
            </div>
            if let Some(chosen) = chosen { { choice(chosen, lang) } }
            <h2>{ texts.why }</h2>
            <ul class="reasons">
                { for busy.into_iter().map(|one| reasons(one, lang)) }
                if !idle.is_empty() {
                    <li><b>{ idle.join(", ") }</b><p>{ lang.waits(&Waits::Nothing) }</p></li>
                }
            </ul>
        </div>
    }
}

fn cells(opinion: &Opinion, picture: &Picture, lang: Lang) -> Html {
    let texts = &lang.texts().sentinels;
    let vote = opinion.vote.as_ref().map(|(name, epoch)| format!("{name} ({epoch})"));
    let down = opinion.agree + u32::from(opinion.sdown);
    html! {
        <>
            <td><span class={classes!("stance", stance_class(opinion.stance))}>{ lang.stance(opinion.stance) }</span></td>
            <td>{ format!("{down} / {}", opinion.quorum) }</td>
            <td>{ opinion.master.map_or(lang.texts().page.nobody, |master| picture.name(master)) }</td>
            <td title={texts.epochs_hint}>{ format!("{} ({})", opinion.epoch, opinion.config_epoch) }</td>
            <td>{ vote.unwrap_or_else(|| "–".to_owned()) }</td>
        </>
    }
}

/// One Sentinel in words: its state and since when, what it waits for, who agrees, and why it did not vote for another.
fn reasons(one: &Progress, lang: Lang) -> Html {
    let texts = &lang.texts().sentinels;
    let Some(state) = one.state else {
        return html! { <li key={one.id.0}><b>{ &one.name }</b>{ " – " }{ texts.not_running }</li> };
    };
    let since = one.for_us.map(|us| format!(" {}", lang.for_span(&seconds(us))));
    html! {
        <li key={one.id.0}>
            <b>{ &one.name }</b>{ " " }<code>{ state.word() }</code><span class="since">{ since }</span>
            <p>{ lang.waits(&one.waits) }</p>
            if !one.agreeing.is_empty() { <p>{ lang.agreeing(&one.agreeing) }</p> }
            if let Some((name, epoch)) = &one.voted { <p>{ lang.voted(name, *epoch) }</p> }
            if let Some(refusal) = &one.refusal { <p>{ lang.refusal(refusal) }</p> }
            if let Some((abort, ago_us)) = one.abort { <p class="bad">{ lang.abort(abort, &seconds(ago_us)) }</p> }
        </li>
    }
}

/// A stance's name in style sheets.
pub(crate) fn stance_class(stance: Stance) -> &'static str {
    match stance {
        Stance::Up => "up",
        Stance::Sdown => "sdown",
        Stance::Odown => "odown",
        Stance::Candidate => "candidate",
        Stance::Leader => "leader",
        Stance::Promoting => "promoting",
        Stance::Tilt => "tilt",
    }
}
