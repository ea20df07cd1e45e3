//! What can be set while a world runs, and with what a new one begins; as lines, so that links and going back know it.

use picket_sentinel_core::Status;
use picket_sim::{NodeId, NodeKind, Setup, Timeline, World};

use crate::engine::{DATA_NODES_MAX, SENTINELS_MAX, WRITERS_MAX};

/// A number that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What Redis or the text of a scenario calls it.
    pub word: &'static str,
    /// The least value.
    pub min: u64,
    /// The largest value.
    pub max: u64,
    /// What it usually is.
    pub usual: u64,
    /// Its unit, as it is written behind the number.
    pub unit: &'static str,
    /// Whose it is.
    pub whose: Whose,
}

/// Whose a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of all Sentinels: SENTINEL SET.
    Sentinels,
    /// Of all data nodes: CONFIG SET.
    Redis,
    /// Of one data node: CONFIG SET.
    OneNode,
    /// Of a world that begins.
    World,
}

const fn setting(
    word: &'static str,
    min: u64,
    max: u64,
    usual: u64,
    unit: &'static str,
    whose: Whose,
) -> Setting {
    Setting { word, min, max, usual, unit, whose }
}

/// What can be set while the world runs.
pub const LIVE: [Setting; 8] = [
    setting("down-after-milliseconds", 50, 600_000, 1_000, "ms", Whose::Sentinels),
    setting("failover-timeout", 100, 3_600_000, 10_000, "ms", Whose::Sentinels),
    setting("parallel-syncs", 1, 24, 1, "", Whose::Sentinels),
    setting("quorum", 1, 17, 2, "", Whose::Sentinels),
    setting("repl-backlog-size", 16_384, 64 << 20, 1 << 20, "B", Whose::Redis),
    setting("min-replicas-to-write", 0, 24, 0, "", Whose::Redis),
    setting("min-replicas-max-lag", 1, 3_600, 10, "s", Whose::Redis),
    setting("replica-priority", 0, 1_000, 100, "", Whose::OneNode),
];

/// With what a new world begins. Without a client if the last one is 0.
pub const NEW: [Setting; 6] = [
    setting("redis", 1, DATA_NODES_MAX as u64, 3, "", Whose::World),
    setting("sentinels", 3, SENTINELS_MAX as u64, 3, "", Whose::World),
    setting("quorum", 1, SENTINELS_MAX as u64, 2, "", Whose::World),
    setting("down-after", 50, 600_000, 1_000, "ms", Whose::World),
    setting("seed", 0, u64::MAX, 1, "", Whose::World),
    setting("writer", 0, 60_000, 50, "ms", Whose::World),
];

/// A text that is no number within the bounds of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong(pub Setting);

impl Setting {
    /// The number that a text means.
    ///
    /// # Errors
    /// If it is none, or out of bounds.
    pub fn read(&self, text: &str) -> Result<u64, Wrong> {
        let number = text.trim().parse().ok().filter(|number| (self.min..=self.max).contains(number));
        number.ok_or(Wrong(*self))
    }

    /// The line that sets it, on that node if it is a node's own.
    ///
    /// # Errors
    /// If the text is no number, or out of bounds.
    pub fn line(&self, text: &str, node: &str) -> Result<String, Wrong> {
        let (number, word) = (self.read(text)?, self.word);
        Ok(match self.whose {
            Whose::Sentinels => format!("run sentinels SENTINEL SET mymaster {word} {number}"),
            Whose::Redis => format!("run redis CONFIG SET {word} {number}"),
            Whose::OneNode => format!("run {node} CONFIG SET {word} {number}"),
            Whose::World => format!("{word} {number}{}", self.unit),
        })
    }
}

/// The value of a setting in the running world: of the first node that is meant and runs, for one that does not run its
/// usual value.
#[must_use]
pub fn current(setting: &Setting, world: &World, node: Option<NodeId>) -> u64 {
    let of_sentinels = |status: Status| {
        let master = status.masters.first()?;
        Some(match setting.word {
            "down-after-milliseconds" => master.down_after.0,
            "failover-timeout" => master.failover_timeout.0,
            "parallel-syncs" => u64::from(master.parallel_syncs),
            _ => u64::from(master.quorum),
        })
    };
    let found = match setting.whose {
        Whose::Sentinels => {
            world.nodes().filter_map(|node| world.sentinel(node)).filter_map(of_sentinels).next()
        }
        Whose::Redis => {
            let mut cores = world.nodes().filter_map(|node| world.core(node));
            cores.next().map(|core| core.setting(setting.word))
        }
        Whose::OneNode => node.and_then(|node| world.core(node)).map(|core| core.setting(setting.word)),
        Whose::World => None,
    };
    found.unwrap_or(setting.usual)
}

/// The last thing that was set in this world up to now, as a line.
#[must_use]
pub fn last_set(timeline: &Timeline) -> Option<String> {
    let up_to_now = timeline.deeds().iter().rev().filter(|deed| deed.at <= timeline.now());
    let mut lines = up_to_now.map(|deed| deed.action.to_string());
    lines.find(|line| line.contains(" SENTINEL SET ") || line.contains(" CONFIG SET "))
}

/// The text of a world that begins with these values of [`NEW`], in their order.
///
/// # Errors
/// The first value that is wrong.
pub fn new_world(values: &[String]) -> Result<String, Wrong> {
    let mut text = String::new();
    for (setting, value) in NEW.iter().zip(values) {
        // Whoever never writes is left out.
        if setting.word == "writer" && setting.read(value)? == 0 {
            continue;
        }
        text.push_str(&setting.line(value, "")?);
        text.push('\n');
    }
    Ok(text)
}

/// The line that adds a node of that kind under the next name that was never given; none if the page is full of them.
#[must_use]
pub fn addition(kind: NodeKind, setup: &Setup, timeline: &Timeline) -> Option<String> {
    let (word, first, max, more) = match kind {
        NodeKind::Server => ("redis", setup.masters * setup.redis, DATA_NODES_MAX, ""),
        NodeKind::Sentinel => ("sentinel", setup.sentinels, SENTINELS_MAX, ""),
        NodeKind::Writer => ("writer", setup.writers.len() as u32, WRITERS_MAX as u32, " 50ms"),
        NodeKind::Console => return None,
    };
    let world = timeline.world();
    let there = world.nodes().filter(|node| world.kind(*node) == kind).count();
    if there >= max as usize {
        return None;
    }
    let added = timeline.deeds().iter().filter(|deed| deed.at <= timeline.now()).filter_map(|deed| {
        let line = deed.action.to_string();
        let name = line.strip_prefix("add ")?.split(' ').next()?;
        name.strip_prefix(word)?.strip_prefix('-')?.parse::<u32>().ok()
    });
    let next = added.chain([first]).max().unwrap_or(0) + 1;
    Some(format!("add {word}-{next}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Engine;

    fn engine(text: &str) -> Engine {
        Engine::open(text.parse().expect("a scenario")).expect("it can be shown")
    }

    #[test]
    fn what_is_set_is_done_to_the_world() {
        let mut engine = engine("redis 2");
        for setting in LIVE {
            for number in [setting.min, setting.usual, setting.max] {
                let line = setting.line(&number.to_string(), "redis-2").expect("it is within bounds");
                engine.inject(&line).expect(&line);
                engine.seek_us(engine.now_us());
                engine.set_playing(true);
                engine.tick(100_000, |_| false);
                let answers: Vec<_> = engine.world().answers(0).collect();
                let last = answers.last().expect("somebody answered");
                assert_eq!(last.result.as_ref().map(picket_resp::Reply::is_error), Ok(false), "{line}");
            }
        }
        let text = engine.scenario().to_string();
        assert_eq!(super::tests::engine(&text).world().outputs_hash(), engine.world().outputs_hash());
    }

    #[test]
    fn what_is_in_force_is_found_and_time_takes_it_back() {
        let mut engine = engine("redis 3\nquorum 2\ndown-after 700ms");
        let node = engine.world().find("redis-2").ok();
        let values = |engine: &Engine| LIVE.map(|setting| current(&setting, engine.world(), node));
        let before = values(&engine);
        assert_eq!((before[0], before[3]), (700, 2));
        assert_eq!(last_set(engine.timeline()), None);
        let wanted = [2_000, 20_000, 2, 3, 32_768, 1, 5, 7];
        for (setting, number) in LIVE.iter().zip(wanted) {
            let line = setting.line(&number.to_string(), "redis-2").expect("it is within bounds");
            engine.inject(&line).expect(&line);
        }
        engine.set_playing(true);
        for _ in 0..20 {
            engine.tick(100_000, |_| false);
        }
        assert_eq!(values(&engine), wanted);
        assert_eq!(last_set(engine.timeline()).as_deref(), Some("run redis-2 CONFIG SET replica-priority 7"));
        let other = engine.world().find("redis-1").ok();
        assert_eq!(current(&LIVE[7], engine.world(), other), 100, "that is another node's");
        engine.step_back();
        engine.seek_us(0);
        engine.step_back();
        assert_eq!(values(&engine)[..3], before[..3]);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused() {
        for setting in LIVE.into_iter().chain(NEW) {
            assert!((setting.min..=setting.max).contains(&setting.usual), "{}", setting.word);
            for text in ["", "x", "-1", "1.5", "18446744073709551616"] {
                assert_eq!(setting.line(text, "redis-1"), Err(Wrong(setting)), "{text}");
            }
            if setting.max < u64::MAX {
                assert_eq!(setting.read(&(setting.max + 1).to_string()), Err(Wrong(setting)));
            }
        }
    }

    #[test]
    fn a_new_world_has_the_values_that_were_given() {
        let values = |values: [&str; 6]| values.map(str::to_owned);
        let text = new_world(&values(["2", "17", "9", "300", "7", "0"])).expect("they are within bounds");
        let setup = engine(&text).setup().clone();
        assert_eq!((setup.redis, setup.sentinels, setup.quorum, setup.seed), (2, 17, 9, 7));
        assert_eq!((setup.down_after.0, setup.writers.len()), (300, 0));
        assert_eq!(new_world(&values(["2", "2", "1", "300", "7", "50"])), Err(Wrong(NEW[1])));
        let usual = NEW.map(|setting| setting.usual.to_string());
        assert!(new_world(&usual).expect("they are within bounds").contains("writer 50ms"));
    }

    #[test]
    fn new_nodes_have_new_names() {
        let mut engine = engine("redis 2\nwriter 50ms");
        for line in ["add redis-3", "add redis-4"] {
            assert_eq!(addition(NodeKind::Server, engine.setup(), engine.timeline()).as_deref(), Some(line));
            engine.inject(line).expect("it can be added");
        }
        engine.inject("remove redis-4").expect("it can leave");
        let add = |engine: &Engine, kind| addition(kind, engine.setup(), engine.timeline());
        assert_eq!(add(&engine, NodeKind::Server).as_deref(), Some("add redis-5"));
        assert_eq!(add(&engine, NodeKind::Sentinel).as_deref(), Some("add sentinel-4"));
        assert_eq!(add(&engine, NodeKind::Writer).as_deref(), Some("add writer-2 50ms"));
        let full = super::tests::engine("sentinels 17");
        assert_eq!(add(&full, NodeKind::Sentinel), None);
    }
}
