//! A world with its time, as the page plays it: on and back, step by step, at any speed, with branches.
//!
//! The engine reads no clock: the page tells how much time has passed on the wall. However fast a world is played,
//! a frame does a bounded number of steps, and time falls behind rather than the page.

use picket_sansio::{Millis, Time};
use picket_sim::{Action, Cluster, Detail, Shape, Timeline, World};

use crate::line::{Kind, Line};

/// Steps of the world that one frame does at most.
const FRAME_STEPS_MAX: u32 = 1_500;
/// A frame that took longer counts as this long: the tab was in the background.
const FRAME_US_MAX: u64 = 100_000;
/// How far a step to the next event looks.
const EVENT_LIMIT: Millis = Millis(60_000);
/// Branches that are kept besides the one that is looked at.
const BRANCHES_MAX: usize = 4;

/// How fast time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Virtual time per time on the wall, in thousandths.
    permille: u64,
}

impl Speed {
    /// From a hundredth of real time to its hundredfold.
    pub const ALL: [Self; 13] = {
        const fn of(permille: u64) -> Speed {
            Speed { permille }
        }
        [
            of(10),
            of(20),
            of(50),
            of(100),
            of(200),
            of(500),
            of(1_000),
            of(2_000),
            of(5_000),
            of(10_000),
            of(20_000),
            of(50_000),
            of(100_000),
        ]
    };
    /// As fast as real time.
    pub const REAL: Self = Self::ALL[6];

    /// Its place among [`ALL`](Self::ALL).
    #[must_use]
    pub fn index(self) -> usize {
        Self::ALL.iter().position(|speed| *speed == self).unwrap_or(6)
    }

    /// The speed at a place, or the last one.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self::ALL[index.min(Self::ALL.len() - 1)]
    }

    /// How much virtual time passes in that much time on the wall.
    #[must_use]
    pub fn virtual_us(self, wall_us: u64) -> u64 {
        wall_us.saturating_mul(self.permille) / 1_000
    }
}

impl std::fmt::Display for Speed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.permille {
            permille if permille >= 1_000 => write!(f, "{}×", permille / 1_000),
            permille => write!(f, "0.{}×", format!("{permille:03}").trim_end_matches('0')),
        }
    }
}

/// An event's place on the time bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Time,
    /// What sort of event.
    pub kind: Kind,
    /// Its line's number in the transcript.
    index: usize,
}

/// A world that is played.
#[derive(Clone, Debug)]
pub struct Engine {
    timeline: Timeline,
    /// Branches that were left, the latest last.
    left: Vec<Timeline>,
    playing: bool,
    speed: Speed,
    /// Thousandths of a microsecond of virtual time that are still owed.
    owed: u64,
    is_behind: bool,
    /// Lines of the transcript that stand on the time bar; of the whole branch.
    marks: Vec<Mark>,
    /// How many lines of it were looked at for marks.
    marked: usize,
}

impl Engine {
    /// A settled deployment of such a shape, with a client that writes.
    ///
    /// # Errors
    /// If it does not settle.
    pub fn new(seed: u64, shape: &Shape, writers: &[Millis]) -> Result<Self, String> {
        let cluster = Cluster::settled(seed, shape).map_err(|stop| stop.to_string())?;
        let mut world = cluster.world;
        for interval in writers {
            world.add_writer(&Cluster::master_name(0), &cluster.sentinels, *interval);
        }
        Ok(Self::of(world))
    }

    /// Plays this world from its present moment on.
    #[must_use]
    pub fn of(mut world: World) -> Self {
        world.set_detail(Detail::Arrivals);
        let marked = world.transcript().len();
        Self {
            timeline: Timeline::new(world),
            left: Vec::new(),
            playing: false,
            speed: Speed::REAL,
            owed: 0,
            is_behind: false,
            marks: Vec::new(),
            marked,
        }
    }

    /// The world at the moment that is looked at.
    #[must_use]
    pub fn world(&self) -> &World {
        self.timeline.world()
    }

    /// The timeline that is looked at.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The moment that is looked at, counted from the beginning.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.since_beginning(self.timeline.now())
    }

    /// The furthest moment of this branch, counted from the beginning.
    #[must_use]
    pub fn end_us(&self) -> u64 {
        self.since_beginning(self.timeline.end())
    }

    /// A moment counted from the beginning.
    #[must_use]
    pub fn since_beginning(&self, at: Time) -> u64 {
        at.0.saturating_sub(self.timeline.beginning().0)
    }

    /// Whether time goes on by itself.
    #[must_use]
    pub fn is_playing(&self) -> bool {
        self.playing
    }

    /// Whether the last frame had more to do than it could.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// How fast time goes.
    #[must_use]
    pub fn speed(&self) -> Speed {
        self.speed
    }

    /// The events of the whole branch for the time bar, also those behind the moment that is looked at.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// The last `count` lines of what happened up to now, the oldest first.
    #[must_use]
    pub fn lines(&self, count: usize) -> Vec<Line> {
        let transcript = self.world().transcript();
        let from = transcript.len().saturating_sub(count);
        let first = self.timeline.beginning();
        let lines = transcript.behind(from).zip(from..).filter(|(entry, _)| entry.at >= first);
        lines.map(|(entry, index)| Line::of(index, self.since_beginning(entry.at), entry)).collect()
    }

    // ---- time ----

    /// Lets time go on by itself, or not.
    pub fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
        self.is_behind = false;
        self.owed = 0;
    }

    /// How fast it goes from now on.
    pub fn set_speed(&mut self, speed: Speed) {
        self.speed = speed;
        self.owed = 0;
    }

    /// So much time has passed on the wall; says whether anything is to be drawn anew.
    pub fn tick(&mut self, wall_us: u64) -> bool {
        if !self.playing {
            return false;
        }
        let owed = self.owed + wall_us.min(FRAME_US_MAX) * self.speed.permille;
        self.owed = owed % 1_000;
        let until = Time(self.timeline.now().0 + owed / 1_000);
        let mut steps = 0;
        while steps < FRAME_STEPS_MAX && self.timeline.next_at().is_some_and(|at| at <= until) {
            self.timeline.step();
            steps += 1;
        }
        self.is_behind = steps == FRAME_STEPS_MAX;
        if !self.is_behind {
            self.timeline.seek(until);
        }
        self.playing = self.world().violation().is_none();
        self.collect_marks();
        true
    }

    /// Lets the next thing happen.
    pub fn step(&mut self) {
        self.set_playing(false);
        self.timeline.step();
        self.collect_marks();
    }

    /// Takes the last thing that happened back.
    pub fn step_back(&mut self) {
        self.set_playing(false);
        self.timeline.step_back();
    }

    /// Goes on to the next event; false if none comes within a minute.
    pub fn step_to_event(&mut self) -> bool {
        self.set_playing(false);
        let found = self.timeline.step_to_event(EVENT_LIMIT);
        self.collect_marks();
        found
    }

    /// Goes back to just before the last event.
    pub fn step_back_to_event(&mut self) {
        self.set_playing(false);
        let now = self.timeline.now();
        let before = self.marks.iter().rev().find(|mark| mark.at < now).map(|mark| mark.at);
        self.timeline.seek(before.unwrap_or(self.timeline.beginning()));
    }

    /// Goes to a moment of this branch, counted from the beginning.
    pub fn seek_us(&mut self, to_us: u64) {
        let to = Time(self.timeline.beginning().0.saturating_add(to_us));
        self.timeline.seek(to.min(self.timeline.end()));
        self.owed = 0;
        self.collect_marks();
    }

    // ---- deeds ----

    /// Does what a line says, such as `kill redis-1`. In the past that begins a new branch, and the old one is kept.
    ///
    /// # Errors
    /// Why it cannot be read or done. Nothing has changed then.
    pub fn inject(&mut self, line: &str) -> Result<(), String> {
        let action: Action = line.parse().map_err(|error| format!("{error}"))?;
        let told = self.world().transcript().len();
        let is_past = self.timeline.now() < self.timeline.end();
        let before = is_past.then(|| self.timeline.clone());
        self.timeline.inject(action).map_err(|error| error.to_string())?;
        if let Some(before) = before {
            self.leave(before);
        }
        self.marks.retain(|mark| mark.index < told);
        self.marked = self.marked.min(told);
        self.collect_marks();
        Ok(())
    }

    /// Branches that were left: when each was left off, counted from the beginning.
    pub fn branches(&self) -> impl Iterator<Item = u64> + '_ {
        self.left.iter().map(|branch| self.since_beginning(branch.end()))
    }

    /// Goes to a branch that was left, at the moment where it was looked at last; the present one is kept.
    pub fn switch_branch(&mut self, index: usize) {
        if index >= self.left.len() {
            return;
        }
        self.set_playing(false);
        let branch = self.left.remove(index);
        let before = std::mem::replace(&mut self.timeline, branch);
        self.leave(before);
        // Of another branch other events are true; those behind its present moment come as it is played.
        self.marks.clear();
        self.marked = 0;
        self.collect_marks();
    }

    fn leave(&mut self, branch: Timeline) {
        self.left.push(branch);
        if self.left.len() > BRANCHES_MAX {
            self.left.remove(0);
        }
    }

    /// Puts new lines of the transcript on the time bar.
    fn collect_marks(&mut self) {
        let transcript = self.timeline.world().transcript();
        let first = self.timeline.beginning();
        let told = transcript.len();
        if told <= self.marked {
            return;
        }
        for (entry, index) in transcript.behind(self.marked).zip(self.marked..) {
            let kind = Kind::of(&entry.text);
            if entry.at >= first && kind.is_marked() {
                self.marks.push(Mark { at: entry.at, kind, index });
            }
        }
        self.marked = told;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn engine() -> Engine {
        let shape = Shape { real_nodes: true, ..Shape::default() };
        Engine::new(1, &shape, &[Millis(50)]).expect("it settles")
    }

    /// Plays until a line of that kind is told.
    #[track_caller]
    fn play_until(engine: &mut Engine, kind: Kind) {
        engine.set_playing(true);
        for _ in 0..2_000 {
            engine.tick(16_000);
            if engine.marks().iter().any(|mark| mark.kind == kind) {
                return;
            }
        }
        panic!("no {kind:?}: {:?}", engine.lines(20));
    }

    #[test]
    fn virtual_time_follows_the_wall_at_its_speed() {
        let mut engine = engine();
        assert!(!engine.tick(16_000), "it does not play");
        engine.set_playing(true);
        for (speed, expected) in
            [(Speed::REAL, 1_600_000), (Speed::at(0), 16_000), (Speed::at(9), 16_000_000)]
        {
            engine.set_speed(speed);
            let before = engine.now_us();
            for _ in 0..100 {
                engine.tick(16_000);
            }
            assert_eq!(engine.now_us() - before, expected, "{speed}");
        }
        engine.set_speed(Speed::at(0));
        let before = engine.now_us();
        for _ in 0..150 {
            engine.tick(67);
        }
        assert_eq!(engine.now_us() - before, 100, "fractions of a microsecond add up");
    }

    #[test]
    fn a_frame_does_a_bounded_number_of_steps() {
        let shape = Shape { real_nodes: true, sentinels: 9, replicas: 4, quorum: 5, ..Shape::default() };
        let mut engine = Engine::new(1, &shape, &[Millis(1), Millis(1)]).expect("it settles");
        engine.set_playing(true);
        engine.set_speed(Speed::at(12));
        let before = engine.world().steps();
        engine.tick(u64::MAX);
        assert!(engine.is_behind());
        assert_eq!(engine.world().steps() - before, u64::from(FRAME_STEPS_MAX));
    }

    #[test]
    fn a_master_dies_and_the_same_is_seen_again_after_going_back() {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        play_until(&mut engine, Kind::Switch);
        let (end, hash, marks) = (engine.now_us(), engine.world().outputs_hash(), engine.marks().to_vec());
        engine.seek_us(0);
        assert_eq!((engine.now_us(), engine.end_us()), (0, end));
        assert_eq!(engine.marks(), marks, "what comes later stays on the time bar");
        engine.seek_us(end);
        assert_eq!(engine.world().outputs_hash(), hash);
        assert_eq!(engine.marks(), marks);
        let steps = engine.world().steps();
        engine.step_back();
        engine.step_back();
        assert_eq!(engine.world().steps(), steps - 2);
        engine.step();
        engine.step();
        assert_eq!(engine.world().outputs_hash(), hash);
    }

    #[test]
    fn stepping_to_events_goes_from_line_to_line() {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        let told = engine.world().transcript().len();
        assert!(engine.step_to_event());
        assert!(engine.world().transcript().len() > told);
        let at = engine.now_us();
        assert!(at > 0);
        engine.step_back_to_event();
        assert!(engine.now_us() < at);
    }

    #[test]
    fn acting_in_the_past_begins_a_branch_and_keeps_the_old_one() {
        let mut engine = engine();
        engine.inject("kill redis-1").expect("it can be killed");
        play_until(&mut engine, Kind::Switch);
        let (end, hash) = (engine.end_us(), engine.world().outputs_hash());
        engine.seek_us(500_000);
        engine.inject("start redis-1").expect("it can be started");
        assert_eq!(engine.end_us(), 500_000);
        assert!(engine.marks().iter().all(|mark| mark.kind != Kind::Switch), "that is no more");
        assert_eq!(engine.branches().collect::<Vec<_>>(), [end]);
        engine.switch_branch(0);
        engine.seek_us(end);
        assert_eq!(engine.world().outputs_hash(), hash);
        assert_eq!(engine.branches().collect::<Vec<_>>(), [500_000]);
        engine.switch_branch(7);
        assert_eq!(engine.end_us(), end);
    }

    #[test]
    fn branches_are_bounded() {
        let mut engine = engine();
        for _ in 0..10 {
            engine.set_playing(true);
            engine.tick(16_000);
            engine.seek_us(1_000);
            engine.inject("heal").expect("wires can always be mended");
        }
        assert_eq!(engine.branches().count(), BRANCHES_MAX);
    }

    #[test]
    fn nonsense_is_refused_and_changes_nothing() {
        let mut engine = engine();
        engine.set_playing(true);
        engine.tick(100_000);
        engine.seek_us(50_000);
        let hash = engine.world().outputs_hash();
        for line in ["", "kill", "kill redis-9", "explode redis-1", "drop 99999999", "cut redis-1 redis-1"] {
            assert!(engine.inject(line).is_err(), "{line:?}");
        }
        assert_eq!((engine.world().outputs_hash(), engine.end_us()), (hash, 100_000));
        assert_eq!(engine.branches().count(), 0);
    }

    #[test]
    fn speeds_are_shown_as_people_write_them() {
        let shown: Vec<String> = Speed::ALL.iter().map(Speed::to_string).collect();
        assert_eq!(shown[..7], ["0.01×", "0.02×", "0.05×", "0.1×", "0.2×", "0.5×", "1×"]);
        assert_eq!(shown[12], "100×");
        assert!(
            Speed::ALL
                .iter()
                .enumerate()
                .all(|(index, speed)| Speed::at(index) == *speed && speed.index() == index)
        );
    }
}
