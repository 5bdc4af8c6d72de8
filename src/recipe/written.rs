//! A recipe as it is written: what is learned from stands in `[data]` or in `[puzzles]`.

use serde::{Deserialize, Serialize};

use super::{Adaptation, Course, Data, PuzzleData, Recipe, Rows, TaskData, Trunk};
use crate::model::Config;

/// A recipe's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    name: String,
    seed: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<TaskData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    puzzles: Option<PuzzleData>,
    model: Config,
    training: Course,
    trunk: Trunk,
    rows: Rows,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    adaptation: Option<Adaptation>,
}

impl TryFrom<Written> for Recipe {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { name, seed, data, puzzles, model, training, trunk, rows, adaptation } = written;
        let data = match (data, puzzles) {
            (Some(data), None) => Data::Tasks(data),
            (None, Some(puzzles)) => Data::Puzzles(puzzles),
            (None, None) => return Err("the recipe has neither [data] nor [puzzles]; it learns from one of them"),
            (Some(_), Some(_)) => return Err("the recipe has both [data] and [puzzles]; leave one of them out"),
        };
        Ok(Self { name, seed, data, model, training, trunk, rows, adaptation })
    }
}

impl From<Recipe> for Written {
    fn from(recipe: Recipe) -> Self {
        let Recipe { name, seed, data, model, training, trunk, rows, adaptation } = recipe;
        let (data, puzzles) = match data {
            Data::Tasks(data) => (Some(data), None),
            Data::Puzzles(data) => (None, Some(data)),
        };
        Self { name, seed, data, puzzles, model, training, trunk, rows, adaptation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_learns_from_tasks_or_from_puzzles() {
        let recipe = Recipe::load("small-grids").unwrap();
        let text = toml::to_string(&recipe).unwrap();
        assert!(text.contains("[data]") && !text.contains("[puzzles]"), "{text}");
        let read = |text: &str| toml::from_str::<Recipe>(text).map_err(|fault| fault.to_string());
        assert_eq!(read(&text).unwrap(), recipe);
        let both = text.clone() + "[puzzles]\nkind = \"maze\"\nside = 9\nvariants = 7\nsource.table.file = \"a.csv\"\n";
        assert!(read(&both).unwrap_err().contains("both [data] and [puzzles]"));
        let (before, rest) = text.split_at(text.find("[data]").unwrap());
        let after = &rest[rest.find("[model]").unwrap()..];
        assert!(read(&format!("{before}{after}")).unwrap_err().contains("neither [data] nor [puzzles]"));
    }
}
