//! The text of a published configuration: the references of OmegaConf in it are resolved, and a file of the published code that is not the
//! checkpoint's own is called what it is.
//!
//! Only the `all_config.yaml` that a training writes beside its checkpoint has all values. Hydra's own files have references
//! (`puzzle_emb_ndim: ${.hidden_size}`), leave the architecture to another file (`defaults`), or are that file.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ImportError;
use super::config::{HRM, TRM};
use crate::files;
use crate::recipe::RecipeError;

/// References that lead from one to the next before they are taken for a circle.
const MAX_REFERENCES: usize = 16;

const ALL_CONFIG: &str = "hint: name the all_config.yaml beside the checkpoint";

/// A configuration's file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    text: String,
    root: Value,
    /// True when the text has references, so that it is read from `root`.
    is_resolved: bool,
}

impl ConfigFile {
    /// Reads a file and resolves its references.
    ///
    /// # Errors
    /// [`RecipeError`].
    pub(super) fn read(path: &Path) -> Result<Self, RecipeError> {
        let text = files::read_short(path)?;
        let root: Value = serde_saphyr::from_str(&text).map_err(|e| files::format_error(path, e.to_string()))?;
        let resolved = resolved(&root, &root, &mut Vec::new());
        let is_resolved = resolved != root;
        Ok(Self { path: path.to_owned(), text, root: resolved, is_resolved })
    }

    /// Reads the fields of `T`.
    ///
    /// # Errors
    /// [`RecipeError`]: a field that is missing or of another kind.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, RecipeError> {
        if self.is_resolved {
            return T::deserialize(&self.root).map_err(|e| self.fault(format!("with its references resolved: {e}")));
        }
        // from the text, whose faults come with their line
        Ok(serde_saphyr::from_str(&self.text).map_err(|e| files::format_error(&self.path, e.to_string()))?)
    }

    /// The name of the architecture, which is one that can be imported.
    ///
    /// # Errors
    /// [`ImportError::Config`], with the file that is needed.
    pub(super) fn architecture(&self) -> Result<String, RecipeError> {
        let Value::Object(root) = &self.root else {
            return Err(self.fault(format!("this is no configuration; {ALL_CONFIG}")));
        };
        let Some(Value::Object(arch)) = root.get("arch") else {
            return Err(self.fault(format!("{}; {ALL_CONFIG}", without_architecture(root))));
        };
        match arch.get("name").and_then(Value::as_str) {
            Some(name) if name == TRM || HRM.contains(&name) => Ok(name.to_owned()),
            Some(name) => {
                let known = [TRM, HRM[0], HRM[1]].join(", ");
                Err(self.fault(format!(
                    "arch.name is {name:?}, and checkpoints of {known} can be imported; hint: name the all_config.yaml beside a checkpoint of \
                     one of them"
                )))
            }
            None => Err(self.fault(format!("arch.name is missing; {ALL_CONFIG}"))),
        }
    }

    fn fault(&self, fault: String) -> RecipeError {
        ImportError::Config { path: self.path.clone(), fault }.into()
    }
}

/// Says what a configuration is that has no architecture.
fn without_architecture(root: &Map<String, Value>) -> &'static str {
    if root.contains_key("defaults") {
        "this is hydra's configuration of a training, whose defaults name the architecture without its values"
    } else if root.contains_key("hidden_size") {
        "this is the architecture alone, without the training (arch is missing)"
    } else {
        "arch is missing"
    }
}

/// A copy of `value`, which lies at `place`, with every reference to a single value replaced by that value. A reference that leads nowhere
/// stays.
fn resolved<'a>(root: &'a Value, value: &'a Value, place: &mut Vec<&'a str>) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (&'a String, &'a Value)| {
                place.push(name);
                let value = resolved(root, value, place);
                place.pop();
                (name.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        Value::String(text) => target(root, text, place).unwrap_or(value).clone(),
        // what is read here has no references in lists
        other => other.clone(),
    }
}

/// The single value that a text refers to, over other references too.
fn target<'a>(root: &'a Value, text: &'a str, place: &[&'a str]) -> Option<&'a Value> {
    let (mut text, mut place) = (text, place.to_vec());
    for _ in 0..MAX_REFERENCES {
        let reference = text.trim().strip_prefix("${")?.strip_suffix('}')?;
        place = absolute(reference, &place)?;
        let found = place.iter().try_fold(root, |value, name| value.get(name))?;
        match found {
            Value::String(next) if next.trim_start().starts_with("${") => text = next,
            Value::Object(_) | Value::Array(_) => return None,
            single => return Some(single),
        }
    }
    None
}

/// The place that a reference names: from the root, or as many levels above the value at `from` as it begins with dots.
fn absolute<'a>(reference: &'a str, from: &[&'a str]) -> Option<Vec<&'a str>> {
    let name = reference.trim_start_matches('.');
    let levels = reference.len() - name.len();
    let above = if levels == 0 { 0 } else { from.len().checked_sub(levels)? };
    Some(from[..above].iter().copied().chain(name.split('.')).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> ConfigFile {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all_config.yaml");
        files::write(&path, text.as_bytes()).unwrap();
        ConfigFile::read(&path).unwrap()
    }

    #[test]
    fn references_are_resolved_from_their_place_and_from_the_root() {
        let text = "arch:\n  hidden_size: 64\n  width: ${.hidden_size}\n  loss:\n    width: ${..width}\n    rate: ${lr}\n\
                    lr: 1e-4\nwidth: ${arch.loss.width}\ncircle: ${circle}\nnode: ${arch}\nenv: ${oc.env:HOME}\n\
                    nowhere: ${arch.depth}\nabove: ${...lr}\nlist: [1, 2]\n";
        let config = read(text);
        assert_eq!(config.root["arch"], json!({"hidden_size": 64, "width": 64, "loss": {"width": 64, "rate": 1e-4}}));
        assert_eq!((&config.root["width"], &config.root["list"]), (&json!(64), &json!([1, 2])));
        for (name, reference) in [
            ("circle", "${circle}"),
            ("node", "${arch}"),
            ("env", "${oc.env:HOME}"),
            ("nowhere", "${arch.depth}"),
            ("above", "${...lr}"),
        ] {
            assert_eq!(config.root[name], reference, "{name}");
        }
        assert!(config.is_resolved && !read("a: 1\nb: ${c}\n").is_resolved);
    }

    #[test]
    fn a_file_of_the_published_code_that_is_not_the_checkpoint_s_names_the_one_that_is() {
        let trm = format!("arch:\n  name: {TRM}\n");
        assert_eq!(read(&trm).architecture().unwrap(), TRM);
        for (text, part) in [
            ("defaults:\n  - arch: trm\n  - _self_\nlr: 1e-4\n", "whose defaults name the architecture"),
            (&format!("name: {TRM}\nhidden_size: 512\n"), "the architecture alone"),
            ("lr: 1e-4\n", "arch is missing"),
            ("arch: trm\n", "arch is missing"),
            ("- 1\n", "no configuration"),
            ("arch:\n  hidden_size: 5\n", "arch.name is missing"),
            ("arch:\n  name: recursive_reasoning.transformers_baseline@Model_ACTV2\n", "arch.name is \"recursive_rea"),
        ] {
            let fault = read(text).architecture().unwrap_err().to_string();
            assert!(fault.contains(part) && fault.contains("hint: name the all_config.yaml beside"), "{fault}");
        }
    }
}
