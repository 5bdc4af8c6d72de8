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
                let check = |grid: &Grid, extent: Extent| {
                    let drawing = draw(grid, extent, Offset::default()).unwrap();
                    assert_eq!(drawing.cells.len(), extent.cells());
                    assert_eq!(read(&drawing.cells, extent).as_ref(), Some(grid));
                };
                for Pair { input, output } in &task.train {
                    let extent = canvas.extent(task, input);
                    check(input, extent);
                    check(output, extent);
                }
                for test in &task.test {
                    check(&test.input, canvas.extent(task, &test.input));
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

/// A task of these sizes (rows, columns): input and output of each demonstration, and one test input.
fn task_of(demonstrations: &[[(usize, usize); 2]], test: (usize, usize)) -> Task {
    let grid = |(rows, columns)| grid(rows, columns);
    Task {
        id: "sizes".into(),
        train: demonstrations.iter().map(|&[a, b]| Pair { input: grid(a), output: grid(b) }).collect(),
        test: vec![Test { input: grid(test), output: None }],
    }
}

fn tight(task: &Task, input: (usize, usize)) -> (usize, usize) {
    let extent = Canvas::Tight.extent(task, &grid(input.0, input.1));
    (extent.rows, extent.columns)
}

#[test]
fn a_tight_canvas_depends_on_what_is_shown_alone() {
    let mut task = task_of(&[[(2, 2), (4, 6)], [(3, 1), (6, 3)]], (4, 3));
    let extent = Extent { rows: 9, columns: 10 };
    let input = task.test[0].input.clone();
    assert_eq!(Canvas::Tight.extent(&task, &input), extent, "8 x 9 by the ratio of the demonstrations, plus the line");
    task.test[0].output = Some(grid(30, 30));
    assert_eq!(Canvas::Tight.extent(&task, &input), extent);
    assert_eq!(extent.turned(Dihedral::Quarter), Extent { rows: 10, columns: 9 });
    assert_eq!(Canvas::Board.extent(&task, &input), Extent { rows: 30, columns: 30 });
}

#[test]
fn a_tight_canvas_holds_the_output_that_the_demonstrations_lead_one_to_expect() {
    let kept = task_of(&[[(9, 9), (9, 9)], [(3, 4), (3, 4)]], (5, 5));
    assert_eq!(tight(&kept, (3, 4)), (4, 5), "sizes are kept: the input's own");
    assert_eq!(tight(&kept, (5, 30)), (6, 30), "never beyond the board");
    let crop = task_of(&[[(9, 2), (3, 3)], [(7, 7), (3, 3)]], (5, 5));
    assert_eq!(tight(&crop, (7, 2)), (8, 4), "all outputs are 3 x 3");
    let both = task_of(&[[(2, 2), (6, 6)], [(2, 2), (6, 6)]], (4, 1));
    assert_eq!(tight(&both, (4, 1)), (13, 7), "three times the input or always 6: room for the longer");
    let neither = task_of(&[[(9, 2), (4, 2)], [(5, 12), (5, 12)]], (3, 3));
    assert_eq!(tight(&neither, (3, 3)), (10, 4), "rows follow no rule: those of the largest grid; columns are kept");
    let far = task_of(&[[(2, 1), (20, 1)], [(1, 1), (10, 1)]], (4, 1));
    assert_eq!(tight(&far, (4, 1)), (21, 2), "40 rows cannot be, so the rule does not hold");
    assert_eq!(Canvas::Tight.largest(&kept), Extent { rows: 10, columns: 10 });
}

/// On both training sets a pair's canvas holds every test output that the whole task's largest canvas would hold.
#[test]
fn what_is_expected_of_training_tasks_comes_true() {
    for (name, too_large) in [("arc-agi-1/training", 4), ("arc-agi-2/training", 13)] {
        let mut misses = 0;
        for task in &task::load(name).unwrap().tasks {
            for test in &task.test {
                misses += usize::from(!Canvas::Tight.extent(task, &test.input).holds(test.output.as_ref().unwrap()));
            }
        }
        assert_eq!(misses, too_large, "{name}");
    }
}
