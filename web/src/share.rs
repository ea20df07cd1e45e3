//! What the part of a link behind `#` asks for, and how the text of a scenario is put there.
//!
//! `#s=…` holds the text of a scenario, deflated and in base64url; `#lesson=2` and `#scenario=tilt` name what the page
//! brings along. Deflating is left to the browser; what is inflated is bounded by what a fragment may hold, since a
//! byte becomes 1032 at most.

/// Characters of a link that is offered; longer ones are cut off on their way by what people paste them into.
pub const LINK_LEN_MAX: usize = 8_000;
/// Characters behind `#` that are looked at.
const FRAGMENT_LEN_MAX: usize = 32_000;
/// Bytes of a scenario's text that are read.
pub const TEXT_LEN_MAX: usize = 1 << 20;

/// What a link asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A scenario whose deflated text this is.
    Scenario(Vec<u8>),
    /// One that the page brings along, by its name.
    Named(String),
    /// A lesson; the first is 0.
    Lesson(usize),
}

/// What the part of an address from `#` on asks for; none if it is empty.
///
/// # Errors
/// If it asks for nothing that there is.
pub fn wanted(fragment: &str) -> Result<Option<Wanted>, BadLink> {
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    if fragment.len() > FRAGMENT_LEN_MAX {
        return Err(BadLink);
    }
    Ok(Some(match fragment.split_once('=') {
        None if fragment.is_empty() => return Ok(None),
        Some(("s", data)) => Wanted::Scenario(from_base64url(data).ok_or(BadLink)?),
        Some(("scenario", name)) => Wanted::Named(name.to_owned()),
        Some(("lesson", number)) => {
            let number: usize = number.parse().map_err(|_| BadLink)?;
            Wanted::Lesson(number.checked_sub(1).ok_or(BadLink)?)
        }
        _ => return Err(BadLink),
    }))
}

/// The fragment of a link to a scenario whose deflated text this is.
#[must_use]
pub fn fragment(deflated: &[u8]) -> String {
    format!("#s={}", to_base64url(deflated))
}

/// A link that asks for nothing that can be read: cut off on its way, or made by something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLink;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn to_base64url(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits =
            group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]));
        }
    }
    text
}

/// None if it is not what [`to_base64url`] writes.
fn from_base64url(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            let value = ALPHABET.iter().position(|letter| letter == digit)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        bits <<= 6 * (4 - group.len());
        // One digit alone is no byte, and of the last ones no bit may be left over.
        let [_, whole @ ..] = bits.to_be_bytes();
        let count = group.len() - 1;
        if count == 0 || whole[count..].iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(&whole[..count]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive_their_way_through_a_link() {
        for len in 0..300_u32 {
            let bytes: Vec<u8> = (0..len).map(|at| (at * at * 7 + len) as u8).collect();
            let fragment = fragment(&bytes);
            assert!(fragment[3..].bytes().all(|byte| ALPHABET.contains(&byte)), "{fragment}");
            assert_eq!(wanted(&fragment), Ok(Some(Wanted::Scenario(bytes))), "{fragment}");
        }
        // RFC 4648, with the alphabet for links and without padding.
        assert_eq!(to_base64url(b"foobar"), "Zm9vYmFy");
        assert_eq!(to_base64url(b"fooba"), "Zm9vYmE");
        assert_eq!(to_base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn a_link_names_what_the_page_brings_along() {
        assert_eq!(wanted(""), Ok(None));
        assert_eq!(wanted("#"), Ok(None));
        assert_eq!(wanted("#lesson=3"), Ok(Some(Wanted::Lesson(2))));
        assert_eq!(wanted("#scenario=tilt"), Ok(Some(Wanted::Named("tilt".to_owned()))));
    }

    #[test]
    fn what_is_no_link_of_ours_is_refused() {
        let long = format!("#s={}", "A".repeat(FRAGMENT_LEN_MAX));
        for fragment in [
            "#x",
            "#x=1",
            "#lesson=0",
            "#lesson=one",
            "#lesson=-1",
            "#s=A",
            "#s=AB=C",
            "#s=AA+A",
            "#s=é",
            "#s=Zm9vYmF",
            &long,
        ] {
            assert_eq!(wanted(fragment), Err(BadLink), "{fragment}");
        }
    }
}
