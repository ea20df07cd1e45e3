//! A line that is drawn across the stage: whom it sets apart from the others.

use picket_sim::NodeId;

use crate::layout::Point;

/// Shorter lines are slips of the hand.
const LEN_MIN: i32 = 60;

/// The nodes that a line divides from the others: those inside it if it comes back to its beginning, or else those on
/// the side with fewer of them. None if it divides nobody.
#[must_use]
pub fn divide(line: &[Point], places: &[(NodeId, Point)]) -> Option<Vec<NodeId>> {
    let (first, last) = (*line.first()?, *line.last()?);
    let len: i32 = line.windows(2).map(|two| two[0].distance(two[1])).sum();
    if len < LEN_MIN {
        return None;
    }
    let is_loop = first.distance(last) * 3 < len;
    let is_apart = |point: Point| {
        if is_loop { is_inside(line, point) } else { turn(first, last, point) > 0 }
    };
    let (apart, others): (Vec<_>, Vec<_>) = places.iter().partition(|(_, point)| is_apart(*point));
    let group = if is_loop || apart.len() <= others.len() { apart } else { others };
    let is_division = !group.is_empty() && group.len() < places.len();
    is_division.then(|| group.into_iter().map(|(node, _)| node).collect())
}

/// Positive if the way from `a` by `b` to `c` turns one way, negative if it turns the other way.
fn turn(a: Point, b: Point, c: Point) -> i64 {
    let far = |from: i32, to: i32| i64::from(to) - i64::from(from);
    far(a.x, b.x) * far(a.y, c.y) - far(a.y, b.y) * far(a.x, c.x)
}

/// Whether a ray from the point to the right crosses the closed line an odd number of times.
fn is_inside(line: &[Point], point: Point) -> bool {
    let ends = line.iter().skip(1).chain(line.first());
    let crossings = line.iter().zip(ends).filter(|(a, b)| {
        let (low, high) = if a.y <= b.y { (a, b) } else { (b, a) };
        (low.y <= point.y && point.y < high.y) && turn(**low, **high, point) > 0
    });
    crossings.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(x: i32, y: i32) -> Point {
        Point { x, y }
    }

    /// Nodes 0 to 3 at the corners of a square.
    const PLACES: [(NodeId, Point); 4] =
        [(NodeId(0), at(0, 0)), (NodeId(1), at(100, 0)), (NodeId(2), at(0, 100)), (NodeId(3), at(100, 100))];

    #[track_caller]
    fn check(line: &[Point], group: Option<&[u32]>) {
        let found = divide(line, &PLACES).map(|nodes| nodes.iter().map(|node| node.0).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), group, "{line:?}");
    }

    #[test]
    fn a_straight_line_sets_the_smaller_side_apart() {
        check(&[at(60, -10), at(110, 40)], Some(&[1]));
        check(&[at(110, 40), at(60, -10)], Some(&[1]));
        check(&[at(-10, 50), at(110, 50)], Some(&[2, 3]));
        check(&[at(-10, 150), at(110, 150)], None);
    }

    #[test]
    fn a_loop_sets_apart_what_is_inside() {
        check(&[at(-20, -20), at(120, -20), at(120, 20), at(-20, 20)], Some(&[0, 1]));
        check(&[at(-20, -20), at(120, -20), at(120, 120), at(50, 50), at(-20, 120)], Some(&[0, 1, 3]));
        check(&[at(-20, -20), at(120, -20), at(120, 120), at(-20, 120)], None);
        check(&[at(35, 35), at(65, 35), at(65, 65), at(35, 65), at(35, 40)], None);
    }

    #[test]
    fn slips_of_the_hand_divide_nobody() {
        check(&[], None);
        check(&[at(50, 50)], None);
        check(&[at(50, 40), at(50, 60)], None);
    }
}
