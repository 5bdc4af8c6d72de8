//! What is known of the published checkpoints: the digest of a file, and what the size of a table says of the data set behind it.
//!
//! Names in another order fit a table just as well and score 0. So where a table has the size of a published one, only the names of that one
//! are taken.

use std::path::Path;

use super::{ImportError, NamesFrom};
use crate::dataset::published::{SEED, VARIANTS};
use crate::recipe::SetDigest;
use crate::task::shipped_with;

/// Checkpoints that were published, by their SHA-256.
const FILES: [(&str, &str); 1] = [(
    "53689643ad1606d7c22c758f8af0a71b3b66275dea074f214d2f1048d9a01fb0",
    "arcprize/trm_arc_prize_verification, arc_v1_public/step_518071",
)];

/// The rows of published tables and the first two sets of each; the third is ConceptARC, whose rows come last.
const TABLES: [(usize, [&str; 2]); 2] = [
    (876_406, ["arc-agi-1/training", "arc-agi-1/evaluation"]),
    (1_191_730, ["arc-agi-2/training", "arc-agi-2/evaluation"]),
];

/// Whose checkpoint has this SHA-256.
pub(super) fn file(sha256: &str) -> Option<&'static str> {
    FILES.into_iter().find(|(known, _)| *known == sha256).map(|(_, whose)| whose)
}

/// Makes sure that computed names are those of the published table that has as many rows.
///
/// # Errors
/// [`ImportError::OtherOrder`].
pub(super) fn check(path: &Path, rows: usize, names: &NamesFrom, sets: &[SetDigest]) -> Result<(), ImportError> {
    let (NamesFrom::Order { variants, seed }, Some((_, known))) =
        (names, TABLES.into_iter().find(|(size, _)| *size == rows))
    else {
        return Ok(());
    };
    let is_known = |(set, known): (&SetDigest, &str)| shipped_with(&set.digest) == Some(known);
    match (*variants, *seed) == (VARIANTS, SEED) && sets.iter().zip(known).all(is_known) {
        true => Ok(()),
        false => Err(ImportError::OtherOrder { path: path.to_owned(), rows, first: known[0], second: known[1] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task;

    #[test]
    fn a_published_table_takes_no_other_names() {
        let set = |name: &str| SetDigest { name: "mine".into(), digest: task::load(name).unwrap().digest() };
        let [training, evaluation] = ["arc-agi-1/training", "arc-agi-1/evaluation"].map(set);
        let order = |variants, seed| NamesFrom::Order { variants, seed };
        let check = |rows, names, sets: &[&SetDigest]| {
            let sets: Vec<SetDigest> = sets.iter().map(|&set| set.clone()).collect();
            check(Path::new("step_1"), rows, &names, &sets).map_err(|e| e.to_string())
        };
        let concept = SetDigest { name: "concept".into(), digest: "another".into() };
        assert!(check(876_406, order(1000, 42), &[&training, &evaluation]).is_ok());
        assert!(check(876_406, order(1000, 42), &[&training, &evaluation, &concept]).is_ok());
        assert!(check(876_406, order(1000, 42), &[&training]).is_ok(), "the others' rows have no names");
        assert!(check(876_406, NamesFrom::List { file: "identifiers.json".into() }, &[]).is_ok());
        assert!(check(64, order(8, 1), &[&evaluation]).is_ok(), "a table of no known size");
        for (names, sets) in [
            (order(1000, 42), &[&evaluation, &training][..]),
            (order(999, 42), &[&training, &evaluation]),
            (order(1000, 0), &[&training, &evaluation]),
        ] {
            let fault = check(876_406, names, sets).unwrap_err();
            let way_out = "--tasks arc-agi-1/training --tasks arc-agi-1/evaluation --variants 1000 --seed 42";
            assert!(fault.contains("876406 rows") && fault.contains(way_out), "{fault}");
        }
    }
}
