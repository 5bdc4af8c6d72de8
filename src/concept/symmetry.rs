//! Symmetry: pictures that are mirrored or turned, completed by their mirror image, or told apart by it.

use super::chance::{between, coin, colours, picture, sides};
use super::colour::{BLACK, GREY, RED, SKY};
use super::objects::{cells_of, objects};
use super::rule::Rule;
use super::scene::{Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "symmetry-mirrored-left-to-right",
        sentence: "The picture is mirrored: left becomes right.",
        generate: draw_mirrored,
        verify: solve_mirrored,
    },
    Rule {
        name: "symmetry-turned-clockwise",
        sentence: "The picture is turned by a quarter, as the clock goes.",
        generate: draw_turned,
        verify: solve_turned,
    },
    Rule {
        name: "symmetry-mirror-line",
        sentence: "The grey line is a mirror: what stands on one side of it appears on the other.",
        generate: draw_mirror_line,
        verify: solve_mirror_line,
    },
    Rule {
        name: "symmetry-covered-patch",
        sentence: "The picture is its own mirror image both ways; the black patch gets back what it covers.",
        generate: draw_patch,
        verify: solve_patch,
    },
    Rule {
        name: "symmetry-four-mirror-images",
        sentence: "The picture is mirrored to the right, and both together are mirrored downwards.",
        generate: draw_four,
        verify: solve_four,
    },
    Rule {
        name: "symmetry-own-mirror-image",
        sentence: "Shapes that are the same when left and right are changed become red; the others stay.",
        generate: draw_own_image,
        verify: solve_own_image,
    },
];

/// A picture of three colours and black.
fn small_picture(stream: &mut Stream, size: (usize, usize)) -> Scene {
    let palette = [vec![BLACK; 2], colours(stream, 3, &[])].concat();
    picture(stream, size, &palette)
}

fn draw_mirrored(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 3..=6);
    let input = small_picture(stream, size);
    let mut output = input.clone();
    for (row, column) in input.every_cell() {
        output.paint([(row, input.columns - 1 - column)], input.at((row, column)));
    }
    Some(pair(&input, &output))
}

fn solve_mirrored(grid: &Grid) -> Option<Grid> {
    let cells = grid.iter_rows().flat_map(|row| row.iter().rev().copied()).collect();
    Grid::new(grid.rows(), grid.columns(), cells).ok()
}

fn draw_turned(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 2..=6);
    let input = small_picture(stream, size);
    (size.0 != size.1).then(|| pair(&input, &input.turned()))
}

fn solve_turned(grid: &Grid) -> Option<Grid> {
    Some(Grid::from_fn(grid.columns(), grid.rows(), |row, column| grid.at(grid.rows() - 1 - column, row)))
}

fn draw_mirror_line(stream: &mut Stream) -> Option<Pair> {
    let (rows, half) = (between(stream, 3..=8), between(stream, 2..=5));
    let (mut input, mut output) = (Scene::black(rows, 2 * half + 1), Scene::black(rows, 2 * half + 1));
    for scene in [&mut input, &mut output] {
        scene.paint((0..rows).map(|row| (row, half)), GREY);
    }
    let palette = [vec![BLACK; 3], colours(stream, 2, &[GREY])].concat();
    let side = picture(stream, (rows, half), &palette);
    let is_right = coin(stream);
    for (row, column) in side.every_cell() {
        let places = [(row, half - 1 - column), (row, half + 1 + column)];
        input.paint([places[usize::from(is_right)]], side.at((row, column)));
        output.paint(places, side.at((row, column)));
    }
    (side.count(BLACK) + 3 <= rows * half).then(|| pair(&input, &output))
}

fn solve_mirror_line(grid: &Grid) -> Option<Grid> {
    let line = (0..grid.columns()).find(|&column| (0..grid.rows()).all(|row| grid.at(row, column) == GREY))?;
    if 2 * line + 1 != grid.columns() {
        return None;
    }
    let of = |row, column: usize| match grid.at(row, column) {
        BLACK => grid.at(row, 2 * line - column),
        colour => colour,
    };
    Some(Grid::from_fn(grid.rows(), grid.columns(), of))
}

fn draw_patch(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 3..=5);
    let palette = colours(stream, 3, &[]);
    let output = unfolded(&picture(stream, (rows, columns), &palette));
    let mut input = output.clone();
    let patch = Shape::rectangle(between(stream, 2..=3), between(stream, 2..=3));
    // inside one quarter, so that the other three show what it covers
    let top = between(stream, 0..=rows - patch.rows) + if coin(stream) { rows } else { 0 };
    let left = between(stream, 0..=columns - patch.columns) + if coin(stream) { columns } else { 0 };
    input.paint(patch.at((top, left)), BLACK);
    Some(pair(&input, &output))
}

fn solve_patch(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for (row, column) in cells_of(grid, BLACK) {
        let (other_row, other_column) = (grid.rows() - 1 - row, grid.columns() - 1 - column);
        let images = [grid.at(row, other_column), grid.at(other_row, column), grid.at(other_row, other_column)];
        output.paint([(row, column)], images.into_iter().find(|&colour| colour != BLACK)?);
    }
    Some(output.grid())
}

/// A scene with its mirror images to the right, below, and to the right of that.
fn unfolded(quarter: &Scene) -> Scene {
    let (rows, columns) = (quarter.rows, quarter.columns);
    let mut whole = Scene::black(2 * rows, 2 * columns);
    for (row, column) in quarter.every_cell() {
        let (down, right) = (2 * rows - 1 - row, 2 * columns - 1 - column);
        let images = [(row, column), (row, right), (down, column), (down, right)];
        whole.paint(images, quarter.at((row, column)));
    }
    whole
}

fn draw_four(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 2..=4);
    let input = small_picture(stream, size);
    (2 * input.count(BLACK) <= size.0 * size.1).then(|| pair(&input, &unfolded(&input)))
}

fn solve_four(grid: &Grid) -> Option<Grid> {
    let row_of = |row: &[u8]| row.iter().chain(row.iter().rev()).copied().collect::<Vec<u8>>();
    let upper: Vec<Vec<u8>> = grid.iter_rows().map(row_of).collect();
    let cells = upper.iter().chain(upper.iter().rev()).flatten().copied().collect();
    Grid::new(2 * grid.rows(), 2 * grid.columns(), cells).ok()
}

/// A shape that is its own mirror image: a blob pushed against its reflection.
fn own_image(stream: &mut Stream) -> Shape {
    let size = between(stream, 2..=3);
    let half = Shape::blob(stream, size);
    let right = half.mirrored().at((0, half.columns)).into_iter();
    // in odd widths the two share a column
    let shared = usize::from(coin(stream) && half.columns > 1);
    Shape::of(half.at((0, 0)).into_iter().chain(right.map(|(row, column)| (row, column - shared))))
}

fn draw_own_image(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for is_own_image in [true, false, coin(stream)] {
        let size = between(stream, 4..=5);
        let shape = if is_own_image { own_image(stream) } else { Shape::blob(stream, size) };
        // a shape with another symmetry would leave it open which of them is meant
        let is_clear = shape.columns > 1 && if is_own_image { shape == shape.mirrored() } else { shape.is_lopsided() };
        let cells = input.place(stream, &shape, SKY).filter(|_| is_clear)?;
        output.paint(cells, if is_own_image { RED } else { SKY });
    }
    Some(pair(&input, &output))
}

fn solve_own_image(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for object in objects(grid) {
        let shape = object.bounds().crop(grid);
        if solve_mirrored(&shape)? == shape {
            output.paint(object.cells, RED);
        }
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("symmetry-mirrored-left-to-right", "12. 3..", ".21 ..3");
        assert_solves("symmetry-turned-clockwise", "12. 3..", "31 .2 ..");
        assert_solves("symmetry-mirror-line", "1.5.. .25..", "1.5.1 .252.");
        assert_solves("symmetry-mirror-line", "..5.1 ..52.", "1.5.1 .252.");
        assert_solves("symmetry-covered-patch", "..21 4334 ..34 1221", "1221 4334 4334 1221");
        assert_solves("symmetry-four-mirror-images", "12 3.", "1221 3..3 3..3 1221");
        assert_solves("symmetry-own-mirror-image", "8.8.8. 888.8. ....88", "2.2.8. 222.8. ....88");
    }
}
