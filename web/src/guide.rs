//! What is played: which lesson or scenario, how far the learner has come, and what is on its way to be opened.

use picket_sim::{ActionError, Scenario, ScenarioError};

use crate::engine::{Engine, Opening, Refusal};
use crate::lessons::{self, Look, Progress};
use crate::library;
use crate::share::{TEXT_LEN_MAX, Wanted};

/// Steps of a world that are replayed in one frame.
const SLICE_STEPS: u32 = 2_000;

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// The world that the page shows first.
    Free,
    /// A lesson, by its place.
    Lesson(usize),
    /// A scenario of the library, by its place.
    Scenario(usize),
    /// What a link or a file told, or what was set up by hand.
    Own,
}

/// Why something cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A link that cannot be read.
    BadLink,
    /// A file or a link whose text is longer than any scenario.
    TooLong,
    /// A text that is no scenario.
    NoScenario(ScenarioError),
    /// A scenario that cannot be shown.
    Refused(Refusal),
    /// A file that the browser cannot read.
    Unreadable,
}

/// What is played, and what is to come.
#[derive(Clone, Debug)]
pub struct Guide {
    choice: Played,
    progress: Option<Progress>,
    opening: Option<(Opening, Played)>,
}

impl Default for Guide {
    fn default() -> Self {
        Self { choice: Played::Free, progress: None, opening: None }
    }
}

impl Played {
    /// Its name in links, without `#`; none for what has to be told in full.
    #[must_use]
    pub fn link(self) -> Option<String> {
        match self {
            Self::Free => Some(String::new()),
            Self::Lesson(number) => Some(format!("lesson={}", number + 1)),
            Self::Scenario(place) => Some(format!("scenario={}", library::ALL.get(place)?.name)),
            Self::Own => None,
        }
    }

    /// What a link names that the page brings along; none if there is no such thing.
    #[must_use]
    pub fn named(wanted: &Wanted) -> Option<Self> {
        match wanted {
            Wanted::Scenario(_) => None,
            Wanted::Named(name) => {
                library::ALL.iter().position(|entry| entry.name == name).map(Self::Scenario)
            }
            Wanted::Lesson(number) => (*number < lessons::ALL.len()).then_some(Self::Lesson(*number)),
        }
    }

    fn text(self) -> Option<&'static str> {
        match self {
            Self::Free => Some(library::FIRST),
            Self::Lesson(number) => lessons::ALL.get(number).map(|lesson| lesson.scenario),
            Self::Scenario(place) => library::ALL.get(place).map(library::Entry::text),
            Self::Own => None,
        }
    }
}

impl Guide {
    /// What is played.
    #[must_use]
    pub fn choice(&self) -> Played {
        self.choice
    }

    /// How far the learner has come, if it is a lesson.
    #[must_use]
    pub fn progress(&self) -> Option<&Progress> {
        self.progress.as_ref()
    }

    /// The same, to answer and to press buttons.
    pub fn progress_mut(&mut self) -> Option<&mut Progress> {
        self.progress.as_mut()
    }

    /// How much of what is being opened has been replayed, in thousandths.
    #[must_use]
    pub fn opening(&self) -> Option<u64> {
        self.opening.as_ref().map(|(opening, _)| opening.permille())
    }

    /// Begins to open something that the page brings along.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn choose(&mut self, choice: Played) -> Result<(), Trouble> {
        match choice.text() {
            Some(text) => self.open_text(text, choice),
            None => Ok(()),
        }
    }

    /// Begins to open the text of a scenario.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open_text(&mut self, text: &str, choice: Played) -> Result<(), Trouble> {
        if text.len() > TEXT_LEN_MAX {
            return Err(Trouble::TooLong);
        }
        let scenario: Scenario = text.parse().map_err(Trouble::NoScenario)?;
        self.open(scenario, choice)
    }

    /// Begins to open a scenario.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(&mut self, scenario: Scenario, choice: Played) -> Result<(), Trouble> {
        self.opening = Some((Opening::new(scenario).map_err(Trouble::Refused)?, choice));
        Ok(())
    }

    /// Opens nothing after all.
    pub fn cancel(&mut self) {
        self.opening = None;
    }

    /// Replays a slice of what is being opened; true once it has taken the place of what was played.
    ///
    /// # Errors
    /// Why it cannot be opened; what was played goes on.
    pub fn advance(&mut self, engine: &mut Engine) -> Result<bool, Trouble> {
        let Some((opening, choice)) = &mut self.opening else { return Ok(false) };
        let choice = *choice;
        match opening.advance(SLICE_STEPS) {
            Ok(None) => Ok(false),
            Ok(Some(opened)) => {
                self.opening = None;
                self.choice = choice;
                *engine = opened;
                self.progress = match choice {
                    Played::Lesson(number) => Progress::new(number, engine.timeline()),
                    Played::Free | Played::Scenario(_) | Played::Own => None,
                };
                self.set_pace(engine);
                Ok(true)
            }
            Err(refusal) => {
                self.opening = None;
                Err(Trouble::Refused(refusal))
            }
        }
    }

    /// Goes on playing without the lesson.
    pub fn leave(&mut self) {
        self.progress = None;
        self.choice = Played::Own;
    }

    /// Looks whether a step of the lesson is reached; then time pauses, so that the next one can be read.
    pub fn look(&mut self, engine: &mut Engine) -> bool {
        let is_reached = self.progress.as_mut().is_some_and(|progress| progress.look(engine.timeline()));
        if is_reached {
            engine.set_playing(false);
            self.set_pace(engine);
        }
        is_reached
    }

    /// Where the present step directs the eyes.
    #[must_use]
    pub fn eyes(&self) -> Option<Look> {
        Some(self.progress.as_ref()?.step()?.look)
    }

    /// Presses a button of the present step: what it stands for is done, and time goes on.
    ///
    /// # Errors
    /// Why it cannot be done.
    pub fn press(&mut self, button: usize, engine: &mut Engine) -> Result<(), ActionError> {
        let Some(progress) = &mut self.progress else { return Ok(()) };
        let lines = progress.press(button, engine.timeline());
        let done = lines.iter().try_for_each(|line| engine.inject(line));
        self.set_pace(engine);
        engine.set_playing(true);
        done
    }

    /// Takes the present step of the lesson again, from the moment at which it began.
    pub fn restart_step(&mut self, engine: &mut Engine) {
        if let Some(progress) = &mut self.progress {
            engine.seek_moment(progress.restart_step());
            self.set_pace(engine);
        }
    }

    fn set_pace(&self, engine: &mut Engine) {
        if let Some(step) = self.progress.as_ref().and_then(Progress::step) {
            engine.set_speed(step.pace.speed());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::wanted;

    fn engine() -> Engine {
        Engine::open(library::FIRST.parse().expect("a scenario")).expect("it can be shown")
    }

    #[track_caller]
    fn open(guide: &mut Guide, engine: &mut Engine) {
        for _ in 0..1_000 {
            if guide.advance(engine).expect("it can be opened") {
                return;
            }
        }
        panic!("it is never there");
    }

    #[test]
    fn what_is_chosen_has_a_link_that_chooses_it() {
        let lessons = (0..lessons::ALL.len()).map(Played::Lesson);
        for choice in lessons.chain((0..library::ALL.len()).map(Played::Scenario)) {
            let link = choice.link().expect("it has a name");
            let wanted = wanted(&format!("#{link}")).expect("it is a link").expect("to something");
            assert_eq!(Played::named(&wanted), Some(choice));
        }
        for nothing in ["#lesson=11", "#scenario=nothing"] {
            assert_eq!(Played::named(&wanted(nothing).expect(nothing).expect(nothing)), None);
        }
        assert_eq!(Played::Own.link(), None);
    }

    #[test]
    fn a_lesson_takes_the_place_of_what_was_played_and_pauses_at_its_steps() {
        let (mut engine, mut guide) = (engine(), Guide::default());
        guide.choose(Played::Lesson(3)).expect("there is such a lesson");
        assert_eq!(guide.choice(), Played::Free, "not yet");
        open(&mut guide, &mut engine);
        assert_eq!((guide.choice(), guide.opening()), (Played::Lesson(3), None));
        assert_eq!(engine.setup().sentinels, 5);
        guide.press(0, &mut engine).expect("it can be done");
        assert!(engine.is_playing());
        for _ in 0..500 {
            let progress = guide.progress().cloned();
            engine.tick(16_000, |timeline| {
                progress.as_ref().is_some_and(|progress| progress.is_reached(timeline))
            });
            if guide.look(&mut engine) {
                break;
            }
        }
        assert_eq!(guide.progress().map(Progress::reached), Some(1));
        assert!(!engine.is_playing());
        assert_eq!(engine.speed(), lessons::ALL[3].steps[1].pace.speed());
        let (hash, began) = (engine.world().outputs_hash(), engine.now_us());
        guide.press(0, &mut engine).expect("it can be done");
        while engine.now_us() < began + 60_000_000 {
            engine.set_playing(true);
            engine.tick(50_000, |_| false);
        }
        guide.restart_step(&mut engine);
        assert_eq!((engine.world().outputs_hash(), engine.now_us()), (hash, began));
        assert_eq!(guide.progress().map(|progress| (progress.reached(), progress.pressed())), Some((1, 0)));
        assert!(!engine.is_playing());
        guide.leave();
        assert_eq!((guide.choice(), guide.progress()), (Played::Own, None));
    }

    #[test]
    fn what_cannot_be_opened_leaves_what_was_played() {
        let (mut engine, mut guide) = (engine(), Guide::default());
        let long = "#".repeat(TEXT_LEN_MAX + 1);
        assert_eq!(guide.open_text(&long, Played::Own), Err(Trouble::TooLong));
        assert!(matches!(guide.open_text("explode", Played::Own), Err(Trouble::NoScenario(_))));
        assert_eq!(guide.open_text("sentinels 60", Played::Own), Err(Trouble::Refused(Refusal::TooLarge)));
        guide.open_text("at 1s kill redis-9", Played::Own).expect("it can be read");
        let hash = engine.world().outputs_hash();
        let refused = loop {
            match guide.advance(&mut engine) {
                Ok(is_there) => assert!(!is_there),
                Err(trouble) => break trouble,
            }
        };
        assert!(matches!(refused, Trouble::Refused(Refusal::Line(..))));
        assert_eq!((guide.opening(), guide.choice()), (None, Played::Free));
        guide.choose(Played::Scenario(3)).expect("there is such a scenario");
        guide.cancel();
        assert_eq!(guide.advance(&mut engine), Ok(false));
        assert_eq!(engine.world().outputs_hash(), hash);
    }
}
