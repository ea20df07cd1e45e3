//! Every lesson is played to its end, as a learner would: buttons are pressed, and time goes on until the step is
//! reached. A change in the cores that breaks a lesson is found here.

use picket_sim::Timeline;

use super::*;
use crate::engine::Engine;

/// How long a step may take at most, in microseconds of virtual time.
const STEP_US_MAX: u64 = 120_000_000;
/// A frame, in microseconds of the wall.
const FRAME_US: u64 = 16_000;

/// What a learner does before each button: looks for so long, while time goes on.
fn play(number: usize, idle_us: u64) -> (Engine, Progress) {
    let lesson = ALL[number];
    let scenario = lesson.scenario.parse().unwrap_or_else(|error| panic!("lesson {}: {error}", number + 1));
    let mut engine = Engine::open(scenario).unwrap_or_else(|why| panic!("lesson {}: {why}", number + 1));
    let mut progress = Progress::new(number, engine.timeline()).expect("there is such a lesson");
    while let Some(step) = progress.step() {
        let told = || format!("lesson {}, step {}: {}", number + 1, progress.reached() + 1, step.title.en);
        let told = told();
        engine.set_speed(step.pace.speed());
        if step.ask.is_some() {
            assert!(progress.is_asking(), "{told}");
            assert!(!progress.is_reached(engine.timeline()), "{told}: it is answered before it is reached");
            progress.set_answer(0);
            assert!(!progress.is_asking(), "{told}");
        }
        assert!(!progress.is_reached(engine.timeline()), "{told}: true before anything was done");
        let began = engine.now_us();
        for button in 0..step.deeds.len() {
            let does_something = !step.deeds[button].lines.is_empty();
            if does_something {
                let until = engine.now_us() + idle_us;
                run(&mut engine, |timeline| timeline.now().0 >= timeline.beginning().0 + until);
                assert!(!progress.is_reached(engine.timeline()), "{told}: true before button {button}");
            }
            for line in progress.press(button, engine.timeline()) {
                engine.inject(&line).unwrap_or_else(|why| panic!("{told}: {line}: {why}"));
            }
        }
        run(&mut engine, |timeline| {
            let is_late = timeline.now().0 - timeline.beginning().0 > began + STEP_US_MAX;
            assert!(!is_late, "{told}: not reached\n{}\n{}", timeline.world().picture(), lines(timeline));
            progress.is_reached(timeline)
        });
        assert!(progress.look(engine.timeline()), "{told}");
        assert_eq!(engine.world().violation(), None, "{told}");
    }
    (engine, progress)
}

/// Lets time go on frame by frame until it is stopped.
fn run(engine: &mut Engine, mut until: impl FnMut(&Timeline) -> bool) {
    if until(engine.timeline()) {
        return;
    }
    engine.set_playing(true);
    while engine.is_playing() {
        engine.tick(FRAME_US, &mut until);
    }
}

fn lines(timeline: &Timeline) -> String {
    let transcript = timeline.world().transcript();
    let last = transcript.behind(transcript.len().saturating_sub(30));
    last.map(|entry| format!("{} {}\n", entry.who, entry.text)).collect()
}

/// Plays a lesson quickly, and by somebody who thinks for a while before each button.
#[track_caller]
fn check(number: usize) {
    // The second lesson is about not being away for too long.
    let longest_us = if number == 2 { 900_000 } else { 6_100_000 };
    for idle_us in [0, 700_000, longest_us] {
        let (engine, progress) = play(number - 1, idle_us);
        assert_eq!(progress.reached(), ALL[number - 1].steps.len());
        if let Some(figures) = ALL[number - 1].figures {
            let scene = progress.scene(engine.timeline());
            assert_ne!(figures(&scene, Lang::En), figures(&scene, Lang::Zh));
        }
    }
}

#[test]
fn lesson_1_replication() {
    check(1);
}

#[test]
fn lesson_2_psync() {
    check(2);
}

#[test]
fn lesson_3_sdown_and_odown() {
    check(3);
}

#[test]
fn lesson_4_election() {
    check(4);
}

#[test]
fn lesson_5_choosing_the_replica() {
    check(5);
}

#[test]
fn lesson_6_the_old_master_returns() {
    check(6);
}

#[test]
fn lesson_7_two_sentinels() {
    check(7);
}

#[test]
fn lesson_8_writes_on_both_sides() {
    check(8);
}

#[test]
fn lesson_9_split_vote() {
    check(9);
}

#[test]
fn lesson_10_tilt() {
    check(10);
}

#[test]
fn a_reached_step_stays_reached_and_the_next_begins_where_the_learner_is() {
    let scenario = ALL[2].scenario.parse().expect("a scenario");
    let mut engine = Engine::open(scenario).expect("it can be shown");
    let mut progress = Progress::new(2, engine.timeline()).expect("there is such a lesson");
    engine.inject("cut redis-1 sentinel-1").expect("by hand is as good as by a button");
    run(&mut engine, |timeline| progress.is_reached(timeline));
    assert!(progress.look(engine.timeline()));
    assert!(!progress.look(engine.timeline()), "one step at a time");
    engine.seek_us(0);
    assert!(!progress.look(engine.timeline()));
    assert_eq!(progress.reached(), 1);
    assert_eq!(progress.scene(engine.timeline()).since_step_us(), 0);
}

#[test]
fn the_first_answer_counts_and_only_where_there_is_a_question() {
    let scenario = ALL[2].scenario.parse().expect("a scenario");
    let mut engine = Engine::open(scenario).expect("it can be shown");
    let mut progress = Progress::new(2, engine.timeline()).expect("there is such a lesson");
    progress.set_answer(0);
    assert_eq!(progress.answer(0), None);
    engine.inject("cut redis-1 sentinel-1").expect("it can be cut");
    run(&mut engine, |timeline| progress.is_reached(timeline));
    progress.look(engine.timeline());
    progress.set_answer(7);
    assert!(progress.is_asking());
    progress.set_answer(1);
    progress.set_answer(0);
    assert_eq!(progress.answer(1), Some(1));
}

#[test]
fn every_text_is_in_its_language_and_every_question_has_an_answer() {
    let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let check = |told: &str, text: Text| {
        assert!(!text.en.is_empty() && !is_chinese(text.en), "{told}: {}", text.en);
        // What is typed is the same in both.
        assert!(
            is_chinese(text.zh) || text.zh.replace('：', ": ").eq_ignore_ascii_case(text.en),
            "{told}: {}",
            text.zh
        );
        for text in [text.en, text.zh] {
            assert!(!text.contains("  ") && !text.contains('\n'), "{told}: {text}");
        }
    };
    for (number, lesson) in ALL.iter().enumerate() {
        let told = format!("lesson {}", number + 1);
        for text in [lesson.title, lesson.goal, lesson.learnt, lesson.practice] {
            check(&told, text);
        }
        assert!((3..=7).contains(&lesson.steps.len()), "{told}");
        for step in lesson.steps {
            check(&told, step.title);
            check(&told, step.text);
            step.deeds.iter().for_each(|deed| check(&told, deed.name));
            assert!(!step.deeds.is_empty(), "{told}: something has to let time go on");
            if let Some(ask) = &step.ask {
                assert!(ask.right < ask.answers.len(), "{told}");
                check(&told, ask.because);
            }
        }
    }
    assert_eq!(
        Progress::new(
            ALL.len(),
            Engine::open("redis 1\nsentinels 0".parse().expect("it can be read")).expect("small").timeline()
        ),
        None
    );
}
