"""Mazes: shortest paths on a grid with walls, of which several may be right."""

from adaptive_diffusion.tasks.maze.data import MazeData
from adaptive_diffusion.tasks.maze.mazes import Mazes
from adaptive_diffusion.tasks.maze.task import MazeTask

__all__ = ["MazeData", "MazeTask", "Mazes"]
