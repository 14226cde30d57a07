//! Breadth-first search, as Graph500's second kernel does it: from one root, level by level.

use crate::arena::Arena;
use crate::graph::Graph;
use crate::page_vec::{PageVec, room};

/// The tree of a search.
///
/// Numbers are incremented by 1, and 0 marks a vertex that was not reached, so that zeroed memory is
/// an empty tree.
pub struct Tree<'a> {
    /// The parent of each vertex, plus 1. The parent of the root is the root.
    pub parents: PageVec<'a, u32>,
    /// The distance of each vertex from the root, plus 1.
    pub levels: PageVec<'a, u32>,
}

/// Returns the bytes that [`search`] allocates at a scale.
pub fn search_room(scale: u32) -> u64 {
    3 * room::<u32>(1 << scale)
}

impl<'a> Tree<'a> {
    pub fn new(arena: &'a Arena<'a>, vertices: usize) -> Self {
        Self { parents: PageVec::new(arena, vertices), levels: PageVec::new(arena, vertices) }
    }

    /// Returns the parent of a vertex.
    pub fn parent(&self, vertex: u32) -> Option<u32> {
        self.parents[vertex as usize].checked_sub(1)
    }

    /// Returns the distance of a vertex from the root.
    pub fn level(&self, vertex: u32) -> Option<u32> {
        self.levels[vertex as usize].checked_sub(1)
    }

    /// Adds a vertex to the tree.
    pub fn put(&mut self, vertex: u32, parent: u32, level: u32) {
        self.parents[vertex as usize] = parent + 1;
        self.levels[vertex as usize] = level + 1;
    }
}

/// The search goes bottom-up if the frontier has more than 1/14 of the remaining edges (Beamer,
/// Asanovic and Patterson, 2012).
const PART: usize = 14;

/// Returns the tree of shortest paths from `root`.
///
/// Each level is searched in the cheaper direction: top-down from the frontier, or bottom-up from
/// the vertices that are not reached yet.
pub fn search<'a>(arena: &'a Arena<'a>, graph: &Graph<'_>, root: u32) -> Tree<'a> {
    let mut tree = Tree::new(arena, graph.vertices());
    let mut queue = PageVec::<u32>::new(arena, graph.vertices());
    tree.put(root, root, 0);
    queue[0] = root;
    let (mut start, mut end) = (0, 1);
    let mut edges_left = graph.edges();
    for level in 1.. {
        let (found, free) = queue.split_at_mut(end);
        let above = &found[start..];
        if above.is_empty() {
            break;
        }
        let edges: usize = above.iter().map(|&vertex| graph.degree(vertex as usize)).sum();
        edges_left -= edges;
        let reached = if edges < edges_left / PART {
            from_above(&mut tree, graph, above, level, free)
        } else {
            from_below(&mut tree, graph, level, free)
        };
        (start, end) = (end, end + reached);
    }
    tree
}

/// Adds the unreached neighbours of `above` at `level`, and returns their number.
fn from_above(
    tree: &mut Tree<'_>,
    graph: &Graph<'_>,
    above: &[u32],
    level: u32,
    reached: &mut [u32],
) -> usize {
    let mut end = 0;
    for &vertex in above {
        for &neighbour in graph.neighbours(vertex as usize) {
            if tree.parents[neighbour as usize] == 0 {
                tree.put(neighbour, vertex, level);
                reached[end] = neighbour;
                end += 1;
            }
        }
    }
    end
}

/// As [`from_above`], but iterates over the unreached vertices.
fn from_below(tree: &mut Tree<'_>, graph: &Graph<'_>, level: u32, reached: &mut [u32]) -> usize {
    let mut end = 0;
    for vertex in 0..graph.vertices() as u32 {
        if tree.parents[vertex as usize] == 0 {
            // Numbers are one more than what they say.
            let is_above = |&&n: &&u32| tree.levels[n as usize] == level;
            if let Some(&parent) = graph.neighbours(vertex as usize).iter().find(is_above) {
                tree.put(vertex, parent, level);
                reached[end] = vertex;
                end += 1;
            }
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::graph_room;
    use crate::kronecker::{edges, edges_room};
    use crate::testing::with_arena;

    #[test]
    fn levels_are_shortest_distances() {
        // A ring of six with a tail, and a pair apart from it.
        let edges = [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 0], [3, 6], [7, 8]];
        with_arena(1 << 20, |arena| {
            let graph = Graph::new(arena, 9, &edges);
            let tree = search(arena, &graph, 0);
            let levels: Vec<_> = (0..9).map(|v| tree.level(v)).collect();
            let expected = [0, 1, 2, 3, 2, 1, 4].map(Some);
            assert_eq!(levels, [&expected[..], &[None, None]].concat());
            assert_eq!((tree.parent(0), tree.parent(6), tree.parent(7)), (Some(0), Some(3), None));
            assert_eq!(tree.parent(3), Some(2), "of two ways that of the vertex found first");
        });
    }

    #[test]
    fn both_directions_find_the_same_levels() {
        let room = edges_room(9) + graph_room(9) + 2 * search_room(9);
        with_arena(room, |arena| {
            let graph = Graph::new(arena, 1 << 9, &edges(arena, 9));
            let root = graph.roots(1)[0];
            let expected = search(arena, &graph, root);
            for down in [true, false] {
                let mut tree = Tree::new(arena, graph.vertices());
                tree.put(root, root, 0);
                let (mut above, mut reached) = (vec![root], vec![0; graph.vertices()]);
                for level in 1.. {
                    let end = if down {
                        from_above(&mut tree, &graph, &above, level, &mut reached)
                    } else {
                        from_below(&mut tree, &graph, level, &mut reached)
                    };
                    above = reached[..end].to_vec();
                    if end == 0 {
                        break;
                    }
                }
                assert_eq!(tree.levels[..], expected.levels[..], "down: {down}");
            }
        });
    }
}
