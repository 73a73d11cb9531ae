"""Download of an answer: choose a format, have the file made in the background, download it."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import cast

import streamlit as st

from nonlocal_core import NonlocalError, Pin, Progress, Session, TourStop
from nonlocal_core.bundle import Precision
from nonlocal_core.site.networks import runs_in_page
from nonlocal_core.site.runtime import runtime_at_hand
from nonlocal_core.vocabulary import SAMPLE_PREFIX

from . import unmarked

_KEY = "kept"
Tour = tuple[TourStop, ...] | None
Write = Callable[[Path, Progress], object]
"""Function that writes a file, which is whole or absent, even if the callback raises."""
POLL_SECONDS = 0.3
LONGEST_NAME = 60
"""Maximum number of characters of the clip's name in a file name."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: its name, its purpose, and its name in the library."""

    title: str
    purpose: str
    suffix: str
    media_type: str
    precision: Precision = "float16"


FORMATS = (
    Format(
        "Live page (HTML)",
        "Opens from a disk, without a server or a network; pointing and the tour work.",
        ".html",
        "text/html",
    ),
    Format(
        "Live page, small (HTML)",
        "Numbers in 8 bits; the page says what the rounding costs.",
        ".html",
        "text/html",
        "int8",
    ),
    Format("Figure (PNG)", "All frames with heat, colour bar, shares, arrows and the sentence.", ".png", "image/png"),
    Format("Figure (PDF)", "The same for a document: words and arrows as vectors.", ".pdf", "application/pdf"),
    Format("Figure (SVG)", "The same for the web, or to edit.", ".svg", "image/svg+xml"),
    Format("Film with heat (MP4)", "The chosen frames, at their own times.", ".mp4", "video/mp4"),
    Format("Film with heat (GIF)", "The same where a film cannot be shown.", ".gif", "image/gif"),
    Format("Numbers (CSV)", "One line for each position: its weight, and times an even share.", ".csv", "text/csv"),
    Format("Numbers (NPZ)", "The weights on their grid, for NumPy.", ".npz", "application/octet-stream"),
    Format("Where it comes from (JSON)", "Clip, network, weights, frames, versions.", ".json", "application/json"),
)


WITHOUT_SERVER = Format(
    "Page without a server (ZIP)",
    "Unpack it on any web server: the network runs in the reader's browser, on this clip and on their own.",
    ".zip",
    "application/zip",
)
PAGES = (".html", ".zip")
"""Suffixes of files that include a tour."""


class CancelledError(Exception):
    """The visitor no longer wants the file."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Files that can be made from one subject. ``kind``: a word that distinguishes its choice of files from others."""

    kind: str
    asked: tuple[object, ...]
    """Values that the files depend on."""
    stem: str
    """Stem of the files' names."""
    formats: Sequence[Format]
    write: Callable[[Format], Write]
    tour: Tour = None
    """Stops of a tour, for live pages alone."""
    title: str = "Keep this answer as"
    """Title of the choice of files."""
    remark: str = ""
    """Sentence under the choice, in Markdown."""

    def asks(self, wanted: Format) -> tuple[object, ...]:
        """Return all the values on which one of the files depends."""
        return (*self.asked, wanted, self.tour if wanted.suffix in PAGES else None)


class Job:
    """One file being made in a separate thread, since a running fragment of a page cannot be interrupted."""

    def __init__(self, offer: Offer, wanted: Format) -> None:
        self.asked, self.wanted = offer.asks(wanted), wanted
        self.name = f"{offer.stem}{wanted.suffix}"
        self.progress = ("Preparing the file", 0, 1)
        self.content: bytes | None = None
        self.fault = ""
        self._write = offer.write(wanted)
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keep", daemon=True)
        self._thread.start()

    def answers(self, offer: Offer, wanted: Format) -> bool:
        """Return whether this is the file that these choices ask for."""
        return self.asked == offer.asks(wanted)

    @property
    def running(self) -> bool:
        """True while the file is being made."""
        return self._thread.is_alive()

    def cancel(self) -> None:
        """End the work at its next step, and wait for it."""
        self._cancelled.set()
        self._thread.join()

    def _run(self) -> None:
        self.fault = "The file could not be written; the server's log says why."
        try:
            with TemporaryDirectory() as folder:
                target = Path(folder) / f"answer{self.wanted.suffix}"
                self._write(target, self._tell)
                self.content = target.read_bytes()
            self.fault = ""
        except CancelledError:
            self.fault = ""
        except NonlocalError as error:
            self.fault = str(error)

    def _tell(self, stage: str, done: int, total: int) -> None:
        if self._cancelled.is_set():
            raise CancelledError
        self.progress = (stage, done, total)


def offer(session: Session, pin: Pin | None, tour: Tour = None) -> None:
    """Draw the button "Keep" with all formats of the pinned answer, or without a pin the way to make one.

    ``tour``: stops for the live pages.
    """
    if pin is None:
        with st.popover("Keep", icon=":material/download:"):
            st.markdown("**Click a position in the picture first.** What is pinned can be kept:")
            st.caption(", ".join(wanted.title for wanted in FORMATS) + ".")
        return

    def write(wanted: Format) -> Write:
        if wanted == WITHOUT_SERVER:  # Streamlit gives back a copy
            return lambda path, tell: _zip(path, session, pin, tour, tell)
        return lambda path, tell: session.save(
            path,
            **asdict(pin),
            tour=tour if wanted.suffix == ".html" else None,
            precision=wanted.precision,
            progress=tell,
        )

    stem = file_name(session.frames.info.name, pin.frame, "")
    remark = without_server(session, pin)
    formats = FORMATS if remark else (*FORMATS, WITHOUT_SERVER)
    draw(Offer("answer", (session, pin), stem, formats, write, tour, remark=remark))


def without_server(session: Session, pin: Pin) -> str:
    """Return the Markdown sentence on why no page without a server can be made here, or an empty string."""
    if not runs_in_page(session.model.card.id):
        return "A page without a server runs the networks on the shared trunk and filters; this one needs Python."
    if runtime_at_hand() is None:
        clip = f"{SAMPLE_PREFIX}{session.sample.id}" if session.sample else "FILE"
        at = f"{pin.frame},{pin.x:.3f},{pin.y:.3f}"
        command = f"nonlocal-viewer page --model {session.model.card.id} --clip {clip} --at {at} --out site/"
        alone = "; it asks the point of the pin alone" if pin.also or pin.minus or pin.beside else ""
        return f"As a page without a server, in a shell: `{command}`{alone}"
    return ""


def _zip(path: Path, session: Session, pin: Pin, tour: Tour, tell: Progress) -> None:
    # These wait for torch, which the first picture of Explore does not.
    from nonlocal_core.site.contents import PageClip
    from nonlocal_core.site.packing import zip_site

    zip_site(path, PageClip(session=session, pin=pin, tour=tour), runtime=runtime_at_hand(), progress=tell)


def draw(offer: Offer) -> None:
    """Draw the button "Keep" with a choice of files. Call it once on a page."""
    job = cast(Job | None, st.session_state.get(_KEY))
    with st.popover("Keep", icon=":material/download:"):
        polled = job is not None and job.running
        st.fragment(_panel, run_every=POLL_SECONDS if polled else None)(offer, polled=polled)


def _panel(offer: Offer, *, polled: bool) -> None:
    job = cast(Job | None, st.session_state.get(_KEY))
    if polled and (job is None or not job.running):
        st.rerun()  # without the clock that drew the progress
    wanted = st.selectbox(offer.title, offer.formats, format_func=_title, key=f"keep-{offer.kind}")
    st.caption(wanted.purpose)
    if offer.remark:
        st.caption(offer.remark)
    if job is None or not job.answers(offer, wanted):
        if st.button("Make the file", key="keep-make", type="primary"):
            if job is not None:
                job.cancel()
            st.session_state[_KEY] = Job(offer, wanted)
            st.rerun()
    elif job.running:
        stage, done, total = job.progress
        st.progress(done / total, text=f"{stage}: {done} of {total}" if total > 1 else stage)
        if st.button("Cancel", key="keep-cancel"):
            job.cancel()
            del st.session_state[_KEY]
            st.rerun()
    else:
        _finished(job)


def _finished(job: Job) -> None:
    """Offer the file, or show the reason why there is none."""
    if job.content is None:
        unmarked.failure(job.fault)
        return
    st.download_button(
        f"Download, {_size(len(job.content))}",
        job.content,
        file_name=job.name,
        mime=job.wanted.media_type,
        on_click="ignore",
        type="primary",
        key="keep-download",
    )
    st.caption(unmarked.as_it_is(job.name))


def file_name(clip: str, frame: int, suffix: str) -> str:
    r"""Return a name for a file on any system: letters, digits, dots and dashes, from the clip's name and the frame.

    >>> file_name("<img src=x onerror=alert(1)>.mp4", 3, ".png")
    'img-src-x-onerror-alert-1-frame-4.png'
    """
    return f"{stem_of(clip)}-frame-{frame + 1}{suffix}"


def stem_of(clip: str) -> str:
    """Return the name of a clip in a form that is valid in any file name."""
    return re.sub(r"[^\w.]+", "-", PurePath(clip).stem)[:LONGEST_NAME].strip("-._") or "clip"


def _title(wanted: Format) -> str:
    return wanted.title


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{max(count / 1e3, 0.1):.1f} kB"
