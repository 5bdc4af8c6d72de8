//! `trm-arc identifiers`: the names of a published table's rows, one a line.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use clap::builder::{RangedU64ValueParser, TypedValueParser};

use super::{CliError, Exit, counted, interrupt, load_tasks, talk};
use crate::dataset::published::{self, MAX_VARIANTS, PublishedError, PublishedOrder};
use crate::names;
use crate::task::TaskSet;

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
    /// Variants of each task beside the plain one, at most 2903039: no task looks different in more ways
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = variants())]
    pub variants: usize,
    /// The seed of numpy's generator
    #[arg(long, default_value_t = 42, value_name = "N")]
    pub seed: u32,
}

/// Parser of a number of variants.
pub fn variants() -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(0..=MAX_VARIANTS as u64)
}

impl OrderArguments {
    /// The sets in order. Every id can stand in a list of names.
    pub fn load(&self) -> Result<Vec<TaskSet>, CliError> {
        let sets: Vec<TaskSet> = self.tasks.iter().map(|name| load_tasks(name)).collect::<Result<_, _>>()?;
        for (name, set) in self.tasks.iter().zip(&sets) {
            if let Some((id, fault)) = set.tasks.iter().find_map(|task| Some((&task.id, names::unprintable(&task.id)?)))
            {
                return Err(CliError::Usage(format!("{name}: the id {id:?} {fault}; hint: give the task another id")));
            }
        }
        Ok(sets)
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
    let stop = interrupt::catch()?;
    let sets = arguments.order.load()?;
    let order = match published::identifiers(&sets, variants, seed, stop) {
        Err(PublishedError::Interrupted) => return Ok(Exit::Interrupted),
        order => order?,
    };
    if !print_names(&order, stop)? {
        return Ok(Exit::Interrupted);
    }
    arguments.order.talk_of_short(&order);
    Ok(Exit::Done)
}

/// Prints the names. Returns false when it was interrupted.
fn print_names(order: &PublishedOrder<'_>, stop: &AtomicBool) -> io::Result<bool> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    for name in order.names() {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        writeln!(stdout, "{name}")?;
    }
    stdout.flush()?;
    Ok(true)
}
