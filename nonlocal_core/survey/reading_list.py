"""Reading list of a survey: the addresses of its clips, in order."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from nonlocal_core.errors import SurveyError
from nonlocal_core.survey.addresses import files_below, is_remote
from nonlocal_core.survey.masks import is_mask

COLUMN = "path"
"""Default column of the addresses in a Parquet file."""


def clip_list(source: str | Path | Sequence[str], *, column: str = COLUMN) -> tuple[str, ...]:
    """Return the addresses of clips, in the order in which they are surveyed.

    ``source``: a folder, local or at an address of fsspec, in which every file is a clip, also in subfolders, except
    for hidden ones and masks (`survey.masks`); a text file with an address in each line; a Parquet file with a
    ``column`` of them; or the addresses. An address is a path, a folder of frames, ``sample:ID`` or an address of
    fsspec; relative ones start from the list.
    Raises SurveyError if there is no such list, or nothing in it.
    """
    if not isinstance(source, str | Path):
        found = tuple(map(str, source))
    elif is_remote(str(source)):
        found = tuple(file for file in files_below(str(source)) if not is_mask(file))
    else:
        found = _local(Path(source), column)
    if not found:
        raise SurveyError(f"A survey needs clips; {_shown(source)} has none. Name a folder or a list that has some.")
    return found


def _local(path: Path, column: str) -> tuple[str, ...]:
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.is_file() and not is_mask(file.relative_to(path).as_posix()))
        seen = (file for file in inside if not any(part.startswith(".") for part in file.relative_to(path).parts))
        return tuple(sorted(str(file.resolve()) for file in seen))
    if not path.is_file():
        raise SurveyError(f"A folder, a list or a Parquet file of clips was expected; there is no {path}.")
    lines = _column(path, column) if path.suffix.lower() == ".parquet" else _lines(path)
    return tuple(_beside(line, path.parent) for line in lines)


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise SurveyError(
            f"{path.name} is no text, so it is no list of clips. For a single clip, use `render` or `query`; for all "
            "clips of a folder, name the folder."
        ) from fault
    return [line.strip() for line in text.splitlines() if line.strip()]


def _column(path: Path, column: str) -> list[str]:
    names = pq.read_schema(path).names
    if column not in names:
        raise SurveyError(f"{path.name} has no column {column!r}; it has {', '.join(names)}. Name one with --column.")
    return [str(value) for value in pq.read_table(path, columns=[column])[column].to_pylist() if value is not None]


def _beside(line: str, folder: Path) -> str:
    return line if is_remote(line) else str((folder / line).resolve())


def _shown(source: object) -> str:
    return str(source) if isinstance(source, str | Path) else "the list"
