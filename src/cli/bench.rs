//! `trm-arc bench`: how fast one supervision step is, beside the fastest that this machine multiplies.

use clap::Args;
use clap::builder::RangedU64ValueParser;
use dfdx::prelude::Cpu;

use super::{CliError, Exit, print, talk};
use crate::bench::{self, BenchError, Plan, Report};
use crate::device::Precision;
use crate::model::{Config, Mixer, Positions};

/// Time one supervision step of a model
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  trm-arc bench                                     the paper's model on the full board, forward
  trm-arc bench --train --cells 144 --batch 16      a tight canvas, with the backward pass
  trm-arc bench --mlp-t --cells 81 --batch 32 --l-cycles 6 --json

Weights and boards are random. The answer is checked first: exit 1 when it is wrong. Then one
run warms up, and the best of the next ones counts.")]
pub struct Arguments {
    /// Add the loss and the backward pass
    #[arg(long)]
    train: bool,
    /// Examples in a step
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_1())]
    batch: usize,
    /// Cells of an example
    #[arg(long, value_name = "N", default_value_t = 900)]
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
    /// The number type of products: f32 or bf16
    #[arg(long, value_name = "TYPE", default_value_t = Precision::F32)]
    precision: Precision,
    /// Threads; one for each processor without it
    #[arg(long, value_name = "N", value_parser = at_least_1())]
    threads: Option<usize>,
    /// Timed runs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = at_least_1())]
    runs: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn at_least_1() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::<usize>::new().range(1..)
}

/// Times, and prints what was found.
pub fn run(arguments: &Arguments) -> Result<Exit, CliError> {
    finish(bench::run(plan(arguments), &Cpu::default()), arguments.json)
}

/// A wrong answer is a failed check; whatever else is in the way is bad usage.
fn finish(result: Result<Report, BenchError>, json: bool) -> Result<Exit, CliError> {
    match result {
        Ok(report) => print(&if json { report.to_json() } else { report.to_terminal() }).map(|()| Exit::Done),
        Err(error) if error.is_failed_check() => {
            talk(format_args!("error: {error}"));
            Ok(Exit::Failed)
        }
        Err(error) => Err(error.into()),
    }
}

fn plan(arguments: &Arguments) -> Plan {
    let Arguments { train, batch, cells, hidden, heads, h_cycles, l_cycles, prefix, .. } = *arguments;
    let (mixer, positions) = match arguments.mlp_t {
        true => (Mixer::TokenMlp, Positions::None),
        false => (Mixer::Attention, Positions::Rope),
    };
    let sizes = Config { cells, hidden, heads, h_cycles, l_cycles, prefix, puzzle_width: hidden, ..Config::arc() };
    let Arguments { precision, threads, runs, .. } = *arguments;
    Plan { config: Config { mixer, positions, ..sizes }, batch, train, precision, threads, runs }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_answer_exits_1_and_too_many_cells_do_not() {
        let wrong = || BenchError::Disagrees { what: "the logits".into(), difference: 0.5, allowed: 1e-4 };
        assert_eq!(finish(Err(wrong()), false).unwrap(), Exit::Failed);
        assert_eq!(finish(Err(BenchError::NotFinite("logits")), true).unwrap(), Exit::Failed);
        assert!(finish(Err(BenchError::Cells(70_000)), false).unwrap_err().to_string().contains("70000 cells"));
        let text = wrong().to_string();
        assert!(text.contains("the logits differ by 5.0e-1") && text.contains("1e-4 is allowed"), "{text}");
    }
}
