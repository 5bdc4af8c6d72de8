//! `Report`: what a benchmark found, for people and as JSON.

use serde_json::{Map, Value, json};
use tabled::builder::Builder;
use tabled::settings::object::{Columns, Rows};
use tabled::settings::{Alignment, Padding, Style};

use crate::bench::check::{Agreement, allowed};
use crate::bench::{Ceiling, Plan};
use crate::clock::Times;
use crate::device::Precision;
use crate::model::{Config, Mixer};
use crate::units::{Count, Milliseconds, OperationRate, Operations, Percent, Seconds};

/// A timed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// From the clock on the wall.
    pub time: Seconds,
    /// Where it went, in thread-seconds.
    pub parts: Times,
}

/// What a benchmark found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was timed.
    pub plan: Plan,
    /// What worked: `cpu, 2 threads`.
    pub device: String,
    /// The threads that worked.
    pub threads: usize,
    /// How well the answer agreed.
    pub agreement: Agreement,
    /// The timed runs, the fastest first; there is at least one.
    pub runs: Vec<Run>,
    /// The operations of a step.
    pub operations: Operations,
    /// The fastest product of this machine.
    pub ceiling: Ceiling,
}

impl Report {
    /// The time of an example in the fastest run.
    pub fn per_example(&self) -> Milliseconds {
        self.of_example(self.runs[0].time)
    }

    /// The speed of the fastest run.
    pub fn rate(&self) -> OperationRate {
        self.operations.in_time(self.runs[0].time)
    }

    /// The share of the ceiling, 0 to 1.
    pub fn ceiling_share(&self) -> f64 {
        self.rate().0 / self.ceiling.rate.0
    }

    fn of_example(&self, time: Seconds) -> Milliseconds {
        Milliseconds::from(Seconds(time.0 / self.plan.batch as f64))
    }

    /// An example's time in the fastest, the median (of an even number the slower of two) and the slowest run.
    fn spread(&self) -> [Milliseconds; 3] {
        let last = self.runs.len() - 1;
        [0, self.runs.len() / 2, last].map(|place| self.of_example(self.runs[place].time))
    }

    /// For each part of the fastest run its name, calls, thread time per example, and share of the time that the threads had. The last one is what
    /// no part claims: work that is not timed, and waiting.
    fn parts(&self) -> Vec<(String, Option<u64>, Milliseconds, f64)> {
        let Run { time, parts } = &self.runs[0];
        let had = time.0 * self.threads as f64;
        let row = |name: &str, calls, spent: Seconds| (name.to_owned(), calls, self.of_example(spent), spent.0 / had);
        let mut rows: Vec<_> =
            parts.entered().map(|(part, spent)| row(part.key(), Some(spent.calls), spent.time)).collect();
        rows.push(row("untimed", None, Seconds((had - parts.total().0).max(0.0))));
        rows
    }

    /// A table to read.
    pub fn to_terminal(&self) -> String {
        let Plan { config, batch, train, precision, .. } = &self.plan;
        let pass = if *train { "forward and backward" } else { "forward" };
        let model = model_in_words(config, *precision, &self.device);
        let title = format!("{pass}, batch {batch}, {} cells, {model}\n", config.cells);
        let mut checked = format!("logits differ by {}", small(self.agreement.logits));
        if let Some(gradient) = self.agreement.gradient {
            checked += &format!(" and gradients by {}", small(gradient));
        }
        let [best, median, worst] = self.spread();
        let needed = Operations(self.operations.0 / *batch as u64);
        let facts = [
            ("checked", format!("{checked} from another way, {} is allowed", small(allowed(*precision)))),
            ("per example", format!("{best} (median {median}, slowest {worst} of {} runs)", self.runs.len())),
            ("speed", format!("{} at {needed} an example", self.rate())),
            ("ceiling", ceiling_in_words(self.ceiling, *precision)),
            ("share", Percent(100.0 * self.ceiling_share()).to_string()),
        ];
        let facts: String = facts.map(|(name, fact)| format!("{name:<12}{fact}\n")).concat();
        format!("{title}{facts}\n{}", self.table())
    }

    fn table(&self) -> String {
        let mut builder = Builder::new();
        builder.push_record(["part", "calls", "thread time per example", "share of the threads' time"]);
        for (name, calls, time, share) in self.parts() {
            let calls = calls.map(|calls| Count(calls).to_string()).unwrap_or_default();
            builder.push_record([name.replace('_', " "), calls, time.to_string(), Percent(100.0 * share).to_string()]);
        }
        plain(builder)
    }

    /// One object, with the keys of the PyTorch peer where it has them. Times are milliseconds, speeds 10^9 operations per second, shares 0 to 1.
    pub fn to_json(&self) -> String {
        let Plan { config, batch, train, precision, runs, .. } = &self.plan;
        let [best, median, worst] = self.spread().map(|time| rounded(time.0, 100.0));
        let part = |(name, calls, time, share): (String, Option<u64>, Milliseconds, f64)| {
            let mut fields = json!({"thread_ms_per_example": rounded(time.0, 1e3), "share": rounded(share, 1e4)});
            if let Some(calls) = calls {
                fields["calls"] = json!(calls);
            }
            (name, fields)
        };
        let parts: Map<String, Value> = self.parts().into_iter().map(part).collect();
        let object = json!({
            "program": concat!("trm-arc ", env!("CARGO_PKG_VERSION")),
            "threads": self.threads,
            "device": self.device.split(',').next(),
            "device_name": self.device,
            "dtype": precision.type_name(),
            "precision": precision.to_string(),
            "train": train,
            "batch": batch,
            "cells": config.cells,
            "hidden": config.hidden,
            "heads": config.heads,
            "prefix": config.prefix,
            "mlp_t": config.mixer == Mixer::TokenMlp,
            "h_cycles": config.h_cycles,
            "l_cycles": config.l_cycles,
            "ms_per_example": best,
            "median_ms_per_example": median,
            "slowest_ms_per_example": worst,
            "runs": runs,
            "gflop_per_example": self.operations.0 as f64 / *batch as f64 / 1e9,
            "gflops": rounded(self.rate().0 / 1e9, 10.0),
            "ceiling_gflops": rounded(self.ceiling.rate.0 / 1e9, 10.0),
            "ceiling_share": rounded(self.ceiling_share(), 1e4),
            "logits_differ_by": self.agreement.logits,
            "gradients_differ_by": self.agreement.gradient,
            "parts": parts,
        });
        format!("{object}\n")
    }
}

/// The sizes of a model, and what it runs on.
pub(super) fn model_in_words(config: &Config, precision: Precision, device: &str) -> String {
    let kind = match config.mixer {
        Mixer::Attention => format!("attention with {} heads", config.heads),
        Mixer::TokenMlp => "token MLP".to_owned(),
    };
    let (hidden, h_cycles, l_cycles) = (config.hidden, config.h_cycles, config.l_cycles);
    format!("hidden {hidden}, {kind}, {h_cycles} x {l_cycles} cycles, {precision}, {device}")
}

/// The product whose speed the ceiling is.
pub(super) fn ceiling_in_words(ceiling: Ceiling, precision: Precision) -> String {
    let Ceiling { rate, shape: [rows, inner, outer] } = ceiling;
    format!("{rate}, the product {rows} x {inner} x {outer} in {precision}")
}

/// A table without lines, names to the left and numbers to the right.
pub(super) fn plain(builder: Builder) -> String {
    let mut table = builder.build();
    table
        .with(Style::empty())
        .with(Padding::new(0, 2, 0, 0))
        .modify(Columns::new(1..), Alignment::right())
        .modify(Rows::first(), Alignment::left());
    table.to_string().lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// A difference, in one digit; of none, 0.
pub(super) fn small(difference: f32) -> String {
    if difference == 0.0 { "0".to_owned() } else { format!("{difference:.0e}") }
}

pub(super) fn rounded(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Part, Spent};

    fn report() -> Report {
        let parts = Times::from_iter([(Part::WeightGradient, Spent { time: Seconds(0.6), calls: 40 })]);
        let run = |time| Run { time: Seconds(time), parts: parts.clone() };
        Report {
            plan: Plan {
                config: Config::arc(),
                batch: 4,
                train: true,
                precision: Precision::F32,
                threads: None,
                runs: 3,
            },
            device: "cpu, 2 threads".into(),
            threads: 2,
            agreement: Agreement { logits: 0.0, gradient: Some(2.4e-6) },
            runs: vec![run(1.0), run(1.2), run(1.6)],
            operations: Operations(200_000_000_000),
            ceiling: Ceiling { rate: OperationRate(4e11), shape: [4096, 512, 1536] },
        }
    }

    #[test]
    fn the_fastest_run_is_the_one_that_counts() {
        let found: Value = serde_json::from_str(&report().to_json()).unwrap();
        for (key, expected) in [
            ("ms_per_example", 250.0),
            ("median_ms_per_example", 300.0),
            ("slowest_ms_per_example", 400.0),
            ("gflops", 200.0),
            ("ceiling_gflops", 400.0),
            ("ceiling_share", 0.5),
            ("gflop_per_example", 50.0),
        ] {
            assert_eq!(found[key], json!(expected), "{key}");
        }
        assert_eq!(
            found["parts"]["weight_gradient"],
            json!({"thread_ms_per_example": 150.0, "share": 0.3, "calls": 40})
        );
        assert_eq!(found["parts"]["untimed"], json!({"thread_ms_per_example": 350.0, "share": 0.7}));
    }

    #[test]
    fn what_is_allowed_goes_by_the_precision() {
        let mut report = report();
        report.plan.precision = Precision::Bf16;
        assert!(report.to_terminal().contains("from another way, 2e-1 is allowed"), "{}", report.to_terminal());
    }

    #[test]
    fn every_number_has_its_unit() {
        let text = report().to_terminal();
        for part in [
            "forward and backward, batch 4, 900 cells, hidden 512, attention with 8 heads, 3 x 4 cycles, f32, cpu, 2 threads",
            "250.00 ms (median 300.00 ms, slowest 400.00 ms of 3 runs)",
            "200.0 GFLOP/s at 50.00 GFLOP an example",
            "400.0 GFLOP/s, the product 4096 x 512 x 1536 in f32",
            "share       50.0%",
            "weight gradient     40                150.00 ms",
            "logits differ by 0 and gradients by 2e-6 from another way, 1e-4 is allowed",
        ] {
            assert!(text.contains(part), "no \"{part}\" in:\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 120 && line.trim_end() == line), "{text}");
    }
}
