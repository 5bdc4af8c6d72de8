//! The published results to compare with: `reports/baselines.csv`, compiled into the program so that it works anywhere.
//!
//! `reports/README.md` says what each column means and where the figures come from. What bites: `public-evaluation`
//! and `semi-private` are different tasks, and `pass@1` is not `pass@2`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ReportError;

const BASELINES: &str = include_str!("../../reports/baselines.csv");

/// What a system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A small network applied to its own output, as HRM and TRM.
    Recursive,
    /// Another small network.
    SmallNetwork,
    /// A large language model.
    LanguageModel,
    /// A search over programs.
    ProgramSearch,
    /// Several systems together.
    Ensemble,
    /// People.
    Human,
    /// A solver without a model, of this program.
    NoModel,
    /// Whatever made a submission without a record.
    Unknown,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recursive => "recursive",
            Self::SmallNetwork => "small-network",
            Self::LanguageModel => "language-model",
            Self::ProgramSearch => "program-search",
            Self::Ensemble => "ensemble",
            Self::Human => "human",
            Self::NoModel => "no-model",
            Self::Unknown => "unknown",
        })
    }
}

/// One published figure.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The system; variants are named here.
    pub system: String,
    /// What it is.
    pub kind: Kind,
    /// Trained parameters without puzzle rows.
    pub parameters: Option<u64>,
    /// `arc-agi-1` or `arc-agi-2`.
    pub benchmark: String,
    /// `public-evaluation` or `semi-private`.
    pub split: String,
    /// `pass@2` or `pass@1`.
    pub metric: String,
    /// In per cent.
    pub accuracy: f64,
    /// US dollars per task.
    pub cost_per_task_usd: Option<f64>,
    /// Where the figure was published.
    pub source: String,
    /// `YYYY-MM`, empty when unknown.
    pub date: String,
    /// Compute as published, and what the other columns cannot hold.
    pub note: String,
}

/// All published results, in the order of the file.
///
/// # Errors
/// [`ReportError::Baselines`] with the line.
pub fn baselines() -> Result<Vec<Baseline>, ReportError> {
    Ok(csv::Reader::from_reader(BASELINES.as_bytes()).deserialize().collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_row_parses_and_says_where_it_comes_from() {
        let rows = baselines().unwrap();
        assert_eq!(rows.len(), BASELINES.lines().count() - 1);
        for row in &rows {
            assert!(["arc-agi-1", "arc-agi-2"].contains(&row.benchmark.as_str()), "{row:?}");
            assert!(["public-evaluation", "semi-private"].contains(&row.split.as_str()), "{row:?}");
            assert!(["pass@1", "pass@2"].contains(&row.metric.as_str()), "{row:?}");
            assert!((0.0..=100.0).contains(&row.accuracy) && !row.source.is_empty(), "{row:?}");
        }
    }

    #[test]
    fn the_published_trm_figure_is_there() {
        let rows = baselines().unwrap();
        let trm = rows.iter().find(|row| row.system == "TRM-attention" && row.split == "public-evaluation").unwrap();
        assert_eq!((trm.kind, trm.parameters, trm.accuracy), (Kind::Recursive, Some(7_000_000), 44.6));
    }
}
