//! Records read back, and what is refused in them.

use super::*;

fn record() -> Record {
    let set = TaskSet { name: "arc-agi-1/evaluation".into(), tasks: Vec::new() };
    Record::new("copy", "copy", &set, 7, "cpu")
}

#[test]
fn a_record_is_read_back_from_its_file_and_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = record();
    record.checkpoint = Some(Checkpoint {
        path: "models/mine".into(),
        digest: "00ff".into(),
        step: 3,
        parameters: 5,
        puzzle_rows: 8,
        recipe: None,
    });
    record.score = Some(Score {
        tasks: 1,
        outputs: 1,
        kaggle_score: 0.0,
        task_score: 0.0,
        solved_outputs: 0,
        solved_tasks: Vec::new(),
        pass_at: Some([(1, 0.0), (1000, 0.25)].into()),
    });
    record.write(&folder.path().join(RECORD_FILE)).unwrap();
    assert_eq!(Record::read(folder.path()).unwrap(), record);
    assert_eq!(Record::read(&folder.path().join(RECORD_FILE)).unwrap(), record);
}

#[test]
fn a_record_of_before_a_setting_existed_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut value = serde_json::to_value(record()).unwrap();
    for setting in ["tokens_per_batch", "precision", "commit", "repeats"] {
        assert!(value.as_object_mut().unwrap().remove(setting).is_some(), "{setting}");
    }
    let path = folder.path().join(RECORD_FILE);
    files::write(&path, value.to_string().as_bytes()).unwrap();
    assert_eq!(Record::read(&path).unwrap(), Record { commit: None, ..record() });
}

#[test]
fn an_unknown_field_and_a_missing_record_are_errors_with_the_path() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Record::read(folder.path()).unwrap_err().to_string().contains("no run here"));
    let mut value = serde_json::to_value(record()).unwrap();
    value["sede"] = 3.into();
    let path = folder.path().join(RECORD_FILE);
    files::write(&path, value.to_string().as_bytes()).unwrap();
    let message = Record::read(&path).unwrap_err().to_string();
    assert!(message.contains("run.json") && message.contains("sede"), "{message}");
    let submission = folder.path().join("submission.json");
    files::write(&submission, br#"{"x1": [{"attempt_1": [[1]], "attempt_2": [[2]]}]}"#).unwrap();
    let message = Record::read(&submission).unwrap_err().to_string();
    assert!(message.contains("submission.json: this is a submission") && message.contains("run.json"), "{message}");
    std::fs::remove_file(path).unwrap();
    for asked in [&submission, folder.path()] {
        let message = Record::read(asked).unwrap_err().to_string();
        assert!(message.contains("this is a submission") && message.contains("--tasks"), "{message}");
        assert!(!message.contains("run.json"), "no file is named that is not there: {message}");
    }
}

#[test]
fn ids_that_no_task_has_are_refused_and_other_names_stand_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RECORD_FILE);
    let mut odd = record();
    (odd.name, odd.tasks.name) = ("a\nb".into(), "c\u{202e}d".into());
    odd.write(&path).unwrap();
    let read = Record::read(&path).unwrap();
    assert_eq!((read.name.as_str(), read.tasks.name.as_str()), ("a\\u{a}b", "c\\u{202e}d"));
    odd.unseen = vec!["x\ny".into()];
    odd.write(&path).unwrap();
    let message = Record::read(&path).unwrap_err().to_string();
    assert!(message.contains("\"x\\u{a}y\" of a task contains a line feed"), "{message}");
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_written_escaped_and_read_back() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(RECORD_FILE);
    let odd = std::ffi::OsStr::from_bytes(b"models/\xff\xc3\xa9\\x");
    let checkpoint =
        Checkpoint { path: odd.into(), digest: "00".into(), step: 1, parameters: 1, puzzle_rows: 1, recipe: None };
    Record { checkpoint: Some(checkpoint), ..record() }.write(&path).unwrap();
    assert_eq!(Record::read(&path).unwrap().checkpoint.unwrap().path, Path::new("models/\\xff\u{e9}\\x"));
}
