//! The estimator of Otmar Ertl (arXiv:1702.01284) as Redis uses it.
//!
//! It is defined over doubles, and its rounded result is part of the value: it stands in the header, is replicated
//! by a PFCOUNT and compared by clients. So this file names `f64`. Sums, products, quotients and square roots are
//! correctly rounded by IEEE 754, hence the same on every target; nothing else is used.

#![expect(clippy::float_arithmetic, reason = "the estimator is a real function")]

use super::hash::COUNTED_BITS;
use super::{Histogram, REGISTERS};

/// 0.5 / ln 2.
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// How many different elements registers of these values speak of.
pub(super) fn estimate(histogram: &Histogram) -> u64 {
    let total = REGISTERS as f64;
    let share = |len: f64| len / total;
    let of_value = |value: u32| f64::from(histogram.0[value as usize]);
    let mut mean = total * tau(share(total - of_value(COUNTED_BITS + 1)));
    for value in (1..=COUNTED_BITS).rev() {
        mean = (mean + of_value(value)) * 0.5;
    }
    mean += total * sigma(share(of_value(0)));
    let estimate = libm::round(ALPHA * total * total / mean);
    // Registers beyond what a hash can raise them to have no estimate; this is what Redis makes of infinity.
    if estimate.is_finite() { estimate as u64 } else { 1 << 63 }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum == before {
            return sum;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = libm::sqrt(x);
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum == before {
            return sum / 3.0;
        }
    }
}
