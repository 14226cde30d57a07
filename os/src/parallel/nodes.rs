//! Reads NUMA nodes from Linux: their CPUs, and the node that memory is on. On machines with one
//! node, which are most, a call costs one load.

use std::ffi::{c_int, c_long, c_ulong, c_void};
use std::sync::OnceLock;
use std::{fs, ptr};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

use super::share::Share;
use clearpage::Page;

/// A node and its CPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Node {
    number: usize,
    cpus: Vec<usize>,
}

/// Returns one share for each node that holds some of `pieces`. If there is one node, or the system
/// reports too little, returns one share for all.
pub(super) fn shares(pieces: Vec<&mut [Page]>) -> Vec<Share<&mut [Page]>> {
    static NODES: OnceLock<Vec<Node>> = OnceLock::new();
    let nodes = NODES.get_or_init(|| {
        // Read once: a node that is plugged in later is ignored.
        nodes(|file| fs::read_to_string(format!("/sys/devices/system/node/{file}")).ok())
            .unwrap_or_default()
    });
    if nodes.len() < 2 {
        return vec![Share::anywhere(pieces)];
    }
    match (sched_getaffinity(None), owners(&pieces)) {
        (Ok(allowed), Some(owners)) => {
            let allowed = |cpu: &usize| *cpu < CpuSet::MAX_CPU && allowed.is_set(*cpu);
            divide(pieces, &owners, nodes, allowed, sched_getcpu())
        }
        _ => vec![Share::anywhere(pieces)],
    }
}

/// Reads the online nodes from files as in /sys/devices/system/node; `None` if fewer than two.
fn nodes(read: impl Fn(&str) -> Option<String>) -> Option<Vec<Node>> {
    let numbers = list(&read("online")?)?;
    if numbers.len() < 2 {
        return None;
    }
    let node =
        |number| Some(Node { number, cpus: list(&read(&format!("node{number}/cpulist"))?)? });
    numbers.into_iter().map(node).collect()
}

/// Parses a list such as "0-3,8,10-11"; returns `None` for anything else. An empty list is valid,
/// because a node may have no CPU.
fn list(text: &str) -> Option<Vec<usize>> {
    /// More CPUs, or nodes, than Linux can be configured for.
    const MANY: usize = 1 << 16;
    let mut numbers = Vec::new();
    for part in text.trim().split(',').filter(|_| !text.trim().is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        if first > last || last >= MANY {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

/// Assigns each piece to the node that owns it. The first share is that of the node of `cpu`,
/// because the calling thread takes from that first. It also gets pieces that are on no node yet,
/// or on a node without an `allowed` CPU. If `cpu` is of no such node, one share holds all.
fn divide<T>(
    pieces: Vec<T>,
    owners: &[Option<usize>],
    nodes: &[Node],
    allowed: impl Fn(&usize) -> bool,
    cpu: usize,
) -> Vec<Share<T>> {
    let near = |node: &Node| node.cpus.iter().copied().filter(&allowed).collect();
    let mut shares: Vec<(usize, Share<T>)> = nodes
        .iter()
        .map(|node| (node.number, Share { cpus: near(node), pieces: Vec::new() }))
        .filter(|(_, share)| !share.cpus.is_empty())
        .collect();
    let Some(home) = shares.iter().position(|(_, share)| share.cpus.contains(&cpu)) else {
        return vec![Share::anywhere(pieces)];
    };
    shares.swap(0, home);
    for (piece, owner) in pieces.into_iter().zip(owners) {
        let owned = shares.iter().position(|(number, _)| Some(*number) == *owner);
        shares[owned.unwrap_or(0)].1.pieces.push(piece);
    }
    shares.into_iter().map(|(_, share)| share).filter(|share| !share.pieces.is_empty()).collect()
}

/// Number of the system call move_pages.
const MOVE_PAGES: Option<c_long> = if cfg!(target_pointer_width = "32") {
    None // x32 has another number; other 32-bit targets have one node
} else if cfg!(target_arch = "x86_64") {
    Some(279)
} else if cfg!(any(target_arch = "aarch64", target_arch = "riscv64", target_arch = "loongarch64")) {
    Some(239)
} else if cfg!(target_arch = "powerpc64") {
    Some(301)
} else if cfg!(target_arch = "s390x") {
    Some(310)
} else {
    None
};

/// Returns the node of each piece's first page, `None` for memory that was never written. Returns
/// `None` for all if the system does not report nodes, as in many containers.
///
/// Calls move_pages(2) without target nodes, which only queries. get_mempolicy(2) would fault pages
/// in.
fn owners(pieces: &[&mut [Page]]) -> Option<Vec<Option<usize>>> {
    unsafe extern "C" {
        // From the C library that `std` links.
        fn syscall(number: c_long, ...) -> c_long;
    }
    let addresses: Vec<*const c_void> = pieces.iter().map(|piece| piece.as_ptr().cast()).collect();
    let mut nodes: Vec<c_int> = vec![-1; addresses.len()];
    let (this_process, nowhere, flags) = (0 as c_long, ptr::null::<c_int>(), 0 as c_long);
    // SAFETY: both lists have the length that is passed. The kernel reads the first, without
    // accessing the memory at its addresses, and writes the second.
    let result = unsafe {
        syscall(
            MOVE_PAGES?,
            this_process,
            addresses.len() as c_ulong,
            addresses.as_ptr(),
            nowhere,
            nodes.as_mut_ptr(),
            flags,
        )
    };
    // A negative number is an error for that page: -ENOENT if it is not present yet.
    (result == 0).then(|| nodes.into_iter().map(|node| node.try_into().ok()).collect())
}

/// Moves the calling thread to `cpus`. If `cpus` is empty or the system refuses, it stays.
pub(super) fn move_to(cpus: &[usize]) {
    if cpus.is_empty() {
        return;
    }
    let mut set = CpuSet::new();
    cpus.iter().for_each(|&cpu| set.set(cpu));
    let _ = sched_setaffinity(None, &set);
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use super::*;
    use crate::HUGE;
    use clearpage::PAGE_SHIFT;
    use quickcheck::quickcheck;

    fn node(number: usize, cpus: &[usize]) -> Node {
        Node { number, cpus: cpus.to_vec() }
    }

    #[test]
    fn lists_are_read_as_the_kernel_writes_them() {
        assert_eq!(list("0-3,8,10-11\n"), Some(vec![0, 1, 2, 3, 8, 10, 11]));
        assert_eq!(list("0\n"), Some(vec![0]));
        assert_eq!(list("\n"), Some(vec![]));
        for bad in ["x", "1-", "-1", "3-1", "1,,2", "0-99999999999", "0x3", "1 2"] {
            assert_eq!(list(bad), None, "{bad}");
        }
    }

    #[test]
    fn nodes_are_read_from_their_files() {
        let files = |file: &str| match file {
            "online" => Some("0,2\n".to_owned()),
            "node0/cpulist" => Some("0-1\n".to_owned()),
            "node2/cpulist" => Some("\n".to_owned()),
            _ => None,
        };
        assert_eq!(nodes(files), Some(vec![node(0, &[0, 1]), node(2, &[])]));
        let missing = |file: &str| files(file).filter(|_| file != "node2/cpulist");
        assert_eq!(nodes(missing), None);
        assert_eq!(nodes(|_| None), None);
        // If one node is online, nothing else is read.
        assert_eq!(nodes(|file| (file == "online").then(|| "0\n".to_owned())), None);
    }

    #[test]
    fn pieces_go_to_their_node_and_others_to_the_callers() {
        // Two sockets, memory without CPUs as node 2, and a node that this process may not use.
        let nodes = [node(0, &[0, 1]), node(1, &[2, 3]), node(2, &[]), node(3, &[4])];
        let owners = [Some(0), Some(1), None, Some(2), Some(3), Some(7), Some(1)];
        let divided = |cpu| {
            let shares = divide((0..7).collect(), &owners, &nodes, |&cpu| cpu < 4, cpu);
            shares.into_iter().map(|share| (share.cpus, share.pieces)).collect::<Vec<_>>()
        };
        let (first, second) = (vec![0, 1], vec![2, 3]);
        assert_eq!(
            divided(2),
            [(second.clone(), vec![1, 2, 3, 4, 5, 6]), (first.clone(), vec![0])]
        );
        assert_eq!(divided(1), [(first, vec![0, 2, 3, 4, 5]), (second, vec![1, 6])]);
        // If the CPU is of no allowed node, nothing is known.
        assert_eq!(divided(4), [(vec![], (0..7).collect())]);
    }

    quickcheck! {
        fn each_piece_is_in_exactly_one_share(owners: Vec<Option<usize>>, cpu: usize) -> bool {
            let nodes = [node(0, &[0, 1]), node(1, &[2]), node(5, &[3]), node(6, &[])];
            let owners: Vec<_> = owners.into_iter().map(|owner| owner.map(|n| n % 8)).collect();
            let pieces: Vec<usize> = (0..owners.len()).collect();
            let shares = divide(pieces.clone(), &owners, &nodes, |&cpu| cpu != 2, cpu % 5);
            let mut divided: Vec<_> = shares.into_iter().flat_map(|share| share.pieces).collect();
            divided.sort_unstable();
            divided == pieces
        }
    }

    #[test]
    fn present_memory_is_on_an_online_node_if_nodes_are_reported() {
        let mut pages = vec![Page::ZERO; 4];
        pages.iter_mut().for_each(|page| page.as_bytes_mut()[0] = 1);
        let pieces: Vec<_> = pages.chunks_mut(2).collect();
        if let Some(owners) = owners(&pieces) {
            let online = fs::read_to_string("/sys/devices/system/node/online").unwrap();
            let online = list(&online).unwrap();
            assert_eq!(owners.len(), 2);
            assert!(owners.iter().all(|owner| owner.is_some_and(|n| online.contains(&n))));
        }
    }

    /// On machines with several nodes. `.ci/numa` runs it in a guest that has two.
    #[test]
    fn memory_goes_to_cpus_of_the_node_that_it_was_touched_on() {
        let read = |file: &str| fs::read_to_string(format!("/sys/devices/system/node/{file}")).ok();
        let with_cpus = |nodes: Vec<Node>| {
            nodes.into_iter().filter(|node| !node.cpus.is_empty()).collect::<Vec<_>>()
        };
        let nodes = nodes(read).map(with_cpus).unwrap_or_default();
        if nodes.len() < 2 {
            return clearpage_testkit::say("parallel: skipped NUMA: this machine has one node");
        }
        // A huge page is on one node: none is in two pieces.
        const PIECE: usize = (2 * HUGE) >> PAGE_SHIFT;
        let mut room: Vec<MaybeUninit<Page>> = Vec::new();
        room.resize_with(PIECE * (nodes.len() + 1), MaybeUninit::uninit);
        let start = room.as_ptr().align_offset(HUGE);
        let room = &mut room[start..][..PIECE * nodes.len()];
        for (node, piece) in nodes.iter().zip(room.chunks_mut(PIECE)) {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    move_to(&node.cpus);
                    clearpage::clear_pages_uninit(piece);
                });
            });
        }
        // SAFETY: every page has been cleared, and `MaybeUninit<Page>` has the layout of `Page`.
        let pages = unsafe { &mut *(ptr::from_mut(room) as *mut [Page]) };
        let base = pages.as_ptr().addr();
        let homes: Vec<Option<usize>> = nodes.iter().map(|node| Some(node.number)).collect();
        let pieces: Vec<_> = pages.chunks_mut(PIECE).collect();
        assert_eq!(owners(&pieces), Some(homes.clone()));
        let shares = shares(pieces);
        assert_eq!(shares.len(), nodes.len());
        for Share { cpus, pieces } in shares {
            let node = nodes.iter().find(|node| node.cpus == cpus).unwrap();
            let at =
                nodes.iter().position(|other| other == node).unwrap() * PIECE * size_of::<Page>();
            let found: Vec<_> = pieces.iter().map(|piece| piece.as_ptr().addr() - base).collect();
            assert_eq!(found, [at], "{node:?}");
        }
        // A clear moves no memory to another node.
        crate::parallel::clear_pages_on(
            pages,
            clearpage::Intent::Cold,
            std::num::NonZeroUsize::new(2 * nodes.len()).unwrap(),
        );
        let pieces: Vec<_> = pages.chunks_mut(PIECE).collect();
        assert_eq!(owners(&pieces), Some(homes));
    }

    #[test]
    fn move_to_sets_the_affinity_of_the_calling_thread() {
        let cpus = || {
            let allowed = sched_getaffinity(None).unwrap();
            (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect::<Vec<_>>()
        };
        let all = cpus();
        std::thread::scope(|scope| {
            for &cpu in all.iter().rev().take(4) {
                scope.spawn(move || {
                    move_to(&[cpu]);
                    assert_eq!(cpus(), [cpu]);
                    move_to(&[]);
                    assert_eq!(cpus(), [cpu]);
                });
            }
        });
        assert_eq!(cpus(), all, "the affinity of the thread that started them");
    }
}
