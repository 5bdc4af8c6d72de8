//! `trm-arc puzzles generate`: new puzzles by a seed, each from a stream of its own, so that threads change nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::KindName;
use crate::cli::{CliError, Exit, counted, interrupt, print, talk, threads};
use crate::files::{self, Output};
use crate::puzzle::{Puzzle, PuzzleError, Wish, Writer};

/// Puzzles that are made before they are written, so that a large table need not be held.
const PIECE: usize = 1 << 12;

/// Make new Sudoku or mazes, each with one answer
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc puzzles generate sudoku --count 1000 --min-rating 20 --output hard.csv
  trm-arc puzzles generate sudoku --side 4 --count 100 --output small.csv
  trm-arc puzzles generate sudoku --min-clues 40 --output easy.csv
  trm-arc puzzles generate maze --count 1000 --seed 7 --output mazes.csv

The rating of a Sudoku is the backtracks that a plain solver needs, as a mean over sixteen orders of cells and digits; of those \
of 9 x 9 half have more than 20. No clue can be left out unless --min-clues gives more. The rating of a maze is the steps of its path. A seed gives the same file on any \
number of threads.")]
pub struct Arguments {
    /// What to make
    kind: KindName,
    /// How many
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: u32,
    /// What they are drawn by
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// Rows and columns: 4, 6 or 9 of a Sudoku [default: 9], 5 to 30 of a maze [default: 30]
    #[arg(long, value_name = "N")]
    side: Option<usize>,
    /// The least rating; a maze has by default a path of 110 steps on 30 x 30, and of as many for each cell on others
    #[arg(long, value_name = "N")]
    min_rating: Option<u32>,
    /// The fewest clues of a Sudoku; without it no clue can be left out, and more of them make it easier
    #[arg(long, value_name = "N")]
    min_clues: Option<usize>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Draws the puzzles, writes them, and prints how many there are.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let Arguments { kind, count, seed, side, min_rating, min_clues, output } = arguments;
    let wish = Wish::new((*kind).into(), *side, *min_rating)?;
    let wish = min_clues.map_or(Ok(wish), |clues| wish.with_clues(clues))?;
    let _claim = files::claim(&[], &[Output::File(output)])?;
    let stop = interrupt::catch()?;
    let bar = bar(*count);
    let written = write(arguments, &wish, &bar, stop);
    bar.finish_and_clear();
    if let Err(PuzzleError::Interrupted) = written {
        talk("interrupted; nothing was written");
        return Ok(Exit::Interrupted);
    }
    let (puzzles, digest) = (counted(*count as usize, "puzzle"), written?);
    let made = format!("{kind} of {side} x {side}, seed {seed}", kind = wish.kind(), side = wish.side());
    print(&format!("{}, {puzzles}, {made}, sha256 {digest}\n", output.display()))?;
    Ok(Exit::Done)
}

/// Returns the digest of the file.
fn write(arguments: &Arguments, wish: &Wish, bar: &ProgressBar, stop: &AtomicBool) -> Result<String, PuzzleError> {
    let puzzle = |index| {
        if stop.load(Ordering::Relaxed) {
            return Err(PuzzleError::Interrupted);
        }
        let puzzle = wish.puzzle(arguments.seed, index)?;
        bar.inc(1);
        Ok(puzzle)
    };
    files::write_with(&arguments.output, |sink| {
        let mut writer = Writer::begin(wish.kind(), sink)?;
        let count = arguments.count as usize;
        for first in (0..count).step_by(PIECE) {
            let indices = first..count.min(first + PIECE);
            let puzzles: Vec<Puzzle> = indices.into_par_iter().map(puzzle).collect::<Result<_, _>>()?;
            writer.write(&puzzles)?;
        }
        Ok(())
    })
}

fn bar(count: u32) -> ProgressBar {
    let bar = ProgressBar::new(count.into());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} puzzles, {elapsed} spent, {eta} left");
    bar.set_style(style.expect("the template is right"));
    threads::tick(&bar);
    bar
}
