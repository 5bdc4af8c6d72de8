//! Counting: objects, cells, colours and holes are counted, and the number decides.

use super::chance::{between, coin, colours, pick, sides, some};
use super::colour::{BLACK, BLUE, GREEN, GREY, MAGENTA, RED, YELLOW};
use super::objects::{colours_of, count, enclosed, largest, objects, plain_objects};
use super::rule::Rule;
use super::scene::{Cell, Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "counting-one-cell-for-each-object",
        sentence: "The answer is one row with one cell for each object, in the objects' colour.",
        generate: draw_cell_each,
        verify: solve_cell_each,
    },
    Rule {
        name: "counting-bars-by-colour",
        sentence: "Each colour becomes a bar as long as it has cells, the longest at the top.",
        generate: draw_bars,
        verify: solve_bars,
    },
    Rule {
        name: "counting-colour-with-most-objects",
        sentence: "Only the colour with the most objects stays.",
        generate: draw_most_objects,
        verify: solve_most_objects,
    },
    Rule {
        name: "counting-fullest-row",
        sentence: "The row with the most coloured cells is coloured whole.",
        generate: draw_fullest_row,
        verify: solve_fullest_row,
    },
    Rule {
        name: "counting-colour-by-size",
        sentence: "An object of one cell becomes blue, of two red, of three green, of four yellow.",
        generate: draw_by_size,
        verify: solve_by_size,
    },
    Rule {
        name: "counting-holes",
        sentence: "A shape without a hole becomes blue, with one hole green, with two holes magenta.",
        generate: draw_holes,
        verify: solve_holes,
    },
];

fn draw_cell_each(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 5..=9);
    let mut input = Scene::black(rows, columns);
    let colour = colours(stream, 1, &[])[0];
    let objects = between(stream, 2..=6);
    for _ in 0..objects {
        let size = between(stream, 1..=4);
        let blob = Shape::blob(stream, size);
        input.place(stream, &blob, colour)?;
    }
    (input.count(colour) > objects + 1).then(|| pair(&input, &Scene::filled(1, objects, colour)))
}

fn solve_cell_each(grid: &Grid) -> Option<Grid> {
    let &[colour] = colours_of(grid).as_slice() else { return None };
    let objects = objects(grid).len();
    Grid::new(1, objects, vec![colour; objects]).ok()
}

fn draw_bars(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 4..=7);
    let bars = between(stream, 2..=4);
    let palette = colours(stream, bars, &[]);
    let mut lengths = some(stream, &[1, 2, 3, 4, 5, 6], bars);
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(bars, lengths[0]));
    let total: usize = lengths.iter().sum();
    let cells = input.every_cell();
    let mut cells = some(stream, &cells, total).into_iter();
    for (row, (&length, &colour)) in lengths.iter().zip(&palette).enumerate() {
        input.paint(cells.by_ref().take(length), colour);
        output.paint((0..length).map(|column| (row, column)), colour);
    }
    (2 * total < rows * columns + 4).then(|| pair(&input, &output))
}

fn solve_bars(grid: &Grid) -> Option<Grid> {
    let mut bars: Vec<(usize, u8)> = colours_of(grid).into_iter().map(|colour| (count(grid, colour), colour)).collect();
    bars.sort_unstable();
    bars.reverse();
    let longest = bars.first()?.0;
    let bar = |&(length, colour): &(usize, u8)| [vec![colour; length], vec![BLACK; longest - length]].concat();
    Grid::new(bars.len(), longest, bars.iter().flat_map(bar).collect()).ok()
}

fn draw_most_objects(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let size = between(stream, 1..=4);
    // objects of one size, so that the colour with the most objects is the one with the most cells too
    let palette = colours(stream, 3, &[]);
    for (&colour, objects) in
        palette.iter().zip([between(stream, 4..=5), between(stream, 1..=2), between(stream, 2..=3)])
    {
        for _ in 0..objects {
            let blob = Shape::blob(stream, size);
            let cells = input.place(stream, &blob, colour)?;
            output.paint(cells, if colour == palette[0] { colour } else { BLACK });
        }
    }
    Some(pair(&input, &output))
}

fn solve_most_objects(grid: &Grid) -> Option<Grid> {
    let objects = plain_objects(grid);
    let objects_of = |&colour: &u8| objects.iter().filter(|object| object.colour(grid) == colour).count();
    let most = largest(colours_of(grid), objects_of)?;
    Some(grid.map(|colour| if colour == most { colour } else { BLACK }))
}

fn draw_fullest_row(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 4..=8);
    let colour = colours(stream, 1, &[])[0];
    let mut input = Scene::black(rows, columns);
    let fullest = stream.below(rows);
    let most = between(stream, 3..=columns - 1);
    for row in 0..rows {
        let cells = if row == fullest { most } else { between(stream, 0..=most - 2) };
        let every: Vec<Cell> = (0..columns).map(|column| (row, column)).collect();
        input.paint(some(stream, &every, cells), colour);
    }
    let mut output = input.clone();
    output.paint((0..columns).map(|column| (fullest, column)), colour);
    (input.count(colour) > most + 2).then(|| pair(&input, &output))
}

fn solve_fullest_row(grid: &Grid) -> Option<Grid> {
    let &[colour] = colours_of(grid).as_slice() else { return None };
    let in_row = |&row: &usize| (0..grid.columns()).filter(|&column| grid.at(row, column) == colour).count();
    let fullest = largest(0..grid.rows(), in_row)?;
    let of = |row, column| if row == fullest { colour } else { grid.at(row, column) };
    Some(Grid::from_fn(grid.rows(), grid.columns(), of))
}

/// The colours of objects of one, two, three and four cells.
const BY_SIZE: [u8; 4] = [BLUE, RED, GREEN, YELLOW];

fn draw_by_size(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 5..=9);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for _ in 0..between(stream, 3..=5) {
        let size = between(stream, 1..=4);
        let blob = Shape::blob(stream, size);
        let cells = input.place(stream, &blob, GREY)?;
        output.paint(cells, BY_SIZE[size - 1]);
    }
    Some(pair(&input, &output))
}

fn solve_by_size(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for object in objects(grid) {
        let colour = *BY_SIZE.get(object.size() - 1)?;
        output.paint(object.cells, colour);
    }
    Some(output.grid())
}

/// A shape with so many holes.
fn with_holes(stream: &mut Stream, holes: usize) -> Shape {
    let (rows, columns) = match holes {
        0 => (between(stream, 1..=3), between(stream, 2..=4)),
        1 => (3, between(stream, 3..=4)),
        _ => (3, 5),
    };
    let solid = match holes {
        0 => Shape::rectangle(rows, columns),
        _ => Shape::outline(rows, columns),
    };
    let bridged = if holes == 2 { Shape::of(solid.at((0, 0)).into_iter().chain([(1, 2)])) } else { solid };
    if coin(stream) { bridged.transposed() } else { bridged }
}

fn draw_holes(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for _ in 0..between(stream, 2..=4) {
        let holes = pick(stream, &[0, 1, 2]);
        let shape = with_holes(stream, holes);
        let cells = input.place(stream, &shape, GREY)?;
        output.paint(cells, [BLUE, GREEN, MAGENTA][holes]);
    }
    Some(pair(&input, &output))
}

fn solve_holes(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for object in objects(grid) {
        let bounds = object.bounds();
        let holes = enclosed(grid).into_iter().filter(|hole| bounds.contain(hole.cells[0])).count();
        output.paint(object.cells, *[BLUE, GREEN, MAGENTA].get(holes)?);
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("counting-one-cell-for-each-object", "7.77 .... 7... 77.7", "7777");
        assert_solves("counting-bars-by-colour", "1.2 31. 121", "1111 22.. 3...");
        assert_solves("counting-colour-with-most-objects", "1.222 ..222 1....", "1.... ..... 1....");
        assert_solves("counting-fullest-row", "4... .44. .4..", "4... 4444 .4..");
        assert_solves("counting-colour-by-size", "55.5 ..5. 5.5. 5.55", "22.1 ..4. 2.4. 2.44");
        assert_solves("counting-holes", "555.55 5.5.55 555...", "333.11 3.3.11 333...");
        assert_solves("counting-holes", "55555 5.5.5 55555", "66666 6.6.6 66666");
    }
}
