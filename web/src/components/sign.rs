//! The shapes of the stage: what a node is, and the signs that tell its state apart from colour and word.

use yew::prelude::*;

/// A sign inside a node or on its corner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A crown: it takes writes.
    Master,
    /// A turning arrow: it receives or loads a snapshot.
    Syncing,
    /// A broken line: it has no link to its master.
    Apart,
    /// An arrow upward: it is being made master.
    Promoted,
    /// A triangle: subjectively down.
    Sdown,
    /// An octagon: objectively down.
    Odown,
    /// A ballot: it stands for election.
    Candidate,
    /// A star: it was elected.
    Leader,
    /// A star on its way up: it promotes a replica.
    Promoting,
    /// A tilted line: it distrusts itself.
    Tilt,
    /// Bars: it stands still.
    Frozen,
    /// A cross: it does not run.
    Gone,
}

impl Sign {
    /// Its name in style sheets.
    fn class(self) -> &'static str {
        match self {
            Self::Master => "sign master",
            Self::Leader | Self::Promoting => "sign full",
            Self::Sdown => "sign alert sdown",
            Self::Odown => "sign alert odown",
            Self::Syncing
            | Self::Apart
            | Self::Promoted
            | Self::Candidate
            | Self::Tilt
            | Self::Frozen
            | Self::Gone => "sign",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Master => "M-14 16v-16l7 8 7-11 7 11 7-8v16z",
            Self::Syncing => "M-9 6a9 9 0 1 1 9 9m-5-4l5 4-5 5",
            Self::Apart => "M-13 8h8m10 0h8m-15-6l4 12",
            Self::Promoted => "M0 16v-20m-9 9l9-9 9 9",
            Self::Sdown => "M0-14l14 25h-28z",
            Self::Odown => "M-6-14h12l8 8v12l-8 8h-12l-8-8v-12z",
            Self::Candidate => "M-10-12h20v24h-20zm4 12l5 5 8-10",
            Self::Leader => {
                "M0-17l4.7 10.5 11.4 1.2-8.5 7.7 2.4 11.2-10-5.7-10 5.7 2.4-11.2-8.5-7.7 11.4-1.2z"
            }
            Self::Promoting => {
                "M0-22l3.4 7.5 8.1.9-6 5.5 1.7 8-7.2-4-7.2 4 1.7-8-6-5.5 8.1-.9zM-11 9l11-7 11 7v5l-11-7-11 7z"
            }
            Self::Tilt => "M-12 8l24-15",
            Self::Frozen => "M-6-8v18m12-18v18",
            Self::Gone => "M-10-8l20 20m0-20l-20 20",
        }
    }

    /// The sign, around the middle of its node.
    pub(crate) fn draw(self) -> Html {
        let mark = match self {
            Self::Sdown => Some("M0-5v8m0 4v1"),
            Self::Odown => Some("M-4-7v8m0 5v1m8-14v8m0 5v1"),
            _ => None,
        };
        html! {
            <>
                <path class={self.class()} d={self.path()} />
                if let Some(d) = mark { <path class="sign mark" {d} /> }
            </>
        }
    }
}

/// The shape of a kind of node: a cylinder, a shield, a pill.
pub(crate) fn body(kind: &str) -> Html {
    match kind {
        "data" => html! { <>
            <path class="body" d="M-30-16v32c0 7 13 12 30 12s30-5 30-12v-32z" />
            <ellipse cy="-16" rx="30" ry="11" />
        </> },
        "sentinel" => {
            html! { <path class="body" d="M0-30l26 10v18c0 17-11 27-26 33-15-6-26-16-26-33v-18z" /> }
        }
        _ => html! { <rect x="-36" y="-19" width="72" height="38" rx="19" /> },
    }
}
