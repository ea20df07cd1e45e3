//! How far somebody has come in a lesson.

use picket_sansio::Time;
use picket_sim::{Moment, Timeline};

use super::{ALL, Deed, Lesson, Scene, Step};

/// How far somebody has come in a lesson.
///
/// Steps are reached one after the other. One that was reached stays so, wherever in time the learner goes: what was
/// understood is not forgotten by looking back. A step that is not reached looks at the branch and the moment that
/// are looked at; going back to before it began lets it begin there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    lesson: usize,
    /// Steps that are reached.
    reached: usize,
    /// When the present step began.
    since: Time,
    /// The same as a moment that can be gone back to.
    began: Moment,
    /// What was answered in each step.
    answers: Vec<Option<usize>>,
    /// Buttons of the present step that were pressed.
    pressed: usize,
}

impl Progress {
    /// At the beginning of a lesson, whose world this is; none if there is no such lesson.
    #[must_use]
    pub fn new(lesson: usize, timeline: &Timeline) -> Option<Self> {
        let steps = ALL.get(lesson)?.steps.len();
        let (since, began) = (timeline.now(), timeline.moment());
        Some(Self { lesson, reached: 0, since, began, answers: vec![None; steps], pressed: 0 })
    }

    /// The lesson's place among [`ALL`].
    #[must_use]
    pub fn number(&self) -> usize {
        self.lesson
    }

    /// The lesson.
    #[must_use]
    pub fn lesson(&self) -> &'static Lesson {
        ALL[self.lesson]
    }

    /// Steps that are reached.
    #[must_use]
    pub fn reached(&self) -> usize {
        self.reached
    }

    /// The step that is to be reached; none at the end.
    #[must_use]
    pub fn step(&self) -> Option<&'static Step> {
        self.lesson().steps.get(self.reached)
    }

    /// What was answered in a step.
    #[must_use]
    pub fn answer(&self, step: usize) -> Option<usize> {
        self.answers.get(step).copied().flatten()
    }

    /// Answers the question of the present step; the first answer counts.
    pub fn set_answer(&mut self, answer: usize) {
        let is_one =
            self.step().and_then(|step| step.ask.as_ref()).is_some_and(|ask| answer < ask.answers.len());
        if let Some(given) = self.answers.get_mut(self.reached).filter(|given| given.is_none() && is_one) {
            *given = Some(answer);
        }
    }

    /// Whether there is a question that has to be answered first.
    #[must_use]
    pub fn is_asking(&self) -> bool {
        self.step().is_some_and(|step| step.ask.is_some()) && self.answer(self.reached).is_none()
    }

    /// The button of the present step that is to be pressed next.
    #[must_use]
    pub fn pressed(&self) -> usize {
        self.pressed
    }

    /// The lines that a button of the present step stands for in this world.
    #[must_use]
    pub fn press(&mut self, button: usize, timeline: &Timeline) -> Vec<String> {
        let Some(deed) = self.step().and_then(|step| step.deeds.get(button)) else { return Vec::new() };
        self.pressed = self.pressed.max(button + 1);
        lines(deed, &self.scene(timeline))
    }

    /// The present step is taken again: its buttons were not pressed. Returns the moment at which it began.
    pub fn restart_step(&mut self) -> Moment {
        self.pressed = 0;
        self.began
    }

    /// Whether the present step would be reached now.
    #[must_use]
    pub fn is_reached(&self, timeline: &Timeline) -> bool {
        !self.is_asking() && self.step().is_some_and(|step| (step.check)(&self.scene(timeline)))
    }

    /// Looks at the moment; true if a step was reached, one at a time.
    pub fn look(&mut self, timeline: &Timeline) -> bool {
        if timeline.now() < self.since {
            self.begin_step(timeline);
        }
        let is_reached = self.is_reached(timeline);
        if is_reached {
            self.reached += 1;
            self.pressed = 0;
            self.begin_step(timeline);
        }
        is_reached
    }

    fn begin_step(&mut self, timeline: &Timeline) {
        (self.since, self.began) = (timeline.now(), timeline.moment());
    }

    /// The moment as the present step sees it.
    #[must_use]
    pub fn scene<'a>(&self, timeline: &'a Timeline) -> Scene<'a> {
        Scene::new(timeline, self.since)
    }
}

fn lines(deed: &Deed, scene: &Scene<'_>) -> Vec<String> {
    let master = scene.master().map_or("redis-1", |master| scene.world().name(master));
    deed.lines.iter().map(|line| line.replace("$master", master)).collect()
}
