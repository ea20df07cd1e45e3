//! The stage: nodes, links and messages as a drawing. Click, tap or keys choose a node, a wire or a message; a line that is
//! drawn across the stage chooses those whom it sets apart.

use std::rc::Rc;

use picket_sim::{MessageId, NodeId};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use super::stage_node::{Look, StageNode, element_id};
use crate::chosen::{Choice, Chosen};
use crate::i18n::Lang;
use crate::lasso;
use crate::layout::{Format, Places, Point};
use crate::picture::{Flight, Meaning, Part, Picture, Topic};

/// From a node's middle to where lines begin,
const RADIUS: i32 = 40;
/// and below it, where its name stands.
const RADIUS_BELOW: i32 = 74;
/// From a node's middle to its edge,
const NODE_HALF: i32 = 30;
/// and to its name and its word.
const NAME_BELOW: i32 = 60;
/// How far apart messages of both directions travel.
const LANE: i32 = 7;
/// Messages whose texts are shown at once.
const TEXTS_MAX: usize = 4;
/// Where the text of a message that has arrived stands on its way, in thousandths at most.
const AT_MOST: i32 = 700;
/// With more Sentinels than this, on a wide and on a tall stage, names need another place.
const MANY: usize = 9;
const MANY_TALL: usize = 7;
/// Longer texts are cut on the stage.
const TEXT_LEN_MAX: usize = 36;
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
    let chosen_wire = match props.chosen.nodes() {
        [a, b] => between(*a, *b).map(|(a, b)| line("chosen-wire", a, b)),
        _ => None,
    };
    let told = told(props, *pointed);
    let mut labels = Labels::new(format, picture, &places);
    let messages = picture.messages.iter().filter_map(|message| {
        let (a, b) = lane(between(message.from, message.to)?);
        let at = a.towards(b, i32::try_from(message.progress).unwrap_or(1_000).min(AT_MOST));
        let label = told
            .contains(&message.id)
            .then(|| labels.label(at, &props.lang.meaning(&Meaning::of(&message.text, picture))));
        Some(flight(message, (a, b), at, label.unwrap_or_default(), &props.chosen))
    });
    let nodes = picture.nodes.iter().filter_map(|node| {
        let look = Look::of(node, place(&places, node.id)?, format, props.lang);
        let look = if many { look.crowded() } else { look };
        let look = look.with(props.chosen.has(node.id), tab_stop == Some(node.id));
        Some(html! { <StageNode key={node.id.0} ..look /> })
    });

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
            <g aria-hidden="true">{ for links }{ for cuts }{ for chosen_wire }</g>
            { for nodes }
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
    let sentinels = picture.nodes.iter().filter(|node| matches!(node.part, Part::Sentinel(_))).count();
    sentinels > if format == Format::Wide { MANY } else { MANY_TALL }
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

fn line(class: &'static str, a: Point, b: Point) -> Html {
    html! { <line {class} x1={a.x.to_string()} y1={a.y.to_string()} x2={b.x.to_string()} y2={b.y.to_string()} /> }
}

/// The messages whose texts are shown: the one that is pointed at or chosen, and while there is time to read those that
/// matter most.
fn told(props: &Props, pointed: Option<MessageId>) -> Vec<MessageId> {
    let messages = &props.picture.messages;
    let mut shown: Vec<MessageId> = (messages.iter().map(|message| message.id))
        .filter(|id| pointed == Some(*id) || props.chosen.is(*id))
        .collect();
    if props.is_readable {
        let weight = |message: &Flight| match message.topic {
            Topic::Order => 0,
            Topic::Vote => 1,
            Topic::Write | Topic::Stream => 2,
            Topic::Hello => 3,
            Topic::Watch => 4,
        };
        let mut others: Vec<&Flight> = messages.iter().collect();
        others.sort_by_key(|message| (weight(message), message.progress == 1_000));
        shown.extend(others.iter().take(TEXTS_MAX).map(|message| message.id));
    }
    shown
}

/// Messages travel to the right of the straight way, so that questions and answers do not meet.
fn lane((a, b): (Point, Point)) -> (Point, Point) {
    let (dx, dy, len) = (b.x - a.x, b.y - a.y, a.distance(b).max(1));
    let aside = |point: Point| Point { x: point.x - dy * LANE / len, y: point.y + dx * LANE / len };
    (aside(a), aside(b))
}

/// A message on its way: a dot. One that has arrived: the trace of its way.
fn flight(message: &Flight, (a, b): (Point, Point), at: Point, label: Html, chosen: &Chosen) -> Html {
    let is_chosen = chosen.is(message.id).then_some("selected");
    let class = classes!("message", message.topic.class(), message.is_stuck.then_some("stuck"), is_chosen);
    let key = message.id.0;
    if message.progress == 1_000 {
        let class = classes!(class, "arrived");
        return html! { <g {key} {class} data-message={key.to_string()}>{ line("drawn", a, b) }{ label }</g> };
    }
    let transform = format!("translate({} {})", at.x, at.y);
    html! {
        <g {key} {class} data-message={key.to_string()}>
            <g {transform}><circle class="hit" r="18" /><circle class="drawn" r="6" /></g>
            { label }
        </g>
    }
}

/// Texts of messages, none over another.
struct Labels {
    format: Format,
    /// The middle of each text and half of its width.
    taken: Vec<(Point, i32)>,
}

impl Labels {
    /// Nodes, with their names below them, stay free of texts.
    fn new(format: Format, picture: &Picture, places: &[(NodeId, Point)]) -> Self {
        let areas = |(node, place): &(NodeId, Point)| {
            let chars = i32::try_from(picture.name(*node).len()).unwrap_or(0);
            let at = |below: i32, half: i32| (Point { x: place.x, y: place.y + below }, half);
            [at(-NODE_HALF / 2, NODE_HALF), at(NODE_HALF / 2, NODE_HALF), at(NAME_BELOW, chars * 5)]
        };
        Self { format, taken: places.iter().flat_map(areas).collect() }
    }

    /// A text near this place.
    fn label(&mut self, at: Point, text: &str) -> Html {
        let mut shown: String = text.chars().take(TEXT_LEN_MAX).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let (width_of_char, height) = match self.format {
            Format::Wide => (8, 18),
            Format::Tall => (12, 26),
        };
        // Chinese characters are twice as wide.
        let chars: i32 = shown.chars().map(|char| if char.is_ascii() { 1 } else { 2 }).sum();
        let half = chars * width_of_char / 2;
        let x = at.x.clamp(
            half.min(self.format.width() / 2),
            (self.format.width() - half).max(self.format.width() / 2),
        );
        let mut place = Point { x, y: at.y - 14 };
        let is_free = |place: Point, taken: &[(Point, i32)]| {
            taken.iter().all(|(other, other_half)| {
                (place.x - other.x).abs() > half + other_half || (place.y - other.y).abs() >= height
            })
        };
        while !is_free(place, &self.taken) {
            place.y += height;
        }
        self.taken.push((place, half));
        html! { <text x={place.x.to_string()} y={place.y.to_string()}>{ shown }</text> }
    }
}

fn wire(a: NodeId, b: NodeId) -> String {
    format!("{} {}", a.0, b.0)
}

/// What a click there chooses.
fn choice_at(element: &Element, together: bool) -> Option<Choice> {
    if let Some(node) = node_at(element) {
        return Some(if together { Choice::Toggle(node) } else { Choice::Node(node) });
    }
    if let Some(message) = message_at(element) {
        return Some(Choice::Message(message));
    }
    let wire = attribute(element, "data-wire")?;
    let (a, b) = wire.split_once(' ')?;
    Some(Choice::Group(vec![NodeId(a.parse().ok()?), NodeId(b.parse().ok()?)]))
}

fn node_at(element: &Element) -> Option<NodeId> {
    attribute(element, "data-node")?.parse().ok().map(NodeId)
}

fn message_at(element: &Element) -> Option<MessageId> {
    attribute(element, "data-message")?.parse().ok().map(MessageId)
}

/// The attribute of the element or of the next one around it that has it.
fn attribute(element: &Element, name: &str) -> Option<String> {
    element.closest(&format!("[{name}]")).ok().flatten()?.get_attribute(name)
}

fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// The node that a key leads to.
fn neighbour(order: &[NodeId], from: NodeId, key: &str) -> Option<NodeId> {
    let place = order.iter().position(|node| *node == from)?;
    let place = match key {
        "ArrowDown" => (place + 1) % order.len(),
        "ArrowUp" => (place + order.len() - 1) % order.len(),
        "Home" => 0,
        "End" => order.len() - 1,
        _ => return None,
    };
    order.get(place).copied()
}

/// Where the pointer is on the stage, whose drawing is centered in its element.
fn at(event: &PointerEvent, format: Format, (from_y, format_height): (i32, i32)) -> Option<Point> {
    let element: Element = event.current_target()?.dyn_into().ok()?;
    let area = element.get_bounding_client_rect();
    let (left, top) = (area.left() as i32, area.top() as i32);
    let (width, height) = (area.width() as i32, area.height() as i32);
    // Thousandths of a pixel for a unit of the drawing.
    let scale = (width * 1_000 / format.width()).min(height * 1_000 / format_height).max(1);
    let on = |client: i32, start: i32, len: i32, drawn: i32| {
        ((client - start - len / 2) * 1_000 + drawn / 2 * scale) / scale
    };
    Some(Point {
        x: on(event.client_x(), left, width, format.width()),
        y: from_y + on(event.client_y(), top, height, format_height),
    })
}

/// A browser that does not move the focus leaves it where it is.
fn focus(id: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(element) = document.and_then(|document| document.get_element_by_id(id)) {
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}
