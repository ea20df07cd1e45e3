//! The lesson: its goal, its steps with their questions and buttons, and what was learnt. Without a lesson: an
//! invitation to take one.

use yew::prelude::*;

use crate::guide::Played;
use crate::i18n::Lang;
use crate::lessons::{self, Progress, Question, Step};

/// What the card asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A button of the present step.
    Press(usize),
    /// An answer to its question.
    Answer(usize),
    /// Something else is to be played.
    Choose(Played),
    /// The present step is to be taken again.
    RestartStep,
    /// It is to be played on without the lesson.
    Leave,
}

/// What it shows, and who is told.
pub(crate) struct Props {
    pub(crate) progress: Option<Progress>,
    /// What follows from the numbers of this run; told at the end.
    pub(crate) figures: Option<String>,
    pub(crate) lang: Lang,
    pub(crate) on_ask: Callback<Ask>,
}

/// The card.
pub(crate) fn lesson_card(props: &Props) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().guide);
    let Some(progress) = &props.progress else {
        return html! {
            <section class="lesson invitation">
                <p>{ texts.invitation }</p>
                { button(props, Ask::Choose(Played::Lesson(0)), texts.begin, true) }
            </section>
        };
    };
    let (lesson, count) = (progress.lesson(), lessons::ALL.len());
    let told = match (progress.reached(), progress.step()) {
        (0, _) => String::new(),
        (_, None) => texts.done.to_owned(),
        (reached, Some(step)) => {
            let before = lesson.steps[reached - 1].title.get(lang);
            format!("{}: {before}. {}", texts.reached, step.title.get(lang))
        }
    };
    html! {
        <section class="lesson" aria-labelledby="lesson-title">
            <p class="number">{ lang.lesson_number(progress.number() + 1, count) }</p>
            <h2 id="lesson-title">{ lesson.title.get(lang) }</h2>
            if progress.reached() == 0 { <p class="goal">{ lesson.goal.get(lang) }</p> }
            <ol class="steps" aria-label={texts.steps}>
                { for lesson.steps.iter().enumerate().map(|(place, step)| {
                    let is_now = (place == progress.reached()).then_some("step");
                    let is_reached = place < progress.reached();
                    html! {
                        <li class={is_reached.then_some("reached")} aria-current={is_now} title={step.title.get(lang)}>
                            <span class="unseen">{ step.title.get(lang) }
                                if is_reached { { " " }{ texts.reached } }</span>
                        </li>
                    }
                }) }
            </ol>
            { verdict(props, progress) }
            if let Some(step) = progress.step() { { draw_step(props, progress, step) } }
            <p class="unseen" role="status">{ told }</p>
            if progress.step().is_none() { { end(props, progress) } }
            <div class="ways">
                if progress.step().is_some() { { button(props, Ask::RestartStep, texts.step_again, false) } }
                { button(props, Ask::Choose(Played::Lesson(progress.number())), texts.again, false) }
                { button(props, Ask::Leave, texts.leave, false) }
            </div>
        </section>
    }
}

fn button(props: &Props, ask: Ask, name: &'static str, is_main: bool) -> Html {
    let on_ask = props.on_ask.clone();
    html! { <button type="button" class={is_main.then_some("main")} onclick={move |_| on_ask.emit(ask)}>{ name }</button> }
}

/// The present step.
fn draw_step(props: &Props, progress: &Progress, step: &Step) -> Html {
    let (lang, place) = (props.lang, progress.reached());
    let deeds = step.deeds.iter().enumerate().map(|(button_place, deed)| {
        let is_next = button_place == progress.pressed().min(step.deeds.len() - 1);
        button(props, Ask::Press(button_place), deed.name.get(lang), is_next)
    });
    html! {
        <div class="now">
            <h3>{ step.title.get(lang) }</h3>
            <p>{ step.text.get(lang) }</p>
            if let Some(ask) = &step.ask { { question(props, ask, progress.answer(place)) } }
            if !progress.is_asking() { <div class="deeds">{ for deeds }</div> }
        </div>
    }
}

fn question(props: &Props, ask: &Question, answer: Option<usize>) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().guide);
    html! {
        <div class="answers" role="group" aria-label={texts.answers}>
            { for ask.answers.iter().enumerate().map(|(place, text)| {
                let on_ask = props.on_ask.clone();
                html! {
                    <button type="button" aria-pressed={(answer == Some(place)).to_string()} disabled={answer.is_some()}
                        onclick={move |_| on_ask.emit(Ask::Answer(place))}>{ text.get(lang) }</button>
                }
            }) }
            if answer.is_some() { <p role="status">{ texts.answered }</p> }
        </div>
    }
}

/// What came of the question of the step that was reached last.
fn verdict(props: &Props, progress: &Progress) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().guide);
    let last = progress.reached().checked_sub(1);
    let Some((place, ask)) =
        last.and_then(|place| Some((place, progress.lesson().steps[place].ask.as_ref()?)))
    else {
        return html! {};
    };
    let word = if progress.answer(place) == Some(ask.right) { texts.right } else { texts.wrong };
    html! { <p class="verdict"><b>{ word }</b>{ " " }{ ask.because.get(lang) }</p> }
}

fn end(props: &Props, progress: &Progress) -> Html {
    let (lang, texts) = (props.lang, &props.lang.texts().guide);
    let lesson = progress.lesson();
    let next = progress.number() + 1;
    html! {
        <div class="end">
            <h3>{ texts.learnt }</h3>
            <p>{ lesson.learnt.get(lang) }</p>
            if let Some(figures) = &props.figures {
                <h3>{ texts.figures }</h3>
                <p>{ figures }</p>
            }
            <h3>{ texts.practice }</h3>
            <p>{ lesson.practice.get(lang) }</p>
            if let Some(lesson) = lessons::ALL.get(next) {
                <p class="next">{ button(props, Ask::Choose(Played::Lesson(next)), texts.next, true) }{ " " }{ lesson.title.get(lang) }</p>
            }
        </div>
    }
}
