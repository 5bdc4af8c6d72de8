//! The promise: what is drawn can be read back, and a canvas never gives a test output away.

use trm_arc::augment::Dihedral;
use trm_arc::encode::{Canvas, END, Extent, Offset, PAD, draw, labels, read};
use trm_arc::grid::Grid;
use trm_arc::task::{self, Pair, Task, Test};

fn grid(rows: usize, columns: usize) -> Grid {
    Grid::from_fn(rows, columns, |r, c| ((r + c) % 10) as u8)
}

fn text(cells: &[u8], columns: usize) -> Vec<String> {
    cells.chunks(columns).map(|row| row.iter().map(|cell| format!("{cell:x}")).collect()).collect()
}

#[test]
fn a_grid_is_drawn_with_end_markers_below_and_beside_it() {
    let extent = Extent { rows: 4, columns: 5 };
    let drawing = draw(&grid(2, 3), extent, Offset::default()).unwrap();
    assert_eq!(text(&drawing.cells, 5), ["23410", "34510", "11100", "00000"]);
    assert_eq!(drawing.positions[..6], [0, 1, 2, 3, 4, 30]);
    let moved = draw(&grid(2, 3), extent, Offset { row: 2, column: 1 }).unwrap();
    assert_eq!(text(&moved.cells, 5), ["00000", "00000", "02341", "03451"], "clipped at the lower edge");
    assert_eq!(draw(&grid(2, 3), extent, Offset { row: 3, column: 0 }), None);
}

#[test]
fn padding_is_ignored_and_end_markers_are_learned() {
    let drawing = draw(&grid(1, 1), Extent { rows: 2, columns: 2 }, Offset::default()).unwrap();
    assert_eq!(drawing.cells, [2, END, END, PAD]);
    assert_eq!(labels(&drawing), [Some(2), Some(END), Some(END), None]);
}

#[test]
fn every_public_grid_reads_back_from_board_and_tight_canvas() {
    for name in ["arc-agi-1/training", "arc-agi-2/evaluation"] {
        for task in &task::load(name).unwrap().tasks {
            for canvas in [Canvas::Board, Canvas::Tight] {
                let extent = canvas.extent(task);
                for grid in task.shown_grids() {
                    let drawing = draw(grid, extent, Offset::default()).unwrap();
                    assert_eq!(drawing.cells.len(), extent.cells());
                    assert_eq!(read(&drawing.cells, extent).as_ref(), Some(grid));
                }
            }
        }
    }
}

#[test]
fn the_largest_rectangle_of_colours_is_read() {
    let extent = Extent { rows: 3, columns: 3 };
    assert_eq!(read(&[2, 3, 1, 4, 0, 0, 5, 0, 0], extent).unwrap().to_string(), ".\n2\n3", "3 x 1 beats 1 x 2");
    assert_eq!(read(&[2, 3, 1, 4, 0, 0, 1, 0, 0], extent).unwrap().to_string(), ".1", "of equals the fewest rows");
    assert_eq!(read(&[1, 3, 3, 4, 4, 4, 4, 4, 4], extent), None);
}

#[test]
fn a_tight_canvas_depends_on_what_is_shown_alone() {
    let pair = |input: Grid, output: Grid| Pair { input, output };
    let mut task = Task {
        id: "scale".into(),
        train: vec![pair(grid(2, 2), grid(4, 6)), pair(grid(3, 1), grid(6, 3))],
        test: vec![Test { input: grid(4, 3), output: None }],
    };
    let extent = Extent { rows: 9, columns: 10 };
    assert_eq!(Canvas::Tight.extent(&task), extent, "8 x 9 by the ratio of the demonstrations, plus the line");
    task.test[0].output = Some(grid(30, 30));
    assert_eq!(Canvas::Tight.extent(&task), extent);
    assert_eq!(extent.turned(Dihedral::Quarter), Extent { rows: 10, columns: 9 });
    assert_eq!(Canvas::Board.extent(&task), Extent { rows: 30, columns: 30 });
}
