//! What pointers and keys mean on the stage: which node, wire or message they are at.

use picket_sim::{MessageId, NodeId};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

use crate::chosen::Choice;
use crate::layout::{Format, Point};

/// What a click there chooses.
pub(super) fn choice_at(element: &Element, together: bool) -> Option<Choice> {
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

pub(super) fn node_at(element: &Element) -> Option<NodeId> {
    attribute(element, "data-node")?.parse().ok().map(NodeId)
}

pub(super) fn message_at(element: &Element) -> Option<MessageId> {
    attribute(element, "data-message")?.parse().ok().map(MessageId)
}

/// The attribute of the element or of the next one around it that has it.
pub(super) fn attribute(element: &Element, name: &str) -> Option<String> {
    element.closest(&format!("[{name}]")).ok().flatten()?.get_attribute(name)
}

pub(super) fn target(event: &Event) -> Option<Element> {
    event.target()?.dyn_into().ok()
}

/// The node that a key leads to.
pub(super) fn neighbour(order: &[NodeId], from: NodeId, key: &str) -> Option<NodeId> {
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
pub(super) fn at(event: &PointerEvent, format: Format, (from_y, format_height): (i32, i32)) -> Option<Point> {
    // Not its current target: Yew listens at the root of the page.
    let element = target(event)?.closest(".world").ok()??;
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
pub(super) fn focus(id: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(element) = document.and_then(|document| document.get_element_by_id(id)) {
        let _ = element.unchecked_into::<HtmlElement>().focus();
    }
}
