//! `Report`: what the demonstrations of a set took on each canvas, for people and as JSON.

use serde_json::{Map, Value, json};
use tabled::builder::Builder;

use super::Plan;
use crate::bench::Ceiling;
use crate::bench::check::allowed;
use crate::bench::report::{ceiling_in_words, model_in_words, plain, rounded, small};
use crate::encode::Canvas;
use crate::model::Mixer;
use crate::units::{Count, Milliseconds, OperationRate, Operations, Percent, Seconds};

/// What was found on one canvas.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The canvas.
    pub canvas: Canvas,
    /// Examples of a pass.
    pub examples: usize,
    /// Tokens of a pass.
    pub tokens: usize,
    /// Batches of a pass.
    pub batches: usize,
    /// The operations of a pass.
    pub operations: Operations,
    /// The time of each pass, the fastest first; there is at least one.
    pub passes: Vec<Seconds>,
}

/// What was found on all canvases.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was timed.
    pub plan: Plan,
    /// The name of the task set.
    pub tasks: String,
    /// The demonstrations that it has.
    pub demonstrations: usize,
    /// What worked: `cpu, 2 threads`.
    pub device: String,
    /// The threads that worked.
    pub threads: usize,
    /// How far the logits of the check were apart, at most.
    pub logits: f32,
    /// The fastest product of this machine.
    pub ceiling: Ceiling,
    /// The canvases in the order of the plan.
    pub measured: Vec<Measured>,
}

impl Measured {
    /// The examples of a second in the fastest pass.
    pub fn examples_per_second(&self) -> f64 {
        self.examples as f64 / self.passes[0].0
    }

    /// The speed of the fastest pass.
    pub fn rate(&self) -> OperationRate {
        self.operations.in_time(self.passes[0])
    }

    /// An example's time in the fastest, the median (of an even number the slower of two) and the slowest pass.
    fn spread(&self) -> [Milliseconds; 3] {
        let of_example = |time: Seconds| Milliseconds::from(Seconds(time.0 / self.examples as f64));
        [0, self.passes.len() / 2, self.passes.len() - 1].map(|place| of_example(self.passes[place]))
    }

    /// The operations of an example, on average.
    fn of_example(&self) -> Operations {
        Operations(self.operations.0 / self.examples as u64)
    }
}

impl Report {
    /// How many times the examples per second of full boards a tight canvas has; `None` unless both were timed.
    pub fn tight_over_board(&self) -> Option<f64> {
        let [tight, board] = self.both()?;
        Some(tight.examples_per_second() / board.examples_per_second())
    }

    fn both(&self) -> Option<[&Measured; 2]> {
        let of = |canvas| self.measured.iter().find(|measured| measured.canvas == canvas);
        Some([of(Canvas::Tight)?, of(Canvas::Board)?])
    }

    fn examples(&self) -> usize {
        self.measured.first().map_or(0, |measured| measured.examples)
    }

    /// A table to read.
    pub fn to_terminal(&self) -> String {
        let Plan { config, precision, tokens_per_batch, runs, .. } = &self.plan;
        let (examples, all) = (Count(self.examples() as u64), Count(self.demonstrations as u64));
        let allowed = small(allowed(*precision));
        let apart = small(self.logits);
        let title = format!("forward, {examples} of {all} demonstrations of {}\n", self.tasks);
        let facts = [
            ("model", model_in_words(config, *precision, &self.device)),
            ("checked", format!("logits differ by {apart} from another way, {allowed} is allowed")),
            ("ceiling", ceiling_in_words(self.ceiling, *precision)),
            ("batches", format!("of at most {} tokens, the best pass of {runs}", Count(*tokens_per_batch as u64))),
        ];
        let facts: String = facts.map(|(name, fact)| format!("{name:<12}{fact}\n")).concat();
        let ratio = self.both().zip(self.tight_over_board()).map(|([tight, board], ratio)| {
            let (tight, board) = (tight.examples_per_second(), board.examples_per_second());
            format!("\ntight {tight:.1} examples/s, board {board:.1}: {ratio:.1} times\n")
        });
        format!("{title}{facts}\n{}{}", self.table(), ratio.unwrap_or_default())
    }

    fn table(&self) -> String {
        let mut builder = Builder::new();
        builder.push_record(["canvas", "tokens", "batches", "examples/s", "per example", "slowest", "speed", "share"]);
        for measured in &self.measured {
            let [best, _, worst] = measured.spread();
            let share = Percent(100.0 * measured.rate().0 / self.ceiling.rate.0);
            builder.push_record([
                measured.canvas.name().to_owned(),
                Count(measured.tokens as u64).to_string(),
                Count(measured.batches as u64).to_string(),
                format!("{:.1}", measured.examples_per_second()),
                best.to_string(),
                worst.to_string(),
                measured.rate().to_string(),
                share.to_string(),
            ]);
        }
        plain(builder)
    }

    /// One object, with the keys of the fixed work where it has them. Times are milliseconds, speeds 10^9 operations per second, shares 0 to 1.
    pub fn to_json(&self) -> String {
        let Plan { config, precision, tokens_per_batch, runs, .. } = &self.plan;
        let canvas = |measured: &Measured| {
            let [best, median, worst] = measured.spread().map(|time| rounded(time.0, 100.0));
            let fields = json!({
                "examples": measured.examples,
                "tokens": measured.tokens,
                "batches": measured.batches,
                "examples_per_second": rounded(measured.examples_per_second(), 1e3),
                "ms_per_example": best,
                "median_ms_per_example": median,
                "slowest_ms_per_example": worst,
                "gflop_per_example": measured.of_example().0 as f64 / 1e9,
                "gflops": rounded(measured.rate().0 / 1e9, 10.0),
                "ceiling_share": rounded(measured.rate().0 / self.ceiling.rate.0, 1e4),
            });
            (measured.canvas.name().to_owned(), fields)
        };
        let canvases: Map<String, Value> = self.measured.iter().map(canvas).collect();
        let object = json!({
            "program": concat!("trm-arc ", env!("CARGO_PKG_VERSION")),
            "threads": self.threads,
            "device": self.device.split(',').next(),
            "device_name": self.device,
            "dtype": precision.type_name(),
            "precision": precision.to_string(),
            "train": false,
            "tasks": self.tasks,
            "demonstrations": self.demonstrations,
            "examples": self.examples(),
            "tokens_per_batch": tokens_per_batch,
            "hidden": config.hidden,
            "heads": config.heads,
            "prefix": config.prefix,
            "mlp_t": config.mixer == Mixer::TokenMlp,
            "h_cycles": config.h_cycles,
            "l_cycles": config.l_cycles,
            "runs": runs,
            "ceiling_gflops": rounded(self.ceiling.rate.0 / 1e9, 10.0),
            "logits_differ_by": self.logits,
            "canvases": canvases,
            "tight_over_board": self.tight_over_board().map(|ratio| rounded(ratio, 1e3)),
        });
        format!("{object}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::canvas::TOKENS_PER_BATCH;
    use crate::device::Precision;
    use crate::model::Config;

    fn report(canvases: &[Canvas]) -> Report {
        let measured = |&canvas: &Canvas| {
            let (tokens, batches, slower) = if canvas == Canvas::Tight { (12_800, 4, 1.0) } else { (58_624, 16, 5.0) };
            Measured {
                canvas,
                examples: 64,
                tokens,
                batches,
                operations: Operations((slower * 640e9) as u64),
                passes: [4.0, 4.4, 6.4].map(|time| Seconds(slower * time)).to_vec(),
            }
        };
        Report {
            plan: Plan {
                config: Config::arc(),
                precision: Precision::F32,
                threads: None,
                runs: 3,
                examples: 64,
                tokens_per_batch: TOKENS_PER_BATCH,
                canvases: canvases.to_vec(),
            },
            tasks: "arc-agi-1/evaluation".into(),
            demonstrations: 1363,
            device: "cpu, 2 threads".into(),
            threads: 2,
            logits: 3e-6,
            ceiling: Ceiling { rate: OperationRate(3.2e11), shape: [4096, 512, 1536] },
            measured: canvases.iter().map(measured).collect(),
        }
    }

    #[test]
    fn the_canvases_are_set_side_by_side() {
        let text = report(&[Canvas::Tight, Canvas::Board]).to_terminal();
        for part in [
            "forward, 64 of 1,363 demonstrations of arc-agi-1/evaluation\n",
            "hidden 512, attention with 8 heads, 3 x 4 cycles, f32, cpu, 2 threads",
            "logits differ by 3e-6 from another way, 1e-4 is allowed",
            "of at most 3,664 tokens, the best pass of 3",
            "62.50 ms  100.00 ms  160.0 GFLOP/s  50.0%",
            "\ntight 16.0 examples/s, board 3.2: 5.0 times\n",
        ] {
            assert!(text.contains(part), "no \"{part}\" in:\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 120 && line.trim_end() == line), "{text}");
    }

    #[test]
    fn json_has_each_canvas_and_their_ratio() {
        let found: Value = serde_json::from_str(&report(&[Canvas::Board, Canvas::Tight]).to_json()).unwrap();
        assert_eq!((&found["tight_over_board"], &found["examples"]), (&json!(5.0), &json!(64)));
        let tight = &found["canvases"]["tight"];
        for (key, expected) in [
            ("tokens", json!(12_800)),
            ("examples_per_second", json!(16.0)),
            ("ms_per_example", json!(62.5)),
            ("median_ms_per_example", json!(68.75)),
            ("slowest_ms_per_example", json!(100.0)),
            ("gflop_per_example", json!(10.0)),
            ("gflops", json!(160.0)),
            ("ceiling_share", json!(0.5)),
        ] {
            assert_eq!(tight[key], expected, "{key}");
        }
    }

    #[test]
    fn one_canvas_alone_has_no_ratio() {
        let report = report(&[Canvas::Board]);
        let found: Value = serde_json::from_str(&report.to_json()).unwrap();
        assert!(found["tight_over_board"].is_null() && found["canvases"]["tight"].is_null());
        assert!(report.to_terminal().contains("\nboard ") && !report.to_terminal().contains("times"));
    }
}
