//! Gravity: what is loose moves one way until something stops it.

use super::chance::{between, coin, colours, pick, sides};
use super::colour::{BLACK, BLUE, GREY, RED};
use super::objects::{Bounds, cells_of, objects};
use super::rule::Rule;
use super::scene::{Cell, Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "gravity-falls-to-the-floor",
        sentence: "Every coloured cell falls as far as it can.",
        generate: draw_sand,
        verify: solve_sand,
    },
    Rule {
        name: "gravity-objects-fall-whole",
        sentence: "Every object falls to the floor and keeps its shape.",
        generate: draw_whole,
        verify: solve_whole,
    },
    Rule {
        name: "gravity-slides-to-the-wall",
        sentence: "Every coloured cell slides towards the grey wall, on whichever side it stands.",
        generate: draw_wall,
        verify: solve_wall,
    },
    Rule {
        name: "gravity-blue-rises-and-red-falls",
        sentence: "Blue cells rise to the top, red cells fall to the floor.",
        generate: draw_two_ways,
        verify: solve_two_ways,
    },
    Rule {
        name: "gravity-lands-on-shelves",
        sentence: "Coloured cells fall until the floor, a grey shelf or another cell stops them; shelves stay.",
        generate: draw_shelves,
        verify: solve_shelves,
    },
    Rule {
        name: "gravity-pulled-to-the-block",
        sentence: "Every loose cell moves straight to the grey block until it touches it.",
        generate: draw_pulled,
        verify: solve_pulled,
    },
];

/// Cells of a palette in a column of `height`: how they lie on its floor, from the top down, and how they hung before.
fn column(stream: &mut Stream, height: usize, most: usize, palette: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let lying: Vec<u8> = (0..between(stream, 0..=most.min(height))).map(|_| pick(stream, palette)).collect();
    let mut hanging = lying.clone();
    while hanging.len() < height {
        hanging.insert(stream.below(hanging.len() + 1), BLACK);
    }
    ([vec![BLACK; height - lying.len()], lying].concat(), hanging)
}

fn down(colours: &[u8], column: usize, top: usize) -> impl Iterator<Item = (Cell, u8)> + '_ {
    colours.iter().enumerate().map(move |(row, &colour)| ((top + row, column), colour))
}

fn paint_each(scene: &mut Scene, cells: impl Iterator<Item = (Cell, u8)>) {
    for (cell, colour) in cells {
        scene.paint([cell], colour);
    }
}

/// A scene of sand that hangs, and the same when it has fallen.
fn sand(stream: &mut Stream, (rows, columns): (usize, usize), palette: &[u8]) -> (Scene, Scene) {
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for place in 0..columns {
        let (lying, hanging) = column(stream, rows, rows / 2, palette);
        paint_each(&mut input, down(&hanging, place, 0));
        paint_each(&mut output, down(&lying, place, 0));
    }
    (input, output)
}

fn draw_sand(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 3..=8);
    let palette = colours(stream, 3, &[GREY]);
    let (input, output) = sand(stream, size, &palette);
    Some(pair(&input, &output))
}

fn solve_sand(grid: &Grid) -> Option<Grid> {
    let fallen = |row: usize, column: usize| {
        // the cell that so many others of its column lie below
        let mut from_below = (0..grid.rows()).rev().map(|row| grid.at(row, column)).filter(|&colour| colour != BLACK);
        from_below.nth(grid.rows() - 1 - row).unwrap_or(BLACK)
    };
    Some(Grid::from_fn(grid.rows(), grid.columns(), fallen))
}

fn draw_whole(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = (between(stream, 6..=9), between(stream, 5..=10));
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let mut left = between(stream, 0..=1);
    for colour in colours(stream, 3, &[]) {
        let size = between(stream, 3..=6);
        let shape = Shape::blob(stream, size);
        if left + shape.columns > columns {
            break;
        }
        input.paint(shape.at((between(stream, 0..=rows - shape.rows), left)), colour);
        output.paint(shape.at((rows - shape.rows, left)), colour);
        // a column apart, so that none falls on another
        left += shape.columns + between(stream, 1..=2);
    }
    Some(pair(&input, &output))
}

fn solve_whole(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::black(grid.rows(), grid.columns());
    for object in objects(grid) {
        let drop = grid.rows() - 1 - object.bounds().bottom;
        output.paint(object.cells.iter().map(|&(row, column)| (row + drop, column)), object.colour(grid));
    }
    Some(output.grid())
}

fn draw_wall(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 4..=7);
    let palette = colours(stream, 2, &[GREY]);
    let (hanging, lying) = sand(stream, (rows, columns), &palette);
    let turns = stream.below(4);
    let [input, output] = [hanging, lying].map(|sand| {
        let mut scene = Scene::filled(rows + 1, columns, GREY);
        scene.put((0, 0), &sand);
        (0..turns).fold(scene, |scene, _| scene.turned())
    });
    Some(pair(&input, &output))
}

fn solve_wall(grid: &Grid) -> Option<Grid> {
    let (rows, columns) = (grid.rows(), grid.columns());
    // every line of cells that begins at a wall and leads away from it
    let across = |reverse: bool| (0..rows).map(|row| line(columns, reverse, |column| (row, column))).collect();
    let upright = |reverse: bool| (0..columns).map(|column| line(rows, reverse, |row| (row, column))).collect();
    let ways: [Vec<Vec<Cell>>; 4] = [across(false), across(true), upright(false), upright(true)];
    let begins_grey = |lines: &&Vec<Vec<Cell>>| lines.iter().all(|line| grid.at(line[0].0, line[0].1) == GREY);
    let mut output = Scene::black(rows, columns);
    for line in ways.iter().find(begins_grey)? {
        let colours = line.iter().map(|&(row, column)| grid.at(row, column)).filter(|&colour| colour != BLACK);
        paint_each(&mut output, line.iter().copied().zip(colours));
    }
    Some(output.grid())
}

fn line(length: usize, reverse: bool, cell: impl Fn(usize) -> Cell) -> Vec<Cell> {
    (0..length).map(|i| cell(if reverse { length - 1 - i } else { i })).collect()
}

fn draw_two_ways(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 4..=8);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for place in 0..columns {
        let blues = between(stream, 0..=2);
        let reds = between(stream, 0..=2.min(rows - 1 - blues));
        let black = rows - blues - reds;
        let mut hanging = [vec![BLUE; blues], vec![RED; reds], vec![BLACK; black]].concat();
        stream.shuffle(&mut hanging);
        paint_each(&mut input, down(&hanging, place, 0));
        output.paint((0..blues).map(|row| (row, place)), BLUE);
        output.paint((rows - reds..rows).map(|row| (row, place)), RED);
    }
    (input.has(BLUE) && input.has(RED)).then(|| pair(&input, &output))
}

fn solve_two_ways(grid: &Grid) -> Option<Grid> {
    // blue before black before red, column by column
    let weight = |colour: u8| [BLUE, BLACK, RED].iter().position(|&known| known == colour);
    let mut columns: Vec<Vec<usize>> = (0..grid.columns())
        .map(|column| (0..grid.rows()).map(|row| weight(grid.at(row, column))).collect())
        .collect::<Option<_>>()?;
    columns.iter_mut().for_each(|column| column.sort_unstable());
    Some(Grid::from_fn(grid.rows(), grid.columns(), |row, column| [BLUE, BLACK, RED][columns[column][row]]))
}

fn draw_shelves(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=9);
    let mut shelves = Scene::black(rows, columns);
    for _ in 0..between(stream, 1..=3) {
        let shelf = Shape::rectangle(1, between(stream, 2..=4));
        shelves.place(stream, &shelf, GREY)?;
    }
    let palette = colours(stream, 2, &[GREY]);
    let (mut input, mut output) = (shelves.clone(), shelves.clone());
    for place in 0..columns {
        let is_shelf = |row: &usize| shelves.at((*row, place)) == GREY;
        let mut top = 0;
        for floor in (0..rows).filter(is_shelf).chain([rows]) {
            let most = (floor - top).div_ceil(3).min(2);
            let (lying, hanging) = column(stream, floor - top, most, &palette);
            paint_each(&mut input, down(&hanging, place, top));
            paint_each(&mut output, down(&lying, place, top));
            top = floor + 1;
        }
    }
    Some(pair(&input, &output))
}

fn solve_shelves(grid: &Grid) -> Option<Grid> {
    if cells_of(grid, GREY).is_empty() {
        return None;
    }
    let mut output = Scene::of(grid);
    // from the lowest row up, each cell by single steps
    for (row, column) in output.every_cell().into_iter().rev() {
        let colour = output.at((row, column));
        if colour == BLACK || colour == GREY {
            continue;
        }
        let stop = (row + 1..grid.rows()).find(|&below| output.at((below, column)) != BLACK).unwrap_or(grid.rows());
        output.paint([(row, column)], BLACK);
        output.paint([(stop - 1, column)], colour);
    }
    Some(output.grid())
}

fn draw_pulled(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 7..=11);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let (height, width) = sides(stream, 2..=3);
    let (top, left) = (between(stream, 2..=rows - height - 2), between(stream, 2..=columns - width - 2));
    let palette = colours(stream, 2, &[GREY]);
    let mut draw = |away: Cell, touching: Cell, stream: &mut Stream| {
        if coin(stream) {
            let colour = pick(stream, &palette);
            input.paint([away], colour);
            output.paint([touching], colour);
        }
    };
    for row in top..top + height {
        draw((row, stream.below(left)), (row, left - 1), stream);
        draw((row, between(stream, left + width..=columns - 1)), (row, left + width), stream);
    }
    for column in left..left + width {
        draw((stream.below(top), column), (top - 1, column), stream);
        draw((between(stream, top + height..=rows - 1), column), (top + height, column), stream);
    }
    for scene in [&mut input, &mut output] {
        scene.paint(Shape::rectangle(height, width).at((top, left)), GREY);
    }
    Some(pair(&input, &output))
}

fn solve_pulled(grid: &Grid) -> Option<Grid> {
    let block = Bounds::of(&cells_of(grid, GREY))?;
    let mut output = Scene::black(grid.rows(), grid.columns());
    for cell in output.every_cell() {
        let (row, column) = cell;
        let colour = grid.at(row, column);
        // the nearest cell of the block, and the last one before it
        let near = (row.clamp(block.top, block.bottom), column.clamp(block.left, block.right));
        let before = |from: usize, to: usize| {
            if from < to {
                to - 1
            } else if from > to {
                to + 1
            } else {
                to
            }
        };
        let stop = if colour == GREY { cell } else { (before(row, near.0), before(column, near.1)) };
        if colour != BLACK {
            output.paint([stop], colour);
        }
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("gravity-falls-to-the-floor", "12. .3. 1..", "... 12. 13.");
        assert_solves("gravity-objects-fall-whole", "11.. 1... ...2 ....", ".... .... 11.. 1..2");
        assert_solves("gravity-slides-to-the-wall", "5.12 5... 53.4", "512. 5... 534.");
        assert_solves("gravity-slides-to-the-wall", "1.2 .34 555", "..2 134 555");
        assert_solves("gravity-blue-rises-and-red-falls", "2.. .1. 12.", "11. ... 22.");
        assert_solves("gravity-lands-on-shelves", "1.2 ... 55. ... .3.", "... 1.. 55. ... .32");
        assert_solves("gravity-pulled-to-the-block", "..4.. ..... 3.55. ..55. ...7.", "..... ..4.. .355. ..55. ...7.");
    }
}
