//! What a search covers, and the cells in which there may be something (`geohashCalculateAreasByShapeWGS84`).

#![expect(clippy::float_arithmetic, reason = "the limits of a search are angles")]

use alloc::vec::Vec;

use super::cell::{Cell, STEP_MAX, Toward};
use super::distance::{EARTH_RADIUS, Meters, Unit, degrees, radians};
use super::point::{self, Point, Span};
use crate::double::Double;

/// The area of a search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) center: Point,
    pub(crate) form: Form,
    pub(crate) unit: Unit,
}

/// Its form, in its unit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Circle { radius: Double },
    Rectangle { width: Double, height: Double },
}

impl Shape {
    /// How far a place is from the center, if it is in the area.
    pub(crate) fn distance(&self, point: Point) -> Option<Meters> {
        let meters = |length: Double| length.value() * self.unit.meters();
        match self.form {
            Form::Circle { radius } => {
                let distance = self.center.distance(point);
                let is_beyond = distance.0 > meters(radius);
                (!is_beyond).then_some(distance)
            }
            Form::Rectangle { width, height } => {
                let level = Point { longitude: self.center.longitude, latitude: point.latitude };
                let is_beyond = point.distance_along(self.center).0 > meters(height) / 2.0
                    || point.distance(level).0 > meters(width) / 2.0;
                (!is_beyond).then(|| self.center.distance(point))
            }
        }
    }

    /// The scores of what may be in the area, each range from the first to below the second, in the order in which
    /// Redis looks at them.
    pub(crate) fn score_ranges(&self) -> Vec<(Double, Double)> {
        let (longitudes, latitudes) = self.bounds();
        let mut step = self.step();
        let mut cell = Cell::of(self.center, step);
        if step > 1 && neighbours_fall_short(cell, longitudes, latitudes) {
            step -= 1;
            cell = Cell::of(self.center, step);
        }
        let (column, row) = (cell.longitudes(), cell.latitudes());
        // A direction in which the cell itself reaches far enough needs no neighbours.
        let is_needed = |is_covered: bool| step < 2 || !is_covered;
        let south = is_needed(row.min < latitudes.min);
        let north = is_needed(row.max > latitudes.max);
        let west = is_needed(column.min < longitudes.min);
        let east = is_needed(column.max > longitudes.max);
        let [above, below] = [cell.above(Toward::Up), cell.above(Toward::Down)];
        let cells = [
            (true, cell),
            (north, above),
            (south, below),
            (east, cell.beside(Toward::Up)),
            (west, cell.beside(Toward::Down)),
            (north && east, above.beside(Toward::Up)),
            (north && west, above.beside(Toward::Down)),
            (south && east, below.beside(Toward::Up)),
            (south && west, below.beside(Toward::Down)),
        ];
        let mut ranges = Vec::new();
        for (_, cell) in cells.into_iter().filter(|(is_needed, _)| *is_needed) {
            let (first, end) = cell.scores();
            let range = (point::score(first), point::score(end));
            // Where the world has few cells, neighbours are the same.
            if !ranges.contains(&range) {
                ranges.push(range);
            }
        }
        ranges
    }

    /// Half of its extent across and along.
    fn half(&self) -> (f64, f64) {
        let (width, height) = match self.form {
            Form::Circle { radius } => (radius.value(), radius.value()),
            Form::Rectangle { width, height } => (width.value() / 2.0, height.value() / 2.0),
        };
        (self.unit.meters() * width, self.unit.meters() * height)
    }

    /// The longitudes and latitudes that it covers, those of the side nearer to the pole.
    fn bounds(&self) -> (Span, Span) {
        let (width, height) = self.half();
        let Point { longitude, latitude } = self.center;
        let along = degrees(height / EARTH_RADIUS);
        let wide = if latitude < 0.0 { latitude - along } else { latitude + along };
        let across = degrees(width / EARTH_RADIUS / libm::cos(radians(wide)));
        let span = |at: f64, delta: f64| Span { min: at - delta, max: at + delta };
        (span(longitude, across), span(latitude, along))
    }

    /// How small cells may be so that nine of them cover it; smaller ones are wider near a pole.
    fn step(&self) -> u32 {
        const WORLD: f64 = 20_037_726.37;
        let reach = match self.form {
            Form::Circle { radius } => radius.value(),
            Form::Rectangle { width, height } => {
                let (width, height) = (width.value() / 2.0, height.value() / 2.0);
                libm::sqrt(width * width + height * height)
            }
        };
        let mut reach = reach * self.unit.meters();
        if reach == 0.0 {
            return STEP_MAX;
        }
        let mut step = 1_u32;
        while reach < WORLD {
            reach *= 2.0;
            step += 1;
        }
        let from_equator = libm::fabs(self.center.latitude);
        let less = 2 + u32::from(from_equator > 66.0) + u32::from(from_equator > 80.0);
        step.saturating_sub(less).clamp(1, STEP_MAX)
    }
}

/// Whether the neighbours of a cell do not cover these bounds.
fn neighbours_fall_short(cell: Cell, longitudes: Span, latitudes: Span) -> bool {
    cell.above(Toward::Up).latitudes().max < latitudes.max
        || cell.above(Toward::Down).latitudes().min > latitudes.min
        || cell.beside(Toward::Up).longitudes().max < longitudes.max
        || cell.beside(Toward::Down).longitudes().min > longitudes.min
}
