"""The `lgpn` baseline: hyperparameters as nodes of a graph whose edges link co-occurring labels.

It follows the idea of the 2024 follow-up, "Tracing Hyperparameter Dependencies for Model Parsing
via Learnable Graph Pooling Network": a graph from the co-occurrence of labels, graph convolutions
over it, and learned pooling and unpooling between them. The sizes and the details are our own.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from gmbench.models.fingerprint import FingerprintNetwork
from gmbench.models.heads import ClassSlots
from gmbench.models.objective import squared_error
from gmbench.models.parsing import PAPER_CLASSES, FingerprintDepth, PlainOutput, Trunk
from gmbench.models.settings import Channels, Count, Counts, Dropout, Number, Settings
from gmbench.models.targets import TrainingTargets
from gmbench.schema import N_CONTINUOUS

EDGE_THRESHOLD = 0.4
"""Least conditional probability of a label, given another, that makes an edge."""


class GraphConfig(Settings):
    """Architecture of a `GraphParser`.

    Attributes:
        trace_depth: Number of convolutions of the branch that keeps the image's resolution.
        trace_width: Number of features between them.
        trunk_widths: Number of features of each block of the network that follows; every block
            halves the size.
        node_width: Number of features of each node.
        pooled: Number of nodes of the pooled graph.
        channels: Channels of the images.
        n_classes: Number of classes of each of the 16 classifiers.
        dropout: Fraction of the image's features dropped during training.
    """

    trace_depth: FingerprintDepth = 6
    trace_width: Count = 32
    trunk_widths: Counts = (32, 64, 128, 256, 512)
    node_width: Count = 32
    pooled: Count = 12
    channels: Channels = 3
    n_classes: Counts = PAPER_CLASSES
    dropout: Dropout = 0.0


def label_graph(targets: TrainingTargets) -> NDArray[np.float32]:
    """Returns the edge weights between the 9 + S nodes, float32 of shape (9 + S, 9 + S).

    A node is a continuous parameter or one class of a discrete one. Edges lead from each node to
    those that co-occur with it in at least `EDGE_THRESHOLD` of the training GMs that have it. A GM
    either has a class or does not; it has a continuous parameter to the degree of its rank among
    the GMs. Each row sums to 1, half of it (all of it without an edge) for the node itself, which
    would otherwise lose its own features among many neighbours.

    Args:
        targets: Labels of the training GMs.
    """
    ranks = (rankdata(targets.continuous, axis=0) - 1) / max(len(targets) - 1, 1)
    has = np.hstack([ranks, targets.one_hot()])
    occurrence = has.sum(axis=0)
    together = has.T @ has
    given = np.divide(
        together, occurrence[:, None], out=np.zeros_like(together), where=occurrence[:, None] > 0
    )
    np.fill_diagonal(given, 0)
    # Ratios such as 2 of 5 lie exactly at the threshold; rounding must not decide.
    edges = np.where(given >= EDGE_THRESHOLD - 1e-9, given, 0)
    sums = edges.sum(axis=1, keepdims=True)
    edges = np.divide(edges, 2 * sums, out=np.zeros_like(edges), where=sums > 0)
    return np.asarray(edges + np.diag(1 - edges.sum(axis=1)), dtype=np.float32)


class GraphConvolution(nn.Module):
    """Neighbours' features, averaged along the edges, then mapped (Kipf and Welling 2017)."""

    def __init__(self, inner: int, outer: int) -> None:
        """Builds an untrained layer.

        Args:
            inner: Number of input features of a node.
            outer: Number of output features of a node.
        """
        super().__init__()
        self.linear = nn.Linear(inner, outer)

    def forward(self, edges: Tensor, nodes: Tensor) -> Tensor:
        """Returns new node features, shape (N, nodes, outer).

        Args:
            edges: Shape (nodes, nodes), or one such matrix per image; rows sum to 1.
            nodes: Shape (N, nodes, inner).
        """
        mapped: Tensor = self.linear(torch.matmul(edges, nodes))
        return mapped


class GraphParser(nn.Module):
    """Turns image features into node features and refines them along the fine and pooled graph."""

    edges: Tensor

    def __init__(
        self, config: GraphConfig | None = None, edges: NDArray[np.float32] | None = None
    ) -> None:
        """Builds an untrained network.

        Args:
            config: The architecture.
            edges: The graph, as `label_graph` returns it; saved with the weights. By default there
                are no edges, to be filled by weights read from a file.

        Raises:
            ValueError: The numbers of nodes of the graph and of the configuration differ.
        """
        super().__init__()
        self.config = c = config or GraphConfig()
        self.slots = ClassSlots(c.n_classes)
        n_nodes = N_CONTINUOUS + self.slots.total
        graph = torch.eye(n_nodes) if edges is None else torch.tensor(edges)
        if graph.shape != (n_nodes, n_nodes):
            raise ValueError(f"The graph is {tuple(graph.shape)}; {n_nodes} nodes are wanted.")
        self.register_buffer("edges", graph)
        self.trace = FingerprintNetwork(c.trace_depth, c.trace_width, c.channels)
        self.trunk = Trunk(2 * c.channels, c.trunk_widths, c.dropout)
        self.embed = nn.Linear(c.trunk_widths[-1], n_nodes * c.node_width)
        self.before = GraphConvolution(c.node_width, c.node_width)
        self.assign = GraphConvolution(c.node_width, c.pooled)
        self.between = GraphConvolution(c.node_width, c.node_width)
        self.after = GraphConvolution(c.node_width, c.node_width)
        # Small, so that training starts from even odds and not from extreme predictions.
        self.readout = nn.Parameter(0.1 * torch.randn(n_nodes, c.node_width) / c.node_width**0.5)
        self.bias = nn.Parameter(torch.zeros(n_nodes))

    @classmethod
    def of(cls, config: GraphConfig, targets: TrainingTargets) -> GraphParser:
        """Returns an untrained network with the graph of some training GMs.

        Args:
            config: The architecture.
            targets: Labels of the training GMs.
        """
        return cls(config, label_graph(targets))

    def forward(self, images: Tensor) -> PlainOutput:
        """Returns the network's predictions for images.

        Args:
            images: Shape (N, channels, H, W) of any size, float, values in [0, 1].
        """
        features = self.trunk(torch.cat([images, self.trace(images)], dim=1))
        n_nodes, width = self.readout.shape
        nodes = self.embed(features).relu().view(-1, n_nodes, width)
        nodes = nodes + self.before(self.edges, nodes).relu()
        # Each node belongs to the pooled nodes in shares that sum to 1 ...
        shares = self.assign(self.edges, nodes).softmax(dim=-1)
        members = shares.transpose(-2, -1)
        # ... and a pooled node is the mean of its members, so that its size has no effect.
        pooling = members / members.sum(dim=-1, keepdim=True).clamp_min(1e-6)
        pooled = pooling @ nodes
        # Rows of the shares and of the edges sum to 1, and so do those of the pooled edges.
        pooled = pooled + self.between(pooling @ self.edges @ shares, pooled).relu()
        nodes = nodes + shares @ pooled
        nodes = nodes + self.after(self.edges, nodes).relu()
        answers = (nodes * self.readout).sum(dim=-1) + self.bias
        return PlainOutput(answers[:, :N_CONTINUOUS], answers[:, N_CONTINUOUS:], self.slots)


class GraphWeights(Settings):
    """Weights of a `GraphObjective`; the defaults are those of an `ObjectiveConfig`.

    Attributes:
        gamma3: Weight of the continuous values (equation 12).
        gamma4: Weight of the classes.
        weighted_cross_entropy: Whether the classes are weighted by their rarity (equation 11).
    """

    gamma3: Number = 5.0
    gamma4: Number = 5.0
    weighted_cross_entropy: bool = True


class GraphObjective(nn.Module):
    """The objective of a `GraphParser`: equations 10 and 11 applied to the labels themselves."""

    _continuous: Tensor
    _classes: Tensor
    class_weights: Tensor

    def __init__(self, config: GraphWeights, targets: TrainingTargets) -> None:
        """Stores the targets as tensors.

        Args:
            config: The weights.
            targets: Labels of the training GMs.
        """
        super().__init__()
        self.config = config
        self.register_buffer("_continuous", torch.from_numpy(targets.continuous))
        self.register_buffer("_classes", torch.from_numpy(targets.discrete))
        self.register_buffer("class_weights", torch.from_numpy(targets.class_weights()))

    def forward(self, output: PlainOutput, gms: Tensor) -> dict[str, Tensor]:
        """Returns `instance_continuous`, `instance_discrete` and their sum `total`, all scalars.

        Args:
            output: The network's predictions for N images.
            gms: Row of each image's GM in the targets, int64 of shape (N,).
        """
        c = self.config
        weights = self.class_weights if c.weighted_cross_entropy else None
        error = squared_error(output.continuous, self._continuous[gms])
        entropy = output.slots.cross_entropy(output.logits, self._classes[gms], weights).mean()
        terms = {"instance_continuous": c.gamma3 * error, "instance_discrete": c.gamma4 * entropy}
        terms["total"] = terms["instance_continuous"] + terms["instance_discrete"]
        return terms
