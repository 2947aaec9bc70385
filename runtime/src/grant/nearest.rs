//! The known word that was probably meant.

/// The word of `known` nearest to `word`, if one is near: a third of its letters wrong at most.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word of a megabyte is no typing mistake, and comparing it would take long.
    if word.len() > 100 {
        return None;
    }
    let (distance, best) = known.into_iter().map(|k| (strsim::osa_distance(word, k), k)).min_by_key(|(distance, _)| *distance)?;
    (distance <= (best.chars().count() / 3).max(1)).then_some(best)
}

/// The end of an "unknown …" sentence: the nearest of `known`, or all of them.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone, plural: &str) -> String {
    if let Some(best) = nearest(word, known.clone()) {
        return format!("did you mean `{best}`?");
    }
    let all: Vec<_> = known.into_iter().map(|k| format!("`{k}`")).collect();
    if all.is_empty() { format!("there are no {plural}") } else { format!("known {plural}: {}", all.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["memory", "cpu", "idle"];
        assert_eq!(nearest("memroy", known), Some("memory"));
        assert_eq!(nearest("cpus", known), Some("cpu"));
        assert_eq!(nearest("bandwidth", known), None);
        assert_eq!(nearest(&"m".repeat(1 << 20), known), None);
        assert_eq!(hint("bandwidth", known, "keys"), "known keys: `memory`, `cpu`, `idle`");
        assert_eq!(hint("x", [], "settings"), "there are no settings");
    }
}
