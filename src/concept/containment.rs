//! Containment: inside and outside of boxes, and what a box holds.

use super::chance::{between, coin, colours, pick, sides, some};
use super::colour::{BLACK, GREY, RED, SKY, YELLOW};
use super::objects::{Object, cells_of, enclosed, largest, plain_objects, regions_of};
use super::rule::Rule;
use super::scene::{Cell, Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "containment-closed-boxes-are-filled",
        sentence: "Boxes without a gap are filled with yellow; those with a gap stay empty.",
        generate: draw_closed,
        verify: solve_closed,
    },
    Rule {
        name: "containment-outside-is-flooded",
        sentence: "All black that can be reached from the grid's edge becomes sky blue.",
        generate: draw_flood,
        verify: solve_flood,
    },
    Rule {
        name: "containment-box-and-content-trade-colours",
        sentence: "Every box and the cell that it holds trade colours.",
        generate: draw_content,
        verify: solve_content,
    },
    Rule {
        name: "containment-only-what-is-inside-stays",
        sentence: "Loose cells inside the box stay, those outside vanish.",
        generate: draw_inside,
        verify: solve_inside,
    },
    Rule {
        name: "containment-fullest-box",
        sentence: "The box that holds the most cells becomes red.",
        generate: draw_fullest,
        verify: solve_fullest,
    },
    Rule {
        name: "containment-inner-cells-take-the-box-colour",
        sentence: "Grey cells inside a box take its colour; those outside stay grey.",
        generate: draw_prisoners,
        verify: solve_prisoners,
    },
];

/// The cells inside an outline that begins at its first cell.
fn inside(outline: &[Cell], shape: &Shape) -> Vec<Cell> {
    let (top, left) = outline[0];
    Shape::rectangle(shape.rows - 2, shape.columns - 2).at((top + 1, left + 1))
}

fn draw_closed(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for is_closed in [true, false, coin(stream)] {
        let colour = colours(stream, 1, &[YELLOW])[0];
        let (height, width) = sides(stream, 3..=4);
        let shape = Shape::outline(height, width);
        let wall = input.place(stream, &shape, colour)?;
        output.paint(wall.iter().copied(), colour);
        if is_closed {
            output.paint(inside(&wall, &shape), YELLOW);
        } else {
            let (top, left) = wall[0];
            let gap = pick(
                stream,
                &[(top, left + 1), (top + height - 1, left + 1), (top + 1, left), (top + 1, left + width - 1)],
            );
            input.paint([gap], BLACK);
            output.paint([gap], BLACK);
        }
    }
    Some(pair(&input, &output))
}

fn solve_closed(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    output.paint(enclosed(grid).into_iter().flat_map(|hole| hole.cells), YELLOW);
    Some(output.grid())
}

/// The wall around a blob, corners too, and the blob's cells.
fn walled(stream: &mut Stream) -> (Shape, Vec<Cell>) {
    let size = between(stream, 1..=5);
    let blob = Shape::blob(stream, size);
    let held = blob.at((1, 1));
    let around = held.iter().flat_map(|&(row, column)| Shape::rectangle(3, 3).at((row - 1, column - 1)));
    (Shape::of(around.filter(|cell| !held.contains(cell))), held)
}

fn draw_flood(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::filled(rows, columns, SKY));
    for _ in 0..between(stream, 1..=2) {
        let colour = colours(stream, 1, &[SKY])[0];
        let (wall, held) = walled(stream);
        let cells = input.place(stream, &wall, colour)?;
        let (top, left) = (cells.iter().map(|cell| cell.0).min()?, cells.iter().map(|cell| cell.1).min()?);
        output.paint(cells, colour);
        output.paint(held.into_iter().map(|(row, column)| (top + row, left + column)), BLACK);
    }
    Some(pair(&input, &output))
}

fn solve_flood(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    let outside = regions_of(grid, BLACK).into_iter().filter(|region| region.touches_edge(grid));
    output.paint(outside.flat_map(|region| region.cells), SKY);
    Some(output.grid())
}

fn draw_content(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let palette = colours(stream, 4, &[]);
    for _ in 0..between(stream, 2..=3) {
        let [outer, inner] = some(stream, &palette, 2).try_into().expect("two were asked for");
        let (height, width) = sides(stream, 3..=5);
        let shape = Shape::outline(height, width);
        let wall = input.place(stream, &shape, outer)?;
        let held = pick(stream, &inside(&wall, &shape));
        input.paint([held], inner);
        output.paint(wall, inner);
        output.paint([held], outer);
    }
    Some(pair(&input, &output))
}

fn solve_content(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    let (walls, dots): (Vec<Object>, Vec<Object>) =
        plain_objects(grid).into_iter().partition(|object| object.size() > 1);
    for wall in walls {
        let bounds = wall.bounds();
        let held = dots.iter().find(|dot| bounds.contain(dot.cells[0]))?;
        output.paint(held.cells.iter().copied(), wall.colour(grid));
        output.paint(wall.cells.iter().copied(), held.colour(grid));
    }
    Some(output.grid())
}

fn draw_inside(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (height, width) = (between(stream, 4..=rows - 2), between(stream, 4..=columns - 2));
    let [frame, first, second] = colours(stream, 3, &[]).try_into().expect("three were asked for");
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let shape = Shape::outline(height, width);
    let wall = input.place(stream, &shape, frame)?;
    output.paint(wall.iter().copied(), frame);
    let held = inside(&wall, &shape);
    let free: Vec<Cell> = input.every_cell().into_iter().filter(|cell| !wall.contains(cell)).collect();
    let loose = between(stream, 5..=9);
    let loose = some(stream, &free, loose);
    for &cell in &loose {
        let colour = pick(stream, &[first, second]);
        input.paint([cell], colour);
        output.paint(held.contains(&cell).then_some(cell), colour);
    }
    let stay = loose.iter().filter(|cell| held.contains(cell)).count();
    (stay >= 2 && stay + 2 <= loose.len()).then(|| pair(&input, &output))
}

fn solve_inside(grid: &Grid) -> Option<Grid> {
    let frame = largest(plain_objects(grid), |object| object.size())?;
    let within = frame.bounds();
    let of = |row, column| if within.contain((row, column)) { grid.at(row, column) } else { BLACK };
    Some(Grid::from_fn(grid.rows(), grid.columns(), of))
}

fn draw_fullest(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 8..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    // boxes of one size, so that the number of cells alone decides
    let shape = Shape::outline(4, between(stream, 4..=5));
    let colour = colours(stream, 1, &[GREY, RED])[0];
    let most = between(stream, 3..=4);
    let mut counts = vec![most, between(stream, 1..=most - 1)];
    counts.extend(coin(stream).then(|| between(stream, 0..=most - 1)));
    for (i, count) in counts.into_iter().enumerate() {
        let wall = input.place(stream, &shape, GREY)?;
        let held = some(stream, &inside(&wall, &shape), count);
        input.paint(held.iter().copied(), colour);
        output.paint(wall, if i == 0 { RED } else { GREY });
        output.paint(held, colour);
    }
    Some(pair(&input, &output))
}

fn solve_fullest(grid: &Grid) -> Option<Grid> {
    let held = |wall: &Object| {
        let inside = wall.bounds().crop(grid);
        inside.cells().iter().filter(|&&colour| colour != BLACK && colour != GREY).count()
    };
    let mut output = Scene::of(grid);
    output.paint(largest(regions_of(grid, GREY), held)?.cells, RED);
    Some(output.grid())
}

fn draw_prisoners(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for colour in colours(stream, 2, &[GREY]) {
        let (height, width) = sides(stream, 3..=5);
        let shape = Shape::outline(height, width);
        let wall = input.place(stream, &shape, colour)?;
        output.paint(wall.iter().copied(), colour);
        let prisoners = between(stream, 1..=2);
        let held = some(stream, &inside(&wall, &shape), prisoners);
        input.paint(held.iter().copied(), GREY);
        output.paint(held, colour);
    }
    for _ in 0..between(stream, 2..=4) {
        // outside: the cells inside are taken or touch a wall, and this one touches nothing
        let free = input.place(stream, &Shape::dot(), GREY)?;
        output.paint(free, GREY);
    }
    Some(pair(&input, &output))
}

fn solve_prisoners(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for wall in plain_objects(grid).iter().filter(|object| object.colour(grid) != GREY) {
        let bounds = wall.bounds();
        let held = cells_of(grid, GREY).into_iter().filter(|&cell| bounds.contain(cell));
        output.paint(held, wall.colour(grid));
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("containment-closed-boxes-are-filled", "111.3.3 1.1.3.3 111.333", "111.3.3 141.3.3 111.333");
        assert_solves("containment-outside-is-flooded", "111. 1.1. 111. ...3", "1118 1.18 1118 8883");
        assert_solves("containment-box-and-content-trade-colours", "5555 5.35 5555", "3333 3.53 3333");
        assert_solves("containment-only-what-is-inside-stays", "3.... .2222 32.42 .2222", "..... .2222 .2.42 .2222");
        assert_solves("containment-fullest-box", "555.555 5.5.545 555.555", "555.222 5.5.242 555.222");
        assert_solves("containment-inner-cells-take-the-box-colour", "333.. 353.5 333..", "333.. 333.5 333..");
    }
}
