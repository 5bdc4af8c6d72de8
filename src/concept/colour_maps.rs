//! Colour maps: what was one colour becomes another, by a fixed table or by one that the grid itself shows.

use super::chance::{between, coin, colours, pick, picture, sides, some};
use super::colour::{BLACK, BLUE, GREEN, GREY, MAGENTA, MAROON, ORANGE, RED, SKY, YELLOW};
use super::objects::{cells_of, colours_of, count, largest, objects};
use super::rule::Rule;
use super::scene::{Scene, pair};
use super::shape::Shape;
use crate::grid::Grid;
use crate::rng::Stream;
use crate::task::Pair;

pub(super) static RULES: [Rule; 6] = [
    Rule {
        name: "colour-maps-red-and-blue-trade-places",
        sentence: "Red and blue trade places; every other colour stays.",
        generate: draw_trade,
        verify: solve_trade,
    },
    Rule {
        name: "colour-maps-four-colours-take-new-ones",
        sentence: "Blue becomes magenta, green becomes sky, yellow becomes red and maroon becomes grey.",
        generate: draw_table,
        verify: solve_table,
    },
    Rule {
        name: "colour-maps-rarest-and-commonest-trade-places",
        sentence: "The colour with the fewest cells and the one with the most trade places.",
        generate: draw_rarest,
        verify: solve_rarest,
    },
    Rule {
        name: "colour-maps-legend-above-the-line",
        sentence: "Of the two cells above the grey line the left is a colour of the picture below, and the right is what it becomes.",
        generate: draw_legend,
        verify: solve_legend,
    },
    Rule {
        name: "colour-maps-column-heads",
        sentence: "Every grey cell takes the colour at the top of its column.",
        generate: draw_heads,
        verify: solve_heads,
    },
    Rule {
        name: "colour-maps-one-cell-decides",
        sentence: "Every block takes the colour of its single odd cell.",
        generate: draw_odd_cell,
        verify: solve_odd_cell,
    },
];

/// A picture in which every cell is one of these colours, and becomes what stands beside it.
fn recoloured(stream: &mut Stream, (rows, columns): (usize, usize), table: &[(u8, u8)]) -> Pair {
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    for cell in input.every_cell() {
        let (was, becomes) = pick(stream, table);
        input.paint([cell], was);
        output.paint([cell], becomes);
    }
    pair(&input, &output)
}

fn draw_trade(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 3..=7);
    let other = pick(stream, &[GREEN, YELLOW, ORANGE, SKY]);
    let drawn = recoloured(stream, size, &[(BLACK, BLACK), (BLUE, RED), (RED, BLUE), (other, other)]);
    [BLUE, RED, other].iter().all(|&colour| count(&drawn.input, colour) > 0).then_some(drawn)
}

fn solve_trade(grid: &Grid) -> Option<Grid> {
    Some(grid.map(|colour| match colour {
        RED => BLUE,
        BLUE => RED,
        other => other,
    }))
}

fn draw_table(stream: &mut Stream) -> Option<Pair> {
    let size = sides(stream, 3..=6);
    Some(recoloured(stream, size, &[(BLUE, MAGENTA), (GREEN, SKY), (YELLOW, RED), (MAROON, GREY)]))
}

fn solve_table(grid: &Grid) -> Option<Grid> {
    Some(grid.map(|colour| match colour {
        BLUE => MAGENTA,
        GREEN => SKY,
        YELLOW => RED,
        MAROON => GREY,
        other => other,
    }))
}

fn draw_rarest(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 4..=6);
    let all = rows * columns;
    let few = between(stream, 2..=all / 6 + 1);
    let middle = between(stream, few + 2..=all / 3);
    let most = all.checked_sub(few + middle).filter(|&most| most >= middle + 2)?;
    let [rare, other, common] = colours(stream, 3, &[]).try_into().expect("three were asked for");
    let table = [(few, rare, common), (middle, other, other), (most, common, rare)];
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let mut cells = input.every_cell();
    stream.shuffle(&mut cells);
    for (count, was, becomes) in table {
        let rest = cells.split_off(count);
        input.paint(cells.iter().copied(), was);
        output.paint(cells, becomes);
        cells = rest;
    }
    Some(pair(&input, &output))
}

fn solve_rarest(grid: &Grid) -> Option<Grid> {
    let common = largest(colours_of(grid), |&colour| count(grid, colour))?;
    let rare = largest(colours_of(grid), |&colour| usize::MAX - count(grid, colour))?;
    Some(grid.map(|colour| match colour {
        _ if colour == common => rare,
        _ if colour == rare => common,
        other => other,
    }))
}

fn draw_legend(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = (between(stream, 3..=6), between(stream, 4..=8));
    let [from, to, other] = colours(stream, 3, &[GREY]).try_into().expect("three were asked for");
    let table = [(BLACK, BLACK), (from, to), (from, to), (other, other), (to, to)];
    let table = if coin(stream) { &table[..] } else { &table[..4] };
    let below = recoloured(stream, (rows, columns), table);
    let mut legend = Scene::black(rows + 2, columns);
    legend.paint([(0, 0)], from);
    legend.paint([(0, 1)], to);
    legend.paint((0..columns).map(|column| (1, column)), GREY);
    let (mut input, mut output) = (legend.clone(), legend);
    input.put((2, 0), &Scene::of(&below.input));
    output.put((2, 0), &Scene::of(&below.output));
    let is_told = [from, other].iter().all(|&colour| count(&below.input, colour) > 1);
    is_told.then(|| pair(&input, &output))
}

fn solve_legend(grid: &Grid) -> Option<Grid> {
    let line = grid.iter_rows().position(|row| row.iter().all(|&colour| colour == GREY))?;
    let &[from, to, ..] = grid.iter_rows().next()? else { return None };
    let of = |row: usize, column: usize| match grid.at(row, column) {
        colour if colour == from && row > line => to,
        other => other,
    };
    Some(Grid::from_fn(grid.rows(), grid.columns(), of))
}

fn draw_heads(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = (between(stream, 4..=8), between(stream, 3..=8));
    let palette = colours(stream, 3, &[GREY]);
    let heads = picture(stream, (1, columns), &palette);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    input.put((0, 0), &heads);
    output.put((0, 0), &heads);
    for cell in (1..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        if stream.below(5) < 2 {
            input.paint([cell], GREY);
            output.paint([cell], heads.at((0, cell.1)));
        }
    }
    input.has(GREY).then(|| pair(&input, &output))
}

fn solve_heads(grid: &Grid) -> Option<Grid> {
    let of = |row, column| if grid.at(row, column) == GREY { grid.at(0, column) } else { grid.at(row, column) };
    Some(Grid::from_fn(grid.rows(), grid.columns(), of))
}

fn draw_odd_cell(stream: &mut Stream) -> Option<Pair> {
    let (rows, columns) = sides(stream, 6..=9);
    let (mut input, mut output) = (Scene::black(rows, columns), Scene::black(rows, columns));
    let palette = colours(stream, 4, &[]);
    for _ in 0..between(stream, 2..=3) {
        let block = Shape::rectangle(between(stream, 2..=4), between(stream, 3..=4));
        let [odd, plain] = some(stream, &palette, 2).try_into().expect("two were asked for");
        let cells = input.place(stream, &block, plain)?;
        input.paint([pick(stream, &cells)], odd);
        output.paint(cells, odd);
    }
    Some(pair(&input, &output))
}

fn solve_odd_cell(grid: &Grid) -> Option<Grid> {
    let mut output = Scene::of(grid);
    for block in objects(grid) {
        let bounds = block.bounds().crop(grid);
        let odd = colours_of(&bounds).into_iter().find(|&colour| cells_of(&bounds, colour).len() == 1);
        output.paint(block.cells, odd?);
    }
    Some(output.grid())
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_solves;

    #[test]
    fn the_rules_do_what_their_sentences_say() {
        assert_solves("colour-maps-red-and-blue-trade-places", "12. 321", "21. 312");
        assert_solves("colour-maps-four-colours-take-new-ones", "134 913", "682 568");
        assert_solves("colour-maps-rarest-and-commonest-trade-places", "3333 3388 8..1", "1111 1188 8..3");
        assert_solves("colour-maps-legend-above-the-line", "12.. 5555 1.31 .211", "12.. 5555 2.32 .222");
        assert_solves("colour-maps-column-heads", "123 5.5 .5.", "123 1.3 .2.");
        assert_solves("colour-maps-one-cell-decides", "333. 323. .... .166 .666", "222. 222. .... .111 .111");
    }
}
