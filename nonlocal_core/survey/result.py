"""Folder of a survey: rows in Parquet files that are whole or absent. Their names are the manifest of finished work.

``survey.json`` holds the plan, ``clips.parquet`` the reading list, ``rows/000003.parquet`` the rows of the fourth run
of ``SHARD`` clips. Rows of an incomplete run wait in ``unfinished``, a file for each clip. Keys that are kept to
answer questions are in ``keys``, a file for each clip, written before its rows. Tables of chosen clips are in
``tables``, a bundle for each clip and network. Each file is written beside its
place and renamed, so a survey that is killed at any moment loses no clip that it has done.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from nonlocal_core.errors import SurveyError
from nonlocal_core.render.writing import replacing
from nonlocal_core.survey.plan import Job, Plan
from nonlocal_core.survey.records import SCHEMA, Row, as_bytes, as_table, split_streams

SHARD = 256
"""Number of clips whose rows share a Parquet file."""
FORMAT = 2


class ResultFolder:
    """Folder that a survey writes and that everything else reads. Raises SurveyError for any other folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        about = self.path / "survey.json"
        if not about.is_file():
            raise SurveyError(f"{self.path} holds no survey: it has no survey.json. Name the --out of a survey.")
        told = json.loads(about.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise SurveyError(
                f"{self.path} holds a survey of format {told['format']}; this version reads {FORMAT}. "
                "Take the version that wrote it, or survey into a new folder."
            )
        self.plan = Plan.from_json(json.dumps(told["plan"]))
        self.count: int = told["clips"]
        self.shard: int = told["shard"]

    @classmethod
    def begin(cls, path: Path, plan: Plan, clips: Sequence[str], *, shard: int = SHARD) -> "ResultFolder":
        """Return the folder of a survey, new or begun before. Raises SurveyError if it belongs to another survey."""
        if not (path / "survey.json").exists():
            if path.exists() and (not path.is_dir() or any(path.iterdir())):
                raise SurveyError(f"{path} exists and holds no survey. Give --out a new folder.")
            return cls._new(path, plan, clips, shard)
        begun = cls(path)
        if begun.plan == plan and begun.clips() == list(clips):
            return begun
        if not begun.done():  # the last run ended before its first clip, as with the name of a network that is none
            return cls._new(path, plan, clips, shard)
        what = "networks, frames or keys" if begun.plan != plan else "clips"
        raise SurveyError(
            f"The survey in {path} was begun with other {what}. Ask for the same ones to go on, or give --out a new "
            "folder."
        )

    @classmethod
    def _new(cls, path: Path, plan: Plan, clips: Sequence[str], shard: int) -> "ResultFolder":
        for folder in ("rows", "unfinished", "tables", *(["keys"] if plan.index is not None else [])):
            (path / folder).mkdir(parents=True, exist_ok=True)
        with replacing(path / "clips.parquet") as part:
            pq.write_table(pa.table({"clip": pa.array(clips, pa.string())}), part)
        about = {"format": FORMAT, "clips": len(clips), "shard": shard, "plan": json.loads(plan.as_json())}
        with replacing(path / "survey.json") as part:
            part.write_text(json.dumps(about, indent=2) + "\n", "utf-8")
        return cls(path)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Lock the folder for writing. Raises SurveyError if another run holds it; a killed run does not."""
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as fault:
            raise SurveyError(f"Another survey is writing into {self.path}. Wait for it, or end it.") from fault
        try:
            yield
        finally:
            lock.release()

    def clips(self) -> list[str]:
        """Return the reading list."""
        column: list[str] = pq.read_table(self.path / "clips.parquet")["clip"].to_pylist()
        return column

    def done(self) -> set[int]:
        """Return the places of the clips that have rows."""
        ranges = (self._range(int(file.stem)) for file in self._files("rows", "parquet"))
        single = {int(file.stem) for file in self._files("unfinished", "arrow")}
        return single.union(*ranges)

    def state(self) -> tuple[int, int]:
        """Return the numbers of complete runs and of waiting clips, which change with every finished clip."""
        return len(self._files("rows", "parquet")), len(self._files("unfinished", "arrow"))

    def left(self) -> Iterator[Job]:
        """Yield the clips without rows, in the order of the reading list."""
        done = self.done()
        return (Job(place, clip) for place, clip in enumerate(self.clips()) if place not in done)

    def keep(self, job: Job, content: bytes | None, reason: str = "") -> int:
        """Store the rows of a clip, or the reason why there are none; return the number of rows without figures."""
        if content is None:
            failed = [Row(place=job.place, clip=job.clip, model=model, reason=reason) for model in self.plan.models]
            content = as_bytes(failed)
        content, keys = split_streams(content)
        if keys:
            with replacing(self._keys(job.place)) as part:
                part.write_bytes(keys)
        with replacing(self._unfinished(job.place)) as part:
            part.write_bytes(content)
        self.merge(job.place // self.shard)
        table = as_table(content)
        return int(len(table) - table["reason"].null_count)

    def merge(self, shard: int) -> None:
        """Write the file of a run of clips if all of them are done, and remove their separate files."""
        run = self._range(shard)
        files = [self._unfinished(place) for place in run]
        whole = self.path / "rows" / f"{shard:06d}.parquet"
        if not whole.exists():
            if not all(file.exists() for file in reversed(files)):
                return
            with replacing(whole) as part:
                pq.write_table(pa.concat_tables([as_table(file.read_bytes()) for file in files]), part)
        for file in files:
            file.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Finish the files that a killed run had begun to write."""
        for folder in ("rows", "unfinished", "keys", "tables"):
            for part in (self.path / folder).glob(".*.part"):
                part.unlink()
        for shard in {int(file.stem) // self.shard for file in self._files("unfinished", "arrow")}:
            self.merge(shard)

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """Yield the existing rows as Arrow tables, in the order of the reading list."""
        shards = {int(file.stem): file for file in self._files("rows", "parquet")}
        single = {int(file.stem): file for file in self._files("unfinished", "arrow")}
        for shard in range(-(-self.count // self.shard)):
            if shard in shards:
                yield pq.read_table(shards[shard], columns=None if columns is None else list(columns))
                continue
            for place in self._range(shard):
                if place in single:
                    table = as_table(single[place].read_bytes())
                    yield table if columns is None else table.select(list(columns))

    def of_clip(self, place: int, columns: Sequence[str]) -> Any:
        """Return the rows of one clip as an Arrow table, without reading other runs; none if the clip is not done."""
        whole, single = self.path / "rows" / f"{place // self.shard:06d}.parquet", self._unfinished(place)
        if whole.exists():
            return pq.read_table(whole, columns=list(columns), filters=[("place", "=", place)])
        table = as_table(single.read_bytes()) if single.exists() else SCHEMA.empty_table()
        return table.select(list(columns))

    def keys(self, place: int, model: str, columns: Sequence[str] | None = None) -> dict[str, Any] | None:
        """Return the keys of a clip (`keys.ClipKeys`), or None if it has none; bytes are views of the mapped file.

        ``columns``: the columns to read, or None for all.
        """
        file = self._keys(place)
        if not file.exists():
            return None
        table = _mapped(file)
        models = table["model"].to_pylist()
        if model not in models:
            return None
        row = models.index(model)
        found = {name: table[name][row] for name in columns or table.column_names}
        return {name: cell.as_buffer() if cell.type == pa.binary() else cell.as_py() for name, cell in found.items()}

    def bundle(self, place: int, model: str) -> Path:
        """Return the path of the tables of a clip and a network, whether or not they exist."""
        return self.path / "tables" / f"{stem_of(place, model)}.nlvb"

    def networks(self, place: int | None = None) -> list[str]:
        """Return the ids of the networks whose keys are kept, for one clip or for any."""
        files = sorted(self._files("keys", "arrow")) if place is None else [self._keys(place)]
        return list(dict.fromkeys(model for file in files for model in _mapped(file)["model"].to_pylist()))

    def _range(self, shard: int) -> range:
        return range(shard * self.shard, min((shard + 1) * self.shard, self.count))

    def _keys(self, place: int) -> Path:
        return self.path / "keys" / f"{place:08d}.arrow"

    def _unfinished(self, place: int) -> Path:
        return self.path / "unfinished" / f"{place:08d}.arrow"

    def _files(self, folder: str, ending: str) -> list[Path]:
        return [file for file in (self.path / folder).glob(f"*.{ending}") if re.fullmatch(r"\d+", file.stem)]


def stem_of(place: int, model: str) -> str:
    """Return the stem of a file for a clip and a network; a model's id may have characters that a file name may not."""
    return f"{place:08d}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"


def _mapped(file: Path) -> Any:
    return pa.ipc.open_stream(pa.memory_map(str(file))).read_all()


def read_rows(result: str | Path, columns: Sequence[str] | None = None) -> Any:
    """Return all rows of a survey as one Arrow table; ``columns``: those of ``SCHEMA`` to read, or None for all.

    An unfinished survey has the rows so far. Raises SurveyError for a folder without a survey.
    """
    schema = SCHEMA if columns is None else pa.schema([SCHEMA.field(name) for name in columns])
    return pa.concat_tables([schema.empty_table(), *ResultFolder(result).tables(columns)])
