//! A node on the stage: its shape, its sign, its name and a word on its state. State is told by colour, by shape and by
//! word. What a node looks like is worked out apart from drawing it, so that one that looks the same is not drawn anew.

use picket_sim::{NodeId, Power};
use yew::prelude::*;

use super::opinions::stance_class;
use super::sign::{Sign, body};
use crate::i18n::Lang;
use crate::layout::{Format, Point};
use crate::picture::{DataPicture, DataRole, NodePicture, Opinion, Part, Stance, WriterPicture};

/// Sentinels that stand nearer to the edge of a crowded stage have their names beside them.
const SIDE: i32 = 235;

/// Where a node's name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    Below,
    Left,
    Right,
    /// Below, and only what tells it from the others of its kind.
    Number,
}

/// What a node looks like.
#[derive(Clone, PartialEq, Properties)]
pub(crate) struct Look {
    id: NodeId,
    name: String,
    kind: &'static str,
    state: &'static str,
    word: String,
    /// What is said of it besides its name.
    spoken: String,
    sign: Option<Sign>,
    badge: Option<Sign>,
    /// What a client has done.
    count: Option<u64>,
    at: Point,
    format: Format,
    label: Label,
    chosen: bool,
    /// The key Tab comes here.
    tab_stop: bool,
}

impl Look {
    pub(crate) fn of(node: &NodePicture, at: Point, format: Format, lang: Lang) -> Self {
        let power = (!node.runs()).then(|| lang.power(node.power));
        let (kind, state, word) = match &node.part {
            Part::Data(data) => ("data", data_class(node, data), data_word(node, data, lang)),
            Part::Sentinel(opinion) => {
                let stance = opinion.as_ref().map_or(Stance::Up, |opinion| opinion.stance);
                let word = power.unwrap_or(if stance == Stance::Up { "" } else { lang.stance(stance) });
                let state = if node.runs() { stance_class(stance) } else { power_class(node.power) };
                ("sentinel", state, word.to_owned())
            }
            Part::Writer(writer) => {
                let state = if node.runs() { "up" } else { power_class(node.power) };
                ("writer", state, power.map_or_else(|| writer_word(writer, lang), str::to_owned))
            }
        };
        let count = match &node.part {
            Part::Writer(writer) => Some(writer.acknowledged),
            Part::Data(_) | Part::Sentinel(_) => None,
        };
        let spoken = match (count, word.is_empty()) {
            (Some(count), _) => format!("{word} {count}"),
            (None, true) => lang.power(node.power).to_owned(),
            (None, false) => word.clone(),
        };
        Self {
            id: node.id,
            name: node.name.clone(),
            kind,
            state,
            word,
            spoken,
            sign: sign(node),
            badge: badge(node),
            count,
            at,
            format,
            label: Label::Below,
            chosen: false,
            tab_stop: false,
        }
    }

    /// Where it stands.
    pub(crate) fn at(&self) -> Point {
        self.at
    }

    /// What is written at it, each line with its middle.
    pub(crate) fn texts(&self) -> [(Point, &str); 2] {
        let (below, line) = self.lines();
        let beside = 36 + 4 * i32::try_from(self.name.len()).unwrap_or(0);
        let (x, y) = match self.label {
            Label::Below | Label::Number => (self.at.x, self.at.y + below),
            Label::Left => (self.at.x - beside, self.at.y),
            Label::Right => (self.at.x + beside, self.at.y),
        };
        let (name, word) = match self.label {
            Label::Number => (self.number(), ""),
            Label::Below | Label::Left | Label::Right => (self.name.as_str(), self.word.as_str()),
        };
        [(Point { x, y }, name), (Point { x, y: y + line }, word)]
    }

    /// How far below its middle its name is written, and how far below that the word.
    fn lines(&self) -> (i32, i32) {
        match (self.label, self.format, self.kind) {
            (Label::Number, ..) => (56, 0),
            (_, Format::Wide, "writer") => (38, 16),
            (_, Format::Wide, _) => (52, 16),
            (_, Format::Tall, "writer") => (46, 22),
            (_, Format::Tall, _) => (60, 22),
        }
    }

    /// What tells it from the others of its kind.
    fn number(&self) -> &str {
        self.name.rsplit('-').next().unwrap_or_default()
    }

    /// The same, chosen or not, and where Tab comes or not.
    pub(crate) fn with(self, chosen: bool, tab_stop: bool) -> Self {
        Self { chosen, tab_stop, ..self }
    }

    /// The same among many Sentinels, which stand close together.
    pub(crate) fn crowded(self) -> Self {
        let label = match self.format {
            _ if self.kind != "sentinel" => Label::Below,
            Format::Tall => Label::Number,
            Format::Wide if self.at.x < SIDE => Label::Left,
            Format::Wide if self.at.x > self.format.width() - SIDE => Label::Right,
            Format::Wide => Label::Below,
        };
        Self { label, ..self }
    }
}

/// The element of a node.
pub(crate) fn element_id(node: NodeId) -> String {
    format!("node-{}", node.0)
}

/// The node.
#[component]
pub(crate) fn StageNode(look: &Look) -> Html {
    let (below, line) = look.lines();
    let (x, y, anchor) = match look.label {
        Label::Left => ("-36", -1, "end"),
        Label::Right => ("36", -1, "start"),
        Label::Below | Label::Number => ("0", below, "middle"),
    };
    let y = y.to_string();
    html! {
        <g id={element_id(look.id)} data-node={look.id.0.to_string()} role="button"
            class={classes!("node", look.kind, look.state, look.chosen.then_some("selected"))}
            transform={format!("translate({} {})", look.at.x, look.at.y)} tabindex={if look.tab_stop { "0" } else { "-1" }}
            aria-label={format!("{} {}", look.name, look.spoken)} aria-pressed={look.chosen.to_string()}>
            <circle class="halo" r="41" />
            { body(look.kind) }
            if let Some(sign) = look.sign { { sign.draw() } }
            if let Some(badge) = look.badge { <g transform="translate(28 -26)">{ badge.draw() }</g> }
            if look.label == Label::Number {
                <text class="name" {y}>{ look.number() }</text>
            } else {
                <text class="name" {x} {y} text-anchor={anchor}>{ &look.name }{ " " }
                    <tspan class="word" {x} dy={line.to_string()}>{ &look.word }{ " " }</tspan></text>
            }
            if let Some(count) = look.count { <text class="count" y="5">{ count }</text> }
        </g>
    }
}

/// The sign inside a node.
fn sign(node: &NodePicture) -> Option<Sign> {
    match (node.power, &node.part) {
        (_, Part::Writer(_)) => None,
        (Power::Killed | Power::Off, _) => Some(Sign::Gone),
        (Power::Frozen, _) => Some(Sign::Frozen),
        (Power::Running, Part::Data(data)) => match data.role {
            _ if data.is_promoting => Some(Sign::Promoted),
            DataRole::Master => Some(Sign::Master),
            DataRole::Syncing => Some(Sign::Syncing),
            DataRole::Apart => Some(Sign::Apart),
            DataRole::Replica | DataRole::Down => None,
        },
        (Power::Running, Part::Sentinel(Some(Opinion { stance, .. }))) => match stance {
            Stance::Up => None,
            Stance::Sdown => Some(Sign::Sdown),
            Stance::Odown => Some(Sign::Odown),
            Stance::Candidate => Some(Sign::Candidate),
            Stance::Leader => Some(Sign::Leader),
            Stance::Promoting => Some(Sign::Promoting),
            Stance::Tilt => Some(Sign::Tilt),
        },
        (Power::Running, Part::Sentinel(None)) => None,
    }
}

/// What Sentinels think of a data node, on its corner.
fn badge(node: &NodePicture) -> Option<Sign> {
    match &node.part {
        Part::Data(data) if data.odown => Some(Sign::Odown),
        Part::Data(data) if data.sdown_by > 0 => Some(Sign::Sdown),
        Part::Data(_) | Part::Sentinel(_) | Part::Writer(_) => None,
    }
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
    let mut word = if data.is_promoting {
        lang.texts().stage.promoting.to_owned()
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

/// What the number of a client counts, or, if there are any, the writes that were not acknowledged.
fn writer_word(writer: &WriterPicture, lang: Lang) -> String {
    let texts = &lang.texts().replication;
    match writer.failed {
        0 => texts.acknowledged.to_owned(),
        failed => format!("{failed} {}", texts.failed),
    }
}

fn power_class(power: Power) -> &'static str {
    match power {
        Power::Running => "up",
        Power::Frozen => "frozen",
        Power::Killed => "killed",
        Power::Off => "off",
    }
}
