//! A [`Scene`] as SVG, one file with nothing outside it.
//!
//! A board is a group with its name as title, in it one path a colour: the cells of that colour as the fewest rectangles that a
//! sweep finds, and the lines between cells. Edges are crisp: no line between two cells of one colour shows through.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::palette::{Colour, GRID_LINE, GROUND, colour_of};
use super::scene::{Board, Caption, Font, Scene, Stroke};
use crate::grid::Grid;
use crate::names;

impl Scene<'_> {
    /// The file's text.
    pub fn to_svg(&self) -> String {
        let Self { width, height, .. } = self;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n<g shape-rendering=\"crispEdges\">\n",
            GROUND.hex()
        );
        self.boards.iter().for_each(|shown| board(&mut svg, shown));
        svg += "</g>\n<g fill=\"none\" stroke-width=\"2\" stroke-linecap=\"square\">\n";
        strokes(&mut svg, &self.strokes);
        svg += "</g>\n<g font-family=\"system-ui, sans-serif\">\n";
        self.captions.iter().for_each(|shown| caption(&mut svg, shown));
        svg + "</g>\n</svg>\n"
    }
}

fn line(svg: &mut String, text: std::fmt::Arguments) {
    writeln!(svg, "{text}").expect("a text grows");
}

fn board(svg: &mut String, board: &Board) {
    let Board { name, at: (left, top), cell, grid } = board;
    line(svg, format_args!("<g transform=\"translate({left} {top})\"><title>{}</title>", escaped(name)));
    for (colour, rectangles) in rectangles(grid) {
        let shapes =
            rectangles.iter().map(|&[x, y, width, height]| shape([x, y, width, height].map(|side| side * cell)));
        line(svg, format_args!("<path fill=\"{}\" d=\"{}\"/>", colour.hex(), shapes.collect::<String>()));
    }
    let (width, height) = (grid.columns() * cell + 1, grid.rows() * cell + 1);
    let across = (0..=grid.rows()).map(|row| shape([0, row * cell, width, 1]));
    let down = (0..=grid.columns()).map(|column| shape([column * cell, 0, 1, height]));
    line(
        svg,
        format_args!("<path fill=\"{}\" d=\"{}\"/></g>", GRID_LINE.hex(), across.chain(down).collect::<String>()),
    );
}

/// A rectangle as part of a path.
fn shape([x, y, width, height]: [usize; 4]) -> String {
    format!("M{x} {y}h{width}v{height}h-{width}z")
}

/// The cells of each colour as rectangles (column, row, columns, rows): each is begun at the first cell that is not covered yet,
/// made as wide as the colour goes, then as high.
fn rectangles(grid: &Grid) -> BTreeMap<Colour, Vec<[usize; 4]>> {
    let mut found: BTreeMap<Colour, Vec<[usize; 4]>> = BTreeMap::new();
    let mut is_covered = vec![false; grid.cells().len()];
    for (start, &cell) in grid.cells().iter().enumerate() {
        let (row, column) = (start / grid.columns(), start % grid.columns());
        let is_free = |covered: &[bool], row: usize, column: usize| {
            grid.at(row, column) == cell && !covered[row * grid.columns() + column]
        };
        if is_covered[start] {
            continue;
        }
        let right = (column..grid.columns()).find(|&right| !is_free(&is_covered, row, right)).unwrap_or(grid.columns());
        let fits = |row: usize| (column..right).all(|column| is_free(&is_covered, row, column));
        let bottom = (row..grid.rows()).find(|&bottom| !fits(bottom)).unwrap_or(grid.rows());
        for covered in row..bottom {
            is_covered[covered * grid.columns()..][column..right].fill(true);
        }
        found.entry(colour_of(cell)).or_default().push([column, row, right - column, bottom - row]);
    }
    found
}

/// One path for what follows each other in one colour.
fn strokes(svg: &mut String, strokes: &[Stroke]) {
    for strokes in strokes.chunk_by(|one, next| one.colour == next.colour) {
        let lines = strokes.iter().flat_map(|stroke| &stroke.lines);
        let path: String = lines.map(|[from, to]| format!("M{} {}L{} {}", from.0, from.1, to.0, to.1)).collect();
        line(svg, format_args!("<path stroke=\"{}\" d=\"{path}\"/>", strokes[0].colour.hex()));
    }
}

fn caption(svg: &mut String, Caption { at: (x, y), font, colour, text }: &Caption) {
    let font = match font {
        Font::Title => "font-size=\"16\" font-weight=\"bold\"",
        Font::Heading => "font-size=\"13\" font-weight=\"bold\"",
        Font::Plain => "font-size=\"12\"",
    };
    line(svg, format_args!("<text x=\"{x}\" y=\"{y}\" {font} fill=\"{}\">{}</text>", colour.hex(), escaped(text)));
}

/// A text as XML can hold it: its own signs written out, what breaks or turns a line as an escape, and characters that XML forbids replaced.
pub(super) fn escaped(text: &str) -> String {
    let character = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER.to_string(),
        other => other.to_string(),
    };
    names::one_line(text).chars().map(character).collect()
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::super::Shown;
    use super::super::testing::{borrowed, grid, made_up, shipped, solved};
    use super::*;

    fn path<'a>(node: Node<'a, '_>) -> &'a str {
        node.attribute("d").unwrap()
    }

    /// The rectangles of a path that consists of nothing else.
    fn parsed(path: &str) -> Vec<[usize; 4]> {
        let number = |text: &str| text.parse().unwrap();
        let rectangle = |part: &str| {
            let sides: Vec<&str> = part.split(['M', ' ', 'h', 'v']).collect();
            let ["", x, y, width, height, back] = sides[..] else { panic!("{part}") };
            assert_eq!(back, format!("-{width}"), "{part}");
            [number(x), number(y), number(width), number(height)]
        };
        path.split_terminator('z').map(rectangle).collect()
    }

    /// The colours of a board's cells, from the rectangles of its paths.
    fn rasterised(group: Node, board: &Board) -> Vec<String> {
        let mut cells = vec![String::new(); board.grid.cells().len()];
        let paths: Vec<Node> = group.children().filter(|node| node.has_tag_name("path")).collect();
        let (lines, colours) = paths.split_last().unwrap();
        assert_eq!(lines.attribute("fill"), Some("#555555"));
        assert_eq!(parsed(path(*lines)).len(), board.grid.rows() + board.grid.columns() + 2);
        for colour in colours {
            for rectangle in parsed(path(*colour)) {
                let [x, y, width, height] = rectangle.map(|side| {
                    assert_eq!(side % board.cell, 0);
                    side / board.cell
                });
                for cell in (y..y + height).flat_map(|row| (x..x + width).map(move |column| (row, column))) {
                    let cell = &mut cells[cell.0 * board.grid.columns() + cell.1];
                    assert_eq!(cell, "", "covered twice");
                    *cell = colour.attribute("fill").unwrap().to_owned();
                }
            }
        }
        cells
    }

    #[test]
    fn the_rectangles_of_every_shipped_task_are_its_cells() {
        let mut checked = 0;
        for task in shipped() {
            let attempts = made_up(&task);
            let answers = Some(attempts.iter().map(borrowed).collect());
            let scene = Scene::of(&[Shown { title: task.id.clone(), task: &task, answers }]);
            let svg = scene.to_svg();
            let document = Document::parse(&svg).unwrap();
            let groups: Vec<Node> = document.descendants().filter(|node| node.has_attribute("transform")).collect();
            assert_eq!(groups.len(), scene.boards.len());
            for (group, board) in groups.into_iter().zip(&scene.boards) {
                let expected: Vec<String> = board.grid.cells().iter().map(|&cell| colour_of(cell).hex()).collect();
                assert_eq!(rasterised(group, board), expected, "{} {}", task.id, board.name);
                let (left, top) = board.at;
                assert_eq!(group.attribute("transform"), Some(format!("translate({left} {top})").as_str()));
                assert!(left + board.grid.columns() * board.cell < scene.width);
                assert!(top + board.grid.rows() * board.cell < scene.height);
                checked += 1;
            }
        }
        assert!(checked > 15_000, "only {checked} boards");
    }

    #[test]
    fn one_rectangle_covers_what_one_can() {
        let found = rectangles(&grid(&["1121", "1121", "2222"]));
        assert_eq!(found[&colour_of(1)], [[0, 0, 2, 2], [3, 0, 1, 2]]);
        assert_eq!(found[&colour_of(2)], [[2, 0, 1, 3], [0, 2, 2, 1], [3, 2, 1, 1]]);
    }

    #[test]
    fn marks_stand_at_exactly_the_cells_that_differ() {
        let (truth, near) = (grid(&["12", "30"]), grid(&["12", "99"]));
        let task = solved(&truth);
        let answers = Some(vec![[Some(&near), Some(&truth)]]);
        let scene = Scene::of(&[Shown { title: "a".into(), task: &task, answers }]);
        let attempt = scene.boards.iter().find(|board| board.name == "test 1, attempt 1: 2 of 4 cells differ").unwrap();
        let (left, top) = attempt.at;
        let svg = scene.to_svg();
        let document = Document::parse(&svg).unwrap();
        let marks = document.descendants().find(|node| node.attribute("stroke") == Some("#ffffff")).unwrap();
        let lines: Vec<&str> = path(marks).split('M').skip(1).collect();
        let begin = |column: usize| format!("{} {}L", left + column * attempt.cell + 2, top + attempt.cell + 2);
        assert_eq!(lines.len(), 12);
        assert!(lines[0].starts_with(&begin(0)) && lines[6].starts_with(&begin(1)), "{lines:?}");
    }

    #[test]
    fn an_id_of_any_letters_is_only_a_text() {
        let task = solved(&grid(&["1"]));
        let title = "task <script>\"&\u{1}</script> of \u{e4}".to_owned();
        let svg = Scene::of(&[Shown { title, task: &task, answers: None }]).to_svg();
        assert!(!svg.contains("<script"), "{svg}");
        let document = Document::parse(&svg).unwrap();
        let text = document.descendants().find(|node| node.has_tag_name("text")).unwrap();
        assert_eq!(text.text(), Some("task <script>\"&\\u{1}</script> of \u{e4}"));
    }
}
