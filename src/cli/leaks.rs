//! `trm-arc leaks`: what two sets of tasks share, and whether the tests of one can be learned from the other.

use std::fmt::Write;

use clap::Args;

use super::{CliError, Exit, counted, load_tasks, print, talk};
use crate::overlap::{Evidence, Extent, Likeness, Overlap};

/// Find tasks and pairs that two sets share; exit 1 when a test pair of the second is in the first
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc leaks arc-agi-1/evaluation arc-agi-2/evaluation
  trm-arc leaks my_training_challenges.json arc-agi-2/evaluation --up-to-symmetry

A test pair of the second set leaks when it is a pair of the first, demonstration or test, under whatever id. Two tasks have the same content \
when each pair of one is a pair of the other, in any order. A test without a solution is compared by its input alone.

Exit codes: 0 nothing leaks, 1 something does.")]
pub struct Arguments {
    /// The set that is learned: a set's name, a challenges file or a folder of task files
    #[arg(value_name = "A")]
    first: String,
    /// The set that is asked
    #[arg(value_name = "B")]
    second: String,
    /// Find pairs that are turned, mirrored or recoloured too; tiny grids can then be the same by chance
    #[arg(long)]
    up_to_symmetry: bool,
    /// Print JSON, with every shared pair
    #[arg(long)]
    json: bool,
}

/// Prints what is shared.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let (first, second) = (load_tasks(&arguments.first)?, load_tasks(&arguments.second)?);
    let likeness = if arguments.up_to_symmetry { Likeness::UpToSymmetry } else { Likeness::Equal };
    let overlap = Overlap::between(&first, &second, likeness);
    for set in [&overlap.first, &overlap.second].into_iter().filter(|set| !set.has_solutions) {
        talk(format_args!("note: {} has tests without solutions; they are compared by their inputs", set.name));
    }
    if arguments.json {
        print(&(serde_json::to_string_pretty(&overlap).expect("an overlap is plain data") + "\n"))?;
    } else {
        print(&text(&overlap))?;
    }
    Ok(if overlap.leaked.is_empty() { Exit::Done } else { Exit::Failed })
}

fn text(overlap: &Overlap) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<24} {value}").expect("a text grows");
    line("first", extent(&overlap.first));
    line("second", extent(&overlap.second));
    if overlap.likeness == Likeness::UpToSymmetry {
        line("pairs are the same", "also when turned, mirrored or recoloured".into());
    }
    line("same id, same content", listed(&overlap.same));
    line("same id, other content", listed(&overlap.changed));
    let renamed = overlap.renamed.iter().map(|pair| format!("{} is {}", pair.second, pair.first));
    line("other id, same content", listed(&renamed.collect::<Vec<_>>()));
    line("demonstrations shared", format!("{} of {}", overlap.shared.len(), overlap.second.train));
    line("test pairs leaked", format!("{} of {}", overlap.leaked.len(), overlap.second.test));
    for pair in &overlap.leaked {
        let places: Vec<String> = pair.first.iter().map(ToString::to_string).collect();
        let by = if pair.by == Evidence::Input { ", by its input" } else { "" };
        line(&format!("  {}", pair.second), format!("is {}{by}", places.join(", ")));
    }
    text
}

fn extent(set: &Extent) -> String {
    let Extent { name, tasks, train, test, .. } = set;
    format!(
        "{name}, {}, {}, {}",
        counted(*tasks, "task"),
        counted(*train, "demonstration"),
        counted(*test, "test pair")
    )
}

/// `2: id, id`.
fn listed(items: &[String]) -> String {
    let separator = if items.is_empty() { "" } else { ": " };
    format!("{}{separator}{}", items.len(), items.join(", "))
}
