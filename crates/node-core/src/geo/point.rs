//! A place, as coordinates and as a score.

#![expect(clippy::float_arithmetic, reason = "coordinates are doubles")]

use super::cell::{Cell, STEP_MAX};
use crate::double::Double;

const LONGITUDE_MAX: f64 = 180.0;
/// Where the web's map projection ends.
const LATITUDE_MAX: f64 = 85.051_128_78;

/// A place within the limits of the projection, in degrees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

/// A part of a direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) min: f64,
    pub(super) max: f64,
}

const LONGITUDES: Span = Span { min: -LONGITUDE_MAX, max: LONGITUDE_MAX };
const LATITUDES: Span = Span { min: -LATITUDE_MAX, max: LATITUDE_MAX };
/// Geohashes as others write them reach to the poles.
const ALL_LATITUDES: Span = Span { min: -90.0, max: 90.0 };

impl Span {
    fn contains(self, at: f64) -> bool {
        (self.min..=self.max).contains(&at)
    }

    /// In which of 2^step parts a place is.
    fn index(self, at: f64, step: u32) -> u32 {
        let offset = (at - self.min) / (self.max - self.min);
        // The place is in the span, so this is 2^26 at most.
        (offset * f64::from(1_u32 << step)) as u32
    }

    /// One of 2^step parts.
    fn part(self, index: u32, step: u32) -> Self {
        let edge =
            |index: u32| self.min + f64::from(index) / f64::from(1_u32 << step) * (self.max - self.min);
        Self { min: edge(index), max: edge(index.wrapping_add(1)) }
    }

    fn middle(self) -> f64 {
        (self.min + self.max) / 2.0
    }
}

impl Cell {
    /// The cell that a place is in.
    pub(super) fn of(point: Point, step: u32) -> Self {
        Self::new(LONGITUDES.index(point.longitude, step), LATITUDES.index(point.latitude, step), step)
    }

    pub(super) fn longitudes(self) -> Span {
        LONGITUDES.part(self.column(), self.step)
    }

    pub(super) fn latitudes(self) -> Span {
        LATITUDES.part(self.row(), self.step)
    }
}

impl Point {
    /// A place; none beyond the limits.
    pub(crate) fn new(longitude: Double, latitude: Double) -> Option<Self> {
        let (longitude, latitude) = (longitude.value(), latitude.value());
        let fits = LONGITUDES.contains(longitude) && LATITUDES.contains(latitude);
        fits.then_some(Self { longitude, latitude })
    }

    /// The place that a score means, or that of any number.
    pub(crate) fn of_score(score: Double) -> Self {
        let cell = Cell { bits: bits(score), step: STEP_MAX };
        Self {
            longitude: cell.longitudes().middle().clamp(LONGITUDES.min, LONGITUDES.max),
            latitude: cell.latitudes().middle().clamp(LATITUDES.min, LATITUDES.max),
        }
    }

    /// The score of the cell that it is in.
    pub(crate) fn score(self) -> u64 {
        Cell::of(self, STEP_MAX).bits
    }

    pub(crate) fn longitude(self) -> Double {
        Double::of(self.longitude).expect("degrees are finite")
    }

    pub(crate) fn latitude(self) -> Double {
        Double::of(self.latitude).expect("degrees are finite")
    }

    /// The eleven letters that others know as the geohash.
    pub(crate) fn geohash(self) -> [u8; 11] {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let column = LONGITUDES.index(self.longitude, STEP_MAX);
        let bits = Cell::new(column, ALL_LATITUDES.index(self.latitude, STEP_MAX), STEP_MAX).bits;
        // Ten letters take 50 of the 52 bits; Redis has always sent a zero for the rest.
        let letter =
            |at: u32| if at < 10 { LETTERS[(bits >> (47 - 5 * at) & 31) as usize] } else { LETTERS[0] };
        let mut at = 0..;
        [(); 11].map(|()| at.next().map_or(b'0', letter))
    }
}

/// The low bits of a number that may be no score at all: as a processor of today converts it, which is what Redis
/// makes of it.
pub(crate) fn bits(score: Double) -> u64 {
    const HALF: f64 = 9_223_372_036_854_775_808.0;
    let score = score.value();
    if score < HALF {
        (score as i64).cast_unsigned()
    } else if score - HALF < HALF {
        ((score - HALF) as u64) | 1 << 63
    } else {
        0
    }
}

/// A score as a number.
pub(crate) fn score(score: u64) -> Double {
    Double::of(score as f64).expect("an integer is a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(longitude: &str, latitude: &str) -> Option<Point> {
        let double = |text: &str| Double::parse(text.as_bytes()).expect(text);
        Point::new(double(longitude), double(latitude))
    }

    #[test]
    fn scores_and_geohashes_are_those_of_redis() {
        for (longitude, latitude, score, geohash) in [
            ("13.361389", "38.115556", 3_479_099_956_230_698, "sqc8b49rny0"),
            ("15.087269", "37.502669", 3_479_447_370_796_909, "sqdtr74hyu0"),
        ] {
            let point = point(longitude, latitude).expect(longitude);
            assert_eq!(point.score(), score, "{longitude}");
            let decoded = Point::of_score(super::score(score));
            assert_eq!(core::str::from_utf8(&decoded.geohash()), Ok(geohash));
            assert_eq!(decoded.score(), score);
        }
        assert!(point("180", "85.05112878").is_some_and(|point| point.score() > 0));
        assert!(point("180.1", "0").is_none() && point("0", "86").is_none() && point("0", "inf").is_none());
    }

    #[test]
    fn any_number_is_some_place() {
        for text in ["0", "-1", "inf", "-inf", "1e300", "9223372036854775808", "4503599627370495"] {
            let place = Point::of_score(Double::parse(text.as_bytes()).expect(text));
            assert!(LONGITUDES.contains(place.longitude) && LATITUDES.contains(place.latitude), "{text}");
            assert!(!place.longitude().text().is_empty(), "{text}");
        }
    }
}
