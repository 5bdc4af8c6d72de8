//! The nearest known name to a misspelt one: every "no such ..." error ends with a way out.

/// The known name that looks most like `given`, when one is close enough to be meant (Jaro-Winkler of at least 0.75).
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = given.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `; did you mean "X"?` for the nearest known name, or nothing.
pub fn hint<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(given, known) {
        Some(name) => format!("; did you mean \"{name}\"?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_finds_its_name_and_noise_finds_none() {
        let sets = ["arc-agi-1/training", "arc-agi-1/evaluation"];
        assert_eq!(nearest("arc-agi-1/evalution", sets), Some("arc-agi-1/evaluation"));
        assert_eq!(hint("qqq", sets), "");
    }
}
