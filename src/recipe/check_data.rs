//! What a recipe's tasks or puzzles must be, and what the model must be for them.

use super::{Data, PuzzleData, PuzzleSource, Recipe, RecipeError, SourceRecipe, TaskData};
use crate::augment::PuzzleView;
use crate::encode::{Canvas, VOCABULARY, vocabulary_of};
use crate::grid::MAX_SIDE;
use crate::model::{Config, Mixer};

/// The most variants of a puzzle. A Sudoku has more, but no training sees them.
const MOST_VARIANTS: usize = 1_000_000_000;

/// The most puzzles, which are all held in memory.
const MOST_PUZZLES: usize = 1_000_000_000;

impl Recipe {
    pub(super) fn check_data(&self) -> Result<(), RecipeError> {
        if self.name.is_empty()
            || !self.name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
            || self.name.starts_with('.')
        {
            let fault =
                "its name has letters, digits, - _ and . alone, and does not begin with a dot: it names a folder";
            return self.value(fault.to_owned());
        }
        match &self.data {
            Data::Tasks(data) => self.check_tasks(data),
            Data::Puzzles(data) => self.check_puzzles(data),
        }
    }

    fn check_tasks(&self, data: &TaskData) -> Result<(), RecipeError> {
        self.check_board("ARC", VOCABULARY, MAX_SIDE)?;
        if self.model.mixer == Mixer::TokenMlp && data.canvas != Canvas::Board {
            let fault = "a token-mlp model needs data.canvas = \"board\": its examples all have one size";
            return self.value(fault.to_owned());
        }
        let held_out = |source: &&SourceRecipe| source.test_pairs && data.held_out.contains(&source.tasks);
        match data.sources.iter().find(held_out) {
            Some(source) => {
                let set = &source.tasks;
                self.value(format!("test_pairs = true for {set}: the answers of a held-out set are never learned"))
            }
            None => Ok(()),
        }
    }

    fn check_puzzles(&self, data: &PuzzleData) -> Result<(), RecipeError> {
        let PuzzleData { kind, side, ref source, .. } = *data;
        if !kind.has_side(side) {
            return self.value(format!("puzzles.side is {side}; {}", kind.form()));
        }
        if let Some(most) = PuzzleView::most_variants(kind).filter(|most| data.variants > *most) {
            let found = data.variants;
            return self.value(format!("puzzles.variants is {found}; a {kind} has {most} beside itself"));
        }
        if data.variants > MOST_VARIANTS {
            return self.value(format!("puzzles.variants is {}; it is at most {MOST_VARIANTS}", data.variants));
        }
        self.check_board(&format!("{kind} of {side} x {side}"), vocabulary_of(kind, side), side)?;
        let count = match source {
            PuzzleSource::Table { take, .. } => *take,
            PuzzleSource::Unknown => None,
            PuzzleSource::Generated(generated) => {
                generated.wish(kind, side)?;
                Some(generated.count)
            }
        };
        match count {
            Some(count) if count > MOST_PUZZLES => {
                self.value(format!("puzzles.source takes {count} puzzles; it is at most {MOST_PUZZLES}"))
            }
            Some(0) => self.value("puzzles.source takes 0 puzzles; it is at least 1".to_owned()),
            _ => Ok(()),
        }
    }

    /// A model reads the cells of one kind on boards of one side.
    fn check_board(&self, what: &str, vocabulary: usize, side: usize) -> Result<(), RecipeError> {
        let Config { vocabulary: found, cells, .. } = self.model;
        if found != vocabulary {
            return self.value(format!("model.vocabulary is {found}; the cells of {what} have {vocabulary} kinds"));
        }
        if cells != side * side {
            return self.value(format!("model.cells is {cells}; the board of {what} has {}", side * side));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::puzzle::Kind;
    use crate::recipe::Generated;

    #[test]
    fn impossible_puzzles_are_named() {
        let fault = |change: fn(&mut Recipe)| {
            let mut recipe = Recipe::load("sudoku-mlp").unwrap();
            change(&mut recipe);
            recipe.check().unwrap_err().to_string()
        };
        fn puzzles(recipe: &mut Recipe) -> &mut PuzzleData {
            let Data::Puzzles(data) = &mut recipe.data else { panic!("sudoku-mlp learns puzzles") };
            data
        }
        let generated = |count, least_clues| {
            PuzzleSource::Generated(Generated { count, seed: 0, least_rating: None, least_clues: Some(least_clues) })
        };
        assert!(fault(|r| puzzles(r).side = 5).contains("puzzles.side is 5; a Sudoku is 16, 36 or 81"));
        assert!(fault(|r| puzzles(r).side = 4).contains("vocabulary is 11; the cells of Sudoku of 4 x 4 have 6 kinds"));
        assert!(
            fault(|r| (puzzles(r).kind, puzzles(r).variants) = (Kind::Maze, 8)).contains("a maze has 7 beside itself")
        );
        assert!(
            fault(|r| (puzzles(r).kind, puzzles(r).variants) = (Kind::Maze, 7))
                .contains("the cells of maze of 9 x 9 have 6 kinds")
        );
        // the token-MLP kind reads boards of one size alone
        assert!(fault(|r| r.model.cells = 80).contains("model.cells is 80; the board of Sudoku of 9 x 9 has 81"));
        let none = |r: &mut Recipe| puzzles(r).source = PuzzleSource::Table { file: "a.csv".into(), take: Some(0) };
        assert!(fault(none).contains("takes 0 puzzles"));
        let mut recipe = Recipe::load("sudoku-mlp").unwrap();
        puzzles(&mut recipe).source = generated(0, 30);
        assert!(recipe.check().unwrap_err().to_string().contains("takes 0 puzzles"));
        puzzles(&mut recipe).source = generated(1, 81);
        assert!(recipe.check().unwrap_err().to_string().contains("no Sudoku of side 9 with 81 clues"));
        puzzles(&mut recipe).source = PuzzleSource::Unknown;
        assert!(
            recipe.check().is_ok() && recipe.check_sources().unwrap_err().to_string().contains("source is unknown")
        );
        assert!(recipe.tasks().unwrap_err().to_string().contains("sudoku-mlp learns Sudoku of 9 x 9 and no tasks"));
    }
}
