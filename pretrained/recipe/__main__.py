"""``python -m pretrained.recipe STEP``: see pretrained/README.md."""

import argparse
import sys
from pathlib import Path

from nonlocal_core.vocabulary import PAIRWISE
from pretrained.recipe import mark
from pretrained.recipe.runs import TASKS, Workshop, evaluate, make_data, retrain_controls, train, use_one_thread
from pretrained.recipe.ship import ship
from pretrained.recipe.train import usual_settings

MARK_PARTS = ("data", "train", "longer", "tables", "film", "ship")


def main() -> None:
    """Run one step of the recipe."""
    parser = argparse.ArgumentParser(prog="python -m pretrained.recipe", description=__doc__)
    parser.add_argument("step", choices=["data", "train", "evaluate", "controls", "ship", "mark"])
    parser.add_argument("part", nargs="?", choices=MARK_PARTS, help="of `mark`")
    parser.add_argument("--pairwise", nargs="+", choices=PAIRWISE, default=list(PAIRWISE), help="all four by default")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], help="one run for each; the first is shipped")
    parser.add_argument("--variants", nargs="+", choices=mark.VARIANTS, help="of `mark train`; all by default")
    parser.add_argument("--work", type=Path, default=Path("build/recipe"), help="folder for everything in between")
    parser.add_argument("--real-clips", type=Path, help="folder with the clips of tests/data/real_clips.json")
    parser.add_argument("--again", type=Path, help="of `ship`: the work folder of a clone that trained once more")
    chosen = parser.parse_args()
    use_one_thread()
    workshop = Workshop(folder=chosen.work, tell=_say)
    runs = [(pairwise, seed) for seed in chosen.seeds for pairwise in chosen.pairwise]
    if chosen.step == "data":
        make_data(workshop)
    elif chosen.step == "evaluate":
        evaluate(workshop, runs, chosen.real_clips)
    elif chosen.step == "ship":
        again = Workshop(folder=chosen.again, tell=_say) if chosen.again else None
        ship(workshop, chosen.pairwise, chosen.seeds, again)
    elif chosen.step == "mark":
        _mark(workshop, chosen.part, chosen.seeds, chosen.variants)
    elif chosen.step == "controls":
        for pairwise, seed in runs:
            retrain_controls(workshop, pairwise, seed)
    else:
        for pairwise, seed in runs:
            for task in TASKS[pairwise]:
                train(workshop, usual_settings(pairwise, seed, task))


def _mark(workshop: Workshop, part: str | None, seeds: list[int], variants: list[str] | None) -> None:
    if part == "data":
        mark.make_data(workshop)
    elif part == "longer":
        mark.judge_longer(workshop)
    elif part == "tables":
        mark.write_report(mark.runs_folder(workshop), mark.longer_file(workshop))
    elif part == "film":
        mark.film(workshop)
    elif part == "ship":
        mark.ship(mark.runs_folder(workshop), mark.film_folder(workshop))
    else:
        mark.train(workshop, seeds, variants)


def _say(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
