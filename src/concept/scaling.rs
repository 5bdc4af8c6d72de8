//! Scaling: pictures, blocks and bars that become larger or smaller by a factor.

use super::chance::{between, colours, picture, sides};
use super::colour::BLACK;
use super::objects::{colours_of, regions_of};
use super::rule::Rule;
use super::scene::{Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "scaling-twice-as-large",
        sentence: "Every cell becomes a block of two by two.",
        generate: draw_twice,
        verify: solve_twice,
    },
    Rule {
        name: "scaling-blocks-become-cells",
        sentence: "The picture is made of square blocks; every block becomes one cell.",
        generate: draw_blocks,
        verify: solve_blocks,
    },
    Rule {
        name: "scaling-by-the-number-of-colours",
        sentence: "The picture becomes as many times as large as it has colours, black not counted.",
        generate: draw_by_colours,
        verify: solve_by_colours,
    },
    Rule {
        name: "scaling-corner-picture-fills-the-grid",
        sentence: "The picture in the upper left quarter becomes twice as large and fills the grid.",
        generate: draw_corner,
        verify: solve_corner,
    },
    Rule {
        name: "scaling-bars-grow-twice-as-tall",
        sentence: "Every bar that stands on the floor becomes twice as tall.",
        generate: draw_taller,
        verify: solve_taller,
    },
    Rule {
        name: "scaling-rectangles-lose-their-outer-ring",
        sentence: "Every rectangle loses its outermost ring of cells.",
        generate: draw_shrunk,
        verify: solve_shrunk,
    },
];

/// A scene in which every cell of another is a block.
fn enlarged(scene: &Scene, times: usize) -> Scene {
    let mut large = Scene::black(scene.rows * times, scene.columns * times);
    for (row, column) in scene.every_cell() {
        let block = Shape::rectangle(times, times).at((row * times, column * times));
        large.paint(block, scene.at((row, column)));
    }
    large
}

/// What every cell of an enlarged grid was.
fn stretched(grid: &Grid, times: usize) -> Option<Grid> {
    let cells = grid.iter_rows().flat_map(|row| {
        let wide: Vec<u8> = row.iter().flat_map(|&colour| vec![colour; times]).collect();
        vec![wide; times].concat()
    });
    Grid::new(grid.rows() * times, grid.columns() * times, cells.collect()).ok()
}

fn draw_twice(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 2..=5);
    let palette = [vec![BLACK; 2], colours(stream, 3, &[])].concat();
    let input = picture(stream, size, &palette);
    input.has(BLACK).then(|| pair(&input, &enlarged(&input, 2)))
}

fn solve_twice(grid: &Grid) -> Option<Grid> {
    stretched(grid, 2)
}

fn draw_blocks(stream: &mut Stream) -> Option<Pair> {
    let times = between(stream, 2..=3);
    let size = sides(stream, 2..=if times == 2 { 5 } else { 3 });
    let palette = [vec![BLACK], colours(stream, 3, &[])].concat();
    let output = picture(stream, size, &palette);
    // a cell unlike both neighbours shows how large a block is
    let shows = output.at((0, 0)) != output.at((0, 1)) && output.at((0, 0)) != output.at((1, 0));
    shows.then(|| pair(&enlarged(&output, times), &output))
}

fn solve_blocks(grid: &Grid) -> Option<Grid> {
    let (rows, columns) = (grid.rows(), grid.columns());
    let side = |times: &usize| rows.is_multiple_of(*times) && columns.is_multiple_of(*times);
    let is_even = |times: &usize| {
        let of = |row: usize, column: usize| grid.at(row / times * times, column / times * times);
        Grid::from_fn(rows, columns, of) == *grid
    };
    let times = (2..=rows.min(columns)).rev().filter(side).find(is_even)?;
    Some(Grid::from_fn(rows / times, columns / times, |row, column| grid.at(row * times, column * times)))
}

fn draw_by_colours(stream: &mut Stream) -> Option<Pair> {
    let times = between(stream, 2..=3);
    let size = sides(stream, 2..=if times == 2 { 5 } else { 4 });
    let palette = [vec![BLACK; 2], colours(stream, times, &[])].concat();
    let input = picture(stream, size, &palette);
    palette.iter().all(|&colour| input.has(colour)).then(|| pair(&input, &enlarged(&input, times)))
}

fn solve_by_colours(grid: &Grid) -> Option<Grid> {
    stretched(grid, colours_of(grid).len())
}

fn draw_corner(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 2..=5);
    let palette = [vec![BLACK], colours(stream, 2, &[])].concat();
    let corner = picture(stream, (rows, columns), &palette);
    let mut input = Scene::black(2 * rows, 2 * columns);
    input.put((0, 0), &corner);
    Some(pair(&input, &enlarged(&corner, 2)))
}

fn solve_corner(grid: &Grid) -> Option<Grid> {
    Some(Grid::from_fn(grid.rows(), grid.columns(), |row, column| grid.at(row / 2, column / 2)))
}

fn draw_taller(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = (between(stream, 6..=10), between(stream, 3..=9));
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let palette = colours(stream, 3, &[]);
    for (i, column) in (stream.below(2)..columns).step_by(2).enumerate() {
        let height = between(stream, 1..=rows / 2);
        for (scene, height) in [(&mut input, height), (&mut output, 2 * height)] {
            scene.paint((rows - height..rows).map(|row| (row, column)), palette[i % palette.len()]);
        }
    }
    Some(pair(&input, &output))
}

fn solve_taller(grid: &Grid) -> Option<Grid> {
    let last = grid.rows() - 1;
    // the cell at half of its height above the floor
    Some(Grid::from_fn(grid.rows(), grid.columns(), |row, column| grid.at(last - (last - row) / 2, column)))
}

fn draw_shrunk(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for colour in colours(stream, 3, &[]).into_iter().take(between(stream, 1..=3)) {
        let (height, width) = sides(stream, 3..=5);
        let (top, left) = input.place(stream, &Shape::rectangle(height, width), colour)?[0];
        output.paint(Shape::rectangle(height - 2, width - 2).at((top + 1, left + 1)), colour);
    }
    Some(pair(&input, &output))
}

fn solve_shrunk(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::black(grid.rows(), grid.columns());
    for colour in colours_of(grid) {
        for rectangle in regions_of(grid, colour) {
            let inner = rectangle.bounds().inner()?;
            let kept = rectangle.cells.iter().copied().filter(|&cell| inner.contain(cell));
            output.paint(kept, colour);
        }
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("scaling-twice-as-large", "12 .3", "1122 1122 ..33 ..33");
        assert_solves("scaling-blocks-become-cells", "1122 1122 ..33 ..33", "12 .3");
        assert_solves("scaling-blocks-become-cells", "111222 111222 111222", "12");
        assert_solves("scaling-by-the-number-of-colours", "12 2.", "1122 1122 22.. 22..");
        assert_solves("scaling-corner-picture-fills-the-grid", "12.. .2.. .... ....", "1122 1122 ..22 ..22");
        assert_solves("scaling-bars-grow-twice-as-tall", "... ... ... 1.. 1.2", "... 1.. 1.. 1.2 1.2");
        assert_solves("scaling-rectangles-lose-their-outer-ring", "3333. 3333. 3333.", "..... .33.. .....");
    }
}
