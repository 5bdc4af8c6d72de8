//! `trm-arc bench`: how fast one supervision step is, beside the fastest that this machine multiplies.

use clap::{Args, ValueEnum};

use super::guard::guarded;
use super::{CliError, Exit, counts, load_tasks, print, talk, threads};
use crate::bench::{self, BenchError, Plan, canvas};
use crate::device::{DeviceChoice, Precision, on_device};
use crate::encode::Canvas;
use crate::model::{Config, Mixer, Positions};
use crate::ops::Operations;

/// Time one supervision step of a model
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc bench                                     the paper's model on the full board, forward
  trm-arc bench --train --cells 144 --batch 16      a tight canvas, with the backward pass
  trm-arc bench --mlp-t --cells 81 --batch 32 --l-cycles 6 --json
  trm-arc bench --tasks arc-agi-1/evaluation        demonstrations on tight canvases beside full boards

Weights are random, and so are the boards without --tasks. The answer is checked first: exit 1 when it is wrong. \
Then the machine warms up, and the best of the timed runs counts.")]
pub struct Arguments {
    /// Add the loss and the backward pass
    #[arg(long, conflicts_with = "tasks")]
    train: bool,
    /// Examples in a step
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = counts::count(), conflicts_with = "tasks")]
    batch: usize,
    /// Cells of an example
    #[arg(long, value_name = "N", default_value_t = 900, conflicts_with = "tasks")]
    cells: usize,
    /// The width of an activation, and of a puzzle row
    #[arg(long, value_name = "N", default_value_t = 512)]
    hidden: usize,
    /// Attention heads
    #[arg(long, value_name = "N", default_value_t = 8)]
    heads: usize,
    /// Updates of the answer state in a step
    #[arg(long, value_name = "N", default_value_t = 3)]
    h_cycles: usize,
    /// Updates of the reasoning state before each of them
    #[arg(long, value_name = "N", default_value_t = 4)]
    l_cycles: usize,
    /// Tokens of an example's puzzle row
    #[arg(long, value_name = "N", default_value_t = 16)]
    prefix: usize,
    /// Mix tokens by a swiglu along them instead of attention
    #[arg(long)]
    mlp_t: bool,
    /// What to compute on: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: DeviceChoice,
    /// The number type of products: f32 or bf16 [default: f32, on CUDA bf16]
    #[arg(long, value_name = "TYPE")]
    precision: Option<Precision>,
    /// Threads; one for each processor without it
    #[arg(long, value_name = "N", value_parser = threads::parse)]
    threads: Option<usize>,
    /// Time demonstrations of this set: its name, a challenges file or a folder of task files
    #[arg(long, value_name = "SET")]
    tasks: Option<String>,
    /// The one canvas to draw them on; both in turns without it
    #[arg(long, value_enum, requires = "tasks")]
    canvas: Option<CanvasName>,
    /// How many of them, spread evenly over the set
    #[arg(long, value_name = "N", default_value_t = canvas::EXAMPLES, value_parser = counts::count(), requires = "tasks")]
    examples: usize,
    /// Tokens of those that run as one batch; a larger one runs by itself
    #[arg(long, value_name = "N", default_value_t = canvas::TOKENS_PER_BATCH, value_parser = counts::count())]
    #[arg(requires = "tasks")]
    tokens_per_batch: usize,
    /// Timed runs; with --tasks, passes on each canvas
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = counts::count())]
    runs: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CanvasName {
    /// The rows and columns that a pair needs
    Tight,
    /// 30 x 30
    Board,
}

impl From<CanvasName> for Canvas {
    fn from(name: CanvasName) -> Self {
        match name {
            CanvasName::Tight => Self::Tight,
            CanvasName::Board => Self::Board,
        }
    }
}

/// Times, and prints what was found.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    guarded(arguments.device, || on_device!(arguments.device, |device| run_on(arguments, device)))
}

fn run_on<D: Operations>(arguments: &Arguments, device: &D) -> Result<Exit, CliError> {
    // the processor is asked last, so that a wrong argument is refused in one way on all of them
    let set = arguments.tasks.as_deref().map(load_tasks).transpose()?;
    config(arguments).check().map_err(BenchError::from)?;
    if set.is_some() {
        canvas::check_canvases(&config(arguments), &canvases(arguments))?;
    }
    let precision = D::precision(arguments.precision, arguments.train)?;
    let text = |json: String, terminal: String| if arguments.json { json } else { terminal };
    finish(match &set {
        None => {
            bench::run(plan(arguments, precision), device).map(|report| text(report.to_json(), report.to_terminal()))
        }
        Some(set) => canvas::run(canvas_plan(arguments, precision), set, device)
            .map(|report| text(report.to_json(), report.to_terminal())),
    })
}

/// A wrong answer is a failed check; whatever else is in the way is bad usage.
fn finish(result: Result<String, BenchError>) -> Result<Exit, CliError> {
    match result {
        Ok(text) => print(&text).map(|()| Exit::Done),
        Err(error) if error.is_failed_check() => {
            talk(format_args!("error: {error}"));
            Ok(Exit::Failed)
        }
        Err(error) => Err(error.into()),
    }
}

fn plan(arguments: &Arguments, precision: Precision) -> Plan {
    let Arguments { train, batch, threads, runs, .. } = *arguments;
    Plan { config: config(arguments), batch, train, precision, threads, runs }
}

fn canvas_plan(arguments: &Arguments, precision: Precision) -> canvas::Plan {
    let Arguments { threads, runs, examples, tokens_per_batch, .. } = *arguments;
    let (config, canvases) = (config(arguments), canvases(arguments));
    canvas::Plan { config, precision, threads, runs, examples, tokens_per_batch, canvases }
}

fn canvases(arguments: &Arguments) -> Vec<Canvas> {
    let both = || vec![Canvas::Tight, Canvas::Board];
    arguments.canvas.map_or_else(both, |canvas| vec![canvas.into()])
}

fn config(arguments: &Arguments) -> Config {
    let Arguments { cells, hidden, heads, h_cycles, l_cycles, prefix, .. } = *arguments;
    let (mixer, positions) = match arguments.mlp_t {
        true => (Mixer::TokenMlp, Positions::None),
        false => (Mixer::Attention, Positions::Rope),
    };
    let sizes = Config { cells, hidden, heads, h_cycles, l_cycles, prefix, puzzle_width: hidden, ..Config::arc() };
    Config { mixer, positions, ..sizes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_exits_1_and_a_set_without_demonstrations_does_not() {
        let wrong = || BenchError::Disagrees { what: "the logits".into(), difference: 0.5, allowed: 1e-4 };
        assert_eq!(finish(Err(wrong())).unwrap(), Exit::Failed);
        assert_eq!(finish(Err(BenchError::NotFinite("logits"))).unwrap(), Exit::Failed);
        assert!(
            finish(Err(BenchError::NoDemonstrations("mine".into())))
                .unwrap_err()
                .to_string()
                .contains("mine has no demonstrations")
        );
        let text = wrong().to_string();
        assert!(text.contains("the logits differ by 5.0e-1") && text.contains("1e-4 is allowed"), "{text}");
    }
}
