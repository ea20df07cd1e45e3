//! The queue of notification and reconfiguration scripts: when each runs, runs again, or is given up.
//! It decides and starts nothing itself. Mirrors `sentinel.c: sentinelRunPendingScripts`,
//! `sentinelCollectTerminatedScripts`, `sentinelKillTimedoutScripts`.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use picket_sansio::{Millis, ScriptId, Time};

use crate::event::Event;
use crate::io::ScriptOutcome;
use crate::settings::Periods;

/// How many scripts may be queued, running ones included.
const QUEUE_MAX: usize = 256;
/// How many may run at the same time.
const RUNNING_MAX: usize = 16;
/// How often one is tried.
const RUNS_MAX: u32 = 10;

/// Scripts that run or wait to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripts {
    /// Oldest first.
    jobs: VecDeque<Job>,
    counter: u64,
}

/// What is to be done about scripts now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start this one: path and arguments.
    Run(ScriptId, Vec<String>),
    /// End this one by force.
    Kill(ScriptId),
    /// Tell.
    Event(Event),
}

/// A script in the queue, as PENDING-SCRIPTS lists it.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Path and arguments.
    pub(crate) argv: Vec<String>,
    /// How often it was started.
    pub(crate) runs: u32,
    pub(crate) state: JobState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    /// Waits for a free place, and for this time after a failure.
    Scheduled { not_before: Option<Time> },
    Running {
        id: ScriptId,
        /// Known once the host has told it.
        pid: Option<u32>,
        since: Time,
        /// It ran too long and was sent SIGKILL.
        killed: bool,
    },
}

impl Scripts {
    /// Adds a script. When there are too many, the oldest that does not run is dropped.
    pub(crate) fn queue(&mut self, argv: Vec<String>) {
        self.jobs.push_back(Job { argv, runs: 0, state: JobState::Scheduled { not_before: None } });
        if self.jobs.len() > QUEUE_MAX {
            let oldest = self.jobs.iter().position(|job| !job.is_running());
            oldest.and_then(|index| self.jobs.remove(index));
        }
    }

    /// What is due: starts while there are places, and ends of those that run too long.
    pub(crate) fn poll(&mut self, now: Time, periods: &Periods) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut places = RUNNING_MAX.saturating_sub(self.running_len());
        for job in &mut self.jobs {
            match &mut job.state {
                JobState::Running { id, pid, since, killed } => {
                    if !*killed && now >= *since + periods.script_max_runtime {
                        // Differs from Redis: one signal instead of one each tick. SIGKILL cannot be
                        // ignored, only be late.
                        *killed = true;
                        let path = job.argv.first().cloned().unwrap_or_default();
                        actions.push(Action::Event(Event::ScriptTimeout { path, pid: pid.unwrap_or(0) }));
                        actions.push(Action::Kill(*id));
                    }
                }
                JobState::Scheduled { not_before } => {
                    if places > 0 && not_before.is_none_or(|at| now >= at) {
                        places -= 1;
                        let id = ScriptId::next(&mut self.counter);
                        job.runs += 1;
                        job.state = JobState::Running { id, pid: None, since: now, killed: false };
                        actions.push(Action::Run(id, job.argv.clone()));
                    }
                }
            }
        }
        actions
    }

    /// The host says that this run has a process.
    pub(crate) fn started(&mut self, script: ScriptId, started_pid: u32) -> Option<Event> {
        let running = self.jobs.iter_mut().find_map(|job| match &mut job.state {
            JobState::Running { id, pid, .. } if *id == script => Some(pid),
            _ => None,
        });
        *running? = Some(started_pid);
        Some(Event::ScriptStarted { pid: started_pid })
    }

    /// The host says that this run is over. It is forgotten, or scheduled once more.
    pub(crate) fn ended(
        &mut self,
        now: Time,
        script: ScriptId,
        outcome: ScriptOutcome,
        periods: &Periods,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let found = self.jobs.iter_mut().enumerate().find_map(|(index, job)| match job.state {
            JobState::Running { id, pid, .. } if id == script => Some((index, job, pid)),
            _ => None,
        });
        let Some((index, job, pid)) = found else { return events };
        let (code, signal) = match outcome {
            ScriptOutcome::Exited(code) => (code, 0),
            ScriptOutcome::Signaled(signal) => (0, signal),
            ScriptOutcome::NotStarted => (0, 99),
        };
        let path = job.argv.first().cloned().unwrap_or_default();
        let error = Event::ScriptError { path, signal, code };
        if outcome == ScriptOutcome::NotStarted {
            events.push(error.clone());
        } else {
            events.push(Event::ScriptEnded { pid: pid.unwrap_or(0), code, signal });
        }
        let worth_a_retry = match outcome {
            ScriptOutcome::Exited(code) => code == 1,
            // Differs from Redis: no process is a failure with the pause and the limit of any other,
            // where Redis tries again at each tick for ever.
            ScriptOutcome::Signaled(_) | ScriptOutcome::NotStarted => true,
        };
        if worth_a_retry && job.runs < RUNS_MAX {
            let not_before = now + retry_delay(job.runs, periods.script_retry_delay);
            job.state = JobState::Scheduled { not_before: Some(not_before) };
        } else {
            if !matches!(outcome, ScriptOutcome::Exited(0) | ScriptOutcome::NotStarted) {
                events.push(error);
            }
            self.jobs.remove(index);
        }
        events
    }

    /// When [`poll`](Self::poll) has something to do without anything else happening. In the past
    /// when something waits only for `poll`.
    pub(crate) fn next_deadline(&self, periods: &Periods) -> Option<Time> {
        let has_place = self.running_len() < RUNNING_MAX;
        self.jobs
            .iter()
            .filter_map(|job| match &job.state {
                JobState::Running { since, killed: false, .. } => Some(*since + periods.script_max_runtime),
                JobState::Running { killed: true, .. } => None,
                JobState::Scheduled { not_before } => has_place.then(|| not_before.unwrap_or_default()),
            })
            .min()
    }

    /// How many run.
    pub(crate) fn running_len(&self) -> usize {
        self.jobs.iter().filter(|job| job.is_running()).count()
    }

    /// How many are known, running ones included.
    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    /// All of them, oldest first.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Job> {
        self.jobs.iter()
    }
}

impl Job {
    fn is_running(&self) -> bool {
        matches!(self.state, JobState::Running { .. })
    }
}

/// The pause after the `runs`-th failure: the first one doubled each time.
fn retry_delay(runs: u32, first: Millis) -> Millis {
    first.times(1 << runs.saturating_sub(1).min(RUNS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const PERIODS: Periods = Periods {
        info: Millis(10_000),
        ping: Millis(1_000),
        ask: Millis(1_000),
        publish: Millis(2_000),
        default_down_after: Millis(30_000),
        default_failover_timeout: Millis(180_000),
        tilt_trigger: Millis(2_000),
        tilt_period: Millis(30_000),
        replica_reconf_timeout: Millis(10_000),
        min_link_reconnect: Millis(15_000),
        election_timeout: Millis(10_000),
        script_max_runtime: Millis(60_000),
        script_retry_delay: Millis(30_000),
    };

    fn at(ms: u64) -> Time {
        Time(ms * 1000)
    }

    fn argv(name: &str) -> Vec<String> {
        vec![name.into(), "+odown".into()]
    }

    /// Polls and gives the runs that it starts.
    fn start(scripts: &mut Scripts, now: Time) -> Vec<(ScriptId, String)> {
        let actions = scripts.poll(now, &PERIODS);
        actions
            .into_iter()
            .map(|action| match action {
                Action::Run(id, argv) => (id, argv[0].clone()),
                other => panic!("only starts are expected, not {other:?}"),
            })
            .collect()
    }

    fn end(scripts: &mut Scripts, now: Time, id: ScriptId, outcome: ScriptOutcome) -> Vec<Event> {
        scripts.ended(now, id, outcome, &PERIODS)
    }

    #[test]
    fn sixteen_run_at_once_oldest_first() {
        let mut scripts = Scripts::default();
        (0..20).for_each(|n| scripts.queue(argv(&alloc::format!("s{n}"))));
        assert_eq!(scripts.next_deadline(&PERIODS), Some(Time(0)));
        let started = start(&mut scripts, at(5));
        assert_eq!(started.len(), 16);
        assert_eq!((started[0].1.as_str(), started[15].1.as_str()), ("s0", "s15"));
        assert_eq!((scripts.running_len(), scripts.len()), (16, 20));
        assert_eq!(scripts.next_deadline(&PERIODS), Some(at(60_005)), "no place is free");
        assert_eq!(scripts.started(started[3].0, 77), Some(Event::ScriptStarted { pid: 77 }));
        let events = end(&mut scripts, at(6), started[3].0, ScriptOutcome::Exited(0));
        assert_eq!(events, [Event::ScriptEnded { pid: 77, code: 0, signal: 0 }]);
        assert_eq!(start(&mut scripts, at(6)), [(ScriptId(17), "s16".into())]);
    }

    #[test]
    fn a_full_queue_drops_the_oldest_that_does_not_run() {
        let mut scripts = Scripts::default();
        scripts.queue(argv("running"));
        start(&mut scripts, at(0));
        (0..QUEUE_MAX).for_each(|n| scripts.queue(argv(&alloc::format!("s{n}"))));
        assert_eq!(scripts.len(), QUEUE_MAX);
        let names: Vec<_> = scripts.iter().map(|job| job.argv[0].as_str()).collect();
        assert_eq!((names[0], names[1], names[255]), ("running", "s1", "s255"));
    }

    #[test]
    fn exit_1_and_signals_are_retried_with_doubling_pauses_ten_runs_in_all() {
        for outcome in [ScriptOutcome::Exited(1), ScriptOutcome::Signaled(9), ScriptOutcome::NotStarted] {
            let mut scripts = Scripts::default();
            scripts.queue(argv("x"));
            let mut now = at(0);
            for run in 1..=10 {
                let started = start(&mut scripts, now);
                assert_eq!(started.len(), 1, "run {run} of {outcome:?}");
                let events = end(&mut scripts, now, started[0].0, outcome);
                if run == 10 {
                    assert!(matches!(events.last(), Some(Event::ScriptError { .. })), "{events:?}");
                    break;
                }
                let pause = Millis(30_000 << (run - 1));
                assert_eq!(scripts.next_deadline(&PERIODS), Some(now + pause), "{outcome:?}");
                assert!(start(&mut scripts, (now + pause).before(Millis(1))).is_empty());
                now = now + pause;
            }
            assert_eq!(scripts.len(), 0);
        }
    }

    #[test]
    fn other_exit_codes_are_final() {
        for (outcome, error) in [
            (ScriptOutcome::Exited(0), None),
            (ScriptOutcome::Exited(2), Some((0, 2))),
            (ScriptOutcome::Exited(127), Some((0, 127))),
        ] {
            let mut scripts = Scripts::default();
            scripts.queue(argv("/bin/x"));
            let id = start(&mut scripts, at(0))[0].0;
            let events = end(&mut scripts, at(1), id, outcome);
            let expected =
                error.map(|(signal, code)| Event::ScriptError { path: "/bin/x".into(), signal, code });
            assert_eq!(events.get(1), expected.as_ref());
            assert_eq!(scripts.len(), 0);
        }
    }

    #[test]
    fn no_process_is_told_each_time_as_signal_99() {
        let mut scripts = Scripts::default();
        scripts.queue(argv("x"));
        let id = start(&mut scripts, at(0))[0].0;
        let events = end(&mut scripts, at(0), id, ScriptOutcome::NotStarted);
        assert_eq!(events, [Event::ScriptError { path: "x".into(), signal: 99, code: 0 }]);
    }

    #[test]
    fn a_script_that_runs_too_long_is_killed_once_and_retried() {
        let mut scripts = Scripts::default();
        scripts.queue(argv("x"));
        let id = start(&mut scripts, at(0))[0].0;
        scripts.started(id, 9);
        assert!(scripts.poll(at(59_999), &PERIODS).is_empty());
        let timeout = Event::ScriptTimeout { path: "x".into(), pid: 9 };
        assert_eq!(scripts.poll(at(60_000), &PERIODS), [Action::Event(timeout), Action::Kill(id)]);
        assert!(scripts.poll(at(61_000), &PERIODS).is_empty());
        assert_eq!(scripts.next_deadline(&PERIODS), None);
        end(&mut scripts, at(61_000), id, ScriptOutcome::Signaled(9));
        assert_eq!(scripts.next_deadline(&PERIODS), Some(at(91_000)));
    }

    #[test]
    fn words_about_unknown_runs_change_nothing() {
        let mut scripts = Scripts::default();
        assert_eq!(scripts.started(ScriptId(1), 5), None);
        assert!(end(&mut scripts, at(0), ScriptId(1), ScriptOutcome::Exited(1)).is_empty());
    }
}
