"""The mark: a task that can be solved only by attending to another place, and the paper's findings measured by it."""

from pretrained.recipe.mark.film import film, film_folder
from pretrained.recipe.mark.longer import judge_longer, longer_file
from pretrained.recipe.mark.report import write_report
from pretrained.recipe.mark.ship import ship
from pretrained.recipe.mark.training import make_data, runs_folder, train
from pretrained.recipe.mark.variants import VARIANTS

__all__ = [
    "VARIANTS",
    "film",
    "film_folder",
    "judge_longer",
    "longer_file",
    "make_data",
    "runs_folder",
    "ship",
    "train",
    "write_report",
]
