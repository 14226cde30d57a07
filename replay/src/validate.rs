//! The five rules by which Graph500 judges a search (its specification, "Validation").
//!
//! Judged by the list of edges alone, not by the graph that was built from it: a wrong graph is
//! found too.

use std::fmt;

use crate::arena::Arena;
use crate::bfs::Tree;
use crate::kronecker::Edge;
use crate::page_vec::{PageVec, room};

/// Returns the bytes that [`validate`] allocates at a scale.
pub fn validate_room(scale: u32) -> u64 {
    room::<u32>(1 << scale)
}

/// The rule that a tree breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// 1: the tree has no cycles. No path leads from this vertex to the root.
    NoTree { vertex: u32 },
    /// 2: the ends of a tree edge are one level apart. This vertex and its parent are not.
    TreeLevels { vertex: u32 },
    /// 3: the ends of an edge of the graph are at most one level apart.
    EdgeLevels { edge: Edge },
    /// 4: the tree spans the component of the root. It has only one end of this edge.
    Spans { edge: Edge },
    /// 5: a tree edge is an edge of the graph. The one from this vertex to its parent is not.
    NoEdge { vertex: u32 },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTree { vertex } => write!(f, "rule 1: no way from {vertex} to the root"),
            Self::TreeLevels { vertex } => {
                write!(f, "rule 2: {vertex} is not one level below its parent")
            }
            Self::EdgeLevels { edge } => write!(f, "rule 3: {edge:?} goes past a level"),
            Self::Spans { edge } => write!(f, "rule 4: of {edge:?} one end is not in the tree"),
            Self::NoEdge { vertex } => {
                write!(f, "rule 5: there is no edge from {vertex} to its parent")
            }
        }
    }
}

impl std::error::Error for Broken {}

/// Mark of a vertex from which a path leads to the root. It is no vertex number.
const TO_ROOT: u32 = u32::MAX;
/// Mark of a vertex whose edge to the parent was found.
const EDGE: u32 = u32::MAX - 1;

/// Validates a search from `root`. Returns the number of edges in its component, with loops and
/// multiple edges, which Graph500 counts for TEPS.
///
/// # Errors
/// A rule is broken.
pub fn validate<'a>(
    arena: &'a Arena<'a>,
    edges: &[Edge],
    root: u32,
    tree: &Tree<'_>,
) -> Result<u64, Broken> {
    let vertices = tree.parents.len() as u32;
    let mut marks = PageVec::<u32>::new(arena, tree.parents.len());
    if tree.parent(root) != Some(root) {
        return Err(Broken::NoTree { vertex: root });
    }
    marks[root as usize] = TO_ROOT;
    for vertex in 0..vertices {
        if tree.parent(vertex).is_some() {
            to_root(&mut marks, tree, vertex)?;
        }
    }
    let one_below = |vertex| match tree.parent(vertex) {
        None => tree.level(vertex).is_none(),
        Some(_) if vertex == root => tree.level(vertex) == Some(0),
        Some(parent) => tree.level(vertex) == tree.level(parent).map(|level| level + 1),
    };
    if let Some(vertex) = (0..vertices).find(|&vertex| !one_below(vertex)) {
        return Err(Broken::TreeLevels { vertex });
    }
    let mut inside = 0;
    for &edge @ [a, b] in edges {
        match (tree.level(a), tree.level(b)) {
            (None, None) => continue,
            (Some(a), Some(b)) if a.abs_diff(b) > 1 => return Err(Broken::EdgeLevels { edge }),
            (Some(_), Some(_)) => inside += 1,
            _ => return Err(Broken::Spans { edge }),
        }
        for (vertex, parent) in [(a, b), (b, a)] {
            if tree.parent(vertex) == Some(parent) {
                marks[vertex as usize] = EDGE;
            }
        }
    }
    let has_edge = |&vertex: &u32| {
        vertex == root || tree.parent(vertex).is_none() || marks[vertex as usize] == EDGE
    };
    match (0..vertices).find(|vertex| !has_edge(vertex)) {
        Some(vertex) => Err(Broken::NoEdge { vertex }),
        None => Ok(inside),
    }
}

/// Follows parents to a vertex that leads to the root, and marks the path. Its own marks on the way
/// mean a cycle.
fn to_root(marks: &mut [u32], tree: &Tree<'_>, start: u32) -> Result<(), Broken> {
    let mine = start + 1;
    let mut vertex = start;
    while marks[vertex as usize] == 0 {
        marks[vertex as usize] = mine;
        let parent = tree.parent(vertex).filter(|&parent| (parent as usize) < marks.len());
        vertex = parent.ok_or(Broken::NoTree { vertex: start })?;
    }
    if marks[vertex as usize] == mine {
        return Err(Broken::NoTree { vertex: start });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bfs::{search, search_room};
    use crate::graph::{Graph, graph_room};
    use crate::kronecker::{edges, edges_room, vertices};
    use crate::testing::with_arena;

    #[test]
    fn searches_of_kronecker_graphs_keep_the_rules() {
        for scale in [4, 6, 10] {
            let room = edges_room(scale) + graph_room(scale) + search_room(scale);
            with_arena(room + validate_room(scale), |arena| {
                let edges = edges(arena, scale);
                let graph = Graph::new(arena, vertices(scale), &edges);
                for root in graph.roots(16) {
                    let tree = search(arena, &graph, root);
                    let inside = validate(arena, &edges, root, &tree).unwrap();
                    let reached = |v: u32| tree.parent(v).is_some();
                    let expected = edges.iter().filter(|[a, _]| reached(*a)).count();
                    assert_eq!(inside, expected as u64);
                }
            });
        }
    }

    /// A ring of six, a chord, and a separate pair, searched from 0 and then corrupted.
    fn broken(wrong: impl FnOnce(&mut Tree<'_>)) -> Result<u64, Broken> {
        let edges = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 0], [1, 5], [6, 7], [2, 2]];
        with_arena(1 << 20, |arena| {
            let mut tree = search(arena, &Graph::new(arena, 9, &edges), 0);
            wrong(&mut tree);
            validate(arena, &edges, 0, &tree)
        })
    }

    #[test]
    fn a_valid_tree_is_accepted() {
        assert_eq!(broken(|_| ()), Ok(8));
    }

    #[test]
    fn rule_1_cycles_are_refused() {
        let around = |tree: &mut Tree<'_>| {
            tree.put(3, 4, 3);
            tree.put(4, 3, 3);
        };
        assert_eq!(broken(around), Err(Broken::NoTree { vertex: 3 }));
        assert_eq!(broken(|tree| tree.put(2, 2, 2)), Err(Broken::NoTree { vertex: 2 }));
        // Apart from the root, however right it looks from close by.
        let apart = |tree: &mut Tree<'_>| {
            tree.put(6, 7, 1);
            tree.put(7, 6, 2);
        };
        assert_eq!(broken(apart), Err(Broken::NoTree { vertex: 6 }));
        assert_eq!(broken(|tree| tree.put(0, 1, 0)), Err(Broken::NoTree { vertex: 0 }));
        assert_eq!(broken(|tree| tree.parents[4] = 100), Err(Broken::NoTree { vertex: 4 }));
        assert_eq!(broken(|tree| tree.put(6, 8, 1)), Err(Broken::NoTree { vertex: 6 }));
    }

    #[test]
    fn rule_2_tree_edges_must_descend_one_level() {
        // 1 and 5 are at the same level, and neighbours.
        assert_eq!(broken(|tree| tree.put(5, 1, 1)), Err(Broken::TreeLevels { vertex: 5 }));
        assert_eq!(broken(|tree| tree.levels[8] = 1), Err(Broken::TreeLevels { vertex: 8 }));
        assert_eq!(broken(|tree| tree.levels[4] = 0), Err(Broken::TreeLevels { vertex: 4 }));
    }

    #[test]
    fn rule_3_edges_must_not_skip_a_level() {
        // Once around instead of both ways: a tree of real edges, but not the shortest ways.
        let around = |tree: &mut Tree<'_>| (1..6).for_each(|v| tree.put(v, v - 1, v));
        assert_eq!(broken(around), Err(Broken::EdgeLevels { edge: [5, 0] }));
    }

    #[test]
    fn rule_4_every_reachable_vertex_must_be_in_the_tree() {
        let without_3 = |tree: &mut Tree<'_>| (tree.parents[3], tree.levels[3]) = (0, 0);
        assert_eq!(broken(without_3), Err(Broken::Spans { edge: [2, 3] }));
    }

    #[test]
    fn rule_5_tree_edges_must_be_edges_of_the_graph() {
        // One level up, but no neighbour.
        assert_eq!(broken(|tree| tree.put(4, 1, 2)), Err(Broken::NoEdge { vertex: 4 }));
    }
}
