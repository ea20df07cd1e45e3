//! What a message means, where its words alone do not tell those who do not know them.

use super::Picture;

/// What a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning<'a> {
    /// Is this one down?
    IsDown {
        /// Whom it is about.
        whom: String,
    },
    /// It is down; may I lead?
    AskVote {
        /// The epoch of the vote.
        epoch: &'a str,
    },
    /// What its sender thinks of the one that was asked about.
    Answer {
        /// It thinks so too.
        is_down: bool,
    },
    /// For whom its sender votes.
    Vote {
        /// The candidate.
        whom: String,
        /// The epoch of the vote.
        epoch: &'a str,
    },
    /// Who the master is, as its sender knows.
    Hello {
        /// The master.
        master: String,
        /// The epoch of that configuration.
        epoch: &'a str,
    },
    /// What it says.
    Plain(&'a str),
}

impl<'a> Meaning<'a> {
    /// The meaning of a text; addresses and run ids are told by the names of this picture.
    #[must_use]
    pub fn of(text: &'a str, picture: &Picture) -> Self {
        Self::decode(text, picture).unwrap_or(Self::Plain(text))
    }

    fn decode(text: &'a str, picture: &Picture) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("SENTINEL is-master-down-by-addr ") {
            let mut words = rest.split(' ');
            let (ip, _, epoch, candidate) = (words.next()?, words.next()?, words.next()?, words.next()?);
            return Some(match candidate {
                "*" => Self::IsDown { whom: picture.name_of_ip(ip) },
                _ => Self::AskVote { epoch },
            });
        }
        if let Some(hello) = text.split_once("__sentinel__:hello").map(|(_, hello)| hello) {
            let mut words = hello.trim_start_matches([' ', ',']).trim_end_matches(']').split(',').skip(5);
            let (ip, _, epoch) = (words.next()?, words.next()?, words.next()?);
            return Some(Self::Hello { master: picture.name_of_ip(ip), epoch });
        }
        let mut words = text.strip_prefix("[:")?.strip_suffix(']')?.split(", ");
        let (down, candidate, epoch) = (words.next()?, words.next()?, words.next()?.strip_prefix(':')?);
        Some(match candidate {
            "*" => Self::Answer { is_down: down == "1" },
            _ => Self::Vote { whom: picture.name_of_run_id(candidate), epoch },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::{engine, picture};

    #[test]
    fn what_sentinels_ask_and_answer_is_told_with_names() {
        let picture = picture(&engine());
        let (run_id, node) = picture.run_ids[1].clone();
        let name = picture.name(node).to_owned();
        let check = |text: &str, meaning: Meaning<'_>| assert_eq!(Meaning::of(text, &picture), meaning);
        let redis = "redis-1".to_owned();
        check("SENTINEL is-master-down-by-addr 10.0.1.1 6379 0 *", Meaning::IsDown { whom: redis.clone() });
        let ask = format!("SENTINEL is-master-down-by-addr 10.0.1.1 6379 7 {run_id}");
        check(&ask, Meaning::AskVote { epoch: "7" });
        check("[:1, *, :0]", Meaning::Answer { is_down: true });
        check("[:0, *, :0]", Meaning::Answer { is_down: false });
        check(&format!("[:1, {run_id}, :7]"), Meaning::Vote { whom: name, epoch: "7" });
        let hello = "10.0.0.1,26379,6581d48e5dda9dd53f170ef4970fadec2c2afde5,1,mymaster,10.0.1.1,6379,2";
        let meaning = || Meaning::Hello { master: redis.clone(), epoch: "2" };
        check(&format!("PUBLISH __sentinel__:hello {hello}"), meaning());
        check(&format!("[message, __sentinel__:hello, {hello}]"), meaning());
    }

    #[test]
    fn everything_else_means_what_it_says() {
        let picture = picture(&engine());
        for text in
            ["PING", "+PONG", "", "[10.0.1.1, 6379]", "[:1", "[:1, a]", "SUBSCRIBE __sentinel__:hello"]
        {
            assert_eq!(Meaning::of(text, &picture), Meaning::Plain(text));
        }
        let stranger = "SENTINEL is-master-down-by-addr 10.9.9.9 6379 0 *";
        assert_eq!(Meaning::of(stranger, &picture), Meaning::IsDown { whom: "10.9.9.9".to_owned() });
    }
}
