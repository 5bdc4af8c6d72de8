//! Where things stand on a page: the layout of a [`Scene`].

use std::ops::RangeInclusive;

use super::Shown;
use super::figure::{Figure, Panel, Words};
use super::flow::{self, flow};
use super::palette::{Colour, PALE_TEXT, TEXT, colour_of};
use super::scene::{Font, Scene, Stroke};

/// The sides that a cell can have.
const CELL: RangeInclusive<usize> = 16..=32;

/// What the largest grid of a task may take when its cells are larger than the smallest.
const ENLARGED: usize = 240;

/// The most that stands side by side: two pairs of enlarged grids. Two grids of 30 columns and the arrow between them take less.
const LIMIT: usize = 2 * (2 * (ENLARGED + 1) + ARROW) + FIGURE_GAP.0;

const MARGIN: usize = 24;
const TASK_GAP: usize = 40;

/// Between figures: beside each other and below each other.
const FIGURE_GAP: (usize, usize) = (44, 24);

/// Between the grids of a figure, in the same two ways, and where the arrow stands.
const PANEL_GAP: (usize, usize) = (28, 20);
const ARROW: usize = 48;

/// Between a board and the words above and below it.
const BOARD_GAP: usize = 2;

/// An arrow's length and half the height of its head.
const SHAFT: usize = 24;
const HEAD: usize = 6;

impl<'a> Scene<'a> {
    /// Tasks below each other, each with its figures in rows.
    pub fn of(tasks: &[Shown<'a>]) -> Self {
        let mut scene = Self::default();
        for shown in tasks {
            let top = if scene.height == 0 { MARGIN } else { scene.height + TASK_GAP };
            scene.put(task(shown), MARGIN, top);
        }
        scene.width += MARGIN;
        scene.height += MARGIN;
        scene
    }
}

fn task<'a>(shown: &Shown<'a>) -> Scene<'a> {
    let figures = [Figure::demonstrations(shown), Figure::tests(shown)];
    let grids = figures.iter().flatten().flat_map(Figure::grids);
    let largest = grids.map(|grid| grid.rows().max(grid.columns())).max().unwrap_or(1);
    let cell = (ENLARGED / largest).clamp(*CELL.start(), *CELL.end());
    let mut scene = Scene::text(&shown.title, Font::Title, TEXT);
    for figures in figures {
        let drawn: Vec<Scene> = figures.iter().map(|shown| figure(shown, cell)).collect();
        // Columns of one width: figures of several rows are then in line.
        let column = drawn.iter().map(|figure| figure.width).max().unwrap_or(0);
        for row in flow(&vec![column; drawn.len()], FIGURE_GAP.0, LIMIT) {
            let top = scene.height + FIGURE_GAP.1;
            for (place, figure) in drawn[row].iter().enumerate() {
                scene.put(figure.clone(), place * (column + FIGURE_GAP.0), top);
            }
        }
    }
    scene
}

fn figure<'a>(figure: &Figure<'a>, cell: usize) -> Scene<'a> {
    let draw = |panels: &[Panel<'a>]| -> Vec<Scene<'a>> {
        let words = Words::above(panels, figure);
        panels.iter().map(|shown| panel(shown, figure, words, cell)).collect()
    };
    let widths: Vec<usize> = draw(&figure.panels).iter().map(|panel| panel.width).collect();
    let rows = flow::panels(&widths, ARROW, PANEL_GAP.0, LIMIT);
    let is_stacked = rows.len() > 1;
    let mut scene = Scene::text(&figure.caption, Font::Heading, TEXT);
    for (place, row) in rows.into_iter().enumerate() {
        let mut top = scene.height;
        if place == 1 {
            scene.put(arrow((0, 1)), ARROW / 2, top + PANEL_GAP.1 / 2);
            top = scene.height;
        }
        top += if place == 0 { 0 } else { PANEL_GAP.1 };
        let mut left = 0;
        let drawn = draw(&figure.panels[row]);
        let middle = drawn.iter().take(2).filter_map(board_middle).min();
        for (column, panel) in drawn.into_iter().enumerate() {
            let width = panel.width;
            scene.put(panel, left, top);
            left += width + PANEL_GAP.0;
            if let (0, false, Some(middle)) = (column, is_stacked, middle) {
                scene.put(arrow((1, 0)), width + (ARROW - SHAFT) / 2, top + middle - HEAD);
                left += ARROW - PANEL_GAP.0;
            }
        }
    }
    scene
}

/// Half the height of a panel's board, from the top of the panel.
fn board_middle(panel: &Scene) -> Option<usize> {
    panel.boards.first().map(|board| board.at.1 + board.grid.rows() * board.cell / 2)
}

/// A grid under the words of its row and above its size.
fn panel<'a>(panel: &Panel<'a>, figure: &Figure, words: Words, cell: usize) -> Scene<'a> {
    let mut scene = Scene::default();
    let write = |scene: &mut Scene<'a>, text: &str, colour: Colour| {
        let top = scene.height;
        scene.put(Scene::text(text, Font::Plain, colour), 0, top);
    };
    let verdict = panel.verdict.map(|verdict| verdict.to_string()).unwrap_or_default();
    match words {
        Words::None => {}
        Words::Name => write(&mut scene, &panel.name, TEXT),
        Words::NameAndVerdict => [&panel.name, &verdict].into_iter().for_each(|text| write(&mut scene, text, TEXT)),
    }
    let top = scene.height + BOARD_GAP;
    match (panel.grid, panel.verdict) {
        (Some(grid), _) => {
            let worth = if panel.verdict.is_some() { format!(": {verdict}") } else { String::new() };
            let name = format!("{}, {}{worth}", figure.caption, panel.name);
            scene.put(Scene::board(name, grid, cell, marks(panel, cell)), 0, top);
            scene.height += BOARD_GAP;
            write(&mut scene, &format!("{} x {}", grid.rows(), grid.columns()), PALE_TEXT);
        }
        (None, None) => scene.put(Scene::text("?", Font::Title, TEXT), 0, top),
        (None, Some(_)) => {}
    }
    scene
}

/// An outline and a cross in each cell that differs, in what can be seen on its colour.
fn marks(panel: &Panel, cell: usize) -> Vec<Stroke> {
    let mark = |(row, column): (usize, usize)| {
        let colour = colour_of(panel.grid.expect("a cell is one of a grid").at(row, column)).contrasting();
        let (left, top) = (column * cell, row * cell);
        // From the line before the cell to the line behind it are cell + 1 pixels.
        let square = |inset: usize| (left + 1 + inset, top + 1 + inset, left + cell - inset, top + cell - inset);
        let (x, y, right, bottom) = square(1);
        let outline = [
            [(x, y), (right, y)],
            [(right, y), (right, bottom)],
            [(right, bottom), (x, bottom)],
            [(x, bottom), (x, y)],
        ];
        let (x, y, right, bottom) = square(cell * 3 / 8 - 1);
        let cross = [[(x, y), (right, bottom)], [(x, bottom), (right, y)]];
        Stroke { colour, lines: [&outline[..], &cross].concat() }
    };
    panel.wrong_cells().map(mark).collect()
}

/// An arrow to the right for (1, 0) and down for (0, 1).
fn arrow<'a>((x, y): (usize, usize)) -> Scene<'a> {
    let point = |along: usize, across: usize| (x * along + y * across, y * along + x * across);
    let tip = point(SHAFT, HEAD);
    let lines = vec![[point(0, HEAD), tip], [point(SHAFT - HEAD, 0), tip], [point(SHAFT - HEAD, 2 * HEAD), tip]];
    let (width, height) = point(SHAFT, 2 * HEAD);
    Scene { width, height, strokes: vec![Stroke { colour: PALE_TEXT, lines }], ..Scene::default() }
}
