//! SENTINEL DEBUG and SENTINEL SIMULATE-FAILURE: what tests of failovers turn.

use alloc::format;
use alloc::string::ToString;

use bytes::Bytes;
use picket_resp::Reply;
use picket_sansio::Millis;

use super::{integer_of, shown};
use crate::event::Event;
use crate::sentinel::{Sentinel, SimulateFailure};
use crate::settings::Periods;
use crate::timers::Timer;

type Field = fn(&mut Periods) -> &mut Millis;

/// In the order in which SENTINEL DEBUG lists them.
const PARAMETERS: [(&str, Field); 13] = [
    ("INFO-PERIOD", |periods| &mut periods.info),
    ("PING-PERIOD", |periods| &mut periods.ping),
    ("ASK-PERIOD", |periods| &mut periods.ask),
    ("PUBLISH-PERIOD", |periods| &mut periods.publish),
    ("DEFAULT-DOWN-AFTER", |periods| &mut periods.default_down_after),
    ("DEFAULT-FAILOVER-TIMEOUT", |periods| &mut periods.default_failover_timeout),
    ("TILT-TRIGGER", |periods| &mut periods.tilt_trigger),
    ("TILT-PERIOD", |periods| &mut periods.tilt_period),
    ("SLAVE-RECONF-TIMEOUT", |periods| &mut periods.replica_reconf_timeout),
    ("MIN-LINK-RECONNECT-PERIOD", |periods| &mut periods.min_link_reconnect),
    ("ELECTION-TIMEOUT", |periods| &mut periods.election_timeout),
    ("SCRIPT-MAX-RUNTIME", |periods| &mut periods.script_max_runtime),
    ("SCRIPT-RETRY-DELAY", |periods| &mut periods.script_retry_delay),
];

impl Sentinel {
    /// SENTINEL DEBUG; `args` are pairs of a name and milliseconds, or nothing. As with SET, what
    /// stands before an error stays.
    pub(super) fn debug(&mut self, args: &[Bytes]) -> Reply {
        if args.is_empty() {
            let mut periods = self.periods.clone();
            let pairs = PARAMETERS
                .iter()
                .map(|(name, field)| (Reply::bulk(*name), Reply::bulk(field(&mut periods).0.to_string())));
            return Reply::Map(pairs.collect());
        }
        let reply = set_periods(&mut self.periods, args).map_or_else(|error| error, |()| Reply::ok());
        self.touch_everything();
        reply
    }

    fn touch_everything(&mut self) {
        for id in self.masters.keys().copied().collect::<alloc::vec::Vec<_>>() {
            self.touch_master(id);
        }
        for timer in [Timer::Heartbeat, Timer::TiltEnd, Timer::Scripts] {
            self.touch(timer);
        }
    }

    /// SENTINEL SIMULATE-FAILURE: the flags before an unknown word, or before `help`, stay.
    pub(super) fn simulate_failure(&mut self, args: &[Bytes]) -> Reply {
        self.simulate = SimulateFailure::default();
        for arg in args {
            match arg.to_ascii_lowercase().as_slice() {
                b"crash-after-election" => {
                    self.simulate.after_election = true;
                    self.emit(Event::CrashRequested { after: "election" });
                }
                b"crash-after-promotion" => {
                    self.simulate.after_promotion = true;
                    self.emit(Event::CrashRequested { after: "promotion" });
                }
                b"help" => {
                    return Reply::Array(
                        [Reply::bulk("crash-after-election"), Reply::bulk("crash-after-promotion")].into(),
                    );
                }
                _ => return Reply::error("ERR Unknown failure simulation specified"),
            }
        }
        Reply::ok()
    }
}

fn set_periods(periods: &mut Periods, args: &[Bytes]) -> Result<(), Reply> {
    for pair in args.chunks(2) {
        let name = shown(&pair[0]);
        let known = PARAMETERS.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let (Some((_, field)), Some(value)) = (known, pair.get(1)) else {
            let text = format!("ERR Unknown option or number of arguments for SENTINEL DEBUG '{name}'");
            return Err(Reply::error(text));
        };
        let number =
            integer_of(value).and_then(|number| u64::try_from(number).ok()).filter(|number| *number > 0);
        *field(periods) = number.map(Millis).ok_or_else(|| {
            Reply::error(format!("ERR Invalid argument '{}' for SENTINEL DEBUG '{name}'", shown(value)))
        })?;
    }
    Ok(())
}
