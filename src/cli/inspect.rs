//! `trm-arc inspect`: what a checkpoint is, without computing anything.

use std::path::PathBuf;

use clap::Args;
use dfdx::prelude::Cpu;
use serde_json::{Map, Value, json};

use super::{CliError, Exit, counted, print};
use crate::checkpoint;
use crate::files;
use crate::model::{Backward, Config, Latents, Local, Mixer, Nets, Positions};
use crate::names;
use crate::recipe::{Adaptation, Imported, NamesFrom, PuzzleData, Trained};
use crate::units::Count;

/// Say what a checkpoint is: model, both parameter counts, step, digest, tasks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc inspect
  trm-arc inspect runs/arc-1 --tasks
  trm-arc inspect runs/arc-1 --json")]
pub struct Arguments {
    /// The checkpoint's folder; checkpoints/default without it
    checkpoint: Option<PathBuf>,
    /// List the tasks that it has rows for, with their number
    #[arg(long, conflicts_with = "json")]
    tasks: bool,
    /// Print JSON, tasks included
    #[arg(long)]
    json: bool,
}

/// Prints what there is to know.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    let shipped = || files::find(checkpoint::DEFAULT.as_ref()).unwrap_or_else(|| checkpoint::DEFAULT.into());
    let path = arguments.checkpoint.clone().unwrap_or_else(shipped);
    let trained = Trained::load(&path, &Cpu::default())?;
    print(&match (arguments.json, arguments.tasks) {
        (true, _) => to_json(&trained),
        (_, true) => tasks(&trained).map(|(task, rows)| format!("{} {rows}\n", names::one_line(task))).collect(),
        _ => to_terminal(&trained),
    })?;
    Ok(Exit::Done)
}

/// The tasks that have rows, in the order of the table, and how many each has.
fn tasks(trained: &Trained<Cpu>) -> impl Iterator<Item = (&str, usize)> {
    trained.identifiers.by_task().map(|(task, rows)| (task, rows.len()))
}

fn to_terminal(trained: &Trained<Cpu>) -> String {
    let count = |number: usize| Count(number as u64).to_string();
    let (rows, width) = (trained.table.count(), trained.table.width());
    let counts: Vec<usize> = tasks(trained).map(|(_, rows)| rows).collect();
    let mut facts = vec![
        ("recipe", trained.recipe.name.clone()),
        ("step", count(trained.step)),
        ("digest", trained.digest.clone()),
        ("model", model(&trained.model.config)),
        ("trunk", format!("{} numbers, float32", count(trained.model.parameters()))),
        ("puzzle rows", format!("{} of {width}, {} numbers", count(rows), count(rows * width))),
    ];
    facts.push(match trained.recipe.data.puzzles() {
        Some(PuzzleData { kind, side, .. }) => ("solves", format!("{kind} {side} x {side}")),
        None => ("known tasks", format!("{}, {}", count(counts.len()), rows_each(&counts))),
    });
    if let Some(Imported { file, sha256, numbers, names, named }) = &trained.imported {
        let from = match names {
            NamesFrom::Order { variants, seed } => format!("the published order of {variants} variants, seed {seed}"),
            NamesFrom::List { file } => file.clone(),
            NamesFrom::Puzzles { .. } => "what all puzzles share".to_owned(),
        };
        facts.push(("imported", format!("{file} ({}), sha256 {sha256}", numbers.join(" and "))));
        facts.push(("names", format!("{} rows by {from}", count(*named))));
    }
    if let Some(Adaptation { from, rows_alone, .. }) = &trained.recipe.adaptation {
        facts.push(("adapted", format!("from {from}, the rows alone for {} steps", count(*rows_alone))));
    }
    for set in trained.sets.iter() {
        let learned = if trained.recipe.data.puzzles().is_some() { "puzzles" } else { "task set" };
        facts.push((learned, format!("{}, digest {}", set.name, set.digest)));
    }
    // names of sets and files come from the manifest, and each fact is one line
    facts.into_iter().map(|(name, fact)| format!("{name:<12}{}\n", names::one_line(&fact))).collect()
}

fn rows_each(counts: &[usize]) -> String {
    match (counts.iter().min(), counts.iter().max()) {
        (Some(least), Some(most)) if least == most => format!("each with {} rows", Count(*most as u64)),
        (Some(least), Some(most)) => format!("with {} to {} rows each", Count(*least as u64), Count(*most as u64)),
        _ => "none".to_owned(),
    }
}

fn model(config: &Config) -> String {
    let mixer = match config.mixer {
        Mixer::Attention => format!("attention with {} heads", config.heads),
        Mixer::TokenMlp => "token MLP".to_owned(),
    };
    let positions = match config.positions {
        Positions::Rope => "rotary positions",
        Positions::Rope2d => "rotary positions by row and column",
        Positions::None => "no positions",
    };
    let local = match config.local {
        Local::None => "",
        Local::Depthwise3x3 => ", neighbours mixed by 3 x 3 weights a channel",
    };
    let nets = match config.nets {
        Nets::Shared => "",
        Nets::Separate => ", a net for each state",
    };
    let latents = match config.latents {
        Latents::Two => "",
        Latents::Single => ", one latent state",
        Latents::MultiScale => ", a latent state for each update of a cycle",
        Latents::None => ", direct prediction",
    };
    let gradient = match config.gradient {
        Backward::FullRecursion => "",
        Backward::OneStep => ", gradients through the last two updates",
    };
    format!(
        "hidden {}, {}, {mixer}, {positions}{local}{nets}{latents}{gradient}, {} x {} cycles, {} cells, prefix {}",
        config.hidden,
        counted(config.layers, "layer"),
        config.h_cycles,
        config.l_cycles,
        config.cells,
        config.prefix
    )
}

fn to_json(trained: &Trained<Cpu>) -> String {
    let tasks: Map<String, Value> = tasks(trained).map(|(task, rows)| (task.to_owned(), rows.into())).collect();
    let object = json!({
        "recipe": trained.recipe.name,
        "step": trained.step,
        "digest": trained.digest,
        "model": trained.model.config,
        "dtype": "float32",
        "parameters": trained.model.parameters(),
        "puzzle_rows": trained.table.count(),
        "puzzle_width": trained.table.width(),
        "imported": trained.imported,
        "adaptation": trained.recipe.adaptation,
        "sets": trained.sets,
        "tasks": tasks,
    });
    serde_json::to_string_pretty(&object).expect("plain data can be written") + "\n"
}
