//! What an upload consists of so far: pieces taken in the order of their numbers, and which of them count.

use super::digest::BlobHasher;
use super::journal::{Head, Piece, PiecePlace};
use crate::error::Result;

/// The bytes that an upload has, durable and without a gap.
#[derive(Clone)]
pub(super) struct Progress {
    pub(super) offset: u64,
    pub(super) hasher: BlobHasher,
    /// The next number that nobody has used.
    pub(super) next: u32,
    /// Parts of the driver's upload, one behind the other from the first byte on.
    pub(super) parts: Vec<Piece>,
    /// What follows the parts: segments, one behind the other.
    pub(super) segments: Vec<Piece>,
}

impl Progress {
    /// Nothing yet, hashed as `head` says.
    pub(super) fn start(head: &Head) -> Result<Self> {
        let hasher = BlobHasher::new(BlobHasher::restore(&head.settled.hash)?.algorithm());
        Ok(Self { offset: 0, hasher, next: 1, parts: Vec::new(), segments: Vec::new() })
    }

    /// Of `pieces`, sorted by number, what counts by the fences of `head` and leaves no gap.
    pub(super) fn replay(head: &Head, pieces: Vec<Piece>) -> Result<Self> {
        let mut progress = Self::start(head)?;
        let mut used = head.settled.next;
        for piece in pieces {
            used = used.max(piece.number + 1);
            if head.counts(&piece) {
                progress.take(piece)?;
            }
        }
        progress.next = used;
        Ok(progress)
    }

    /// Adds a piece: behind the last, or in place of segments, from the first or a later one to the end. False, and nothing
    /// happens, if it leaves a gap.
    pub(super) fn take(&mut self, piece: Piece) -> Result<bool> {
        let parts_end = self.parts.last().map_or(0, Piece::end);
        let kept = self.segments.iter().take_while(|segment| segment.end() <= piece.offset).count();
        let begins_at = self.segments[..kept].last().map_or(parts_end, Piece::end);
        if begins_at != piece.offset || piece.end() < self.offset {
            return Ok(false);
        }
        // A part is behind parts only: it takes the place of every segment.
        if matches!(piece.place, PiecePlace::Part(_)) && kept > 0 {
            return Ok(false);
        }
        self.offset = piece.end();
        self.hasher = BlobHasher::restore(&piece.hash)?;
        self.next = self.next.max(piece.number + 1);
        self.segments.truncate(kept);
        match piece.place {
            PiecePlace::Part(_) => self.parts.push(piece),
            PiecePlace::Segment(_) => self.segments.push(piece),
        }
        Ok(true)
    }

    /// The first number of `epoch` that does not count.
    pub(super) fn fence(&self, epoch: u64) -> u32 {
        let last = self.parts.iter().chain(&self.segments).filter(|piece| piece.epoch == epoch).map(|piece| piece.number).max();
        last.map_or(0, |last| last + 1)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::digest::DigestAlgorithm;
    use super::super::id::UploadKey;
    use super::*;

    fn head() -> Head {
        let key = UploadKey::from_bytes(&[1; 16]).unwrap();
        Head::new(&key.issue("a", DigestAlgorithm::Sha256).unwrap(), 100)
    }

    fn piece(number: u32, epoch: u64, offset: u64, length: u64, part: bool) -> Piece {
        let mut hasher = BlobHasher::new(DigestAlgorithm::Sha256);
        hasher.update(&vec![0; (offset + length) as usize]);
        let place = if part { PiecePlace::Part(number.to_string()) } else { PiecePlace::Segment(number.to_string()) };
        Piece { number, epoch, offset, length, place, hash: hasher.save() }
    }

    fn replay(head: &Head, pieces: &[(u32, u64, u64, u64, bool)]) -> (u64, Vec<u32>, Vec<u32>, u32) {
        let pieces = pieces.iter().map(|&(number, epoch, offset, length, part)| piece(number, epoch, offset, length, part)).collect();
        let progress = Progress::replay(head, pieces).unwrap();
        let numbers = |pieces: &[Piece]| pieces.iter().map(|piece| piece.number).collect();
        (progress.offset, numbers(&progress.parts), numbers(&progress.segments), progress.next)
    }

    #[test]
    fn pieces_behind_a_gap_do_not_count_but_their_numbers_are_used() {
        assert_eq!(replay(&head(), &[(1, 1, 0, 8, true), (3, 1, 16, 8, true)]), (8, vec![1], vec![], 4));
        assert_eq!(replay(&head(), &[(1, 1, 0, 8, true), (3, 1, 16, 8, true), (4, 2, 8, 9, true)]), (17, vec![1, 4], vec![], 5));
    }

    #[test]
    fn what_comes_from_behind_a_fence_does_not_count() {
        let mut head = head();
        head.fences = vec![(1, 2)];
        assert_eq!(replay(&head, &[(1, 1, 0, 8, true), (2, 1, 8, 8, true), (9, 2, 8, 1, true)]), (9, vec![1, 9], vec![], 10));
        assert_eq!(Progress::replay(&head, vec![piece(1, 1, 0, 8, true)]).unwrap().fence(1), 2);
        assert_eq!(Progress::replay(&head, vec![]).unwrap().fence(1), 0);
    }

    #[test]
    fn segments_are_folded_whole_or_from_one_of_them_on() {
        let three = [(1, 1, 0, 1, false), (2, 1, 1, 1, false), (3, 1, 2, 1, false)];
        assert_eq!(replay(&head(), &three), (3, vec![], vec![1, 2, 3], 4));
        let merged = [&three[..], &[(4, 1, 1, 5, false)]].concat();
        assert_eq!(replay(&head(), &merged), (6, vec![], vec![1, 4], 5));
        let folded = [&merged[..], &[(5, 1, 0, 10, true), (6, 1, 10, 1, false)]].concat();
        assert_eq!(replay(&head(), &folded), (11, vec![5], vec![6], 7));
        // A part that begins in the middle of segments, or ends before them, belongs to nothing.
        assert_eq!(replay(&head(), &[&three[..], &[(4, 1, 1, 9, true)]].concat()), (3, vec![], vec![1, 2, 3], 5));
        assert_eq!(replay(&head(), &[&three[..], &[(4, 1, 0, 2, true)]].concat()), (3, vec![], vec![1, 2, 3], 5));
    }
}
