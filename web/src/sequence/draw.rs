//! A sequence diagram as SVG text.
//!
//! Time goes downwards, in the order of things rather than to scale: what happens within a millisecond would lie upon
//! each other otherwise. A longer pause is a gap.

use std::fmt::Write as _;

use super::{Arrow, Note, Sequence};
use crate::line::seconds;

/// How the text is to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Styles come from the page.
    Page,
    /// It stands alone, on white.
    File,
}

/// The margin with the times.
const LEFT: usize = 76;
/// From one lifeline to the next.
const APART: usize = 118;
/// Height of the names.
const HEADS: usize = 28;
/// Where things begin to happen.
const TOP: usize = 40;
/// Height of what has a text.
const ROW: usize = 19;
/// Height of an arrival.
const LANDING: usize = 7;
/// A pause in which nothing is drawn.
const PAUSE_US: u64 = 20_000;
/// Its height.
const PAUSE: usize = 16;
/// Width of a letter, twice.
const LETTER2: usize = 13;
/// Letters of a note.
const NOTE_LEN_MAX: usize = 24;

/// Styles of a file that stands alone.
const STYLE: &str = "text{font:11px sans-serif;fill:#17212b}.head{font-weight:bold;text-anchor:middle}\
.at{fill:#53626f;text-anchor:end}.life{stroke:#b8c2c9}.m line{stroke:var(--c);stroke-width:1.5}.m path{fill:var(--c)}\
.m{--c:#8a979f}.m.hello{--c:#5b4a9e}.m.vote{--c:#8a2f9c}.m.order{--c:#b3261e}.m.stream{--c:#2f64a8}.m.write{--c:#6b6255}\
.m.open line{stroke-dasharray:4 3}.n rect{fill:#fff8e6;stroke:var(--k)}.n{--k:#8a979f}.n text{text-anchor:middle}\
.n.sdown{--k:#9a5b00}.n.odown,.n.violation{--k:#b3261e}.n.election,.n.failover{--k:#8a2f9c}.n.switch{--k:#0b6e60}\
.n.sync,.n.recovery{--k:#2f64a8}.n.deed{--k:#17212b}";

/// Something at its moment.
enum Item<'a> {
    Arrival(usize),
    Note(&'a Note),
    Sending(usize),
}

/// The diagram. Each arrow and note tells its moment in `data-at`.
#[must_use]
pub fn draw(sequence: &Sequence, look: Look) -> String {
    let mut items: Vec<(u64, Item<'_>)> = Vec::new();
    for (index, arrow) in sequence.arrows.iter().enumerate() {
        items.push((arrow.sent_us, Item::Sending(index)));
        items.extend(arrow.arrived_us.map(|at| (at, Item::Arrival(index))));
    }
    items.extend(sequence.notes.iter().map(|note| (note.at_us, Item::Note(note))));
    // What arrives makes things happen, and these make others send.
    items.sort_by_key(|(at, item)| {
        (
            *at,
            match item {
                Item::Arrival(_) => 0,
                Item::Note(_) => 1,
                Item::Sending(_) => 2,
            },
        )
    });
    let (mut y, mut before, mut told) = (TOP, None, String::new());
    let mut left: Vec<usize> = vec![0; sequence.arrows.len()];
    let mut landed: Vec<Option<usize>> = vec![None; sequence.arrows.len()];
    let (mut times, mut notes) = (String::new(), String::new());
    for (at, item) in &items {
        if before.is_some_and(|before| at - before > PAUSE_US) {
            y += PAUSE;
        }
        y += if matches!(item, Item::Arrival(_)) { LANDING } else { ROW };
        let time = seconds(*at);
        if time != told && !matches!(item, Item::Arrival(_)) {
            put(
                &mut times,
                format_args!("<text class=\"at\" x=\"{}\" y=\"{}\">{time}</text>", LEFT - 20, y + 4),
            );
            told = time;
        }
        before = Some(*at);
        match item {
            Item::Arrival(index) => landed[*index] = Some(y),
            Item::Sending(index) => left[*index] = y,
            Item::Note(note) => put_note(&mut notes, note, y, sequence.lines.len()),
        }
    }
    let bottom = y + ROW;
    let width = LEFT + APART * sequence.lines.len().max(1);
    let mut svg = String::new();
    if look == Look::Page {
        // On a page the names stay in sight.
        put(
            &mut svg,
            format_args!(
                "<svg class=\"heads\" viewBox=\"0 0 {width} {HEADS}\" width=\"{width}\" height=\"{HEADS}\">"
            ),
        );
        put_names(&mut svg, sequence);
        svg.push_str("</svg>");
    }
    let top = if look == Look::Page { HEADS } else { 0 };
    let height = bottom + 10 - top;
    put(
        &mut svg,
        format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 {top} {width} {height}\" width=\"{width}\" height=\"{height}\">"
        ),
    );
    if look == Look::File {
        put(
            &mut svg,
            format_args!("<style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"),
        );
        put_names(&mut svg, sequence);
    }
    for place in 0..sequence.lines.len() {
        let x = x_of(place);
        put(
            &mut svg,
            format_args!("<line class=\"life\" x1=\"{x}\" y1=\"{HEADS}\" x2=\"{x}\" y2=\"{bottom}\"/>"),
        );
    }
    svg.push_str(&times);
    for (index, arrow) in sequence.arrows.iter().enumerate() {
        put_arrow(&mut svg, arrow, left[index], landed[index], bottom, sequence);
    }
    svg.push_str(&notes);
    svg.push_str("</svg>");
    svg
}

fn put_names(svg: &mut String, sequence: &Sequence) {
    for (place, line) in sequence.lines.iter().enumerate() {
        put(
            svg,
            format_args!(
                "<text class=\"head\" x=\"{}\" y=\"18\">{}</text>",
                x_of(place),
                escaped(&line.name)
            ),
        );
    }
}

fn x_of(place: usize) -> usize {
    LEFT + APART / 2 + APART * place
}

fn put_arrow(
    svg: &mut String,
    arrow: &Arrow,
    y1: usize,
    landed: Option<usize>,
    bottom: usize,
    sequence: &Sequence,
) {
    let (x1, x2) = (x_of(arrow.from), x_of(arrow.to));
    let (y2, open) = landed.map_or((bottom, " open"), |y| (y, ""));
    let rightwards = x2 > x1;
    let name = |place: usize| sequence.lines.get(place).map_or("", |line| line.name.as_str());
    let end = arrow.arrived_us.map_or_else(|| "…".to_owned(), seconds);
    put(
        svg,
        format_args!(
            "<g class=\"m {}{open}\" data-at=\"{}\"><title>{} – {end} {} → {}: {}</title><line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>",
            arrow.topic.class(),
            arrow.sent_us,
            seconds(arrow.sent_us),
            escaped(name(arrow.from)),
            escaped(name(arrow.to)),
            escaped(&arrow.text),
        ),
    );
    if landed.is_some() {
        put(svg, format_args!("<path d=\"M{x2} {y2}l{} -4v8z\"/>", if rightwards { "-8" } else { "8" }));
    }
    let room = x1.abs_diff(x2).max(APART) * 2 / LETTER2;
    let (x, anchor) = if rightwards { (x1 + 6, "start") } else { (x1 - 6, "end") };
    put(
        svg,
        format_args!(
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text></g>",
            y1 - 3,
            escaped(&shortened(&arrow.label, room))
        ),
    );
}

fn put_note(svg: &mut String, note: &Note, y: usize, lines: usize) {
    let text = shortened(&note.label, NOTE_LEN_MAX);
    let width = (text.chars().count() * LETTER2 / 2 + 12).max(40);
    let middle = note.line.map_or(LEFT + APART * lines.max(1) / 2, x_of);
    let (x, height) = (middle.saturating_sub(width / 2), ROW - 3);
    put(
        svg,
        format_args!(
            "<g class=\"n {}\" data-at=\"{}\"><title>{} {}</title><rect x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\" rx=\"4\"/>\
         <text x=\"{middle}\" y=\"{}\">{}</text></g>",
            note.kind.class(),
            note.at_us,
            seconds(note.at_us),
            escaped(&note.text),
            y - 8,
            y + 4,
            escaped(&text)
        ),
    );
}

fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a text cannot fail.
    let _ = svg.write_fmt(text);
}

fn shortened(text: &str, letters: usize) -> String {
    match text.char_indices().nth(letters) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A text between tags or in an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no other control characters.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::Filter;
    use crate::sequence::tests::{failover, sequence};

    #[test]
    fn every_arrow_and_note_is_drawn_once_and_tells_its_moment() {
        let found = sequence(&failover(), &Filter::default());
        let svg = draw(&found, Look::Page);
        assert_eq!(svg.matches("<g class=\"m ").count(), found.arrows.len());
        assert_eq!(svg.matches("<g class=\"n ").count(), found.notes.len());
        assert_eq!(svg.matches("class=\"life\"").count(), found.lines.len());
        assert_eq!(svg.matches("data-at=").count(), found.arrows.len() + found.notes.len());
        assert!(!svg.contains("<style>"));
    }

    #[test]
    fn a_file_stands_alone() {
        let found = sequence(&failover(), &Filter::default());
        let svg = draw(&found, Look::File);
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>"));
        assert!(svg.contains("<style>"));
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn what_people_typed_stays_text() {
        assert_eq!(escaped("<b a=\"1\">&\u{1}"), "&lt;b a=&quot;1&quot;&gt;&amp; ");
        let mut found = sequence(&failover(), &Filter::default());
        found.arrows[0].label = "<b>".to_owned();
        found.arrows[0].text = "</title><script>alert(1)</script>".to_owned();
        found.notes[0].text = "<img src=x>".to_owned();
        found.notes[0].label = "<img src=x>".to_owned();
        found.lines[0].name = "<i>".to_owned();
        let svg = draw(&found, Look::Page);
        assert!(
            !svg.contains("<script") && !svg.contains("<img") && !svg.contains("<i>") && !svg.contains("<b>"),
            "{svg}"
        );
    }

    #[test]
    fn nothing_to_draw_is_an_empty_diagram() {
        assert!(draw(&Sequence::default(), Look::File).ends_with("</svg>"));
    }
}
