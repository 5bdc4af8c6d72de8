//! New puzzles: a full board by chance, then clues taken away while the answer stays the only one; and how hard they are.
//!
//! The rating is the backtracks that a solver needs (see [`search`]) until it has the answer, as a mean over sixteen orders of
//! cells and digits, rounded down. The orders are always the same, so that a question has one rating. What bites: a
//! shuffled question meets those orders anew, so its rating is near the old one and seldom equal; 0 stays 0 where no cell
//! ever needs a guess.

use super::{BLANK, Board, Order, Shape, search};
use crate::puzzle::{Kind, Puzzle, PuzzleError};
use crate::rng::Stream;

/// The orders of a rating.
const ORDERS: usize = 16;

/// The puzzles that are looked at for one that is hard enough.
const MOST_TRIES: u32 = 5_000;

/// The tries without a harder puzzle after which another board is drawn.
const PATIENCE: u32 = 60;

/// The clues that are given back before others are taken away.
const GIVEN_BACK: usize = 4;

/// Says how hard questions of one shape are.
#[derive(Debug)]
pub struct Rater {
    orders: Vec<Order>,
}

impl Rater {
    /// The rater of a shape.
    pub fn new(shape: &Shape) -> Self {
        let mut stream = Stream::new(0, "rating of a Sudoku");
        Self { orders: (0..ORDERS).map(|_| Order::drawn(shape, &mut stream)).collect() }
    }

    /// The mean of the backtracks until the first answer, rounded down.
    pub fn rating(&self, question: &Board) -> u32 {
        let mut board = question.clone();
        let efforts = self.orders.iter().map(|order| search(&mut board, order, 1).backtracks);
        efforts.sum::<u32>() / ORDERS as u32
    }
}

/// A puzzle of side 4, 6 or 9 in which every clue is needed, with a rating of at least `least_rating`.
///
/// The search climbs: some clues are given back, others taken away, and the new puzzle stays when it is at least as hard.
///
/// # Errors
/// [`PuzzleError::OutOfReach`] after 5,000 puzzles.
pub fn generate(side: usize, least_rating: u32, stream: &mut Stream) -> Result<Puzzle, PuzzleError> {
    let shape = Shape::of_side(side).expect("a Sudoku has a side of 4, 6 or 9");
    let rater = Rater::new(shape);
    let (mut tries, mut best) = (0, 0);
    while tries < MOST_TRIES {
        let answer = full(shape, stream);
        let mut question = minimal(answer.clone(), stream);
        let mut rating = rater.rating(&question);
        let mut idle = 0;
        tries += 1;
        while rating < least_rating && idle < PATIENCE && tries < MOST_TRIES {
            let other = minimal(given_back(&question, &answer, GIVEN_BACK, stream), stream);
            let harder = rater.rating(&other);
            idle = if harder > rating { 0 } else { idle + 1 };
            tries += 1;
            if harder >= rating {
                (question, rating) = (other, harder);
            }
        }
        if rating >= least_rating {
            let (question, answer) = (question.grid(), answer.grid());
            return Ok(Puzzle { source: String::new(), question, answer, rating });
        }
        best = best.max(rating);
    }
    Err(PuzzleError::OutOfReach { kind: Kind::Sudoku, side, wanted: least_rating, tries, best })
}

/// The same with clues given back by chance until there are so many. A clue seldom makes a puzzle harder, so the rating may fall short: then
/// another one is drawn.
///
/// # Errors
/// [`PuzzleError::OutOfReach`] after 5,000 puzzles.
pub fn generate_easy(
    side: usize,
    least_clues: usize,
    least_rating: u32,
    stream: &mut Stream,
) -> Result<Puzzle, PuzzleError> {
    let shape = Shape::of_side(side).expect("a Sudoku has a side of 4, 6 or 9");
    let rater = Rater::new(shape);
    let mut best = 0;
    for _ in 0..MOST_TRIES {
        let puzzle = generate(side, 0, stream)?;
        let [question, answer] =
            [&puzzle.question, &puzzle.answer].map(|grid| Board::new(grid).expect("what is generated keeps the rules"));
        let clues = puzzle.extent(Kind::Sudoku) as usize;
        let question = given_back(&question, &answer, least_clues.saturating_sub(clues), stream);
        let rating = rater.rating(&question);
        if rating >= least_rating {
            return Ok(Puzzle { question: question.grid(), rating, ..puzzle });
        }
        best = best.max(rating);
    }
    Err(PuzzleError::OutOfReach { kind: Kind::Sudoku, side, wanted: least_rating, tries: MOST_TRIES, best })
}

/// A full board by chance.
fn full(shape: &'static Shape, stream: &mut Stream) -> Board {
    let found = search(&mut Board::empty(shape), &Order::drawn(shape, stream), 1);
    let grid = found.first.expect("the empty board has answers");
    Board::new(&grid).expect("an answer keeps the rules")
}

/// Takes clues away in an order by chance, each once, where the answer stays the only one.
fn minimal(mut board: Board, stream: &mut Stream) -> Board {
    let order = Order::plain(board.shape());
    let mut clues: Vec<usize> = (0..board.shape().cells()).filter(|&cell| board.at(cell) != BLANK).collect();
    stream.shuffle(&mut clues);
    for cell in clues {
        let digit = board.take(cell);
        if search(&mut board, &order, 2).answers > 1 {
            board.place(cell, digit);
        }
    }
    board
}

/// The question with so many more clues of its answer.
fn given_back(question: &Board, answer: &Board, count: usize, stream: &mut Stream) -> Board {
    let mut board = question.clone();
    let mut blanks: Vec<usize> = (0..board.shape().cells()).filter(|&cell| board.at(cell) == BLANK).collect();
    stream.shuffle(&mut blanks);
    blanks.into_iter().take(count).for_each(|cell| board.place(cell, answer.at(cell)));
    board
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_puzzle_is_right_and_needs_every_clue() {
        for side in [4, 6, 9] {
            let puzzle = generate(side, 0, &mut Stream::new(1, "generate")).unwrap();
            assert_eq!(puzzle.verify(Kind::Sudoku), Ok(()));
            let mut board = Board::new(&puzzle.question).unwrap();
            let order = Order::plain(board.shape());
            for cell in (0..side * side).filter(|&cell| puzzle.question.cells()[cell] != BLANK) {
                let digit = board.take(cell);
                assert_eq!(search(&mut board, &order, 2).answers, 2, "clue {cell} of side {side} is not needed");
                board.place(cell, digit);
            }
        }
    }

    #[test]
    fn the_search_reaches_the_rating_that_is_asked_for() {
        let mut stream = Stream::new(2, "generate");
        let puzzle = generate(9, 20, &mut stream).unwrap();
        assert!(puzzle.rating >= 20, "{}", puzzle.rating);
        assert_eq!(
            Rater::new(Shape::of_side(9).unwrap()).rating(&Board::new(&puzzle.question).unwrap()),
            puzzle.rating
        );
        let fault = generate(4, 9, &mut stream).unwrap_err().to_string();
        assert!(fault.contains("no Sudoku of side 4 with a rating of 9 or more in 5000 tries"), "{fault}");
    }

    #[test]
    fn an_easy_puzzle_has_the_clues_that_are_asked_for() {
        let mut stream = Stream::new(3, "generate");
        for (side, clues) in [(4, 8), (6, 20), (9, 40)] {
            let puzzle = generate_easy(side, clues, 0, &mut stream).unwrap();
            assert_eq!((puzzle.verify(Kind::Sudoku), puzzle.extent(Kind::Sudoku) as usize), (Ok(()), clues));
        }
        assert!(generate_easy(9, 80, 5, &mut stream).unwrap_err().to_string().contains("the hardest had 0"));
    }
}
