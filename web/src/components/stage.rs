//! The stage: nodes, links and messages as a drawing. State is told by colour, by shape and by word.

use std::rc::Rc;

use picket_sim::{NodeId, Power};
use yew::prelude::*;

use super::opinions::stance_class;
use crate::i18n::Lang;
use crate::layout::{HEIGHT, Places, Point, WIDTH};
use crate::picture::{DataPicture, DataRole, Flight, NodePicture, Part, Picture, Stance};

/// From a node's middle to where lines begin.
const RADIUS: i32 = 36;
/// How far apart messages of both directions travel.
const LANE: i32 = 7;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) selected: Option<NodeId>,
    pub(crate) lang: Lang,
    pub(crate) on_select: Callback<Option<NodeId>>,
}

/// The stage.
#[component]
pub(crate) fn Stage(props: &Props) -> Html {
    let picture = &*props.picture;
    let places = place_all(picture);
    let place = |id: NodeId| places.iter().find(|(node, _)| *node == id).map(|(_, place)| *place);
    let between = |from: NodeId, to: NodeId| {
        let (from, to) = (place(from)?, place(to)?);
        Some((from.beside(to, RADIUS), to.beside(from, RADIUS)))
    };
    let links = picture.links.iter().filter_map(|link| {
        let (a, b) = between(link.from, link.to)?;
        let kind = link.kind.class();
        let state = if link.is_up { "up" } else { "down" };
        let key = format!("{}-{kind}", link.from);
        Some(html! { <g {key} class={classes!("link", kind, state)}>{ line(a, b) }</g> })
    });
    let cuts = picture.cuts.iter().filter_map(|cut| {
        let (a, b) = between(cut.from, cut.to)?;
        // One way: the bar stands before the node that is not reached.
        let Point { x, y } = a.towards(b, if cut.both { 500 } else { 850 });
        let key = format!("{}-{}", cut.from, cut.to);
        let d = format!("M{} {}l12 12m0-12l-12 12", x - 6, y - 6);
        Some(html! { <g {key} class="cut">{ line(a, b) }<path {d} /></g> })
    });
    let messages = picture.messages.iter().filter_map(|message| {
        let (a, b) = between(message.from, message.to)?;
        Some(flight(message, a, b))
    });
    let nodes = picture.nodes.iter().filter_map(|node| Some(draw_node(node, place(node.id)?, props)));
    html! {
        <svg class="world" viewBox={format!("0 0 {WIDTH} {HEIGHT}")} role="group" aria-label={props.lang.texts().stage.title}>
            <defs>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                    <path d="M0 0l8 4-8 4z" />
                </marker>
            </defs>
            <g aria-hidden="true">{ for links }{ for cuts }{ for messages }</g>
            { for nodes }
        </svg>
    }
}

fn place_all(picture: &Picture) -> Vec<(NodeId, Point)> {
    let of = |wanted: fn(&Part) -> bool| -> Vec<NodeId> {
        picture.nodes.iter().filter(|node| wanted(&node.part)).map(|node| node.id).collect()
    };
    let data = of(|part| matches!(part, Part::Data(_)));
    let sentinels = of(|part| matches!(part, Part::Sentinel(_)));
    let writers = of(|part| matches!(part, Part::Writer(_)));
    let places = Places::of(data.len(), sentinels.len(), writers.len());
    let ids = data.into_iter().chain(sentinels).chain(writers);
    ids.zip([places.data, places.sentinels, places.writers].concat()).collect()
}

fn line(a: Point, b: Point) -> Html {
    html! { <line x1={a.x.to_string()} y1={a.y.to_string()} x2={b.x.to_string()} y2={b.y.to_string()} /> }
}

/// A message on its way: a dot. One that has arrived: the trace of its way.
fn flight(message: &Flight, a: Point, b: Point) -> Html {
    // To the right of its way, so that questions and answers do not meet.
    let (dx, dy) = (b.x - a.x, b.y - a.y);
    let len = a.distance(b).max(1);
    let aside = |point: Point| Point { x: point.x - dy * LANE / len, y: point.y + dx * LANE / len };
    let (a, b) = (aside(a), aside(b));
    let key = message.id.0.to_string();
    let class = classes!("message", message.topic.class(), message.is_stuck.then_some("stuck"));
    if message.progress == 1_000 {
        return html! { <g {key} class={classes!(class, "arrived")}>{ line(a, b) }</g> };
    }
    let at = a.towards(b, i32::try_from(message.progress).unwrap_or(1_000));
    html! {
        <g {key} {class}>
            <title>{ &message.text }</title>
            <circle cx={at.x.to_string()} cy={at.y.to_string()} r="6" />
        </g>
    }
}

/// A node with its shape, its name and a word on its state.
fn draw_node(node: &NodePicture, at: Point, props: &Props) -> Html {
    let (lang, texts) = (props.lang, props.lang.texts());
    let (kind, state, word, shape) = match &node.part {
        Part::Data(data) => ("data", data_class(node, data), data_word(node, data, lang), cylinder()),
        Part::Sentinel(opinion) => {
            let stance = opinion.as_ref().map_or(Stance::Up, |opinion| opinion.stance);
            let class = if node.runs() { stance_class(stance) } else { power_class(node.power) };
            let word = if !node.runs() {
                lang.power(node.power)
            } else if stance == Stance::Up {
                ""
            } else {
                lang.stance(stance)
            };
            ("sentinel", class, word.to_owned(), shield(stance, node.runs()))
        }
        Part::Writer(writer) => {
            let state = if node.runs() { "up" } else { power_class(node.power) };
            (
                "writer",
                state,
                format!("{} ✓", writer.acknowledged),
                html! { <rect x="-30" y="-18" width="60" height="36" rx="18" /> },
            )
        }
    };
    let is_selected = props.selected == Some(node.id);
    let label = match &node.part {
        Part::Writer(writer) => {
            format!("{} {} ✓ {}", node.name, writer.acknowledged, texts.replication.acknowledged)
        }
        _ if word.is_empty() => format!("{} {}", node.name, lang.power(node.power)),
        _ => format!("{} {word}", node.name),
    };
    let (id, on_select) = (node.id, props.on_select.clone());
    let on_key = {
        let on_select = on_select.clone();
        move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                event.stop_propagation();
                on_select.emit(Some(id));
            }
        }
    };
    html! {
        <g key={node.name.clone()} class={classes!("node", kind, state, is_selected.then_some("selected"))}
            transform={format!("translate({} {})", at.x, at.y)} tabindex="0" role="button" aria-label={label}
            aria-pressed={is_selected.to_string()} onclick={move |_| on_select.emit(Some(id))} onkeydown={on_key}>
            <circle class="halo" r="44" />
            { shape }
            { sign(node) }
            <text class="name" y="48">{ &node.name }{ " " }<tspan class="word" x="0" dy="15">{ word }</tspan></text>
        </g>
    }
}

/// The disk that stands for data.
fn cylinder() -> Html {
    html! {
        <>
            <path d="M-30-16v32c0 7 13 12 30 12s30-5 30-12v-32z" />
            <ellipse cy="-16" rx="30" ry="11" />
        </>
    }
}

/// A Sentinel is a shield; who stands for election or leads has a star in it.
fn shield(stance: Stance, runs: bool) -> Html {
    let star = runs && matches!(stance, Stance::Candidate | Stance::Leader | Stance::Promoting);
    html! {
        <>
            <path d="M0-30l26 10v18c0 17-11 27-26 33-15-6-26-16-26-33v-18z" />
            if star { <path class="star" d="M0-17l4.7 10.5 11.4 1.2-8.5 7.7 2.4 11.2-10-5.7-10 5.7 2.4-11.2-8.5-7.7 11.4-1.2z" /> }
        </>
    }
}

/// The sign inside a node: a crown for a master, bars for who is frozen, a cross for who is gone.
fn sign(node: &NodePicture) -> Html {
    let d = match (node.power, &node.part) {
        (Power::Killed | Power::Off, _) => "M-10-8l20 20m0-20l-20 20",
        (Power::Frozen, _) => "M-6-8v18m12-18v18",
        (Power::Running, Part::Data(data)) => match data.role {
            _ if data.is_promoting => "M0 14v-18m-8 8l8-8 8 8",
            DataRole::Master => "M-14 12v-16l7 8 7-11 7 11 7-8v16z",
            DataRole::Syncing => "M-9 2a9 9 0 1 1 9 9m-5-4l5 4-5 5",
            DataRole::Apart => "M-13 4h8m10 0h8m-15-6l4 12",
            DataRole::Replica | DataRole::Down => return html! {},
        },
        (Power::Running, Part::Sentinel(Some(opinion))) => match opinion.stance {
            Stance::Sdown => "M0-14v14m0 8v1",
            Stance::Odown => "M-5-14v14m0 8v1m10-23v14m0 8v1",
            Stance::Tilt => "M-10 8l20-14",
            Stance::Up | Stance::Candidate | Stance::Leader | Stance::Promoting => return html! {},
        },
        (Power::Running, Part::Sentinel(None) | Part::Writer(_)) => return html! {},
    };
    html! { <path class="sign" {d} /> }
}

fn data_class(node: &NodePicture, data: &DataPicture) -> &'static str {
    match (node.power, data.role) {
        (Power::Killed | Power::Off | Power::Frozen, _) => power_class(node.power),
        (Power::Running, _) if data.is_promoting => "promoting",
        (Power::Running, _) if data.odown => "odown",
        (Power::Running, _) if data.sdown_by > 0 => "sdown",
        (Power::Running, DataRole::Master) => "master",
        (Power::Running, DataRole::Replica) => "replica",
        (Power::Running, DataRole::Syncing) => "syncing",
        (Power::Running, DataRole::Apart | DataRole::Down) => "apart",
    }
}

fn data_word(node: &NodePicture, data: &DataPicture, lang: Lang) -> String {
    let texts = lang.texts();
    let mut word = if data.is_promoting {
        texts.stage.promoting.to_owned()
    } else if node.runs() {
        lang.role(data.role).to_owned()
    } else {
        lang.power(node.power).to_owned()
    };
    match (data.odown, data.sdown_by) {
        (true, _) => word.push_str(" · ODOWN"),
        (false, 0) => {}
        (false, count) => word.push_str(&format!(" · SDOWN ×{count}")),
    }
    word
}

fn power_class(power: Power) -> &'static str {
    match power {
        Power::Running => "up",
        Power::Frozen => "frozen",
        Power::Killed => "killed",
        Power::Off => "off",
    }
}
