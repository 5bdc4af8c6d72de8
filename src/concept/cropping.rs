//! Cropping: the answer is a part of the grid, cut out.

use std::collections::BTreeSet;

use super::chance::{between, coin, colours, pick, picture, sides};
use super::colour::{BLACK, GREY};
use super::objects::{Bounds, Object, cells_of, count, every_cell, largest, objects};
use super::rule::Rule;
use super::scene::{Cell, Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "cropping-the-only-object",
        sentence: "The object is cut out.",
        generate: draw_only,
        verify: solve_only,
    },
    Rule {
        name: "cropping-the-largest-object",
        sentence: "Of several objects the largest is cut out.",
        generate: draw_largest,
        verify: solve_largest,
    },
    Rule {
        name: "cropping-inside-the-frame",
        sentence: "What the grey frame holds is cut out, without the frame.",
        generate: draw_framed,
        verify: solve_framed,
    },
    Rule {
        name: "cropping-border-falls-off",
        sentence: "The outermost rows and columns are cut off.",
        generate: draw_border,
        verify: solve_border,
    },
    Rule {
        name: "cropping-object-of-two-colours",
        sentence: "The only object that has two colours is cut out.",
        generate: draw_two_colours,
        verify: solve_two_colours,
    },
    Rule {
        name: "cropping-fuller-half",
        sentence: "Of the two halves beside the grey line the one with more coloured cells is cut out.",
        generate: draw_fuller_half,
        verify: solve_fuller_half,
    },
];

/// What stands at these cells, cut out; `None` when something else reaches into the same rectangle.
fn cut_out(scene: &Scene, cells: &[Cell]) -> Option<Scene> {
    let bounds = Bounds::of(cells)?;
    let is_alone = |cell: &Cell| !bounds.contain(*cell) || scene.at(*cell) == BLACK || cells.contains(cell);
    scene.every_cell().iter().all(is_alone).then_some(())?;
    let mut part = Scene::black(bounds.bottom - bounds.top + 1, bounds.right - bounds.left + 1);
    for &(row, column) in cells {
        part.paint([(row - bounds.top, column - bounds.left)], scene.at((row, column)));
    }
    Some(part)
}

/// Puts an object into a scene, each of its cells in one of the palette's colours.
fn place_motley(stream: &mut Stream, scene: &mut Scene, shape: &Shape, palette: &[u8]) -> Option<Vec<Cell>> {
    let cells = scene.place(stream, shape, palette[0])?;
    for &cell in &cells {
        scene.paint([cell], pick(stream, palette));
    }
    let has_all = palette.iter().all(|&colour| cells.iter().any(|&cell| scene.at(cell) == colour));
    has_all.then_some(cells)
}

fn draw_only(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 5..=9);
    let mut input = Scene::black(rows, columns);
    let size = between(stream, 5..=8);
    let blob = Shape::blob(stream, size);
    let count = between(stream, 1..=3);
    let palette = colours(stream, count, &[]);
    let cells = place_motley(stream, &mut input, &blob, &palette)?;
    Some(pair(&input, &cut_out(&input, &cells)?))
}

fn solve_only(grid: &Grid) -> Option<Grid> {
    let only = <[Object; 1]>::try_from(objects(grid)).ok()?;
    Some(only[0].bounds().crop(grid))
}

fn draw_largest(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=10);
    let mut input = Scene::black(rows, columns);
    let sizes = [between(stream, 7..=9), between(stream, 2..=4), between(stream, 1..=4)];
    let mut drawn = Vec::new();
    for (colour, size) in colours(stream, 3, &[]).into_iter().zip(sizes) {
        let blob = Shape::blob(stream, size);
        let cells = input.place(stream, &blob, colour)?;
        drawn.push((blob.rows * blob.columns, cells));
    }
    // the largest by its bounds too, so that it does not matter how one measures
    let is_clear = drawn[1..].iter().all(|(area, _)| *area < drawn[0].0);
    let part = cut_out(&input, &drawn[0].1)?;
    is_clear.then(|| pair(&input, &part))
}

fn solve_largest(grid: &Grid) -> Option<Grid> {
    let objects = objects(grid);
    (objects.len() > 1).then_some(())?;
    Some(largest(objects, |object| object.size())?.bounds().crop(grid))
}

fn draw_framed(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=10);
    let mut input = Scene::black(rows, columns);
    let (height, width) = sides(stream, 4..=6);
    let (top, left) = input.place(stream, &Shape::outline(height, width), GREY)?[0];
    let palette = [vec![BLACK; 2], colours(stream, 3, &[GREY])].concat();
    let content = picture(stream, (height - 2, width - 2), &palette);
    input.put((top + 1, left + 1), &content);
    for _ in 0..between(stream, 2..=5) {
        let colour = pick(stream, &palette);
        input.place(stream, &Shape::dot(), colour)?;
    }
    (content.count(BLACK) < (height - 2) * (width - 2) - 1).then(|| pair(&input, &content))
}

fn solve_framed(grid: &Grid) -> Option<Grid> {
    Some(Bounds::of(&cells_of(grid, GREY))?.inner()?.crop(grid))
}

fn draw_border(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 2..=6);
    let palette = [vec![BLACK], colours(stream, 4, &[])].concat();
    let output = picture(stream, (rows, columns), &palette);
    let mut input = picture(stream, (rows + 2, columns + 2), &palette);
    input.put((1, 1), &output);
    Some(pair(&input, &output))
}

fn solve_border(grid: &Grid) -> Option<Grid> {
    let whole = Bounds { top: 0, left: 0, bottom: grid.rows() - 1, right: grid.columns() - 1 };
    Some(whole.inner()?.crop(grid))
}

fn draw_two_colours(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let mut input = Scene::black(rows, columns);
    let palette = colours(stream, 4, &[]);
    let size = between(stream, 3..=6);
    let motley = Shape::blob(stream, size);
    let cells = place_motley(stream, &mut input, &motley, &palette[..2])?;
    for _ in 0..between(stream, 2..=3) {
        let size = between(stream, 3..=6);
        let blob = Shape::blob(stream, size);
        let colour = pick(stream, &palette);
        input.place(stream, &blob, colour)?;
    }
    Some(pair(&input, &cut_out(&input, &cells)?))
}

fn solve_two_colours(grid: &Grid) -> Option<Grid> {
    let has_two = |object: &Object| {
        let colours: BTreeSet<u8> = object.cells.iter().map(|&(row, column)| grid.at(row, column)).collect();
        colours.len() == 2
    };
    let motley: Vec<Object> = objects(grid).into_iter().filter(has_two).collect();
    let only = <[Object; 1]>::try_from(motley).ok()?;
    Some(only[0].bounds().crop(grid))
}

fn draw_fuller_half(stream: &mut Stream) -> Option<Pair> {
    let (rows, half) = (between(stream, 3..=6), between(stream, 2..=5));
    let [first, second] = colours(stream, 2, &[GREY]).try_into().expect("two were asked for");
    let fuller = picture(stream, (rows, half), &[first, first, BLACK]);
    let emptier = picture(stream, (rows, half), &[second, BLACK, BLACK]);
    let mut input = Scene::filled(rows, 2 * half + 1, GREY);
    let places = if coin(stream) { [0, half + 1] } else { [half + 1, 0] };
    input.put((0, places[0]), &fuller);
    input.put((0, places[1]), &emptier);
    let is_clear = fuller.count(first) >= emptier.count(second) + 2 && emptier.count(second) > 1;
    let turns = stream.below(2);
    let [input, output] = [input, fuller].map(|scene| (0..turns).fold(scene, |scene, _| scene.turned()));
    is_clear.then(|| pair(&input, &output))
}

fn solve_fuller_half(grid: &Grid) -> Option<Grid> {
    let (last_row, last_column) = (grid.rows() - 1, grid.columns() - 1);
    let line = Bounds::of(&cells_of(grid, GREY))?;
    let whole = Bounds { top: 0, left: 0, bottom: last_row, right: last_column };
    let halves = match line {
        Bounds { top: 0, left, bottom, right }
            if bottom == last_row && left == right && left > 0 && right < last_column =>
        {
            [Bounds { right: left - 1, ..whole }, Bounds { left: right + 1, ..whole }]
        }
        Bounds { left: 0, top, right, bottom }
            if right == last_column && top == bottom && top > 0 && bottom < last_row =>
        {
            [Bounds { bottom: top - 1, ..whole }, Bounds { top: bottom + 1, ..whole }]
        }
        _ => return None,
    };
    let coloured = |half: &Grid| every_cell(half).count() - count(half, BLACK);
    largest(halves.map(|half| half.crop(grid)), coloured)
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("cropping-the-only-object", "... .12 .2.", "12 2.");
        assert_solves("cropping-the-largest-object", "11.2 1..2 1...", "11 1. 1.");
        assert_solves("cropping-inside-the-frame", "5555. 512.. 5..53 5555.", "12 ..");
        assert_solves("cropping-border-falls-off", "1234 5678 9123", "67");
        assert_solves("cropping-object-of-two-colours", "11.3 ...2 4..2", "3 2 2");
        assert_solves("cropping-fuller-half", "1.5.2 .153. 1.5..", "1. .1 1.");
        assert_solves("cropping-fuller-half", "1.. 555 22.", "22.");
    }
}
