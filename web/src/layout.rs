//! Where nodes stand on the stage, in integers: Sentinels on an arc, data nodes inside it, clients below.

/// Width of the stage.
pub const WIDTH: i32 = 1000;
/// Its height.
pub const HEIGHT: i32 = 640;

/// A place on the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// From the left.
    pub x: i32,
    /// From the top.
    pub y: i32,
}

impl Point {
    /// The point so many thousandths of the way to another.
    #[must_use]
    pub fn towards(self, other: Self, permille: i32) -> Self {
        let part = |from: i32, to: i32| from + (to - from) * permille / 1_000;
        Self { x: part(self.x, other.x), y: part(self.y, other.y) }
    }

    /// The point so far from here on the way to another; half of the way at most.
    #[must_use]
    pub fn beside(self, other: Self, distance: i32) -> Self {
        self.towards(other, (distance * 1_000 / self.distance(other).max(1)).min(500))
    }

    /// How far it is to another point.
    #[must_use]
    pub fn distance(self, other: Self) -> i32 {
        let (dx, dy) = (i64::from(other.x - self.x), i64::from(other.y - self.y));
        i32::try_from((dx * dx + dy * dy).isqrt()).unwrap_or(i32::MAX)
    }
}

/// The places of all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Data nodes.
    pub data: Vec<Point>,
    /// Sentinels.
    pub sentinels: Vec<Point>,
    /// Clients.
    pub writers: Vec<Point>,
}

impl Places {
    /// Places for so many nodes of each kind.
    #[must_use]
    pub fn of(data: usize, sentinels: usize, writers: usize) -> Self {
        Self {
            data: data_places(data),
            sentinels: arc(sentinels, Point { x: 500, y: 350 }, (430, 275), sentinel_span(sentinels)),
            writers: row(writers, 568, 150),
        }
    }
}

/// Few Sentinels stand on a short arc above; many need nearly the whole ring, open below where the clients are.
fn sentinel_span(count: usize) -> (i32, i32) {
    match count {
        0..=3 => (215, 325),
        4..=7 => (195, 345),
        _ => (155, 385),
    }
}

/// Data nodes: a triangle with the first on top, or a ring.
fn data_places(count: usize) -> Vec<Point> {
    let center = Point { x: 500, y: 345 };
    match count {
        1 => vec![center],
        2 => vec![Point { x: 390, y: 345 }, Point { x: 610, y: 345 }],
        3 => vec![Point { x: 500, y: 265 }, Point { x: 350, y: 415 }, Point { x: 650, y: 415 }],
        _ => {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let place = |index: i32| on_ellipse(center, (225, 115), 270 + 360 * index / count.max(1));
            (0..count).map(place).collect()
        }
    }
}

fn row(count: usize, y: i32, gap: i32) -> Vec<Point> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let gap = gap.min(WIDTH / count.max(1));
    (0..count).map(|index| Point { x: WIDTH / 2 + (2 * index - (count - 1)) * gap / 2, y }).collect()
}

/// Places spread evenly along an arc, both of its ends taken: as far apart at the steep sides as on top.
fn arc(count: usize, center: Point, radii: (i32, i32), (from, to): (i32, i32)) -> Vec<Point> {
    let mut way = Vec::new();
    let (mut len, mut last) = (0, on_ellipse(center, radii, from));
    for degrees in from..=to {
        let point = on_ellipse(center, radii, degrees);
        len += last.distance(point);
        last = point;
        way.push((len, point));
    }
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let place = |index: i32| {
        let behind = if count == 1 { len / 2 } else { len * index / (count - 1) };
        let at = way.partition_point(|(len, _)| *len < behind);
        way.get(at).map_or(last, |(_, point)| *point)
    };
    (0..count).map(place).collect()
}

fn on_ellipse(center: Point, (rx, ry): (i32, i32), degrees: i32) -> Point {
    Point { x: center.x + rx * cosine(degrees) / 1_000, y: center.y + ry * sine(degrees) / 1_000 }
}

/// The sine in thousandths, after Bhaskara: wrong by 2 at most, which is nothing on a stage.
fn sine(degrees: i32) -> i32 {
    let degrees = degrees.rem_euclid(360);
    let (sign, degrees) = if degrees > 180 { (-1, degrees - 180) } else { (1, degrees) };
    let product = degrees * (180 - degrees);
    sign * 4_000 * product / (40_500 - product)
}

fn cosine(degrees: i32) -> i32 {
    sine(degrees + 90)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_right() {
        for (degrees, expected) in
            [(0, 0), (30, 500), (90, 1_000), (150, 500), (180, 0), (270, -1_000), (-90, -1_000)]
        {
            assert!((sine(degrees) - expected).abs() <= 2, "{degrees}: {}", sine(degrees));
        }
        assert!((cosine(60) - 500).abs() <= 2);
    }

    #[test]
    fn everybody_has_a_place_of_its_own_on_the_stage() {
        for sentinels in 1..=17 {
            for data in 1..=9 {
                let places = Places::of(data, sentinels, 2);
                let all = [&places.data[..], &places.sentinels, &places.writers].concat();
                assert_eq!(all.len(), data + sentinels + 2);
                for (index, a) in all.iter().enumerate() {
                    assert!((40..=WIDTH - 40).contains(&a.x) && (40..=HEIGHT - 40).contains(&a.y), "{a:?}");
                    for b in &all[..index] {
                        assert!(a.distance(*b) >= 80, "{data} + {sentinels}: {a:?} and {b:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn ways_are_straight() {
        let (a, b) = (Point { x: 0, y: 0 }, Point { x: 300, y: 400 });
        assert_eq!(a.towards(b, 500), Point { x: 150, y: 200 });
        assert_eq!(a.beside(b, 50), Point { x: 30, y: 40 });
        assert_eq!(a.beside(b, 5_000), Point { x: 150, y: 200 });
        assert_eq!(a.beside(a, 50), a);
    }
}
