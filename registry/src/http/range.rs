//! Byte ranges: the `Range` of a download (RFC 9110, 14) and the `Content-Range` of a chunk (distribution-spec, "Pushing a blob in chunks").

use cofferdam::ByteRange;

/// The range that a `Range` header asks for; whole for several ranges, for other units and for what makes no sense, as RFC 9110 has it.
pub(super) fn requested(header: Option<&str>) -> ByteRange {
    header.and_then(parse).unwrap_or(ByteRange::Whole)
}

fn parse(header: &str) -> Option<ByteRange> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first.trim_end(), last.trim_start()) {
        ("", last) => Some(ByteRange::Last(number(last)?)),
        (first, "") => Some(ByteRange::StartingAt(number(first)?)),
        (first, last) => {
            let (offset, last) = (number(first)?, number(last)?);
            let length = last.checked_sub(offset)?.saturating_add(1);
            Some(ByteRange::Bounded { offset, length })
        }
    }
}

/// Decimal digits and nothing else; what no `u64` can hold is behind the end of every blob, and so is the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// What a range is of a blob whose size is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolved {
    /// All of it: 200.
    Whole,
    /// From one byte to another, the last one included: 206.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte.
        last: u64,
    },
    /// None of its bytes: 416.
    Unsatisfiable,
}

/// What `range` is of a blob of `size` bytes.
pub(super) fn resolve(range: ByteRange, size: u64) -> Resolved {
    if range == ByteRange::Whole {
        return Resolved::Whole;
    }
    match range.within(size) {
        (_, 0) => Resolved::Unsatisfiable,
        (first, length) => Resolved::Part { first, last: first + length - 1 },
    }
}

/// The `Content-Range` of a chunk: `<first>-<last>`, and as RFC 9110 writes it, `bytes <first>-<last>/<size or *>`, which some clients send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkRange {
    /// Where the chunk begins.
    pub(super) first: u64,
    /// How many bytes it has.
    pub(super) length: u64,
}

impl ChunkRange {
    /// `None` for what is no range.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let range = header.trim();
        let range = range.strip_prefix("bytes").map_or(range, |rest| rest.trim_start_matches([' ', '=']));
        let range = range.split_once('/').map_or(range, |(range, _)| range);
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (exact(first)?, exact(last)?);
        let length = last.checked_sub(first)?.checked_add(1)?;
        Some(Self { first, length })
    }
}

fn exact(digits: &str) -> Option<u64> {
    let digits = digits.trim();
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of_ten(header: &str) -> Resolved {
        resolve(requested(Some(header)), 10)
    }

    #[test]
    fn ranges_are_resolved_as_rfc_9110_has_it() {
        let expected = [
            ("bytes=0-0", Resolved::Part { first: 0, last: 0 }),
            ("bytes=2-5", Resolved::Part { first: 2, last: 5 }),
            ("bytes=2-500", Resolved::Part { first: 2, last: 9 }),
            ("bytes=9-", Resolved::Part { first: 9, last: 9 }),
            ("bytes=0-", Resolved::Part { first: 0, last: 9 }),
            ("bytes=-3", Resolved::Part { first: 7, last: 9 }),
            ("bytes=-300", Resolved::Part { first: 0, last: 9 }),
            ("Bytes = 2-5", Resolved::Part { first: 2, last: 5 }),
            ("bytes=10-", Resolved::Unsatisfiable),
            ("bytes=10-20", Resolved::Unsatisfiable),
            ("bytes=-0", Resolved::Unsatisfiable),
            ("bytes=99999999999999999999-", Resolved::Unsatisfiable),
            ("bytes=5-99999999999999999999", Resolved::Part { first: 5, last: 9 }),
        ];
        for (header, resolved) in expected {
            assert_eq!(of_ten(header), resolved, "{header}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_the_whole() {
        for header in ["bytes=0-1,3-4", "bytes=5-2", "bytes=a-b", "bytes=", "bytes=-", "lines=0-1", "0-1", "bytes=+1-2", "bytes=1 2-3"] {
            assert_eq!(of_ten(header), Resolved::Whole, "{header}");
        }
        assert_eq!(resolve(requested(None), 10), Resolved::Whole);
    }

    #[test]
    fn nothing_of_an_empty_blob_can_be_asked_for() {
        for header in ["bytes=0-0", "bytes=0-", "bytes=-1"] {
            assert_eq!(resolve(requested(Some(header)), 0), Resolved::Unsatisfiable, "{header}");
        }
    }

    #[test]
    fn chunks_say_where_they_begin_and_how_long_they_are() {
        for header in ["3-7", " 3-7 ", "bytes 3-7/*", "bytes=3-7", "bytes 3-7/100"] {
            assert_eq!(ChunkRange::parse(header), Some(ChunkRange { first: 3, length: 5 }), "{header}");
        }
        for header in ["", "-", "3-", "-7", "7-3", "a-b", "3", "+3-7", "0-18446744073709551615", "0-99999999999999999999"] {
            assert_eq!(ChunkRange::parse(header), None, "{header}");
        }
    }
}
