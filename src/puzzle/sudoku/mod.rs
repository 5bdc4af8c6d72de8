//! Sudoku of 4 x 4 (boxes of 2 x 2), 6 x 6 (2 rows by 3 columns) and 9 x 9 (3 x 3): every row, column and box has every digit once.

mod augment;
mod board;
mod canonical;
mod generate;
mod search;

use super::Fault;
use crate::grid::Grid;
pub use augment::Shuffle;
pub use board::{BLANK, Board, Shape};
pub use canonical::canonical;
pub use generate::{Rater, generate, generate_easy};
pub use search::{Found, Order, search};

/// Checks that the answer is full and keeps the clues.
///
/// # Errors
/// [`Fault::Unfilled`] or [`Fault::Disagrees`].
pub fn agrees(question: &Grid, answer: &Grid) -> Result<(), Fault> {
    for (position, (&clue, &digit)) in question.cells().iter().zip(answer.cells()).enumerate() {
        let (row, column) = (position / answer.columns(), position % answer.columns());
        if digit == BLANK {
            return Err(Fault::Unfilled { row, column });
        }
        if clue != BLANK && clue != digit {
            return Err(Fault::Disagrees { row, column });
        }
    }
    Ok(())
}

/// Checks that the answer keeps the rules and is the only one. It must agree with the question.
///
/// # Errors
/// [`Fault::Clash`] or [`Fault::SeveralAnswers`].
pub fn verify(question: &Grid, answer: &Grid) -> Result<(), Fault> {
    Board::new(answer)?;
    let mut board = Board::new(question)?;
    let order = Order::plain(board.shape());
    match search(&mut board, &order, 2).answers {
        0 => Err(Fault::NoAnswer),
        1 => Ok(()),
        _ => Err(Fault::SeveralAnswers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::Kind;

    fn grid(text: &str) -> Grid {
        Kind::Sudoku.parse(text).unwrap()
    }

    /// A puzzle of 17 clues, the fewest that a 9 x 9 Sudoku can have, with its answer.
    const SEVENTEEN: [&str; 2] = [
        "000000010400000000020000000000050407008000300001090000300400200050100000000806000",
        "693784512487512936125963874932651487568247391741398625319475268856129743274836159",
    ];

    #[test]
    fn a_known_puzzle_of_seventeen_clues_has_its_one_answer() {
        let [question, answer] = SEVENTEEN.map(grid);
        assert_eq!((agrees(&question, &answer), verify(&question, &answer)), (Ok(()), Ok(())));
        let mut board = Board::new(&question).unwrap();
        let order = Order::plain(board.shape());
        assert_eq!(search(&mut board, &order, 1).first, Some(answer));
    }

    #[test]
    fn a_second_answer_is_found() {
        let [question, answer] = SEVENTEEN.map(grid);
        // Without one of its clues the puzzle has more than one answer: seventeen are needed.
        let fewer =
            Grid::from_fn(9, 9, |row, column| if (row, column) == (0, 7) { BLANK } else { question.at(row, column) });
        assert_eq!(verify(&fewer, &answer), Err(Fault::SeveralAnswers));
        // Two digits that can change places in two rows of one band.
        let swapped = |row, column| ![(0, 0), (0, 1), (2, 0), (2, 1)].contains(&(row, column));
        let answer = grid("1234341221434321");
        let question =
            Grid::from_fn(4, 4, |row, column| if swapped(row, column) { answer.at(row, column) } else { BLANK });
        assert_eq!(verify(&question, &answer), Err(Fault::SeveralAnswers));
    }

    #[test]
    fn a_digit_twice_is_named_with_its_place() {
        let mut text = SEVENTEEN[1].to_owned();
        text.replace_range(4..5, "6");
        let clash = Err(Fault::Clash { row: 0, column: 4, digit: 6 });
        assert_eq!(verify(&grid(&".".repeat(81)), &grid(&text)), clash);
    }

    #[test]
    fn another_solver_finds_the_same_answers() {
        let mut stream = crate::rng::Stream::new(0, "another solver");
        for side in [4, 9] {
            for _ in 0..5 {
                let puzzle = generate(side, 0, &mut stream).unwrap();
                let digits = |grid: &Grid| grid.cells().iter().map(|&digit| usize::from(digit)).collect::<Vec<_>>();
                let answers: Vec<_> =
                    dlx_rs::sudoku::Sudoku::new_from_input(&digits(&puzzle.question)).take(2).collect();
                assert_eq!(answers, [digits(&puzzle.answer)]);
            }
        }
    }
}
