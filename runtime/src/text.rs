//! Text that comes from a driver, made fit to be shown.

/// `text`, cut after `max` bytes, control characters escaped: a driver must not write into an operator's terminal.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let end = text.floor_char_boundary(max);
    let mut shown = String::with_capacity(end);
    for c in text[..end].chars() {
        if c.is_control() && c != '\n' && c != '\t' { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    if end < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_and_escaped() {
        assert_eq!(printable("a\x1b[2Jb\n", 100), "a\\u{1b}[2Jb\n");
        assert_eq!(printable("äää", 3), "ä…");
    }
}
