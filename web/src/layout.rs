//! Where nodes stand on the stage, in integers: Sentinels on an arc, data nodes inside it, clients below.

/// The form of the stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Wider than high, for desks.
    Wide,
    /// Higher than wide, for phones; everything on it is drawn larger.
    Tall,
}

impl Format {
    /// Its width.
    #[must_use]
    pub fn width(self) -> i32 {
        match self {
            Self::Wide => 1_000,
            Self::Tall => 640,
        }
    }

    /// Its height with everybody on it.
    #[must_use]
    pub fn height(self) -> i32 {
        match self {
            Self::Wide => 640,
            Self::Tall => 900,
        }
    }

    /// Whether so many Sentinels stand so close that there is no room for all their names below them.
    #[must_use]
    pub fn is_crowded(self, sentinels: usize) -> bool {
        match self {
            Self::Wide => sentinels > 9,
            Self::Tall => sentinels > 7,
        }
    }

    /// Where it begins and how high it is: not where Sentinels would stand if there are none, nor clients.
    #[must_use]
    pub fn extent(self, sentinels: usize, writers: usize) -> (i32, i32) {
        let (without_sentinels, without_writers) = match self {
            Self::Wide => (130, 60),
            Self::Tall => (210, 150),
        };
        let top = if sentinels == 0 { without_sentinels } else { 0 };
        let bottom = if writers == 0 { without_writers } else { 0 };
        (top, self.height() - top - bottom)
    }
}

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
    pub fn of(format: Format, data: usize, sentinels: usize, writers: usize) -> Self {
        let span = sentinel_span(format, sentinels);
        let is_crowded = format.is_crowded(sentinels);
        match format {
            Format::Wide => Self {
                data: data_places(data, Point { x: 500, y: 345 }, (150, 80), (225, 115)),
                // Many have their names beside them at the edges.
                sentinels: arc(
                    sentinels,
                    Point { x: 500, y: 340 },
                    if is_crowded { (375, 280) } else { (430, 265) },
                    span,
                ),
                writers: row(writers, format.width(), 150, 568),
            },
            Format::Tall => Self {
                data: data_places(data, Point { x: 320, y: 450 }, (130, 110), (145, 190)),
                // Few have their whole names below them, for which there must be room at both sides.
                sentinels: arc(
                    sentinels,
                    Point { x: 320, y: 415 },
                    (if is_crowded { 262 } else { 240 }, 370),
                    span,
                ),
                writers: row(writers, format.width(), 175, 815),
            },
        }
    }
}

/// Few Sentinels stand on a short arc above; many need nearly the whole ring, open below where the clients are.
fn sentinel_span(format: Format, count: usize) -> (i32, i32) {
    match (format, count) {
        (Format::Wide, 0..=3) => (215, 325),
        (Format::Wide, 4..=7) => (195, 345),
        (Format::Wide, 8..=9) => (155, 385),
        (Format::Wide, _) => (135, 405),
        (Format::Tall, 0..=3) => (205, 335),
        (Format::Tall, 4..=7) => (180, 360),
        (Format::Tall, _) => (130, 410),
    }
}

/// Data nodes: one, two side by side, a triangle with the first on top, or a ring.
fn data_places(count: usize, center: Point, (dx, dy): (i32, i32), radii: (i32, i32)) -> Vec<Point> {
    let at = |x: i32, y: i32| Point { x: center.x + x, y: center.y + y };
    match count {
        1 => vec![center],
        2 => vec![at(-dx, 0), at(dx, 0)],
        3 => vec![at(0, -dy), at(-dx, dy), at(dx, dy)],
        _ => {
            let count = i32::try_from(count).unwrap_or(i32::MAX);
            let place = |index: i32| on_ellipse(center, radii, 270 + 360 * index / count.max(1));
            (0..count).map(place).collect()
        }
    }
}

fn row(count: usize, width: i32, gap: i32, y: i32) -> Vec<Point> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let gap = gap.min(width / count.max(1));
    (0..count).map(|index| Point { x: width / 2 + (2 * index - (count - 1)) * gap / 2, y }).collect()
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
        for format in [Format::Wide, Format::Tall] {
            for (sentinels, data) in (1..=17).flat_map(|count| (1..=7).map(move |data| (count, data))) {
                let places = Places::of(format, data, sentinels, 3);
                let all = [&places.data[..], &places.sentinels, &places.writers].concat();
                assert_eq!(all.len(), data + sentinels + 3);
                let (top, height) = format.extent(0, 0);
                let is_seen = |place: &Point| (top + 40..=top + height - 70).contains(&place.y);
                assert!(places.data.iter().all(is_seen), "{format:?}, {data}");
                for (index, a) in all.iter().enumerate() {
                    let is_inside = (40..=format.width() - 40).contains(&a.x)
                        && (40..=format.height() - 70).contains(&a.y);
                    assert!(is_inside, "{format:?}, {data} + {sentinels}: {a:?}");
                    for b in &all[..index] {
                        assert!(a.distance(*b) >= 70, "{format:?}, {data} + {sentinels}: {a:?} and {b:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn names_below_sentinels_are_wholly_on_a_tall_stage() {
        // Ten letters of a good dozen each.
        let half = 10 * 13 / 2;
        for sentinels in (1..=17).filter(|count| !Format::Tall.is_crowded(*count)) {
            for place in Places::of(Format::Tall, 3, sentinels, 1).sentinels {
                assert!((half..=Format::Tall.width() - half).contains(&place.x), "{sentinels}: {place:?}");
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
