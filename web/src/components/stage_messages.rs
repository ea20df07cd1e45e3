//! Messages on the stage: dots on their way, traces of those that have arrived, and texts none of which is over another.

use picket_sim::MessageId;
use yew::prelude::*;

use super::stage::line;
use super::stage_node::Look;
use crate::chosen::Chosen;
use crate::layout::{Format, Point};
use crate::picture::{Flight, Topic};

/// From a node's middle to its edge.
const NODE_HALF: i32 = 30;
/// How far apart messages of both directions travel.
const LANE: i32 = 7;
/// Messages whose texts are shown at once.
const TEXTS_MAX: usize = 4;
/// Where the text of a message that has arrived stands on its way, in thousandths at most.
pub(super) const AT_MOST: i32 = 700;
/// How many rows farther up or down a text may stand than it should.
const ROWS_MAX: i32 = 8;
/// Longer texts are cut on the stage.
const TEXT_LEN_MAX: usize = 36;

/// The messages whose texts are shown: the one that is pointed at or chosen, and while there is time to read those that
/// matter most.
pub(super) fn told(
    messages: &[Flight],
    chosen: &Chosen,
    is_readable: bool,
    pointed: Option<MessageId>,
) -> Vec<MessageId> {
    let mut shown: Vec<MessageId> = (messages.iter().map(|message| message.id))
        .filter(|id| pointed == Some(*id) || chosen.is(*id))
        .collect();
    if is_readable {
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
pub(super) fn lane((a, b): (Point, Point)) -> (Point, Point) {
    let (dx, dy, len) = (b.x - a.x, b.y - a.y, a.distance(b).max(1));
    let aside = |point: Point| Point { x: point.x - dy * LANE / len, y: point.y + dx * LANE / len };
    (aside(a), aside(b))
}

/// The ways of messages that have arrived: one drawing for each topic, however many there are, since a browser takes
/// longer over a hundred elements that come and go than over one that changes.
#[derive(Default)]
pub(super) struct Traces([String; Topic::ALL.len()]);

impl Traces {
    pub(super) fn add(&mut self, topic: Topic, a: Point, b: Point) {
        if let Some(at) = Topic::ALL.iter().position(|other| *other == topic) {
            self.0[at].push_str(&format!("M{} {}L{} {}", a.x, a.y, b.x, b.y));
        }
    }

    pub(super) fn draw(self) -> Html {
        let trace = |(topic, d): (Topic, String)| {
            html! { <g class={classes!("message", topic.class(), "arrived")}><path class="drawn" {d} /></g> }
        };
        Topic::ALL.into_iter().zip(self.0).map(trace).collect()
    }
}

/// A message on its way: a dot. One that has arrived, and whose text is shown: the trace of its way.
pub(super) fn flight(
    message: &Flight,
    (a, b): (Point, Point),
    at: Point,
    label: Html,
    chosen: &Chosen,
) -> Html {
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
pub(super) struct Labels {
    format: Format,
    /// The middle of each text and half of its width.
    taken: Vec<(Point, i32)>,
}

impl Labels {
    /// Nodes, with what is written at them, stay free of texts.
    pub(super) fn new(format: Format, looks: &[Look]) -> Self {
        let mut labels = Self { format, taken: Vec::new() };
        for look in looks {
            let Point { x, y } = look.at();
            let bodies = [y - NODE_HALF / 2, y + NODE_HALF / 2].map(|y| (Point { x, y }, NODE_HALF));
            let texts = look.texts().map(|(place, text)| (place, labels.half(text)));
            labels.taken.extend(bodies.into_iter().chain(texts));
        }
        labels
    }

    /// Where a text stands above a wire: the first of these places on it that is free.
    pub(super) fn on_wire(&mut self, (a, b): (Point, Point), permilles: [i32; 4], text: &str) -> Point {
        let (half, height) = (self.half(text), self.height());
        let above = |permille: i32| {
            let Point { x, y } = a.towards(b, permille);
            Point { x, y: y - 8 }
        };
        let free = permilles.into_iter().map(above).find(|place| self.is_free(*place, half, height));
        let place = free.unwrap_or(above(permilles[0]));
        self.taken.push((place, half));
        place
    }

    fn height(&self) -> i32 {
        match self.format {
            Format::Wide => 20,
            Format::Tall => 26,
        }
    }

    /// Half of the width of a text.
    fn half(&self, text: &str) -> i32 {
        let width_of_char = match self.format {
            Format::Wide => 9,
            Format::Tall => 12,
        };
        // Chinese characters are twice as wide.
        let chars: i32 = text.chars().map(|char| if char.is_ascii() { 1 } else { 2 }).sum();
        chars * width_of_char / 2
    }

    fn is_free(&self, place: Point, half: i32, height: i32) -> bool {
        self.taken.iter().all(|(other, other_half)| {
            (place.x - other.x).abs() > half + other_half || (place.y - other.y).abs() >= height
        })
    }

    /// A text near this place.
    pub(super) fn label(&mut self, at: Point, text: &str) -> Html {
        let mut shown: String = text.chars().take(TEXT_LEN_MAX).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let (half, height) = (self.half(&shown), self.height());
        let x = at.x.clamp(
            half.min(self.format.width() / 2),
            (self.format.width() - half).max(self.format.width() / 2),
        );
        // Above it, or as little farther down as can be, so that what was sent later stands lower; or else up.
        let rows = (0..ROWS_MAX).chain((1..ROWS_MAX).map(|rows| -rows));
        let mut places = rows.map(|rows| Point { x, y: at.y - 14 + rows * height });
        let is_seen = |place: &Point| (height..self.format.height()).contains(&place.y);
        let free = places.find(|place| is_seen(place) && self.is_free(*place, half, height));
        let place = free.unwrap_or(Point { x, y: at.y - 14 });
        self.taken.push((place, half));
        html! { <text x={place.x.to_string()} y={place.y.to_string()}>{ shown }</text> }
    }
}
