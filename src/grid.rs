//! `Grid`: a rectangle of up to 30 x 30 cells, one type for every puzzle.
//!
//! Cells are bytes in row order. An ARC cell is a colour 0..=9; other puzzles use other alphabets, so the
//! limit of the alphabet belongs to the reader and not to the grid.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The largest number of rows and of columns.
pub const MAX_SIDE: usize = 30;

/// The number of colours of ARC.
pub const COLOURS: u8 = 10;

/// A rectangle of cells.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grid {
    rows: usize,
    columns: usize,
    cells: Vec<u8>,
}

/// Why something is no grid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum GridError {
    /// No cell at all.
    #[error("the grid is empty; a grid has 1 to {MAX_SIDE} rows and columns")]
    Empty,
    /// Rows of different lengths.
    #[error("row {row} has {found} cells where row 0 has {expected}; a grid is a rectangle")]
    Ragged {
        /// The first row that differs.
        row: usize,
        /// Its length.
        found: usize,
        /// The length of row 0.
        expected: usize,
    },
    /// More than 30 rows or columns.
    #[error("the grid has {rows} rows and {columns} columns; the most is {MAX_SIDE} of each")]
    TooLarge {
        /// Its rows.
        rows: usize,
        /// Its columns.
        columns: usize,
    },
    /// A value that is no colour.
    #[error("cell ({row}, {column}) is {value}; colours are whole numbers from 0 to 9")]
    Colour {
        /// The cell's row.
        row: usize,
        /// The cell's column.
        column: usize,
        /// Its value.
        value: String,
    },
    /// Not a list of lists.
    #[error("a grid is a list of rows, each a list of whole numbers; found {0}")]
    NotRows(String),
}

impl Grid {
    /// A grid of `rows * columns` cells in row order.
    ///
    /// # Errors
    /// [`GridError::Empty`] or [`GridError::TooLarge`].
    pub fn new(rows: usize, columns: usize, cells: Vec<u8>) -> Result<Self, GridError> {
        if rows == 0 || columns == 0 {
            return Err(GridError::Empty);
        }
        if rows > MAX_SIDE || columns > MAX_SIDE {
            return Err(GridError::TooLarge { rows, columns });
        }
        assert_eq!(cells.len(), rows * columns, "a grid of {rows} x {columns} needs as many cells");
        Ok(Self { rows, columns, cells })
    }

    /// A grid whose cell at (row, column) is `cell(row, column)`. The sides must be within 1..=30.
    pub fn from_fn(rows: usize, columns: usize, mut cell: impl FnMut(usize, usize) -> u8) -> Self {
        let cells = (0..rows * columns).map(|i| cell(i / columns, i % columns)).collect();
        Self::new(rows, columns, cells).expect("the sides are within 1..=30")
    }

    /// The single black cell that stands in a submission where there is no answer yet.
    pub fn placeholder() -> Self {
        Self { rows: 1, columns: 1, cells: vec![0] }
    }

    /// An ARC grid from JSON rows.
    ///
    /// # Errors
    /// [`GridError`], naming the first fault in row order.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, GridError> {
        let rows = value.as_array().ok_or_else(|| GridError::NotRows(kind_of(value)))?;
        let mut cells = Vec::new();
        let mut columns = None;
        for (r, row) in rows.iter().enumerate() {
            let row = row.as_array().ok_or_else(|| GridError::NotRows(format!("{} as row {r}", kind_of(row))))?;
            let expected = *columns.get_or_insert(row.len());
            if row.len() != expected {
                return Err(GridError::Ragged { row: r, found: row.len(), expected });
            }
            for (c, cell) in row.iter().enumerate() {
                let colour = whole(cell).filter(|&colour| colour < u64::from(COLOURS));
                let fault = || GridError::Colour { row: r, column: c, value: cell.to_string() };
                cells.push(colour.ok_or_else(fault)? as u8);
            }
        }
        Self::new(rows.len(), columns.unwrap_or(0), cells)
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All cells in row order.
    pub fn cells(&self) -> &[u8] {
        &self.cells
    }

    /// The cell at (row, column).
    pub fn at(&self, row: usize, column: usize) -> u8 {
        self.cells[row * self.columns + column]
    }

    /// The same shape with every cell mapped.
    pub fn map(&self, cell: impl FnMut(u8) -> u8) -> Self {
        Self { cells: self.cells.iter().copied().map(cell).collect(), ..*self }
    }

    /// The rows as slices.
    pub fn iter_rows(&self) -> impl Iterator<Item = &[u8]> {
        self.cells.chunks(self.columns)
    }
}

/// Returns the whole number from 0 that a JSON value is; `1.0` is 1.
pub fn whole(value: &serde_json::Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().and_then(whole_of))
}

/// Returns a float without a fraction as a whole number from 0.
fn whole_of(value: f64) -> Option<u64> {
    (value.fract() == 0.0 && (0.0..1e15).contains(&value)).then_some(value as u64)
}

/// What a JSON value is, in words.
pub fn kind_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "null".into(),
        serde_json::Value::Bool(_) => "a truth value".into(),
        serde_json::Value::Number(number) => format!("the number {number}"),
        serde_json::Value::String(_) => "a text".into(),
        serde_json::Value::Array(_) => "a list".into(),
        serde_json::Value::Object(_) => "an object".into(),
    }
}

/// `3x2:010203`-like text for debugging and test failures.
impl fmt::Debug for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}[", self.rows, self.columns)?;
        for (i, row) in self.iter_rows().enumerate() {
            f.write_str(if i == 0 { "" } else { " " })?;
            row.iter().try_for_each(|cell| write!(f, "{cell}"))?;
        }
        f.write_str("]")
    }
}

/// One digit a cell and one line a row, black as `.`, without a line end.
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, row) in self.iter_rows().enumerate() {
            f.write_str(if i == 0 { "" } else { "\n" })?;
            for &cell in row {
                if cell == 0 { f.write_str(".")? } else { write!(f, "{cell}")? }
            }
        }
        Ok(())
    }
}

impl Serialize for Grid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter_rows())
    }
}

impl<'de> Deserialize<'de> for Grid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Rows)
    }
}

/// Reads a grid row by row, and holds no more of it than a grid has.
struct Rows;

impl<'de> Visitor<'de> for Rows {
    type Value = Grid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a grid, a list of rows, each a list of whole numbers from 0 to 9")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Grid, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = items.next_element::<Row>()? {
            rows.push(row.0);
            if rows.len() > MAX_SIDE {
                return Err(A::Error::custom(GridError::TooLarge { rows: rows.len(), columns: rows[0].len() }));
            }
        }
        let columns = rows.first().map_or(0, Vec::len);
        if let Some((row, found)) = rows.iter().map(Vec::len).enumerate().find(|(_, found)| *found != columns) {
            return Err(A::Error::custom(GridError::Ragged { row, found, expected: columns }));
        }
        let places = rows
            .iter()
            .enumerate()
            .flat_map(|(row, cells)| cells.iter().enumerate().map(move |(column, cell)| (row, column, *cell)));
        if let Some((row, column, value)) = places.into_iter().find(|(.., cell)| *cell >= u64::from(COLOURS)) {
            return Err(A::Error::custom(GridError::Colour { row, column, value: value.to_string() }));
        }
        let cells = rows.iter().flatten().map(|&cell| cell as u8).collect();
        Grid::new(rows.len(), columns, cells).map_err(A::Error::custom)
    }
}

/// A whole number from 0, as `1` or as `1.0`.
struct Cell(u64);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number from 0 to 9")
            }

            fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
                Ok(Cell(value))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Cell, E> {
                whole_of(value).map(Cell).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Float(value), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A row of numbers from 0, at most [`MAX_SIDE`].
struct Row(Vec<u64>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cells;
        impl<'de> Visitor<'de> for Cells {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row, a list of whole numbers from 0 to 9")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Row, A::Error> {
                let mut cells = Vec::new();
                while let Some(Cell(cell)) = items.next_element()? {
                    cells.push(cell);
                    if cells.len() > MAX_SIDE {
                        return Err(A::Error::custom(GridError::TooLarge { rows: 1, columns: cells.len() }));
                    }
                }
                Ok(Row(cells))
            }
        }
        deserializer.deserialize_any(Cells)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_goes_in_and_comes_out_the_same() {
        let grid = Grid::from_json(&json!([[0, 1, 2], [3, 4, 9]])).unwrap();
        assert_eq!((grid.rows(), grid.columns(), grid.at(1, 2)), (2, 3, 9));
        assert_eq!(serde_json::to_value(&grid).unwrap(), json!([[0, 1, 2], [3, 4, 9]]));
        assert_eq!(grid.to_string(), ".12\n349");
    }

    #[test]
    fn a_float_without_a_fraction_is_the_whole_number() {
        let grid = Grid::new(1, 3, vec![0, 1, 9]).unwrap();
        assert_eq!(Grid::from_json(&json!([[-0.0, 1.0, 9]])).unwrap(), grid);
        assert_eq!(serde_json::from_str::<Grid>("[[0.0, 1e0, 9]]").unwrap(), grid);
        for text in ["[[1.5]]", "[[10.0]]", "[[-1.0]]", "[[1e300]]", "[[\"1\"]]"] {
            assert!(serde_json::from_str::<Grid>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_fault_is_named() {
        let fault = |value| Grid::from_json(&value).unwrap_err().to_string();
        assert!(fault(json!([])).contains("empty"));
        assert!(fault(json!([[]])).contains("empty"));
        assert!(fault(json!([[1], [1, 2]])).contains("row 1 has 2 cells where row 0 has 1"));
        assert!(fault(json!([[0, 10]])).contains("cell (0, 1) is 10"));
        assert!(fault(json!([[0, -1]])).contains("cell (0, 1) is -1"));
        assert!(fault(json!([[0, 1.5]])).contains("cell (0, 1) is 1.5"));
        assert!(fault(json!([[10.0]])).contains("is 10.0"));
        assert!(fault(json!([[-1.0]])).contains("is -1.0"));
        assert!(fault(json!("x")).contains("found a text"));
        assert!(fault(json!([3])).contains("the number 3 as row 0"));
        assert!(fault(json!(vec![[0]; 31])).contains("31 rows"));
    }
}
