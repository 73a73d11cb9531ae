"""Change one token of the library at a time and see whether the unit tests of its room notice.

python tools/mutants.py --sample 150 --seed 1      # make mutants SAMPLE=150 SEED=1
python tools/mutants.py --rooms geometry           # every mutant of a room

The work happens in a copy of the checkout. A mutant that no test notices is either a test that is missing, or stands in
`tests/MUTANTS.md` with the reason why nobody could notice it. Exits with 1 where fewer than 95 % are noticed, or where
one that is not has no reason there.
"""

import argparse
import multiprocessing
import os
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator

ROOT = Path(__file__).parents[1]
ROOMS = ("ops", "capture", "geometry", "measures", "bundle", "media", "models")
ENOUGH = 0.95
"""Share of mutants that the tests notice, or more."""

OPERATORS = (
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("Mod_FloorDiv", "Pow_Mul", "LShift_RShift", "RShift_LShift")),
    *(f"ReplaceBinaryOperator_{pair}" for pair in ("BitOr_BitAnd", "BitAnd_BitOr")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt")),
    *(f"ReplaceComparisonOperator_{pair}" for pair in ("Lt_GtE", "LtE_Gt", "Gt_LtE", "GtE_Lt")),
    *("NumberReplacer", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("AddNot", "ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not"),
)
"""Operators of cosmic-ray: one change of each arithmetic operator, the two near a comparison, constants, conditions."""

ARITHMETIC = {"arith_expr", "term", "power", "shift_expr", "expr", "and_expr", "xor_expr"}
"""Expressions in which an operator computes, and does not mark parameters in a list."""

HANGING = ["-o", "faulthandler_timeout=300", "-o", "faulthandler_exit_on_timeout=true"]
"""A test that takes five minutes ends the run."""

IMPORTED_ONCE = [
    "torch",
    "scipy.ndimage",
    "PIL.Image",
    "av",
    "hypothesis.strategies",
    "jaxtyping",
    "beartype",
    "tifffile",
]
"""Slow imports that no mutant changes, and all test runs share."""

SHARING = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
"""pytest warns of plugins that were imported before it began, as hypothesis is here."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one token."""

    module: str
    operator: str
    occurrence: int

    def source(self, checkout: Path) -> str:
        """Return the changed module."""
        before = (checkout / self.module).read_text()
        after = mutate_code(before, get_operator(f"core/{self.operator}")(), self.occurrence)
        assert after is not None
        return after

    def line(self, checkout: Path) -> tuple[int, str, str]:
        """Return the number of the first line that differs, as it is and as it is changed."""
        pairs = zip((checkout / self.module).read_text().splitlines(), self.source(checkout).splitlines(), strict=False)
        return next((number, old.strip(), new.strip()) for number, (old, new) in enumerate(pairs, 1) if old != new)


def mutants_of(module: Path) -> Iterator[tuple[tuple[int, int], Mutant]]:
    """Yield every mutant of a module, with the place of its token."""
    nodes = list(ast_nodes(get_ast(module.read_text())))
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        places = [(node, place) for node in nodes for place, _ in operator.mutation_positions(node)]
        for occurrence, (node, place) in enumerate(places):
            if not _only_declares(node) and ("Binary" not in name or _computes(node)):
                yield place, Mutant(module.relative_to(ROOT).as_posix(), name, occurrence)


def _computes(node) -> bool:
    """Return whether an operator computes with values: a sum of types is none, since its mutant cannot be imported."""
    if node.parent.type not in ARITHMETIC:
        return False
    terms = [child.get_code().strip() for child in node.parent.children if child.type != "operator"]
    return node.value != "|" or not any(
        re.match(r"[A-Z][a-z]|None|(str|bytes|int|float|tuple|list)\b", term) for term in terms
    )


def _only_declares(node) -> bool:
    """Return whether a node stands in an annotation or a decorator, which compute nothing while the program runs."""
    while node.parent is not None:
        parent = node.parent
        if parent.type == "decorator":
            return True
        if parent.type == "tfpdef" or (parent.type == "annassign" and node is parent.children[1]):
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        node = parent
    return False


def sampled(rooms: list[str], count: int | None, seed: int) -> list[Mutant]:
    """Return one mutant for each of ``count`` tokens drawn from the rooms, all mutants of all where it is None."""
    by_token: dict[tuple[str, tuple[int, int]], list[Mutant]] = {}
    for room in rooms:
        for module in sorted((ROOT / "nonlocal_core" / room).rglob("*.py")):
            for place, mutant in mutants_of(module):
                by_token.setdefault((mutant.module, place), []).append(mutant)
    tokens = sorted(by_token)
    if count is None:
        return [mutant for token in tokens for mutant in by_token[token]]
    rng = random.Random(seed)
    return [rng.choice(by_token[token]) for token in rng.sample(tokens, min(count, len(tokens)))]


def tests_for(module: str, checkout: Path) -> list[list[str]]:
    """Return the tests of a module's room in the order to try them.

    First the file of its name, then those that import it, then those of the modules that import it, then the others.
    """
    room, path = Path(*Path(module).parts[:2]), Path(module)
    own = Path("tests/unit", *path.parts[1:-1], f"test_{path.name}").as_posix()
    found = {own} if (checkout / own).is_file() else set[str]()
    level, seen, stages = {module}, {module}, [[name] for name in found]
    first = len(stages)
    while level and len(stages) < first + 2:
        tests = {test for one in level for test in _naming(one, checkout, f"tests/unit/{room.name}")} - found
        stages += [sorted(tests)] if tests else []
        found |= tests
        level = {user for one in level for user in _naming(one, checkout, str(room))} - seen - {f"{room}/__init__.py"}
        seen |= level
    every = {
        file.relative_to(checkout).as_posix() for file in (checkout / f"tests/unit/{room.name}").rglob("test_*.py")
    }
    return [*stages, *([sorted(every - found)] if every - found else [])]


def _naming(module: str, checkout: Path, folder: str) -> Iterator[str]:
    """Yield the files below a folder that are named after a module or import it."""
    path = Path(module).parent if module.endswith("__init__.py") else Path(module).with_suffix("")
    package = re.escape(".".join(path.parts[:-1]))
    imports = re.compile(rf"{package}\.{path.name}\b|from {package} import [^\n]*\b{path.name}\b")
    for file in (checkout / folder).rglob("*.py"):
        if file.name == f"test_{path.name}.py" or imports.search(file.read_text()):
            yield file.relative_to(checkout).as_posix()


def _run(folder: Path, tests: list[str]) -> None:
    os.chdir(folder)
    sys.dont_write_bytecode = False  # the tests are compiled once
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    sys.exit(int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *HANGING, *SHARING, *tests])))


def notices(folder: Path, tests: list[str]) -> bool:
    """Return whether a test fails; one that hangs has noticed. Raises RuntimeError where no test could be run."""
    process = multiprocessing.get_context("forkserver").Process(target=_run, args=(folder, tests))
    process.start()
    process.join()
    if process.exitcode in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest could not run {tests}.")
    return process.exitcode != 0


def excused() -> dict[tuple[str, str, str], str]:
    """Return the mutants that nobody could notice, as `tests/MUTANTS.md` lists them, each with its reason."""
    text, found = (ROOT / "tests" / "MUTANTS.md").read_text(), {}
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        module, _, rows = section.partition("\n")
        for old, new, reason in re.findall(r"^- `(.+)` → `(.+)`: (.+)$", rows, re.MULTILINE):
            found[module.strip(), old, new] = reason
    return found


def main() -> int:
    """Run the mutants and return 0 where enough are noticed and the others excused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, help="how many tokens; left out, every mutant of every token")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=1, help="the first to run, where an earlier run was interrupted")
    parser.add_argument("--rooms", nargs="+", choices=ROOMS, default=ROOMS, metavar="ROOM")
    options = parser.parse_args()
    chosen, reasons = sampled(options.rooms, options.sample, options.seed), excused()
    multiprocessing.get_context("forkserver").set_forkserver_preload(["__main__", *IMPORTED_ONCE])
    silent = unexplained = 0
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "*.egg-info"))
        sound: set[str] = set()
        for number, mutant in enumerate(chosen[options.start - 1 :], options.start):
            path = copy / mutant.module
            original, room = path.read_bytes(), mutant.module.split("/")[1]
            line, old, new = mutant.line(copy)
            path.write_text(mutant.source(copy))
            os.utime(path, (number, number))  # a time of its own, so that no bytecode of another mutant is taken for it
            is_noticed = any(notices(copy, tests) for tests in tests_for(mutant.module, copy))
            path.write_bytes(original)
            is_excused = (mutant.module, old, new) in reasons
            silent += not is_noticed
            sound |= set() if is_noticed else {room}  # all tests of the room have passed
            unexplained += not is_noticed and not is_excused
            word = "noticed" if is_noticed else "excused" if is_excused else "SILENT"
            print(f"{number}/{len(chosen)} {word} {mutant.module}:{line} `{old}` → `{new}`", flush=True)
        for room in {mutant.module.split("/")[1] for mutant in chosen} - sound:
            if notices(copy, [f"tests/unit/{room}"]):
                raise RuntimeError(f"The tests of {room} fail without any change, so they notice nothing. Mend them.")
    count = len(chosen) - options.start + 1
    share = 1 - silent / count
    print(f"{count - silent} of {count} noticed ({share:.1%}); {unexplained} others without a reason")
    return 0 if share >= ENOUGH and not unexplained else 1


if __name__ == "__main__":
    sys.exit(main())
