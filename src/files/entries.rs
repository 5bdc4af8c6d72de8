//! `Entries`: a JSON object in the order of its text, repeated keys too.
//!
//! A map keeps the last of equal keys and drops the others unseen; who must not lose any reads entries.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The keys and values of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entries<V>(pub Vec<(String, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Entries<V> {
    /// The keys that stand there more than once, each once, in the order of their repetition.
    pub fn repeated(&self) -> Vec<&str> {
        let (mut seen, mut named) = (HashSet::new(), HashSet::new());
        let keys = self.0.iter().map(|(key, _)| key.as_str());
        keys.filter(|key| !seen.insert(*key) && named.insert(*key)).collect()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

struct Reader<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Reader<V> {
    type Value = Entries<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tasks")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_and_every_repetition_are_kept() {
        let entries: Entries<u8> = serde_json::from_str(r#"{"b": 1, "a": 2, "b": 3, "b": 4}"#).unwrap();
        assert_eq!(entries.0.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(entries.repeated(), ["b"]);
    }
}
