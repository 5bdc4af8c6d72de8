//! The `identifiers.json` of a published dataset: TRM's names are ours, HRM's have a form of their own.
//!
//! HRM calls a variant `ID_t7_0612397845`: the task, the dihedral map and the ten colors, as in TRM's `ID|||t7|||0612397845`. Later versions of
//! its code write a hash in place of the colors, from which nobody can tell the variant.

use std::collections::HashSet;

use crate::augment::{Augmentation, SEPARATOR};
use crate::dataset::{Identifiers, IdentifiersError};

/// Reads the names of a published dataset, in the form of TRM's code or of HRM's.
///
/// # Errors
/// [`IdentifiersError`], also for names of HRM that cannot be read as variants of the tasks in the list.
pub fn read_names(names: &[String]) -> Result<Identifiers, IdentifiersError> {
    if names.iter().any(|name| name.contains(SEPARATOR)) {
        return Identifiers::new(names);
    }
    let tasks: HashSet<&str> = names.iter().map(String::as_str).collect();
    let read = |(index, name): (usize, &String)| {
        let foreign = |fault: String| IdentifiersError::Foreign { index, name: name.clone(), fault };
        let Some((task, map, colors)) = parts(name) else { return Ok(name.clone()) };
        let augmentation = format!("t{map}{SEPARATOR}{colors}").parse::<Augmentation>();
        match (augmentation, tasks.contains(task)) {
            (Ok(augmentation), true) => Ok(augmentation.variant_name(task)),
            (Ok(_), false) => Err(foreign(format!(
                "this is a variant in HRM's form, but {task:?} is not in the list; hint: give the whole identifiers.json"
            ))),
            (Err(_), true) => Err(foreign(format!(
                "this is a variant of {task:?} in HRM's form, but it does not end in the ten colors; hint: where HRM's code has written a hash \
                 for them, build the names again with the ten digits in its place"
            ))),
            // the id of a task that happens to look so
            (Err(_), false) => Ok(name.clone()),
        }
    };
    Identifiers::new(names.iter().enumerate().map(read).collect::<Result<Vec<String>, _>>()?)
}

/// Splits `TASK_tMAP_COLORS`; the colors may be a hash with a sign.
fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (rest, colors) = name.rsplit_once('_')?;
    let (task, map) = rest.rsplit_once("_t")?;
    let unsigned = colors.strip_prefix('-').unwrap_or(colors);
    (is_number(map) && is_number(unsigned) && !task.is_empty()).then_some((task, map, colors))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(names: &[&str]) -> Result<Identifiers, String> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        read_names(&names).map_err(|fault| fault.to_string())
    }

    #[test]
    fn names_of_hrm_are_variants() {
        let of_trm = ["<blank>", "a_1", "a_1|||t7|||0612397845", "b", "b|||t0|||0124365987"];
        let of_hrm = ["<blank>", "a_1", "a_1_t7_0612397845", "b", "b_t0_0124365987"];
        let identifiers = read(&of_hrm).unwrap();
        assert_eq!(identifiers, read(&of_trm).unwrap());
        assert_eq!((identifiers.tasks(), identifiers.most_variants()), (2, 2));
        // the same names in a list of TRM's are ids of tasks
        assert_eq!(read(&["<blank>", "a", "a_t7_0612397845", "b|||t0|||0124365987"]).unwrap().tasks(), 3);
    }

    #[test]
    fn names_of_hrm_that_do_not_fit_are_refused() {
        for (name, part) in [
            ("a_t7_-8214912839128391283", "does not end in the ten colors"),
            ("a_t7_0612397844", "does not end in the ten colors"),
            ("a_t8_0612397845", "does not end in the ten colors"),
            ("c_t7_0612397845", "\"c\" is not in the list"),
        ] {
            let fault = read(&["<blank>", "a", name]).unwrap_err();
            assert!(fault.contains("identifier 2 is") && fault.contains(part) && fault.contains("hint: "), "{fault}");
        }
        assert_eq!(read(&["<blank>", "a", "b_t1_5", "x_t2_y"]).unwrap().tasks(), 3, "ids that look nearly so");
        assert!(read(&["<blank>", "a", "a_t0_0123456789"]).unwrap_err().contains("repeats"));
    }
}
