//! Cuts a range into pieces and groups them by the CPUs that should clear them.

use crate::HUGE;
use clearpage::{PAGE_SHIFT, Page};

/// Maximum length of a piece: all threads wait for the last one.
const LARGEST_PIECE: usize = 64 << 20;

/// Pieces that the same CPUs should work on.
pub(super) struct Share<T> {
    /// CPUs near the memory; empty if any CPU will do.
    pub(super) cpus: Vec<usize>,
    pub(super) pieces: Vec<T>,
}

impl<T> Share<T> {
    pub(super) fn anywhere(pieces: Vec<T>) -> Self {
        Self { cpus: Vec::new(), pieces }
    }
}

/// Returns the bytes per piece for about `pieces` pieces of at least `smallest` bytes: a power of
/// two, from a huge page to `LARGEST_PIECE`.
pub(super) fn piece_size(len: usize, pieces: usize, smallest: usize) -> usize {
    1 << (len / pieces).clamp(smallest.max(HUGE), LARGEST_PIECE).ilog2()
}

/// Cuts at the addresses that are multiples of `size`, a power of two of at least a page.
pub(super) fn cut(pages: &mut [Page], size: usize) -> Vec<&mut [Page]> {
    let mut pieces = Vec::with_capacity(size_of_val(pages) / size + 2);
    let mut rest = pages;
    while !rest.is_empty() {
        let to_boundary = (size - (rest.as_ptr().addr() & (size - 1))) >> PAGE_SHIFT;
        let (piece, tail) = rest.split_at_mut(to_boundary.min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces
}

/// Returns the share that each of `threads` threads works on. Each share takes one thread in turn
/// while it has CPUs left; when none has, the assignment repeats.
pub(super) fn assign<T>(shares: &[Share<T>], threads: usize) -> Vec<usize> {
    let rounds = shares.iter().map(|share| share.cpus.len()).max().unwrap_or(0).max(1);
    let round = |n| {
        let with_room = shares.iter().enumerate();
        with_room.filter(move |(_, share)| share.cpus.is_empty() || n < share.cpus.len())
    };
    (0..rounds).flat_map(round).map(|(share, _)| share).cycle().take(threads).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clearpage::PAGE_SIZE;
    use quickcheck::quickcheck;

    /// Returns whether the pieces are the range, cut where required and nowhere else.
    fn partitions(pages: &mut [Page], size: usize) -> bool {
        let range = pages.as_ptr_range();
        let (start, end) = (range.start.addr(), range.end.addr());
        let mut at = start;
        for piece in cut(pages, size) {
            let range = piece.as_ptr_range();
            let (from, to) = (range.start.addr(), range.end.addr());
            let cut_at_boundary = (to % size == 0 || to == end) && to - from <= size;
            if from != at || from == to || !cut_at_boundary {
                return false;
            }
            at = to;
        }
        at == end
    }

    quickcheck! {
        fn pieces_partition_any_range(start: u8, npages: u16, shift: u8) -> bool {
            let mut pages = vec![Page::ZERO; usize::from(npages % 1000) + usize::from(start)];
            partitions(&mut pages[start.into()..], PAGE_SIZE << (shift % 8))
        }

        fn pieces_are_whole_huge_pages(len: usize, pieces: usize, smallest: usize) -> bool {
            let size = piece_size(len, pieces.max(1), smallest % LARGEST_PIECE);
            size.is_power_of_two() && (HUGE..=LARGEST_PIECE).contains(&size)
        }

        fn a_share_never_has_more_threads_than_cpus(cpus: Vec<u8>, threads: u8) -> bool {
            // If there are several shares, each has a CPU.
            let of = |&n: &u8| Share { cpus: vec![0; usize::from(n % 16) + 1], pieces: vec![()] };
            let shares: Vec<_> = cpus.iter().take(8).map(of).collect();
            let room: usize = shares.iter().map(|share| share.cpus.len()).sum();
            let assigned = assign(&shares, usize::from(threads).min(room));
            let fits = |(i, share): (usize, &Share<()>)| {
                assigned.iter().filter(|&&share| share == i).count() <= share.cpus.len()
            };
            assigned.len() == usize::from(threads).min(room) && shares.iter().enumerate().all(fits)
        }
    }

    #[test]
    fn piece_sizes_are_clamped_powers_of_two() {
        const MIB: usize = 1 << 20;
        for (len, pieces, smallest, size) in
            [(64, 256, 8, 8), (1000, 30, 8, 32), (4095, 1, 8, 64), (100, 8, 2, 8), (3, 32, 2, 2)]
        {
            assert_eq!(piece_size(len * MIB, pieces, smallest * MIB), size * MIB);
        }
    }

    #[test]
    fn shares_get_threads_in_turn_while_they_have_cpus() {
        let of = |cpus: &[usize]| Share { cpus: vec![0; cpus.len()], pieces: vec![()] };
        assert_eq!(assign(&[of(&[])], 3), [0, 0, 0]);
        assert_eq!(assign(&[of(&[0, 1, 2]), of(&[3])], 4), [0, 1, 0, 0]);
        // More threads than CPUs: the caller asked for them.
        assert_eq!(assign(&[of(&[0]), of(&[1])], 5), [0, 1, 0, 1, 0]);
    }
}
