//! Places on Earth as scores of sorted sets (`geo.c`, `geohash.c`, `geohash_helper.c`).
//!
//! Coordinates and distances are doubles to Redis, and what it answers and stores is made of them: scores by linear
//! arithmetic, distances by the haversine formula. So the files that calculate name `f64`; everybody else is given
//! [`Point`], [`Shape`] and [`Meters`]. The functions of angles come from `libm`, which is the same on every target.

mod cell;
mod distance;
mod point;
mod shape;

pub(crate) use distance::{Meters, Unit};
pub(crate) use point::{Point, bits};
pub(crate) use shape::{Form, Shape};
