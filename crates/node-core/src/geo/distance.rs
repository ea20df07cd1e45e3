//! Distances on the sphere by the haversine formula.

#![expect(clippy::float_arithmetic, reason = "a distance is a real function of angles")]

use alloc::format;

use bytes::Bytes;

use super::point::Point;
use crate::double::Double;

pub(super) const EARTH_RADIUS: f64 = 6_372_797.560_856;
const RADIANS: f64 = core::f64::consts::PI / 180.0;

/// What a distance is given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Meter,
    Kilometer,
    Foot,
    Mile,
}

impl Unit {
    /// The unit of that name, in any case.
    pub(crate) fn parse(name: &[u8]) -> Option<Self> {
        let units = [("m", Self::Meter), ("km", Self::Kilometer), ("ft", Self::Foot), ("mi", Self::Mile)];
        let found = units.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        found.map(|(_, unit)| unit)
    }

    pub(super) fn meters(self) -> f64 {
        match self {
            Self::Meter => 1.0,
            Self::Kilometer => 1000.0,
            Self::Foot => 0.3048,
            Self::Mile => 1609.34,
        }
    }
}

/// A distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meters(pub(super) f64);

impl Meters {
    /// It is never NaN.
    pub(crate) fn in_unit(self, unit: Unit) -> Double {
        Double::of(self.0 / unit.meters()).unwrap_or(Double::ZERO)
    }

    /// With four digits behind the point.
    pub(crate) fn text(self, unit: Unit) -> Bytes {
        let scaled = libm::rint(self.0 / unit.meters() * 10_000.0) as u64;
        Bytes::from(format!("{}.{:04}", scaled / 10_000, scaled % 10_000))
    }

    pub(crate) fn cmp(self, other: Self) -> core::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

pub(super) fn radians(degrees: f64) -> f64 {
    degrees * RADIANS
}

pub(super) fn degrees(radians: f64) -> f64 {
    radians / RADIANS
}

impl Point {
    /// How far it is to another place.
    pub(crate) fn distance(self, other: Self) -> Meters {
        let across = libm::sin((radians(other.longitude) - radians(self.longitude)) / 2.0);
        if across == 0.0 {
            return self.distance_along(other);
        }
        let (from, to) = (radians(self.latitude), radians(other.latitude));
        let along = libm::sin((to - from) / 2.0);
        let haversine = along * along + libm::cos(from) * libm::cos(to) * across * across;
        Meters(2.0 * EARTH_RADIUS * libm::asin(libm::sqrt(haversine)))
    }

    /// How far it is to the latitude of another place.
    pub(super) fn distance_along(self, other: Self) -> Meters {
        Meters(EARTH_RADIUS * libm::fabs(radians(other.latitude) - radians(self.latitude)))
    }
}
