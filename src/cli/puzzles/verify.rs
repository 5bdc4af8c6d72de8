//! `trm-arc puzzles verify`: every row read, solved anew and compared.

use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

use crate::cli::{CliError, Exit, counted, print, talk};
use crate::puzzle::{Kind, PuzzleError, Reader, Row};

/// Puzzles that are read before they are solved.
const PIECE: usize = 1 << 12;

/// Faults that are named; the others are counted.
const NAMED: usize = 10;

/// Check that every puzzle has one answer and that it is the one given; exit 1 names what is wrong
#[derive(Debug, Args)]
#[command(after_help = "Example:
  trm-arc puzzles verify hard.csv

Ratings are shown and not checked: every source has its own.")]
pub struct Arguments {
    /// A table of puzzles
    file: PathBuf,
}

/// Verifies the file, and prints what is in it.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let mut reader = Reader::open(&arguments.file)?;
    let mut seen = Seen::default();
    loop {
        let rows: Vec<_> = reader.by_ref().take(PIECE).collect();
        if rows.is_empty() {
            break;
        }
        let judged: Vec<_> = rows.into_par_iter().map(|row| judge(&arguments.file, row?)).collect();
        judged.into_iter().try_for_each(|row| seen.take(row))?;
    }
    seen.report(&arguments.file)
}

fn judge(path: &Path, row: Row) -> Result<Row, PuzzleError> {
    match row.puzzle.verify(row.kind) {
        Ok(()) => Ok(row),
        Err(fault) => Err(PuzzleError::Wrong { path: path.to_owned(), line: row.line, fault }),
    }
}

/// What a file has.
#[derive(Default)]
struct Seen {
    form: Option<(Kind, usize)>,
    ratings: Vec<u32>,
    extents: Vec<u32>,
    named: Vec<String>,
    faults: usize,
}

impl Seen {
    fn take(&mut self, row: Result<Row, PuzzleError>) -> Result<(), CliError> {
        match row {
            Ok(Row { kind, puzzle, .. }) => {
                self.form = Some((kind, puzzle.question.rows()));
                self.ratings.push(puzzle.rating);
                self.extents.push(puzzle.extent(kind));
            }
            Err(PuzzleError::File(fault)) => return Err(fault.into()),
            Err(fault) => {
                self.faults += 1;
                if self.named.len() < NAMED {
                    self.named.push(fault.to_string());
                }
            }
        }
        Ok(())
    }

    fn report(mut self, path: &Path) -> Result<Exit, CliError> {
        if self.form.is_none() && self.faults == 0 {
            return Err(PuzzleError::Empty { path: path.to_owned() }.into());
        }
        if let Some((kind, side)) = self.form {
            let right = counted(self.ratings.len(), "puzzle");
            print(&format!("{}: {right} with one answer each, {kind} of {side} x {side}\n\n", path.display()))?;
            print(&self.table(kind))?;
        }
        if self.faults == 0 {
            return Ok(Exit::Done);
        }
        print(&self.named.iter().map(|fault| format!("failed: {fault}\n")).collect::<String>())?;
        let named = if self.faults > NAMED { format!(", the first {NAMED} are named") } else { String::new() };
        talk(format_args!("{}: {}{named}", path.display(), counted(self.faults, "fault")));
        Ok(Exit::Failed)
    }

    fn table(&mut self, kind: Kind) -> String {
        let extent = match kind {
            Kind::Sudoku => "clues",
            Kind::Maze => "steps",
        };
        let mut builder = Builder::new();
        builder.push_record(["", "least", "median", "most"]);
        for (name, values) in [("rating", &mut self.ratings), (extent, &mut self.extents)] {
            values.sort_unstable();
            let [least, median, most] = [0, (values.len() - 1) / 2, values.len() - 1].map(|place| values[place]);
            builder.push_record([name, &least.to_string(), &median.to_string(), &most.to_string()]);
        }
        let mut table = builder.build();
        table.with(Style::empty()).with(Padding::new(0, 2, 0, 0)).modify(Columns::new(1..), Alignment::right());
        table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}
