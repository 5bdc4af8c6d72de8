//! `trm-arc identifiers`: the names of a published table's rows, one a line.

use std::io::{self, BufWriter, Write};

use clap::Args;

use super::{CliError, Exit, counted, talk};
use crate::dataset::published::{self, PublishedOrder};
use crate::task::{self, TaskSet};

/// Print the names of a published table's rows
#[derive(Debug, Args)]
#[command(after_help = "Example:
  trm-arc identifiers --tasks arc-agi-1/training --tasks arc-agi-1/evaluation > identifiers.txt

The names stand in the order in which the published build of the data (build_arc_dataset.py) numbers them, <blank> first. The order depends \
on all that is given here: the sets and their order, the variants and the seed. The sets that come first do not depend on those that follow.")]
pub struct Arguments {
    #[command(flatten)]
    order: OrderArguments,
}

/// What an order depends on.
#[derive(Debug, Args)]
pub struct OrderArguments {
    /// A set's name, a challenges file or a folder of task files; once for each set, in the order of the build
    #[arg(long, required = true, value_name = "SET")]
    pub tasks: Vec<String>,
    /// Variants of each task beside the plain one
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub variants: usize,
    /// The seed of numpy's generator
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u32,
}

impl OrderArguments {
    /// The sets in order.
    pub fn load(&self) -> Result<Vec<TaskSet>, CliError> {
        Ok(self.tasks.iter().map(|name| task::load(name)).collect::<Result<_, _>>()?)
    }

    /// Says how many tasks have too few variants, if any has.
    pub fn talk_of_short(&self, order: &PublishedOrder<'_>) {
        let (short, tasks) = (order.short(), counted(order.tasks.len(), "task"));
        if short > 0 {
            talk(format_args!("fewer than {} variants beside the plain task: {short} of {tasks}", self.variants));
        }
    }
}

/// Draws the order and prints its names.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let OrderArguments { variants, seed, .. } = arguments.order;
    let sets = arguments.order.load()?;
    let order = published::identifiers(&sets, variants, seed);
    let mut stdout = BufWriter::new(io::stdout().lock());
    for name in order.names() {
        writeln!(stdout, "{name}")?;
    }
    stdout.flush()?;
    arguments.order.talk_of_short(&order);
    Ok(Exit::Done)
}
