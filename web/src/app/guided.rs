//! The page and its guide: what is opened, shared, and asked for by a lesson.

use web_sys::File;
use yew::platform::spawn_local;
use yew::prelude::*;

use super::{App, Msg};
use crate::browser;
use crate::chosen::Choice;
use crate::components::lesson_card::Ask;
use crate::components::share::Shared;
use crate::guide::{Played, Trouble};
use crate::share::{Wanted, wanted};

/// Something that concerns the guide.
pub enum Guided {
    /// Something else is to be played.
    Choose(Played),
    /// Of the lesson.
    Ask(Ask),
    /// Nothing is to be opened after all.
    Cancel,
    /// The address asks for something.
    Address,
    /// The text of a scenario has come.
    Text(Result<String, Trouble>),
    /// A file was chosen or dropped.
    File(File),
    /// The moment is to be shared.
    Share,
    /// The link to it is made; none if it would be too long.
    Link(String, Option<String>),
    /// The link is to be copied.
    Copy,
    /// It was copied, or not.
    Copied(bool),
    /// The dialog is closed.
    Close,
}

impl App {
    /// Does what the guide is asked for.
    pub(super) fn guided(&mut self, ctx: &Context<Self>, asked: Guided) {
        let link = ctx.link();
        match asked {
            Guided::Choose(choice) | Guided::Ask(Ask::Choose(choice)) => self.choose(choice),
            Guided::Ask(Ask::Leave) => {
                self.guide.leave();
                browser::set_address("#");
            }
            Guided::Ask(Ask::RestartStep) => {
                if let Ok(engine) = &mut self.engine {
                    self.guide.restart_step(engine);
                    self.refusal = None;
                }
            }
            Guided::Ask(Ask::Answer(answer)) => {
                if let Some(progress) = self.guide.progress_mut() {
                    progress.set_answer(answer);
                }
            }
            Guided::Ask(Ask::Press(button)) => {
                if let Ok(engine) = &mut self.engine {
                    self.refusal = self.guide.press(button, engine).err();
                }
            }
            Guided::Cancel => self.guide.cancel(),
            Guided::Address => match wanted(&browser::address_fragment()) {
                Ok(None) => {}
                Ok(Some(Wanted::Scenario(deflated))) => {
                    let link = link.clone();
                    spawn_local(async move {
                        let text = browser::inflate(&deflated).await;
                        link.send_message(Msg::Guide(Guided::Text(text)));
                    });
                }
                Ok(Some(named)) => match Played::named(&named) {
                    Some(choice) => self.open(choice),
                    None => self.trouble = Some(Trouble::BadLink),
                },
                Err(_) => self.trouble = Some(Trouble::BadLink),
            },
            Guided::Text(text) => {
                let opened = text.and_then(|text| self.guide.open_text(&text, Played::Own));
                self.trouble = opened.err();
                self.shared = None;
            }
            Guided::File(file) => {
                let link = link.clone();
                browser::set_address("#");
                spawn_local(async move {
                    let text = browser::read(&file).await;
                    link.send_message(Msg::Guide(Guided::Text(text)));
                });
            }
            Guided::Share => {
                let Ok(engine) = &mut self.engine else { return };
                engine.set_playing(false);
                let text = engine.scenario().to_string();
                let link = link.clone();
                spawn_local(async move {
                    let made = browser::link_to(&text).await;
                    link.send_message(Msg::Guide(Guided::Link(text, made)));
                });
            }
            Guided::Link(text, made) => {
                if let Some(made) = &made {
                    browser::set_address(made);
                    self.copy(ctx, made.clone());
                }
                self.shared = Some(Shared { link: made, text, is_copied: None });
            }
            Guided::Copy => {
                if let Some(made) = self.shared.as_ref().and_then(|shared| shared.link.clone()) {
                    self.copy(ctx, made);
                }
            }
            Guided::Copied(is_copied) => {
                if let Some(shared) = &mut self.shared {
                    shared.is_copied = Some(is_copied);
                }
            }
            Guided::Close => self.shared = None,
        }
    }

    /// Opens something that the page brings along, and lets the address name it.
    fn choose(&mut self, choice: Played) {
        if let Some(link) = choice.link() {
            browser::set_address(&format!("#{link}"));
        }
        self.open(choice);
    }

    fn open(&mut self, choice: Played) {
        self.trouble = self.guide.choose(choice).err();
        self.shared = None;
    }

    fn copy(&self, ctx: &Context<Self>, text: String) {
        let link = ctx.link().clone();
        spawn_local(async move {
            let is_copied = browser::copy(&text).await;
            link.send_message(Msg::Guide(Guided::Copied(is_copied)));
        });
    }

    /// Replays a slice of what is being opened; true if there is something new to draw.
    pub(super) fn open_further(&mut self) -> bool {
        let Ok(engine) = &mut self.engine else { return false };
        if self.guide.opening().is_none() {
            return false;
        }
        match self.guide.advance(engine) {
            Ok(false) => {}
            Ok(true) => {
                self.chosen.choose(Choice::Nothing);
                self.refusal = None;
                // Numbers of nodes mean others now.
                self.filter.show_all();
                self.view = None;
                self.turn_eyes();
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
        true
    }

    /// Looks whether the lesson has come further.
    pub(super) fn follow_lesson(&mut self) {
        let Ok(engine) = &mut self.engine else { return };
        if self.guide.look(engine) {
            self.turn_eyes();
        }
    }

    /// Shows what the present step of the lesson is about.
    fn turn_eyes(&mut self) {
        let (Ok(engine), Some(look)) = (&self.engine, self.guide.eyes()) else { return };
        self.tab = look.tab;
        if let Some(node) = look.node.and_then(|node| engine.world().find(node).ok()) {
            self.chosen.choose(Choice::Node(node));
        }
    }

    /// What follows from the numbers of a lesson that is done.
    pub(super) fn figures(&self) -> Option<String> {
        let (engine, progress) = (self.engine.as_ref().ok()?, self.guide.progress()?);
        if progress.step().is_some() {
            return None;
        }
        let figures = progress.lesson().figures?;
        Some(figures(&progress.scene(engine.timeline()), self.lang))
    }

    /// What is being opened, and what went wrong.
    pub(super) fn notices(&self, ctx: &Context<Self>) -> Html {
        let (lang, texts) = (self.lang, &self.lang.texts().guide);
        let cancel = ctx.link().callback(|_: MouseEvent| Msg::Guide(Guided::Cancel));
        html! {
            <>
                if let Some(permille) = self.guide.opening() {
                    <p class="opening"><label>{ texts.opening }{ " " }
                        <progress max="1000" value={permille.to_string()} /></label>
                        <button type="button" onclick={cancel}>{ texts.cancel }</button></p>
                }
                if let Some(trouble) = &self.trouble {
                    <p class="alarm" role="alert">{ lang.trouble(trouble) }</p>
                }
            </>
        }
    }
}
