//! PageRank by power iteration, with the same bits however many threads share the work.
//!
//! The rank of a vertex is `(1 - d) / n + d * (s + l / n)`: `d` is the damping, `n` the number of
//! vertices, `s` the sum over the neighbours of their rank by their degree, `l` the sum of the ranks
//! of those without neighbours, who share theirs with all.

use std::sync::{Mutex, PoisonError};

use crate::arena::Arena;
use crate::graph::Graph;
use crate::page_vec::{PageVec, room};
use crate::race::Interrupted;

/// The share of a rank that comes from neighbours.
pub const DAMPING: f64 = 0.85;

/// Iteration ends when the sum of all changes is less. The distance to the fixed point is then at
/// most `DAMPING / (1 - DAMPING)` times that: less than 1e-9.
pub const TOLERANCE: f64 = 1e-10;

/// Vertices of a chunk. Sums are computed by chunk and then over the chunks in order, so that they
/// do not depend on the threads.
const CHUNK: usize = 4096;

/// The ranks of a graph's vertices.
pub struct Ranks<'a> {
    pub ranks: PageVec<'a, f64>,
    /// The number of passes over the graph.
    pub iterations: u32,
}

/// Returns the bytes that [`page_rank`] allocates at a scale.
pub fn ranks_room(scale: u32) -> u64 {
    3 * room::<f64>(1 << scale)
}

/// The sums of one pass over one chunk.
#[derive(Clone, Copy, Default)]
struct Sums {
    /// Sum of the changes.
    change: f64,
    /// Sum of the ranks of vertices without neighbours.
    lone: f64,
}

/// Iterates until the ranks converge. `step` is called for each iteration and may stop it.
///
/// # Errors
/// `step` ended it.
pub fn page_rank<'a>(
    arena: &'a Arena<'a>,
    graph: &Graph<'_>,
    mut step: impl FnMut(u32) -> Result<(), Interrupted>,
) -> Result<Ranks<'a>, Interrupted> {
    let vertices = graph.vertices();
    let mut ranks = PageVec::<f64>::new(arena, vertices);
    let mut shares = PageVec::<f64>::new(arena, vertices);
    let mut next = PageVec::<f64>::new(arena, vertices);
    let mut sums = vec![Sums::default(); vertices.div_ceil(CHUNK)];

    let first = 1.0 / vertices as f64;
    pass(arena, graph, &mut ranks, &mut shares, &mut sums, |_| first);
    for iterations in 1.. {
        let lone: f64 = sums.iter().map(|sums| sums.lone).sum();
        let everybody = (1.0 - DAMPING + DAMPING * lone) / vertices as f64;
        pass(arena, graph, &mut ranks, &mut next, &mut sums, |vertex| {
            let neighbours = graph.neighbours(vertex).iter();
            everybody + DAMPING * neighbours.map(|&n| shares[n as usize]).sum::<f64>()
        });
        std::mem::swap(&mut shares, &mut next);
        step(iterations)?;
        if sums.iter().map(|sums| sums.change).sum::<f64>() < TOLERANCE {
            return Ok(Ranks { ranks, iterations });
        }
    }
    unreachable!("each pass is nearer by the damping")
}

/// Sets the rank of each vertex to `rank`, and its share to the part that each neighbour receives.
fn pass(
    arena: &Arena<'_>,
    graph: &Graph<'_>,
    ranks: &mut [f64],
    shares: &mut [f64],
    sums: &mut [Sums],
    rank: impl Fn(usize) -> f64 + Sync,
) {
    let chunks = ranks.chunks_mut(CHUNK).zip(shares.chunks_mut(CHUNK)).zip(sums);
    let chunks = Mutex::new(chunks.enumerate());
    let take = || chunks.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some((chunk, ((ranks, shares), sums))) = take() {
            *sums = Sums::default();
            for (i, (old, share)) in ranks.iter_mut().zip(shares).enumerate() {
                let vertex = chunk * CHUNK + i;
                let new = rank(vertex);
                sums.change += (new - *old).abs();
                *old = new;
                match graph.degree(vertex) {
                    0 => sums.lone += new,
                    degree => *share = new / degree as f64,
                }
            }
        }
    };
    std::thread::scope(|scope| {
        (1..arena.threads().get()).for_each(|_| drop(scope.spawn(work)));
        work();
    });
}

/// Returns an upper bound of the distance from the fixed point, summed over the ranks. It is computed
/// independently: each vertex adds to its neighbours in turn.
pub fn distance(graph: &Graph<'_>, ranks: &[f64]) -> f64 {
    let vertices = graph.vertices();
    let mut given = vec![0.0; vertices];
    let mut lone = 0.0;
    for (vertex, &rank) in ranks.iter().enumerate() {
        let share = DAMPING * rank / graph.degree(vertex) as f64;
        graph.neighbours(vertex).iter().for_each(|&to| given[to as usize] += share);
        lone += if graph.degree(vertex) == 0 { rank } else { 0.0 };
    }
    let everybody = (1.0 - DAMPING + DAMPING * lone) / vertices as f64;
    let residual: f64 =
        given.iter().zip(ranks).map(|(given, rank)| (given + everybody - rank).abs()).sum();
    // The equation brings any two sets of ranks nearer by the damping.
    residual / (1.0 - DAMPING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arena::Init;
    use crate::graph::graph_room;
    use crate::kronecker::{edges, edges_room, vertices};
    use crate::testing::garbage;
    use std::num::NonZeroUsize;

    fn with_graph<R>(
        scale: u32,
        threads: usize,
        init: Init,
        test: impl FnOnce(&Arena<'_>, &Graph<'_>) -> R,
    ) -> R {
        let mut pages = garbage(edges_room(scale) + graph_room(scale) + ranks_room(scale));
        let arena = Arena::new(&mut pages, init, NonZeroUsize::new(threads).unwrap());
        let graph = Graph::new(&arena, vertices(scale), &edges(&arena, scale));
        test(&arena, &graph)
    }

    #[test]
    fn ranks_equal_those_of_an_independent_implementation() {
        use graphrs::{Edge, Graph as Other, GraphSpecs, Node, algorithms::centrality::pagerank};
        for scale in [4, 7, 9, 11] {
            with_graph(scale, 1, Init::Plan, |arena, graph| {
                let ours = page_rank(arena, graph, |_| Ok(())).unwrap().ranks;
                let all = 0..graph.vertices() as u32;
                let nodes = all.clone().map(Node::<u32, ()>::from_name).collect();
                // Both ways: it looks for predecessors, which undirected graphs have none of there.
                let row = |v: u32| graph.neighbours(v as usize).iter().map(move |&to| (v, to));
                let edges = all.clone().flat_map(row).map(|(v, to)| Edge::new(v, to)).collect();
                let specs = GraphSpecs::directed();
                let other = Other::new_from_nodes_and_edges(nodes, edges, specs).unwrap();
                // Theirs is a tolerance a vertex.
                let tolerance = 1e-11 / graph.vertices() as f64;
                let theirs =
                    pagerank::pagerank(&other, false, Some(DAMPING), Some(1000), Some(tolerance));
                let theirs = theirs.unwrap();
                assert_eq!(theirs.len(), ours.len());
                let apart: f64 = all.map(|v| (ours[v as usize] - theirs[&v]).abs()).sum();
                assert!(apart < 1e-9, "scale {scale}: {apart:e} apart");
            });
        }
    }

    #[test]
    fn ranks_sum_to_one_and_are_near_the_fixed_point() {
        with_graph(10, 2, Init::Batch, |arena, graph| {
            let mut heard = 0;
            let ranks = page_rank(arena, graph, |iteration| {
                heard = iteration;
                Ok(())
            })
            .unwrap();
            assert_eq!(heard, ranks.iterations);
            let sum: f64 = ranks.ranks.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            let near = distance(graph, &ranks.ranks);
            assert!(near < 1e-9, "{near:e}");
            // One rank a little off is seen.
            let mut wrong = ranks.ranks.to_vec();
            wrong[17] += 1e-8;
            assert!(distance(graph, &wrong) > 1e-9);
        });
    }

    #[test]
    fn ranks_do_not_depend_on_the_clearing_or_the_threads() {
        // More than one chunk, so that threads have something to share.
        let bits = |threads, init| {
            with_graph(14, threads, init, |arena, graph| {
                page_rank(arena, graph, |_| Ok(())).unwrap().ranks.as_bytes().to_vec()
            })
        };
        let expected = bits(1, Init::PerPage);
        for (threads, init) in [(1, Init::Plan), (2, Init::PerPage), (3, Init::Plan)] {
            assert!(bits(threads, init) == expected, "{threads} threads, {init:?}");
        }
    }
}
