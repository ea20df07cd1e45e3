//! The page: the engine, what is chosen, and who is told what.

mod guided;
mod keys;
mod look;

use std::rc::Rc;

use picket_sim::{ActionError, NodeKind};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use crate::browser;
use crate::chosen::{Choice, Chosen};
use crate::components::chooser::chooser;
use crate::components::controls::{self, Command, controls};
use crate::components::hands::{self, hands};
use crate::components::legend::Legend;
use crate::components::lesson_card::{self, lesson_card};
use crate::components::log::Log;
use crate::components::messages::Messages;
use crate::components::narration::Narration;
use crate::components::node_panel::{self, node_panel};
use crate::components::opinions::opinions;
use crate::components::replication::replication;
use crate::components::settings::Settings;
use crate::components::share::{Share, Shared};
use crate::components::stage::Stage;
use crate::components::tabs::tabs;
use crate::engine::Engine;
use crate::guide::{Guide, Trouble};
use crate::i18n::Lang;
use crate::library;
use crate::picture::{Part, Picture};
use crate::sequence::Filter;
use crate::settings::addition;
use crate::tab::Tab;

use guided::Guided;
use keys::{Pressed, pressed};
use look::{Shown, View};

/// Commands that were typed and can be had again.
const TYPED_MAX: usize = 100;
/// Where the browser keeps the chosen language.
const LANG_KEY: &str = "picket-language";

/// Something happened to the page.
pub enum Msg {
    /// The browser draws; by its clock in microseconds.
    Frame(u64),
    /// Of the time controls.
    Time(Command),
    /// Something is chosen on the stage, or nothing.
    Choose(Choice),
    /// Something is to be done to the world.
    Deed(String),
    /// A command for the chosen node.
    Run(String),
    /// Time passes until a command is answered.
    AwaitAnswer,
    /// Other messages are wanted.
    Filter(Filter),
    /// Another tab of the right column.
    Tab(Tab),
    /// Another language.
    Language(Lang),
    /// A key.
    Key(KeyboardEvent),
    /// Lessons, scenarios, links and files.
    Guide(Guided),
}

/// The page.
pub struct App {
    engine: Result<Engine, String>,
    lang: Lang,
    chosen: Chosen,
    tab: Tab,
    /// The messages that are wanted.
    filter: Filter,
    /// What was typed into consoles, the oldest first.
    typed: Rc<Vec<String>>,
    /// Why the last deed could not be done.
    refusal: Option<ActionError>,
    view: Option<View>,
    guide: Guide,
    /// Why something could not be opened.
    trouble: Option<Trouble>,
    /// What the dialog for sharing shows, if it is open.
    shared: Option<Shared>,
    address: Closure<dyn FnMut()>,
    frame: Closure<dyn FnMut(f64)>,
    keys: Closure<dyn FnMut(KeyboardEvent)>,
    last_frame_us: Option<u64>,
    frames: u32,
}

impl Component for App {
    type Message = Msg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let first = library::FIRST.parse().map_err(|error: picket_sim::ScenarioError| error.to_string());
        let engine = first.and_then(|scenario| Engine::open(scenario).map_err(|why| why.to_string()));
        let link = ctx.link().clone();
        let frame = Closure::new(move |at_ms: f64| {
            // Milliseconds with a fraction that browsers round anyway.
            link.send_message(Msg::Frame((at_ms as u64).saturating_mul(1_000)));
        });
        let link = ctx.link().clone();
        let keys = Closure::new(move |event: KeyboardEvent| link.send_message(Msg::Key(event)));
        let link = ctx.link().clone();
        let address = Closure::new(move || link.send_message(Msg::Guide(Guided::Address)));
        let mut app = Self {
            engine,
            lang: stored_lang(),
            chosen: Chosen::default(),
            tab: Tab::Log,
            filter: Filter::default(),
            typed: Rc::default(),
            refusal: None,
            view: None,
            guide: Guide::default(),
            trouble: None,
            shared: None,
            address,
            frame,
            keys,
            last_frame_us: None,
            frames: 0,
        };
        app.look(false);
        app.listen();
        browser::on_address_change(&app.address);
        ctx.link().send_message(Msg::Guide(Guided::Address));
        app.request_frame();
        app
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        let is_frame = matches!(msg, Msg::Frame(_));
        let is_opening = is_frame && self.open_further();
        let Ok(engine) = &mut self.engine else { return false };
        match msg {
            Msg::Frame(at_us) => {
                let before = self.last_frame_us.replace(at_us);
                let progress = self.guide.progress();
                let changed = engine.tick(at_us.saturating_sub(before.unwrap_or(at_us)), |timeline| {
                    progress.is_some_and(|progress| progress.is_reached(timeline))
                });
                self.frames = self.frames.wrapping_add(1);
                self.request_frame();
                if !changed && !is_opening {
                    return false;
                }
            }
            Msg::Time(command) => {
                self.refusal = None;
                command.carry_out(engine);
            }
            Msg::Choose(choice) => {
                self.refusal = None;
                if matches!(choice, Choice::Node(_)) {
                    self.tab = Tab::Node;
                }
                self.chosen.choose(choice);
            }
            Msg::Run(line) => {
                let name = self.chosen.node().map(|node| engine.world().name(node).to_owned());
                let Some(name) = name else { return false };
                self.refusal = engine.inject(&format!("run {name} {line}")).err();
                let typed = Rc::make_mut(&mut self.typed);
                if typed.last() != Some(&line) {
                    typed.push(line);
                }
                let spare = typed.len().saturating_sub(TYPED_MAX);
                typed.drain(..spare);
            }
            Msg::AwaitAnswer => {
                engine.await_answer();
            }
            Msg::Filter(filter) => {
                self.filter = filter;
                self.view = None;
            }
            Msg::Tab(tab) => {
                self.tab = tab;
                self.refusal = None;
            }
            Msg::Deed(line) => self.refusal = engine.inject(&line).err(),
            Msg::Language(lang) => {
                self.lang = lang;
                store_lang(lang);
            }
            Msg::Key(event) => match pressed(&event, engine) {
                Some(Pressed::Time(command)) => {
                    event.prevent_default();
                    command.carry_out(engine);
                }
                Some(Pressed::Close) => self.chosen.choose(Choice::Nothing),
                None => return false,
            },
            Msg::Guide(asked) => self.guided(ctx, asked),
        }
        self.follow_lesson();
        self.look(is_frame && !is_opening);
        true
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (lang, texts) = (self.lang, self.lang.texts());
        let (engine, view) = match (&self.engine, &self.view) {
            (Ok(engine), Some(view)) => (engine, view),
            (Err(why), _) => return html! { <p role="alert">{ why }</p> },
            (Ok(_), None) => return html! {},
        };
        let link = ctx.link();
        let on_language = link.batch_callback(|event: Event| {
            let select: HtmlSelectElement = event.target()?.dyn_into().ok()?;
            Lang::ALL.into_iter().find(|lang| lang.tag() == select.value()).map(Msg::Language)
        });
        let ondrop = link.batch_callback(|event: DragEvent| {
            event.prevent_default();
            browser::dropped_file(&event).map(|file| Msg::Guide(Guided::File(file)))
        });
        let picture = &view.picture;
        html! {
            <div class="page" lang={lang.tag()} ondragover={|event: DragEvent| event.prevent_default()} {ondrop} data-now={engine.now_us().to_string()}
                data-steps={engine.world().steps().to_string()} data-hash={format!("{:016x}", engine.world().outputs_hash())}>
                <header>
                    <h1><svg viewBox="0 0 16 16" aria-hidden="true"><path d="M8 1l6 3v5c0 3-3 5-6 6-3-1-6-3-6-6V4z"/></svg>
                        { "Picket " }<small>{ texts.page.playground }</small></h1>
                    <p>{ texts.page.tagline }</p>
                    { chooser(self.guide.choice(), lang, link.callback(|choice| Msg::Guide(Guided::Choose(choice)))) }
                    <button type="button" onclick={link.callback(|_: MouseEvent| Msg::Guide(Guided::Share))}>{ texts.guide.share }</button>
                    <label class="language">
                        <span class="unseen">{ texts.page.language }</span>
                        <select onchange={on_language}>
                            { for Lang::ALL.into_iter().map(|other| html! {
                                <option value={other.tag()} lang={other.tag()} selected={other == lang}>{ other.name() }</option>
                            }) }
                        </select>
                    </label>
                </header>
                if let Some(shared) = &self.shared {
                    <Share shared={shared.clone()} {lang}
                        on_copy={link.callback(|()| Msg::Guide(Guided::Copy))}
                        on_file={link.callback(|file| Msg::Guide(Guided::File(file)))}
                        on_close={link.callback(|()| Msg::Guide(Guided::Close))} />
                }
                <main>
                    { self.notices(ctx) }
                    if let Some(violation) = &picture.violation {
                        <p class="alarm" role="alert">{ texts.page.violation }{ " " }{ violation }</p>
                    }
                    <section class="stage" aria-label={texts.stage.title}>
                        <Stage picture={picture.clone()} chosen={self.chosen.clone()} {lang}
                            is_readable={!engine.is_playing() || engine.speed().is_slow()} on_choose={link.callback(Msg::Choose)} />
                        { self.hands(ctx, picture) }
                        { self.controls(ctx, engine, view) }
                        <Legend {lang} />
                    </section>
                    <aside>
                        { lesson_card(&lesson_card::Props {
                            progress: self.guide.progress().cloned(), figures: self.figures(), lang,
                            on_ask: link.callback(|ask| Msg::Guide(Guided::Ask(ask))),
                        }) }
                        <Narration told={view.told.clone()} {lang} />
                        if let Some(refusal) = &self.refusal { <p class="alarm" role="alert">{ lang.refused(refusal) }</p> }
                        { tabs(self.tab, lang, &link.callback(Msg::Tab), self.panel(ctx, view)) }
                    </aside>
                </main>
                <footer><p>{ texts.page.keys }</p></footer>
            </div>
        }
    }

    fn rendered(&mut self, _: &Context<Self>, first: bool) {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        if first && let Some(loading) = document.get_element_by_id("loading") {
            loading.remove();
        }
        // Whenever it is set, browsers work out the style of the whole document anew, also if it is what it was.
        let root = document.document_element();
        if let Some(root) = root.filter(|root| root.get_attribute("lang").as_deref() != Some(self.lang.tag()))
        {
            // A language that cannot be told to the browser is only spoken wrongly.
            let _ = root.set_attribute("lang", self.lang.tag());
        }
    }
}

impl App {
    /// The buttons under the stage.
    fn hands(&self, ctx: &Context<Self>, picture: &Rc<Picture>) -> Html {
        hands(&hands::Props {
            picture: picture.clone(),
            chosen: self.chosen.clone(),
            lang: self.lang,
            on_deed: ctx.link().callback(Msg::Deed),
            on_choose: ctx.link().callback(Msg::Choose),
        })
    }

    /// The controls of time.
    fn controls(&self, ctx: &Context<Self>, engine: &Engine, view: &View) -> Html {
        controls(&controls::Props {
            now_us: engine.now_us(),
            end_us: engine.end_us(),
            first: engine.timeline().beginning(),
            marks: view.marks.clone(),
            playing: engine.is_playing(),
            speed: engine.speed(),
            behind: engine.is_behind(),
            branches: engine.branches().collect(),
            lang: self.lang,
            on_command: ctx.link().callback(Msg::Time),
        })
    }

    /// The panel of the chosen tab.
    fn panel(&self, ctx: &Context<Self>, view: &View) -> Html {
        let (lang, link, picture) = (self.lang, ctx.link(), &view.picture);
        match &view.shown {
            Shown::Node(exchanges) => {
                let node = self.chosen.node().and_then(|id| picture.node(id).cloned());
                let playing = self.engine.as_ref().is_ok_and(Engine::is_playing);
                node_panel(&node_panel::Props {
                    node,
                    picture: picture.clone(),
                    lang,
                    exchanges: exchanges.clone(),
                    typed: self.typed.clone(),
                    playing,
                    on_deed: link.callback(Msg::Deed),
                    on_run: link.callback(Msg::Run),
                    on_await: link.callback(|()| Msg::AwaitAnswer),
                    on_choose: link.callback(Msg::Choose),
                })
            }
            Shown::Sentinels(progress, choice) => opinions(picture, progress, choice.as_ref(), lang),
            Shown::Replication(rings, asked, written) => replication(rings, asked, written, lang),
            Shown::Messages(sequence) => html! {
                <Messages picture={picture.clone()} sequence={sequence.clone()} filter={self.filter.clone()} {lang}
                    on_filter={link.callback(Msg::Filter)}
                    on_seek={link.callback(|to_us| Msg::Time(Command::Seek(to_us)))} />
            },
            Shown::Settings { values, priorities, done } => {
                let Ok(engine) = &self.engine else { return html! {} };
                let kinds = [NodeKind::Server, NodeKind::Sentinel, NodeKind::Writer];
                let nodes = picture.nodes.iter();
                let (data, others): (Vec<_>, Vec<_>) =
                    nodes.partition(|node| matches!(node.part, Part::Data(_)));
                let data_nodes = data.len();
                let names: Rc<[String]> =
                    data.into_iter().chain(others).map(|node| node.name.clone()).collect();
                let additions = kinds.map(|kind| addition(kind, engine.setup(), engine.timeline()));
                html! {
                    <Settings nodes={names} {data_nodes} {additions} {lang}
                        values={*values} priorities={priorities.clone()} done={done.clone()}
                        on_deed={link.callback(Msg::Deed)}
                        on_new={link.callback(|text| Msg::Guide(Guided::Text(Ok(text))))} />
                }
            }
            Shown::Log(lines) => html! { <Log lines={lines.clone()} {lang} /> },
        }
    }

    fn request_frame(&self) {
        if let Some(window) = web_sys::window() {
            // Without frames time stands still; the controls still step.
            let _ = window.request_animation_frame(self.frame.as_ref().unchecked_ref());
        }
    }
}

/// The language that was chosen before, or that the browser prefers.
fn stored_lang() -> Lang {
    let Some(window) = web_sys::window() else { return Lang::En };
    let stored =
        window.local_storage().ok().flatten().and_then(|storage| storage.get_item(LANG_KEY).ok().flatten());
    let tag = stored.or_else(|| window.navigator().language());
    tag.map_or(Lang::En, |tag| Lang::preferred(&tag))
}

/// A browser that stores nothing asks again next time.
fn store_lang(lang: Lang) {
    let storage = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
    if let Some(storage) = storage {
        let _ = storage.set_item(LANG_KEY, lang.tag());
    }
}
