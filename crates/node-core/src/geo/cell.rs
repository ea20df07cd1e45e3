//! Cells of the world: its halves, their halves and so on, crosswise and lengthwise in turn.

/// A score names a cell by so many halvings in each direction.
pub(super) const STEP_MAX: u32 = 26;

/// A cell, or the column and row of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    /// Column and row bit by bit in turn, the column first.
    pub(super) bits: u64,
    /// How many times the world was halved in each direction.
    pub(super) step: u32,
}

/// A way to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Toward {
    Up,
    Down,
}

const COLUMNS: u64 = 0xaaaa_aaaa_aaaa_aaaa;
const ROWS: u64 = 0x5555_5555_5555_5555;

impl Cell {
    pub(super) fn new(column: u32, row: u32, step: u32) -> Self {
        Self { bits: spread(row) | spread(column) << 1, step }
    }

    pub(super) fn column(self) -> u32 {
        gather(self.bits >> 1)
    }

    pub(super) fn row(self) -> u32 {
        gather(self.bits)
    }

    /// The cell beside this one; behind the last column comes the first.
    pub(super) fn beside(self, toward: Toward) -> Self {
        self.moved(toward, COLUMNS, ROWS)
    }

    /// The cell above or below this one; above the last row comes the first.
    pub(super) fn above(self, toward: Toward) -> Self {
        self.moved(toward, ROWS, COLUMNS)
    }

    /// Counts in the bits of one direction; those of the other are filled, so that a carry passes over them.
    fn moved(self, toward: Toward, moving: u64, staying: u64) -> Self {
        let unused = u64::BITS - 2 * self.step;
        let filler = staying >> unused;
        let lowest = if moving == ROWS { 1 } else { 2 };
        let counted = match toward {
            Toward::Up => (self.bits & moving | filler).wrapping_add(lowest),
            Toward::Down => (self.bits & moving).wrapping_sub(lowest),
        };
        Self { bits: counted & moving >> unused | self.bits & staying, step: self.step }
    }

    /// The scores in this cell: from the first to below the second.
    pub(super) fn scores(self) -> (u64, u64) {
        let shift = 2 * (STEP_MAX - self.step);
        (self.bits << shift, (self.bits + 1) << shift)
    }
}

/// Puts a zero in front of every bit.
fn spread(value: u32) -> u64 {
    let mut bits = u64::from(value);
    for (shift, mask) in [
        (16, 0x0000_ffff_0000_ffff),
        (8, 0x00ff_00ff_00ff_00ff),
        (4, 0x0f0f_0f0f_0f0f_0f0f),
        (2, 0x3333_3333_3333_3333),
        (1, ROWS),
    ] {
        bits = (bits | bits << shift) & mask;
    }
    bits
}

/// Takes every other bit, the lowest first.
fn gather(value: u64) -> u32 {
    let mut bits = value & ROWS;
    for (shift, mask) in [
        (1, 0x3333_3333_3333_3333),
        (2, 0x0f0f_0f0f_0f0f_0f0f),
        (4, 0x00ff_00ff_00ff_00ff),
        (8, 0x0000_ffff_0000_ffff),
        (16, 0x0000_0000_ffff_ffff),
    ] {
        bits = (bits | bits >> shift) & mask;
    }
    u32::try_from(bits).expect("32 bits were left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_column_or_row_away() {
        for step in [1, 2, 7, STEP_MAX] {
            let len = 1_u32 << step;
            for (column, row) in [(0, 0), (len - 1, len - 1), (len / 2, len / 3), (1, len - 1)] {
                let cell = Cell::new(column, row, step);
                assert_eq!((cell.column(), cell.row()), (column, row));
                let (next, last) = ((column + 1) % len, (column + len - 1) % len);
                assert_eq!(cell.beside(Toward::Up), Cell::new(next, row, step));
                assert_eq!(cell.beside(Toward::Down), Cell::new(last, row, step));
                let (next, last) = ((row + 1) % len, (row + len - 1) % len);
                assert_eq!(cell.above(Toward::Up), Cell::new(column, next, step));
                assert_eq!(cell.above(Toward::Down), Cell::new(column, last, step));
            }
        }
    }

    #[test]
    fn the_scores_of_a_cell_are_those_of_its_parts() {
        let cell = Cell::new(5, 2, 3);
        let (first, end) = cell.scores();
        for part in [Cell::new(10, 4, 4), Cell::new(11, 5, 4)] {
            assert!((first..end).contains(&part.scores().0) && part.scores().1 <= end);
        }
        assert!(!(first..end).contains(&Cell::new(12, 4, 4).scores().0));
    }
}
