"""Print requirements.txt: what pyproject.toml asks for, with the app, and every package those need, as installed.

`make lock` writes the file; `test_requirements.py` compares it with this walk.
"""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]

HEADER = """\
# The product's packages, pinned. `make lock` writes this file from what is installed; a test keeps it in the ranges
# of pyproject.toml.
# torch is pinned to a release that also has CUDA builds, which bring their own CUDA packages.
"""


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def ranges() -> list[Requirement]:
    """Return the requirements in pyproject.toml of the library and its app."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["app"])]


def direct() -> dict[str, str]:
    """The packages that pyproject.toml names, with the versions that are installed."""
    return {name: installed(name) for name in (canonical(need.name) for need in ranges())}


def installed(name: str) -> str:
    """Return the version without its build tag (`2.13.0+cpu` is `2.13.0`)."""
    return metadata.version(name).partition("+")[0]


def closure(roots: dict[str, str]) -> dict[str, str]:
    """Everything that the roots need here, with its version."""
    found: dict[str, str] = {}
    queue = list(roots)
    while queue:
        name = queue.pop()
        if name in found or name.startswith("nvidia-") or name in ("triton", "cuda-bindings", "cuda-pathfinder"):
            continue
        found[name] = installed(name)
        for line in metadata.requires(name) or []:
            need = Requirement(line)
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                queue.append(canonical(need.name))
    return found


def render() -> str:
    roots = direct()
    needed = {name: version for name, version in sorted(closure(roots).items()) if name not in roots}
    pins = [f"{name}=={version}" for name, version in roots.items()]
    return "\n".join([HEADER + "\n".join(pins), "", "# needed by the above", *(f"{n}=={v}" for n, v in needed.items())])


if __name__ == "__main__":
    print(render())
