"""Which split a graph belongs to: that of all isomorphic graphs."""

import numpy as np

from adaptive_diffusion.tasks.random_streams import INCREMENT, mix

SALT = np.uint64(13)


def graph_hashes(adjacency: np.ndarray) -> np.ndarray:
    """Weisfeiler-Lehman hashes of graphs bool [N, n, n], uint64 [N].

    Labels start equal. In each of n rounds a node's label becomes mix(label + 3·Σ mix(labels of its neighbours)); the
    hash is the mixed sum of all labels (Weisfeiler and Lehman 1968; Shervashidze et al. 2011, with sums in place of
    sorted lists). Isomorphic graphs have the same hash. Some others have, too (regular graphs of one degree): they are
    treated as equal, so that more is kept apart than need be, never less. Given colours do not enter: a held-out graph
    is new whatever nodes are given.

    networkx has the like for one graph at a time: too slow for a stream of training graphs.
    """
    count, nodes, _ = adjacency.shape
    labels = np.full((count, nodes), SALT)
    for _ in range(nodes):
        heard = np.where(adjacency, mix(labels)[:, None, :], np.uint64(0)).sum(2, dtype=np.uint64)
        labels = mix(labels + INCREMENT + heard * np.uint64(3))
    return mix(mix(labels).sum(1, dtype=np.uint64))
