//! A backlog as a ring: what it holds, where is written, and where each replica reads.

use yew::prelude::*;

use crate::i18n::Lang;
use crate::picture::{Reader, Ring};

/// The ring, the strip that shows its last part, and the same in figures.
pub(crate) fn ring(ring: &Ring, lang: Lang) -> Html {
    let texts = &lang.texts().replication;
    let figure = |name: &'static str, value: String| html! { <div><dt>{ name }</dt><dd>{ value }</dd></div> };
    let full = ring.share(ring.histlen) / 1_000;
    html! {
        <div class="ring" key={ring.name.clone()}>
            <h3>{ format!("{} {}", texts.backlog_of, ring.name) }</h3>
            <div class="both">
                { circle(ring, texts.backlog, full) }
                <dl class="facts">
                    { figure(texts.history, ring.replid.clone()) }
                    { figure(texts.backlog_holds, format!("{} – {}", ring.first, ring.offset)) }
                    { figure(texts.backlog_len, format!("{} / {} ({full} %)", ring.histlen, ring.size)) }
                    { figure(texts.overwritten, match ring.first.saturating_sub(1) {
                        0 => texts.overwritten_none.to_owned(),
                        last => format!("1 – {last}"),
                    }) }
                </dl>
            </div>
            if !ring.readers.is_empty() {
                { strip(ring) }
                <table>
                    <thead><tr>{ for [texts.replica, texts.state, texts.acked, texts.lag].into_iter()
                        .map(|name| html! { <th scope="col">{ name }</th> }) }</tr></thead>
                    <tbody>{ for ring.readers.iter().zip(1..).map(|(reader, number)| row(reader, number, texts.lag_gone)) }</tbody>
                </table>
            }
        </div>
    }
}

fn row(reader: &Reader, number: usize, gone: &'static str) -> Html {
    html! {
        <tr key={reader.name.clone()}>
            <th scope="row"><i class={color(number)}>{ number }</i>{ " " }{ &reader.name }</th><td>{ reader.state }</td>
            <td>{ reader.ack }</td>
            <td class={(!reader.is_held).then_some("bad")}>{ reader.lag }{ if reader.is_held { "" } else { gone } }</td>
        </tr>
    }
}

/// The ring. Angles are turns, so that nobody needs sines.
fn circle(ring: &Ring, name: &'static str, full: u64) -> Html {
    let turn = |place: u64| format!("rotate({}.{:03})", place * 360 / 100_000, place * 360 % 100_000 / 100);
    let held = ring.share(ring.histlen).max(400);
    let marker = |(reader, number): (&Reader, usize)| {
        let lane = 34 + 7 * (number as u64 % 3);
        html! {
            <g key={number} class={classes!("reader", color(number))} transform={turn(ring.place(reader.ack))}>
                <line y1={format!("-{lane}")} y2="-47" /><circle cy={format!("-{lane}")} r="4" />
                <title>{ &reader.name }</title>
            </g>
        }
    };
    html! {
        <svg viewBox="-70 -70 140 140" class="circle" role="img" aria-label={format!("{name}: {full} %")}>
            <circle class="room" r="54" />
            <circle class="held" r="54" pathLength="100000" stroke-dasharray={format!("{held} {}", 100_000 - held)}
                transform={format!("{} rotate(-90)", turn(ring.place(ring.first.saturating_sub(1))))} />
            { for ring.readers.iter().zip(1..).map(marker) }
            <g class="pen" transform={turn(ring.place(ring.offset))}><path d="M0-46l-6-22h12z" /></g>
            <text class="share" y="5">{ format!("{full} %") }</text>
        </svg>
    }
}

/// From who is furthest behind to where is written.
fn strip(ring: &Ring) -> Html {
    let first = ring.strip_first();
    let span = (ring.offset - first).max(1);
    let x = |offset: u64| 10 + offset.saturating_sub(first).saturating_mul(380) / span;
    let held_from = x(ring.first.saturating_sub(1));
    let marker = |(reader, number): (&Reader, usize)| {
        html! {
            <g key={number} class={classes!("reader", color(number))} transform={format!("translate({} 26)", x(reader.ack))}>
                <path d="M0-6l-6 12h12z" /><text y="20">{ number }</text>
            </g>
        }
    };
    html! {
        <svg viewBox="0 0 400 52" class="strip" aria-hidden="true">
            <rect class="room" x="10" y="8" width="380" height="12" rx="3" />
            <rect class="held" x={held_from.to_string()} y="8" width={(390 - held_from).to_string()} height="12" rx="3" />
            { for ring.readers.iter().zip(1..).map(marker) }
            <g class="pen" transform="translate(390 8)"><path d="M0 0l-5-8h10z" /></g>
        </svg>
    }
}

fn color(number: usize) -> &'static str {
    ["r0", "r1", "r2", "r3"][number % 4]
}
