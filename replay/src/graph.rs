//! A graph as its rows: for each vertex its neighbours, in order, each once (CSR).

use crate::arena::Arena;
use crate::kronecker::{EDGE_FACTOR, Edge, Random};
use crate::page_vec::{PageVec, room};

/// An undirected graph without loops and multiple edges.
pub struct Graph<'a> {
    /// The index of the first neighbour of each vertex, and the end of the last.
    offsets: PageVec<'a, u64>,
    neighbours: PageVec<'a, u32>,
}

/// Returns the bytes that [`Graph::new`] allocates at a scale.
pub fn graph_room(scale: u32) -> u64 {
    room::<u64>((1 << scale) + 2) + room::<u32>((2 * EDGE_FACTOR as u64) << scale)
}

impl<'a> Graph<'a> {
    /// Returns the graph of `vertices` vertices and `edges`.
    pub fn new(arena: &'a Arena<'a>, vertices: usize, edges: &[Edge]) -> Self {
        let mut offsets = PageVec::<u64>::new(arena, vertices + 2);
        let both = || edges.iter().filter(|[a, b]| a != b).flat_map(|&[a, b]| [(a, b), (b, a)]);
        // Two places on, so that each row's end is one place on while it is filled.
        both().for_each(|(from, _)| offsets[from as usize + 2] += 1);
        for v in 1..offsets.len() {
            offsets[v] += offsets[v - 1];
        }
        let mut neighbours = PageVec::<u32>::new(arena, 2 * edges.len());
        for (from, to) in both() {
            let end = &mut offsets[from as usize + 1];
            neighbours[*end as usize] = to;
            *end += 1;
        }
        let mut graph = Self { offsets, neighbours };
        graph.sort_rows();
        graph
    }

    /// Sorts each row and removes multiple edges.
    fn sort_rows(&mut self) {
        let (mut from, mut end) = (0, 0);
        for v in 0..self.vertices() {
            let to = self.offsets[v + 1] as usize;
            self.neighbours[from..to].sort_unstable();
            self.offsets[v] = end as u64;
            let start = end;
            for i in from..to {
                let neighbour = self.neighbours[i];
                if end == start || self.neighbours[end - 1] != neighbour {
                    self.neighbours[end] = neighbour;
                    end += 1;
                }
            }
            from = to;
        }
        let vertices = self.vertices();
        self.offsets[vertices] = end as u64;
    }

    pub fn vertices(&self) -> usize {
        self.offsets.len() - 2
    }

    /// Returns the sum of all degrees: two for each edge.
    pub fn edges(&self) -> usize {
        self.offsets[self.vertices()] as usize
    }

    /// Returns the neighbours of a vertex.
    pub fn neighbours(&self, vertex: usize) -> &[u32] {
        &self.neighbours[self.offsets[vertex] as usize..self.offsets[vertex + 1] as usize]
    }

    pub fn degree(&self, vertex: usize) -> usize {
        (self.offsets[vertex + 1] - self.offsets[vertex]) as usize
    }

    /// Returns up to `most` distinct vertices that have neighbours, in a fixed random order.
    pub fn roots(&self, most: usize) -> Vec<u32> {
        let connected = (0..self.vertices()).filter(|&v| self.degree(v) > 0).count();
        let (mut roots, mut seen) = (Vec::new(), std::collections::HashSet::new());
        let mut random = Random::stream(u64::MAX - 1);
        while roots.len() < most.min(connected) {
            let root = random.below(self.vertices() as u64) as u32;
            if self.degree(root as usize) > 0 && seen.insert(root) {
                roots.push(root);
            }
        }
        roots
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kronecker::{edges, edges_room, vertices};
    use crate::testing::with_arena;
    use std::collections::BTreeSet;

    #[test]
    fn rows_have_each_edge_both_ways_sorted_and_once() {
        for scale in [4, 7, 11] {
            with_arena(edges_room(scale) + graph_room(scale), |arena| {
                let edges = edges(arena, scale);
                let graph = Graph::new(arena, vertices(scale), &edges);
                assert_eq!(graph.vertices(), vertices(scale));
                let set: BTreeSet<(u32, u32)> = edges
                    .iter()
                    .filter(|[a, b]| a != b)
                    .flat_map(|&[a, b]| [(a, b), (b, a)])
                    .collect();
                let rows = (0..graph.vertices() as u32)
                    .flat_map(|v| graph.neighbours(v as usize).iter().map(move |&to| (v, to)));
                assert!(rows.eq(set.iter().copied()));
                let degrees: usize = (0..graph.vertices()).map(|v| graph.degree(v)).sum();
                assert_eq!((degrees, graph.edges()), (set.len(), set.len()));
            });
        }
    }

    #[test]
    fn degrees_are_as_uneven_as_in_a_kronecker_graph() {
        with_arena(edges_room(12) + graph_room(12), |arena| {
            let graph = Graph::new(arena, vertices(12), &edges(arena, 12));
            let mut degrees: Vec<usize> = (0..graph.vertices()).map(|v| graph.degree(v)).collect();
            degrees.sort_unstable();
            assert_eq!(degrees[0], 0, "some stand alone");
            assert!(degrees[degrees.len() - 1] > 50 * degrees[degrees.len() / 2]);
        });
    }

    #[test]
    fn roots_are_distinct_and_have_neighbours() {
        let edges = [[1, 3], [3, 1], [5, 5], [6, 3]];
        with_arena(1 << 20, |arena| {
            let graph = Graph::new(arena, 8, &edges);
            assert_eq!(graph.neighbours(3), [1, 6]);
            assert_eq!((graph.degree(5), graph.degree(7)), (0, 0));
            let mut roots = graph.roots(64);
            assert_eq!(roots, graph.roots(64));
            assert_eq!(graph.roots(2), roots[..2]);
            roots.sort_unstable();
            assert_eq!(roots, [1, 3, 6]);
        });
    }
}
