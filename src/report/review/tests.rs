//! What a review must be: of one run alone, whole, and harmless.

use super::html::Price;
use super::*;
use crate::score::{Ranks, score};
use crate::task::{Pair, Test};

const FREE: Price = Price { dollars_per_hour: None };

fn grid(cells: [u8; 2]) -> Grid {
    Grid::from_fn(1, 2, |_, column| cells[column])
}

fn set() -> TaskSet {
    let task = |id: &str, truth| Task {
        id: id.into(),
        train: vec![Pair { input: grid([1, 2]), output: grid([2, 1]) }],
        test: vec![Test { input: grid([3, 4]), output: Some(truth) }],
    };
    let tasks =
        vec![task("a", grid([4, 3])), task("b</script><script>alert(1)", grid([4, 4])), task("c", grid([0, 0]))];
    TaskSet { name: "mine".into(), tasks }
}

fn prediction(task: &str, cells: [u8; 2], earlier: &[[u8; 2]]) -> Prediction {
    let augmentation = "t0|||0123456789".into();
    let earlier = earlier.iter().map(|cells| Some(grid(*cells))).collect();
    Prediction { task: task.into(), test: 0, augmentation, grid: Some(grid(cells)), halt: 0.25, earlier }
}

/// A run that solves the first task by its second attempt, misses the second, and does not know the third.
struct Run {
    set: TaskSet,
    record: Record,
    predictions: Vec<Prediction>,
    answers: Answers,
}

impl Run {
    fn new() -> Self {
        let set = set();
        let (a, b) = (set.tasks[0].id.clone(), set.tasks[1].id.clone());
        let predictions = vec![
            prediction(&a, [9, 9], &[[3, 4], [9, 3]]),
            prediction(&a, [9, 9], &[]),
            prediction(&a, [4, 3], &[]),
            prediction(&b, [7, 7], &[]),
        ];
        let mut answers = Answers::new();
        let mut record = Record::new("trm", "trm", &set, 0, "cpu");
        for task in &set.tasks {
            let votes = predictions.iter().filter(|prediction| prediction.task == task.id);
            let attempts = vote::attempts(&vote::rank(votes), &task.test[0].input);
            let solved = Some(usize::from(attempts.solve(task.test[0].output.as_ref().unwrap())));
            answers.insert(task.id.clone(), vec![vec![attempts.attempt_1, attempts.attempt_2]]);
            record.entries.push(TaskEntry { id: task.id.clone(), solved, outputs: 1, seconds: 0.5, predictions: 1 });
        }
        record.unseen = vec!["c".into()];
        record.seconds = 1.5;
        record.score = Some(score(&answers, &set, Some(&Ranks::of(&predictions, &set))).unwrap());
        Self { set, record, predictions, answers }
    }

    fn review(&self) -> Result<Review<'_>, ReportError> {
        let predictions = Some((self.predictions.clone(), "predictions.jsonl".into()));
        let submission = (&self.answers, "submission.json".into());
        Review::of(&self.record, Files { set: &self.set, submission, predictions })
    }
}

#[test]
fn a_task_is_what_the_four_files_say_together() {
    let run = Run::new();
    let review = run.review().unwrap();
    let verdicts: Vec<Verdict> = review.tasks.iter().map(|task| task.verdict).collect();
    assert_eq!(verdicts, [Verdict::Solved, Verdict::Missed, Verdict::NeverSeen]);
    let first = &review.tasks[0].outputs[0];
    assert_eq!((first.right, first.place, first.candidates.len()), (Some(1), Some(1), 2));
    assert_eq!(first.by_step, [Some(grid([3, 4])), Some(grid([9, 3])), Some(grid([9, 9]))]);
    assert!(review.tasks[1].outputs[0].by_step.is_empty());
}

#[test]
fn the_files_of_another_run_are_refused_by_name() {
    let mut run = Run::new();
    run.predictions.pop();
    let message = run.review().unwrap_err().to_string();
    assert!(message.contains("predictions.jsonl") && message.contains("task b<"), "{message}");

    let mut run = Run::new();
    run.answers.insert("a".into(), vec![vec![grid([0, 0]), grid([0, 0])]]);
    run.predictions.clear();
    let alone = Files { set: &run.set, submission: (&run.answers, "submission.json".into()), predictions: None };
    let message = Review::of(&run.record, alone).unwrap_err().to_string();
    assert!(message.contains("submission.json") && message.contains("task a"), "{message}");

    let mut run = Run::new();
    run.set.tasks.swap(0, 1);
    assert!(run.review().unwrap_err().to_string().contains("--tasks"));
}

#[test]
fn the_page_runs_no_script_of_a_tasks_name() {
    let run = Run::new();
    let page = run.review().unwrap().to_html(FREE).unwrap();
    assert_eq!(page.matches("<script").count(), 2, "the data and the program, and nothing else");
    assert!(!page.contains("alert(1)</") && page.contains(r"b\u003c/script>\u003cscript>alert(1)"));
}

#[test]
fn the_page_needs_no_network() {
    let run = Run::new();
    let page = run.review().unwrap().to_html(FREE).unwrap();
    let namespaces = page.matches("http://www.w3.org/2000/svg").count();
    assert_eq!(page.matches("http").count(), namespaces, "an address is in the page");
    for word in ["src=", "@import", "url(", "fetch(", "XMLHttp"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_data_of_the_page_is_the_tasks_and_the_answers() {
    let run = Run::new();
    let data: serde_json::Value = serde_json::from_str(&page::data(&run.review().unwrap())).unwrap();
    let test = &data["tasks"][0]["tests"][0];
    assert_eq!(data["tasks"][0]["train"], serde_json::json!([["12", "21"]]));
    assert_eq!(test["attempts"], serde_json::json!(["99", "43"]));
    assert_eq!(test["steps"], serde_json::json!(["34", "93", "99"]));
    assert_eq!(test["candidates"][1], serde_json::json!({"grid": "43", "votes": 1, "halt": 0.25, "place": 1}));
    assert_eq!(data["tasks"][2]["verdict"], "never seen");
}

#[test]
fn every_output_is_a_line_of_csv_and_an_object_of_json() {
    let run = Run::new();
    let review = run.review().unwrap();
    let csv = review.to_csv().unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[1], "a,0,solved,2,2,3,2,2,0.25,2,0.5");
    assert_eq!(lines[3], "c,0,never seen,,2,0,0,,,,0.5");
    let json: serde_json::Value = serde_json::from_str(&review.to_json(FREE).unwrap()).unwrap();
    assert_eq!((json["outputs"].as_array().unwrap().len(), &json["run"]["name"]), (3, &"trm".into()));
}

#[test]
fn markdown_lists_the_tasks_by_how_they_ended() {
    let text = Run::new().review().unwrap().to_markdown(FREE).unwrap();
    assert!(text.contains("\n1 solved: a\n") && text.contains("\n1 never seen: c\n"), "{text}");
    assert!(text.contains("| Accuracy at two attempts | 33.3% (95% interval 6.1 to 79.2) |"), "{text}");
}

#[test]
fn a_price_makes_the_runs_time_its_cost() {
    let run = Run::new();
    let review = run.review().unwrap();
    // half a second a task at 7.2 dollars an hour
    let priced = Price { dollars_per_hour: Some(7.2) };
    let cost = |price| review.rows(price).unwrap().iter().find(|row| row.ours).unwrap().cost_per_task_usd;
    assert_eq!((cost(FREE), cost(priced)), (None, Some(0.001)));
}
