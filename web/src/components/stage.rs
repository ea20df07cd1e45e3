//! The stage: nodes, links and messages as a drawing. Click, tap or keys choose a node, a wire or a message; a line that is
//! drawn across the stage chooses those whom it sets apart.

use std::rc::Rc;

use picket_sim::{MessageId, NodeId};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use yew::prelude::*;

use super::stage_events::{at, choice_at, focus, message_at, neighbour, node_at, target};
use super::stage_messages::{AT_MOST, Labels, Traces, flight, lane, told};
use super::stage_node::{Look, StageNode, element_id};
use crate::chosen::{Choice, Chosen};
use crate::i18n::Lang;
use crate::lasso;
use crate::layout::{Format, Places, Point};
use crate::picture::{Meaning, Part, Picture};

/// From a node's middle to where lines begin,
const RADIUS: i32 = 40;
/// and below it, where its name stands.
const RADIUS_BELOW: i32 = 74;
/// Where on a slow wire its delay stands, in thousandths, the best place first.
const BOTH_WAYS: [i32; 4] = [500, 350, 650, 200];
const ONE_WAY: [i32; 4] = [750, 650, 850, 550];
/// When the stage is high instead of wide; the style sheet has the same bound.
const TALL: &str = "(max-width: 40rem)";
/// From one point of a drawn line to the next, at least.
const DRAWN_STEP: i32 = 8;

#[derive(Properties, PartialEq)]
pub(crate) struct Props {
    pub(crate) picture: Rc<Picture>,
    pub(crate) chosen: Chosen,
    /// Time goes so slowly that texts of messages can be read.
    pub(crate) is_readable: bool,
    pub(crate) lang: Lang,
    pub(crate) on_choose: Callback<Choice>,
}

/// The stage.
#[component]
pub(crate) fn Stage(props: &Props) -> Html {
    let picture = &*props.picture;
    let format = use_format();
    let drawn = use_state(Vec::<Point>::new);
    let pointed = use_state(|| None::<MessageId>);
    let cursor = use_state(|| None::<NodeId>);
    let places = place_all(picture, format);
    let extent = extent(picture, format);
    let tab_stop =
        cursor.filter(|node| picture.node(*node).is_some()).or(places.first().map(|(node, _)| *node));

    let many = is_crowded(picture, format);
    let between = |from: NodeId, to: NodeId| {
        let (from, to) = (place(&places, from)?, place(&places, to)?);
        Some((edge(from, to), edge(to, from)))
    };
    let links = picture.links.iter().filter_map(|link| {
        let (a, b) = between(link.from, link.to)?;
        let kind = link.kind.class();
        let state = if link.is_up { "up" } else { "down" };
        let key = format!("{}-{kind}", link.from);
        Some(html! {
            <g {key} class={classes!("link", kind, state)} data-wire={wire(link.from, link.to)}>
                { line("hit", a, b) }{ line("drawn", a, b) }
            </g>
        })
    });
    let cuts = picture.cuts.iter().filter_map(|cut| {
        let (a, b) = between(cut.from, cut.to)?;
        // One way: the bar stands before the node that is not reached.
        let Point { x, y } = a.towards(b, if cut.both { 500 } else { 850 });
        let key = format!("{}-{}", cut.from, cut.to);
        let d = format!("M{} {}l12 12m0-12l-12 12", x - 6, y - 6);
        Some(html! {
            <g {key} class="cut" data-wire={wire(cut.from, cut.to)}>{ line("hit", a, b) }{ line("drawn", a, b) }<path {d} /></g>
        })
    });
    let looks = picture.nodes.iter().filter_map(|node| {
        let look = Look::of(node, place(&places, node.id)?, format, props.lang);
        let look = if many { look.crowded() } else { look };
        Some((node.id, look.with(props.chosen.has(node.id), tab_stop == Some(node.id))))
    });
    let (ids, looks): (Vec<NodeId>, Vec<Look>) = looks.unzip();
    let mut labels = Labels::new(format, &looks);
    let slow = picture.slow.iter().filter_map(|wire| {
        let (a, b) = between(wire.from, wire.to)?;
        let text = match wire.both {
            true => format!("{} ms", wire.ms),
            false => format!("→ {} {} ms", picture.name(wire.to), wire.ms),
        };
        let Point { x, y } = labels.on_wire((a, b), if wire.both { BOTH_WAYS } else { ONE_WAY }, &text);
        let key = format!("{}-{}", wire.from, wire.to);
        Some(html! {
            <g {key} class="slow">{ line("drawn", a, b) }<text x={x.to_string()} y={y.to_string()}>{ text }</text></g>
        })
    });
    let slow: Vec<Html> = slow.collect();
    let chosen_wire = match props.chosen.nodes() {
        [a, b] => between(*a, *b).map(|(a, b)| line("chosen-wire", a, b)),
        _ => None,
    };
    let told = told(&picture.messages, &props.chosen, props.is_readable, *pointed);
    // Who asks everybody the same has it written once.
    let mut said: Vec<(NodeId, String)> = Vec::new();
    let mut traces = Traces::default();
    let messages = picture.messages.iter().filter_map(|message| {
        let (a, b) = lane(between(message.from, message.to)?);
        if message.progress == 1_000 && !told.contains(&message.id) {
            traces.add(message.topic, a, b);
            return None;
        }
        let at = a.towards(b, i32::try_from(message.progress).unwrap_or(1_000).min(AT_MOST));
        let text = told
            .contains(&message.id)
            .then(|| props.lang.meaning(&Meaning::of(&message.text, picture)))
            .filter(|text| {
                let is_meant = *pointed == Some(message.id) || props.chosen.is(message.id);
                is_meant || !said.iter().any(|(from, other)| *from == message.from && other == text)
            });
        let label = text.map(|text| {
            let label = labels.label(at, &text);
            said.push((message.from, text));
            label
        });
        Some(flight(message, (a, b), at, label.unwrap_or_default(), &props.chosen))
    });
    let messages: Vec<Html> = messages.collect();
    let nodes = ids.into_iter().zip(looks).map(|(id, look)| html! { <StageNode key={id.0} ..look /> });

    let on_click = {
        let on_choose = props.on_choose.clone();
        move |event: MouseEvent| {
            let together = event.shift_key() || event.ctrl_key() || event.meta_key();
            if let Some(choice) = target(&event).and_then(|element| choice_at(&element, together)) {
                on_choose.emit(choice);
            }
        }
    };
    let on_key = {
        let on_choose = props.on_choose.clone();
        let order: Vec<NodeId> = places.iter().map(|(node, _)| *node).collect();
        move |event: KeyboardEvent| {
            let Some(node) = target(&event).and_then(|element| node_at(&element)) else { return };
            match event.key().as_str() {
                "Enter" => on_choose.emit(Choice::Node(node)),
                " " => on_choose.emit(Choice::Toggle(node)),
                key => {
                    let Some(other) = neighbour(&order, node, key) else { return };
                    focus(&element_id(other));
                }
            }
            event.prevent_default();
            // The page's own keys play and step.
            event.stop_propagation();
        }
    };
    let on_focus = {
        let cursor = cursor.clone();
        move |event: FocusEvent| cursor.set(target(&event).and_then(|element| node_at(&element)))
    };
    let on_over = {
        let pointed = pointed.clone();
        move |event: PointerEvent| {
            let message = target(&event).and_then(|element| message_at(&element));
            if *pointed != message {
                pointed.set(message);
            }
        }
    };
    let on_down = {
        let drawn = drawn.clone();
        move |event: PointerEvent| {
            let is_ground = target(&event).is_some_and(|element| element.class_list().contains("world"));
            if let Some(point) =
                at(&event, format, extent).filter(|_| is_ground && event.is_primary() && event.button() == 0)
            {
                // Without capture the line ends where the pointer leaves the stage.
                let _ = target(&event).map(|svg| svg.set_pointer_capture(event.pointer_id()));
                drawn.set(vec![point]);
            }
        }
    };
    let on_move = {
        let drawn = drawn.clone();
        move |event: PointerEvent| {
            let Some(point) = at(&event, format, extent) else { return };
            if drawn.last().is_some_and(|last| last.distance(point) >= DRAWN_STEP) {
                drawn.set([&drawn[..], &[point]].concat());
            }
        }
    };
    let on_up = {
        let (drawn, on_choose, places) = (drawn.clone(), props.on_choose.clone(), places.clone());
        move |_: PointerEvent| {
            if drawn.is_empty() {
                return;
            }
            on_choose.emit(lasso::divide(&drawn, &places).map_or(Choice::Nothing, Choice::Group));
            drawn.set(Vec::new());
        }
    };
    let on_cancel = {
        let drawn = drawn.clone();
        move |_: PointerEvent| drawn.set(Vec::new())
    };
    let points: Vec<String> = drawn.iter().map(|point| format!("{},{}", point.x, point.y)).collect();
    let tall = (format == Format::Tall).then_some("tall");
    let many = many.then_some("many");
    html! {
        <svg class={classes!("world", tall, many)} viewBox={format!("0 {} {} {}", extent.0, format.width(), extent.1)} role="group"
            aria-label={props.lang.texts().stage.title} onclick={on_click} onkeydown={on_key} onfocusin={on_focus}
            onpointerover={on_over} onpointerdown={on_down} onpointermove={on_move} onpointerup={on_up} onpointercancel={on_cancel}>
            <defs>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="10" markerHeight="10"
                    markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0l8 4-8 4z" /></marker>
            </defs>
            <g aria-hidden="true">{ for slow }{ for links }{ for cuts }{ for chosen_wire }</g>
            { for nodes }
            <g aria-hidden="true">{ traces.draw() }</g>
            <g aria-hidden="true">{ for messages }</g>
            if !points.is_empty() { <polyline class="lasso" points={points.join(" ")} /> }
        </svg>
    }
}

/// Wide or tall, as the window is.
#[hook]
fn use_format() -> Format {
    let format = use_state(current_format);
    let setter = format.setter();
    use_effect_with((), move |()| {
        let on_resize = Closure::<dyn FnMut()>::new(move || setter.set(current_format()));
        let window = web_sys::window();
        if let Some(window) = &window {
            // Without it the stage keeps the form that it began with.
            let _ = window.add_event_listener_with_callback("resize", on_resize.as_ref().unchecked_ref());
        }
        move || {
            if let Some(window) = window {
                // A listener that stays would be called in vain.
                let _ =
                    window.remove_event_listener_with_callback("resize", on_resize.as_ref().unchecked_ref());
            }
        }
    });
    *format
}

fn current_format() -> Format {
    let query = web_sys::window().and_then(|window| window.match_media(TALL).ok().flatten());
    if query.is_some_and(|query| query.matches()) { Format::Tall } else { Format::Wide }
}

/// Where everybody stands, in the order of the keys: data nodes, Sentinels, clients.
fn place_all(picture: &Picture, format: Format) -> Vec<(NodeId, Point)> {
    let of = |wanted: fn(&Part) -> bool| -> Vec<NodeId> {
        picture.nodes.iter().filter(|node| wanted(&node.part)).map(|node| node.id).collect()
    };
    let data = of(|part| matches!(part, Part::Data(_)));
    let sentinels = of(|part| matches!(part, Part::Sentinel(_)));
    let writers = of(|part| matches!(part, Part::Writer(_)));
    let places = Places::of(format, data.len(), sentinels.len(), writers.len());
    let ids = data.into_iter().chain(sentinels).chain(writers);
    ids.zip([places.data, places.sentinels, places.writers].concat()).collect()
}

/// Whether Sentinels stand so close that there is no room for all their names below them.
fn is_crowded(picture: &Picture, format: Format) -> bool {
    format.is_crowded(picture.nodes.iter().filter(|node| matches!(node.part, Part::Sentinel(_))).count())
}

/// The part of the stage that is needed.
fn extent(picture: &Picture, format: Format) -> (i32, i32) {
    let count = |wanted: fn(&Part) -> bool| picture.nodes.iter().filter(|node| wanted(&node.part)).count();
    format.extent(
        count(|part| matches!(part, Part::Sentinel(_))),
        count(|part| matches!(part, Part::Writer(_))),
    )
}

fn place(places: &[(NodeId, Point)], node: NodeId) -> Option<Point> {
    places.iter().find(|(other, _)| *other == node).map(|(_, place)| *place)
}

/// Where a line to another place leaves a node.
fn edge(from: Point, to: Point) -> Point {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    from.beside(to, if dy > dx.abs() / 2 { RADIUS_BELOW } else { RADIUS })
}

pub(super) fn line(class: &'static str, a: Point, b: Point) -> Html {
    html! { <line {class} x1={a.x.to_string()} y1={a.y.to_string()} x2={b.x.to_string()} y2={b.y.to_string()} /> }
}

fn wire(a: NodeId, b: NodeId) -> String {
    format!("{} {}", a.0, b.0)
}
