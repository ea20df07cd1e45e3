//! When and how often keys are used (`evict.c: getLRUClock, LFULogIncr, LFUDecrAndReturn`), in 24 bits: the second
//! of the last access, or under an LFU policy its minute and a counter that grows ever more slowly.

use picket_sansio::Prng;

use crate::settings::Settings;

const CLOCK_MAX: u64 = (1 << 24) - 1;
const MINUTES_MAX: u64 = (1 << 16) - 1;
/// Where the counter of a new key begins, so that it is not evicted before it had a chance.
const LFU_INIT: u32 = 5;
const LFU_MAX: u32 = 255;

/// The access of a key that is just made.
pub(crate) fn first(settings: &Settings, now_ms: u64) -> u32 {
    if settings.maxmemory_policy.is_lfu() { (minutes(now_ms) << 8) | LFU_INIT } else { clock(now_ms) }
}

/// What a file or RESTORE knows of a key: for how many seconds it was not used, or how often it is.
pub(crate) fn known(settings: &Settings, now_ms: u64, idle_s: Option<u64>, frequency: Option<u8>) -> u32 {
    match (settings.maxmemory_policy.is_lfu(), idle_s, frequency) {
        (true, _, Some(frequency)) => (minutes(now_ms) << 8) | u32::from(frequency),
        (false, Some(idle_s), _) => clock(now_ms.saturating_sub(idle_s.saturating_mul(1000))),
        _ => first(settings, now_ms),
    }
}

/// One more access of a key.
pub(crate) fn next(settings: &Settings, prng: &mut Prng, old: u32, now_ms: u64) -> u32 {
    if !settings.maxmemory_policy.is_lfu() {
        return clock(now_ms);
    }
    let count = frequency(settings, old, now_ms);
    let steps = u64::from(count.saturating_sub(LFU_INIT)) * settings.lfu_log_factor;
    let grows = count < LFU_MAX && prng.below(steps.saturating_add(1)) == 0;
    (minutes(now_ms) << 8) | (count + u32::from(grows))
}

/// For how many seconds a key was not used.
pub(crate) fn idle_seconds(access: u32, now_ms: u64) -> u64 {
    let (now, then) = (u64::from(clock(now_ms)), u64::from(access));
    if now >= then { now - then } else { now + CLOCK_MAX - then }
}

/// The counter under an LFU policy, with what it lost since the last access.
pub(crate) fn frequency(settings: &Settings, access: u32, now_ms: u64) -> u32 {
    let (now, then) = (u64::from(minutes(now_ms)), u64::from(access >> 8));
    let elapsed = if now >= then { now - then } else { MINUTES_MAX - then + now };
    let lost = elapsed.checked_div(settings.lfu_decay_time).unwrap_or(0);
    (access & LFU_MAX).saturating_sub(u32::try_from(lost).unwrap_or(LFU_MAX))
}

fn clock(now_ms: u64) -> u32 {
    low_bits(now_ms / 1000, CLOCK_MAX)
}

fn minutes(now_ms: u64) -> u32 {
    low_bits(now_ms / 60_000, MINUTES_MAX)
}

fn low_bits(value: u64, mask: u64) -> u32 {
    u32::try_from(value & mask).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::MaxmemoryPolicy;

    const NOW_MS: u64 = 1_700_000_000_000;

    #[test]
    fn idle_time_is_counted_in_seconds_and_survives_the_turn_of_the_clock() {
        let settings = Settings::default();
        let access = first(&settings, NOW_MS);
        assert_eq!(idle_seconds(access, NOW_MS + 5_999), 5);
        let turn = (CLOCK_MAX + 1) * 1000 * 100;
        assert_eq!(idle_seconds(first(&settings, turn - 1000), turn + 4000), 4);
    }

    #[test]
    fn the_counter_grows_like_a_logarithm_and_decays() {
        let settings = Settings { maxmemory_policy: MaxmemoryPolicy::AllkeysLfu, ..Settings::default() };
        let mut prng = Prng::new(1);
        let mut access = first(&settings, NOW_MS);
        let mut count = |accesses: u32| {
            for _ in 0..accesses {
                access = next(&settings, &mut prng, access, NOW_MS);
            }
            frequency(&settings, access, NOW_MS)
        };
        // redis.conf tells for factor 10: about 10 after a hundred hits, 18 after a thousand, 142 after 100 000.
        assert!((8..=13).contains(&count(100)));
        assert!((15..=22).contains(&count(900)));
        assert!((130..=155).contains(&count(99_000)));
        let now = frequency(&settings, access, NOW_MS);
        assert_eq!(frequency(&settings, access, NOW_MS + 10 * 60_000), now - 10);
        assert_eq!(frequency(&settings, access, NOW_MS + 1000 * 60_000), 0);
    }
}
