//! What a simulated node is not asked: commands that make much out of a few letters. A world may come from a link that
//! somebody else made, and one step of it must not stop the page.

use alloc::string::String;

use super::ActionError;

/// Bytes that a command may make of nothing.
const BYTES_MAX: u64 = 256 * 1024;
/// Keys or elements that a command may make of nothing.
const ITEMS_MAX: u64 = 10_000;

/// Whether a node may be asked this.
///
/// # Errors
/// If it would make too much.
pub(crate) fn check(words: &[String]) -> Result<(), ActionError> {
    let [command, args @ ..] = words else { return Ok(()) };
    let is = |word: &str, name: &str| word.eq_ignore_ascii_case(name);
    let arg = |place: usize| args.get(place).map_or("", String::as_str);
    let too_much = |name, is_too_much| if is_too_much { Err(ActionError::TooMuch(name)) } else { Ok(()) };
    match command {
        // `DEBUG POPULATE count [prefix [size]]`.
        word if is(word, "DEBUG") && is(arg(0), "POPULATE") => {
            let (keys, len) = (size(arg(1)), size(arg(3)).saturating_add(arg(2).len() as u64));
            too_much("DEBUG POPULATE", keys > ITEMS_MAX || keys.saturating_mul(len) > BYTES_MAX)
        }
        word if is(word, "DEBUG") && is(arg(0), "REPLICATE") => check(&args[1..]),
        word if is(word, "SETRANGE") => too_much("SETRANGE", size(arg(1)) > BYTES_MAX),
        word if is(word, "SETBIT") => too_much("SETBIT", size(arg(1)) > BYTES_MAX * 8),
        // `BITFIELD key SET type offset value ...`, where `#3` is the third of its type.
        word if is(word, "BITFIELD") => {
            let is_far = |word: &String| match word.strip_prefix('#') {
                Some(place) => size(place) > BYTES_MAX / 8,
                None => false,
            };
            let is_change = |word: &String| is(word, "SET") || is(word, "INCRBY");
            let offsets = args.windows(3).filter(|words| is_change(&words[0])).map(|words| &words[2]);
            let mut offsets = offsets.map(|offset| is_far(offset) || size(offset) > BYTES_MAX * 8);
            too_much("BITFIELD", offsets.any(|is_far| is_far))
        }
        // With a negative count elements come again and again.
        word if is(word, "SRANDMEMBER") => too_much("SRANDMEMBER", is_again(arg(1))),
        word if is(word, "HRANDFIELD") => too_much("HRANDFIELD", is_again(arg(1))),
        word if is(word, "ZRANDMEMBER") => too_much("ZRANDMEMBER", is_again(arg(1))),
        // The product of two lengths.
        word if is(word, "LCS") => too_much("LCS", true),
        _ => Ok(()),
    }
}

/// What a text counts; what is no number is left to the node, which refuses it.
fn size(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

fn is_again(count: &str) -> bool {
    count.strip_prefix('-').is_some_and(|count| size(count) > ITEMS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::words;

    #[track_caller]
    fn is_refused(line: &str) -> bool {
        check(&words(line).expect("the words are plain")).is_err()
    }

    #[test]
    fn a_command_that_makes_much_of_a_few_letters_is_refused() {
        for line in [
            "DEBUG POPULATE 1000000000",
            "debug populate 1000 key 1000000",
            "DEBUG REPLICATE SETRANGE k 500000000 x",
            "SETRANGE k 500000000 x",
            "setbit k 4294967295 1",
            "BITFIELD k SET u8 0 1 INCRBY u8 #99999999 1",
            "bitfield k set u8 4294967288 1",
            "SRANDMEMBER k -1000000000",
            "HRANDFIELD k -1000000000 WITHVALUES",
            "zrandmember k -1000000000",
            "LCS a b",
        ] {
            assert!(is_refused(line), "{line}");
        }
    }

    #[test]
    fn what_learners_type_is_not() {
        for line in [
            "DEBUG POPULATE 1000",
            "DEBUG SLEEP 10",
            "SET k v",
            "SETRANGE k 100 x",
            "SETBIT k 7 1",
            "BITFIELD k SET u8 #3 1 GET u8 99999999999",
            "SRANDMEMBER k -3",
            "SRANDMEMBER k 1000000000",
            "PSYNC ? -1",
            "SETRANGE k",
            "SETRANGE k x y",
            "DEBUG",
            "DEBUG REPLICATE",
        ] {
            assert!(!is_refused(line), "{line}");
        }
    }
}
