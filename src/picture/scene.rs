//! `Scene`: a page in pixels, of boards of cells, lines and captions. [`svg`](super::svg) and [`png`](super::png) write it.
//!
//! A board of R x C cells of side n takes (n C + 1) x (n R + 1) pixels: each cell begins with a line of one pixel, and one
//! more closes the board. Scenes are put into scenes: a grid into its figure, figures into the page.

use super::palette::Colour;
use crate::grid::Grid;

/// What stands on a page, and how large the page is.
#[derive(Clone, Debug, Default)]
pub struct Scene<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) boards: Vec<Board<'a>>,
    /// Arrows, and the marks of cells that differ; above the boards.
    pub(super) strokes: Vec<Stroke>,
    pub(super) captions: Vec<Caption>,
}

/// A grid on the page.
#[derive(Clone, Debug)]
pub(super) struct Board<'a> {
    /// What it is, as `test 1, attempt 2: right`.
    pub(super) name: String,
    pub(super) at: (usize, usize),
    /// The side of a cell, its line included.
    pub(super) cell: usize,
    pub(super) grid: &'a Grid,
}

/// Lines two pixels wide, each along a row, a column or a diagonal. A point is the corner between four pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stroke {
    pub(super) colour: Colour,
    pub(super) lines: Vec<[(usize, usize); 2]>,
}

/// A line of text.
#[derive(Clone, Debug)]
pub(super) struct Caption {
    /// Its left end, on the line that its letters stand on.
    pub(super) at: (usize, usize),
    pub(super) font: Font,
    pub(super) colour: Colour,
    pub(super) text: String,
}

/// The sizes of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Font {
    /// The title of a task, bold.
    Title,
    /// The caption of a figure, bold.
    Heading,
    /// What a grid is.
    Plain,
}

impl Font {
    /// The columns of pixels that are kept free for a letter: those of the letters in a PNG, which are the wider ones.
    const fn letter(self) -> usize {
        match self {
            Self::Title => 9,
            Self::Heading | Self::Plain => 7,
        }
    }

    /// From one line of text to the next.
    pub(super) const fn line(self) -> usize {
        match self {
            Self::Title => 24,
            Self::Heading => 20,
            Self::Plain => 17,
        }
    }
}

impl<'a> Scene<'a> {
    /// A line of text with its room around it.
    pub(super) fn text(text: &str, font: Font, colour: Colour) -> Self {
        let (width, height) = (font.letter() * text.chars().count(), font.line());
        let caption = Caption { at: (0, height * 3 / 4), font, colour, text: text.to_owned() };
        Self { width, height, captions: vec![caption], ..Self::default() }
    }

    /// A grid with the marks of its cells.
    pub(super) fn board(name: String, grid: &'a Grid, cell: usize, marks: Vec<Stroke>) -> Self {
        let (width, height) = (grid.columns() * cell + 1, grid.rows() * cell + 1);
        let board = Board { name, at: (0, 0), cell, grid };
        Self { width, height, boards: vec![board], strokes: marks, ..Self::default() }
    }

    /// Puts a scene into this one, which grows where that takes more room.
    pub(super) fn put(&mut self, scene: Self, left: usize, top: usize) {
        let moved = |(x, y): (usize, usize)| (x + left, y + top);
        self.width = self.width.max(left + scene.width);
        self.height = self.height.max(top + scene.height);
        self.boards.extend(scene.boards.into_iter().map(|board| Board { at: moved(board.at), ..board }));
        self.captions.extend(scene.captions.into_iter().map(|caption| Caption { at: moved(caption.at), ..caption }));
        self.strokes.extend(
            scene.strokes.into_iter().map(|stroke| Stroke {
                lines: stroke.lines.into_iter().map(|ends| ends.map(moved)).collect(),
                ..stroke
            }),
        );
    }
}
