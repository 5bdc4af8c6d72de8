//! Lines: drawn from cell to cell, to the edge, around corners, and on and on.

use super::chance::{between, coin, colours, pick, sides, some};
use super::colour::{BLACK, BLUE, GREY, RED, YELLOW};
use super::objects::{Bounds, cells_of, colours_of, every_cell};
use super::rule::Rule;
use super::scene::{Cell, Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "lines-join-equal-colours",
        sentence: "A straight line joins two cells of one colour.",
        generate: draw_joined,
        verify: solve_joined,
    },
    Rule {
        name: "lines-blue-across-red-down",
        sentence: "A blue cell colours its row, a red cell its column; where they cross it becomes yellow.",
        generate: draw_crossing,
        verify: solve_crossing,
    },
    Rule {
        name: "lines-diagonal-that-bounces",
        sentence: "The diagonal goes on upwards and bounces off the sides.",
        generate: draw_bouncing,
        verify: solve_bouncing,
    },
    Rule {
        name: "lines-turn-at-stones",
        sentence: "A line goes right from the coloured cell; at a grey stone it turns down, at the next one right again, until it leaves.",
        generate: draw_turning,
        verify: solve_turning,
    },
    Rule {
        name: "lines-pattern-goes-on",
        sentence: "The pattern that a row begins with goes on to its end.",
        generate: draw_pattern,
        verify: solve_pattern,
    },
    Rule {
        name: "lines-rectangle-from-corners",
        sentence: "Two cells of one colour are opposite corners of a rectangle, whose outline is drawn.",
        generate: draw_corners,
        verify: solve_corners,
    },
];

fn draw_joined(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 5..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for colour in colours(stream, 4, &[]).into_iter().take(between(stream, 2..=4)) {
        let bar = Shape::rectangle(1, between(stream, 3..=6));
        let bar = if coin(stream) { bar } else { bar.transposed() };
        let line = output.place(stream, &bar, colour)?;
        input.paint([line[0], line[line.len() - 1]], colour);
    }
    Some(pair(&input, &output))
}

fn solve_joined(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for colour in colours_of(grid) {
        let &[from, to] = cells_of(grid, colour).as_slice() else { return None };
        if from.0 != to.0 && from.1 != to.1 {
            return None;
        }
        let between = Bounds::of(&[from, to])?;
        output.paint(every_cell(grid).filter(|&cell| between.contain(cell)), colour);
    }
    Some(output.grid())
}

fn draw_crossing(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 5..=10);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let (blues, reds) = sides(stream, 1..=2);
    let places = some(stream, &(0..rows).collect::<Vec<_>>(), blues + reds);
    let places: Vec<Cell> =
        places.into_iter().zip(some(stream, &(0..columns).collect::<Vec<_>>(), blues + reds)).collect();
    let (blue, red) = places.split_at(blues);
    output.paint(blue.iter().flat_map(|&(row, _)| (0..columns).map(move |column| (row, column))), BLUE);
    output.paint(red.iter().flat_map(|&(_, column)| (0..rows).map(move |row| (row, column))), RED);
    output.paint(blue.iter().flat_map(|&(row, _)| red.iter().map(move |&(_, column)| (row, column))), YELLOW);
    input.paint(blue.iter().copied(), BLUE);
    input.paint(red.iter().copied(), RED);
    Some(pair(&input, &output))
}

fn solve_crossing(grid: &Grid) -> Option<Grid> {
    let of = |row: usize, column: usize| {
        let is_across = (0..grid.columns()).any(|column| grid.at(row, column) == BLUE);
        let is_down = (0..grid.rows()).any(|row| grid.at(row, column) == RED);
        match (is_across, is_down) {
            (true, true) => YELLOW,
            (true, false) => BLUE,
            (false, true) => RED,
            (false, false) => grid.at(row, column),
        }
    };
    Some(Grid::from_fn(grid.rows(), grid.columns(), of))
}

fn draw_bouncing(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = (between(stream, 6..=11), between(stream, 3..=6));
    let colour = colours(stream, 1, &[])[0];
    // the place on a way to the right edge and back, cut out anywhere
    let way = 2 * (columns - 1);
    let start = stream.below(way);
    let column = |up: usize| {
        let place = (start + up) % way;
        place.min(way - place)
    };
    let path: Vec<Cell> = (0..rows).map(|up| (rows - 1 - up, column(up))).collect();
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    // a beginning that shows the way, and not a bounce yet
    input.paint(path[..2].iter().copied(), colour);
    output.paint(path, colour);
    Some(pair(&input, &output))
}

fn solve_bouncing(grid: &Grid) -> Option<Grid> {
    let &[colour] = colours_of(grid).as_slice() else { return None };
    let &[mut now, mut before] = cells_of(grid, colour).as_slice() else { return None };
    let mut output = Scene::of(grid);
    while now.0 > 0 {
        let onward = 2 * now.1 as isize - before.1 as isize;
        let is_inside = (0..grid.columns() as isize).contains(&onward);
        let column = if is_inside { onward as usize } else { before.1 };
        (before, now) = (now, (now.0 - 1, column));
        output.paint([now], colour);
    }
    Some(output.grid())
}

/// A way that goes right and down in turn: its cells, and the stones it turns at.
fn turning_way(stream: &mut Stream, (rows, columns): (usize, usize), start: usize) -> (Vec<Cell>, Vec<Cell>) {
    let (mut way, mut stones) = (vec![(start, 0)], Vec::new());
    loop {
        let goes_right = stones.len() % 2 == 0;
        let (row, column) = way[way.len() - 1];
        let room = if goes_right { columns - 1 - column } else { rows - 1 - row };
        let step = |i: usize| if goes_right { (row, column + i) } else { (row + i, column) };
        let length = between(stream, 2..=4);
        way.extend((1..=length.min(room)).map(step));
        if length >= room {
            return (way, stones);
        }
        stones.push(step(length + 1));
    }
}

fn draw_turning(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=10);
    let colour = colours(stream, 1, &[GREY])[0];
    let start = between(stream, 0..=2);
    let (way, mut stones) = turning_way(stream, (rows, columns), start);
    if stones.len() < 2 {
        return None;
    }
    let mut output = Scene::black(rows, columns);
    output.paint(way.iter().copied(), colour);
    output.paint(stones.iter().copied(), GREY);
    // a stone that the line never meets
    stones.extend(output.place(stream, &Shape::dot(), GREY)?);
    let mut input = Scene::black(rows, columns);
    input.paint(stones, GREY);
    input.paint([way[0]], colour);
    Some(pair(&input, &output))
}

fn solve_turning(grid: &Grid) -> Option<Grid> {
    let start = |colour: u8| Some((cells_of(grid, colour).first().copied()?, colour));
    let ((mut row, mut column), colour) =
        colours_of(grid).into_iter().filter(|&colour| colour != GREY).find_map(start)?;
    let mut output = Scene::of(grid);
    let mut turned = false;
    let mut goes_right = true;
    loop {
        output.paint([(row, column)], colour);
        let ahead = if goes_right { (row, column + 1) } else { (row + 1, column) };
        if ahead.0 >= grid.rows() || ahead.1 >= grid.columns() {
            return Some(output.grid());
        }
        match grid.at(ahead.0, ahead.1) {
            BLACK => ((row, column), turned) = (ahead, false),
            // caught between two stones it would turn for ever
            GREY if !turned => (goes_right, turned) = (!goes_right, true),
            _ => return None,
        }
    }
}

fn draw_pattern(stream: &mut Stream) -> Option<Pair> {
    let (patterns, columns) = (between(stream, 1..=4), between(stream, 7..=11));
    let (mut input, mut output) = (Scene::black(2 * patterns + 1, columns), Scene::black(2 * patterns + 1, columns));
    for row in (0..patterns).map(|i| 2 * i + 1) {
        let length = between(stream, 2..=3);
        let pattern = colours(stream, length, &[]);
        let shown = between(stream, 2 * length..=(2 * length + 2).min(columns - 1));
        for column in 0..columns {
            output.paint([(row, column)], pattern[column % length]);
            input.paint((column < shown).then_some((row, column)), pattern[column % length]);
        }
    }
    Some(pair(&input, &output))
}

fn solve_pattern(grid: &Grid) -> Option<Grid> {
    let mut cells = Vec::new();
    for row in grid.iter_rows() {
        let shown: Vec<u8> = row.iter().copied().take_while(|&colour| colour != BLACK).collect();
        let repeats = |&length: &usize| (length..shown.len()).all(|i| shown[i] == shown[i - length]);
        let length = (1..=shown.len() / 2).find(repeats);
        match length {
            Some(length) => cells.extend((0..row.len()).map(|column| shown[column % length])),
            None if shown.is_empty() => cells.extend(row),
            None => return None,
        }
    }
    Grid::new(grid.rows(), grid.columns(), cells).ok()
}

fn draw_corners(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=10);
    let (mut taken, mut input, mut output) =
        (Scene::black(rows, columns), Scene::black(rows, columns), Scene::black(rows, columns));
    for colour in colours(stream, 2, &[]).into_iter().take(between(stream, 1..=2)) {
        let (height, width) = sides(stream, 3..=6);
        let (top, left) = taken.place(stream, &Shape::rectangle(height, width), colour)?[0];
        let (bottom, right) = (top + height - 1, left + width - 1);
        let corners = pick(stream, &[[(top, left), (bottom, right)], [(top, right), (bottom, left)]]);
        input.paint(corners, colour);
        output.paint(Shape::outline(height, width).at((top, left)), colour);
    }
    Some(pair(&input, &output))
}

fn solve_corners(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for colour in colours_of(grid) {
        let &[from, to] = cells_of(grid, colour).as_slice() else { return None };
        let whole = Bounds::of(&[from, to])?;
        let inner = whole.inner()?;
        let is_outline = |cell: &Cell| whole.contain(*cell) && !inner.contain(*cell);
        output.paint(every_cell(grid).filter(is_outline), colour);
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("lines-join-equal-colours", "1..1 ...2 .... ...2", "1111 ...2 ...2 ...2");
        assert_solves("lines-blue-across-red-down", ".1.. .... ..2.", "1141 ..2. ..2.");
        assert_solves("lines-diagonal-that-bounces", "... ... ... ..7 .7.", ".7. 7.. .7. ..7 .7.");
        assert_solves("lines-turn-at-stones", "3..5. ..... ..... .55.. .....", "3335. ..3.. ..333 .55.. .....");
        assert_solves("lines-pattern-goes-on", "....... 1212... ....... 1211211", "....... 1212121 ....... 1211211");
        assert_solves("lines-rectangle-from-corners", "...2 .... 2...", "2222 2..2 2222");
    }
}
