//! Why this replica was chosen: those that could be promoted in their order, and those that could not.

use yew::prelude::*;

use crate::i18n::Lang;
use crate::line::seconds;
use crate::picture::{Candidate, ReplicaChoice};

/// The table.
pub(crate) fn choice(choice: &ReplicaChoice, lang: Lang) -> Html {
    let texts = &lang.texts().sentinels;
    let row = |(candidate, place): (&Candidate, usize)| {
        let yes = if candidate.in_sync { texts.yes } else { texts.no };
        html! {
            <tr key={place} class={(place == 1).then_some("chosen")}>
                <th scope="row">{ place }{ ". " }{ &candidate.name }</th><td>{ yes }</td><td>{ candidate.priority }</td>
                <td>{ candidate.offset }</td><td><code>{ &candidate.run_id }</code></td>
            </tr>
        }
    };
    html! {
        <div class="choice">
            <h2>{ texts.choice }</h2>
            <p class="hint">{ lang.chosen_by(&choice.by, &seconds(choice.at_us)) }</p>
            if !choice.ranked.is_empty() {
                <div class="scroll" tabindex="0" role="region" aria-label={texts.choice}><table>
                    <thead><tr>{ for [texts.candidate, texts.in_sync, texts.priority, texts.offset, texts.run_id].into_iter()
                        .map(|name| html! { <th scope="col">{ name }</th> }) }</tr></thead>
                    <tbody>{ for choice.ranked.iter().zip(1..).map(row) }</tbody>
                </table></div>
            }
            <p>{ lang.decided(choice) }</p>
            if !choice.rejected.is_empty() {
                <ul>{ for choice.rejected.iter().map(|(name, why)| html! { <li>{ lang.ineligible(name, why) }</li> }) }</ul>
            }
        </div>
    }
}
