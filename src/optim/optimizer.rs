//! `Optimizer`: the choice of what moves the trunk, as a recipe has it.
//!
//! ```toml
//! [trunk.optimizer]          # one of these kinds, with all of its constants
//! kind = "adam-w"            # or "adam-atan2": moves everything
//! beta_1 = 0.9
//! beta_2 = 0.95
//! weight_decay = 0.1
//!
//! [trunk.optimizer]
//! kind = "muon"              # or "nor-muon": moves the products inside the blocks
//! learning_rate = 0.02       # theirs, at its height; it follows the schedule
//! momentum = 0.95
//! row_beta = 0.95            # of "nor-muon" alone
//! beta_1 = 0.9               # AdamW's, which moves the rest at trunk.learning_rate
//! beta_2 = 0.95
//! weight_decay = 0.1         # of both, each times its own learning rate
//! ```

use serde::{Deserialize, Serialize};

use crate::ops::{Adam, AdamKind, Muon};

/// What moves the trunk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Optimizer {
    /// The published runs' choice, see [`AdamKind::AdamAtan2`].
    AdamAtan2 {
        /// b1.
        beta_1: f64,
        /// b2.
        beta_2: f64,
        /// wd.
        weight_decay: f64,
    },
    /// See [`AdamKind::AdamW`].
    AdamW {
        /// b1.
        beta_1: f64,
        /// b2.
        beta_2: f64,
        /// wd.
        weight_decay: f64,
    },
    /// [`crate::ops::muon`] for the products inside the blocks, AdamW for the rest.
    Muon {
        /// Muon's learning rate at its height.
        learning_rate: f64,
        /// mu.
        momentum: f64,
        /// b1 of AdamW.
        beta_1: f64,
        /// b2 of AdamW.
        beta_2: f64,
        /// wd of both.
        weight_decay: f64,
    },
    /// The same with rows of one size.
    NorMuon {
        /// Muon's learning rate at its height.
        learning_rate: f64,
        /// mu.
        momentum: f64,
        /// br.
        row_beta: f64,
        /// b1 of AdamW.
        beta_1: f64,
        /// b2 of AdamW.
        beta_2: f64,
        /// wd of both.
        weight_decay: f64,
    },
}

impl Optimizer {
    /// What moves all that Muon does not.
    pub fn adam(&self) -> Adam {
        let kind = match self {
            Self::AdamAtan2 { .. } => AdamKind::AdamAtan2,
            Self::AdamW { .. } | Self::Muon { .. } | Self::NorMuon { .. } => AdamKind::AdamW,
        };
        let (Self::AdamAtan2 { beta_1, beta_2, weight_decay }
        | Self::AdamW { beta_1, beta_2, weight_decay }
        | Self::Muon { beta_1, beta_2, weight_decay, .. }
        | Self::NorMuon { beta_1, beta_2, weight_decay, .. }) = *self;
        Adam { kind, beta_1, beta_2, weight_decay }
    }

    /// What moves the products inside the blocks, where it is not Adam, and the height of its learning rate.
    pub fn muon(&self) -> Option<(Muon, f64)> {
        match *self {
            Self::AdamAtan2 { .. } | Self::AdamW { .. } => None,
            Self::Muon { learning_rate, momentum, weight_decay, .. } => {
                Some((Muon { momentum, weight_decay, row_beta: None }, learning_rate))
            }
            Self::NorMuon { learning_rate, momentum, row_beta, weight_decay, .. } => {
                Some((Muon { momentum, weight_decay, row_beta: Some(row_beta) }, learning_rate))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADAM: &str = "beta_1 = 0.9\nbeta_2 = 0.95\nweight_decay = 0.1\n";

    fn read(text: &str) -> Result<Optimizer, String> {
        toml::from_str(&format!("{text}\n{ADAM}")).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn each_kind_is_read_and_written_as_itself() {
        let muon = "learning_rate = 0.02\nmomentum = 0.95";
        let rows = "row_beta = 0.9";
        for (kind, text) in [
            ("adam-atan2", "kind = \"adam-atan2\"".to_owned()),
            ("adam-w", "kind = \"adam-w\"".to_owned()),
            ("muon", format!("kind = \"muon\"\n{muon}")),
            ("nor-muon", format!("kind = \"nor-muon\"\n{muon}\n{rows}")),
        ] {
            let optimizer = read(&text).unwrap();
            let json = serde_json::to_string(&optimizer).unwrap();
            assert!(json.starts_with(&format!("{{\"kind\":\"{kind}\"")), "{json}");
            assert_eq!(serde_json::from_str::<Optimizer>(&json).unwrap(), optimizer);
            assert_eq!(optimizer.adam().beta_2, 0.95);
            assert_eq!(optimizer.muon().is_some(), kind.contains("muon"));
            assert_eq!(optimizer.muon().and_then(|(muon, _)| muon.row_beta), (kind == "nor-muon").then_some(0.9));
        }
    }

    #[test]
    fn a_constant_of_another_kind_and_one_that_is_missing_are_refused() {
        assert!(read("kind = \"adam-w\"\nmomentum = 0.95").unwrap_err().contains("unknown field `momentum`"));
        let other = read("kind = \"muon\"\nlearning_rate = 0.02\nmomentum = 0.95\nrow_beta = 0.9").unwrap_err();
        assert!(other.contains("unknown field `row_beta`"), "{other}");
        assert!(read("kind = \"muon\"\nmomentum = 0.95").unwrap_err().contains("missing field `learning_rate`"));
        assert!(read("kind = \"moun\"").unwrap_err().contains("unknown variant `moun`"));
    }
}
