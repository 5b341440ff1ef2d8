"""Graph colouring completion: proper colourings of graphs in which some nodes are coloured already."""

from adaptive_diffusion.tasks.colouring.data import ColouringData
from adaptive_diffusion.tasks.colouring.graphs import Graphs
from adaptive_diffusion.tasks.colouring.task import ColouringTask

__all__ = ["ColouringData", "ColouringTask", "Graphs"]
