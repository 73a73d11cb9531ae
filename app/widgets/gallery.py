"""The dialog to open a clip: a visitor's own file, or a sample that came with the installation."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from nonlocal_core import Limits, NonlocalError, list_samples
from nonlocal_core.media.extensions import KNOWN
from nonlocal_core.media.intake import choice_for
from nonlocal_core.weights import DEFAULT

from ..server import known_networks, visit
from ..server.byte_store import UPLOADS
from ..server.clips import FRAMES
from ..server.memory import Steps, remembered
from ..server.resources import thumbnail
from ..server.uploading import let_go
from ..server.visit import Choices
from ..server.visitors import here
from . import cautions, unmarked

MAX_CLIP_MB = 64
"""Maximum size in megabytes of an uploaded clip; larger ones open in the shell, where they are read from the disk."""
_LARGER = (
    "Cut a longer one, or make its pictures smaller; or open it in a shell, which reads it from the disk: "
    "nonlocal-viewer render FILE --out answer.html"
)
_COLUMNS = 4


# Without a run after it, what was refused in the dialog would stay held until the next one.
@st.dialog("Open an image or a video", width="large", on_dismiss="rerun")
def choose_clip(opening: int) -> None:
    """Let the visitor open a file or a sample.

    ``opening``: the number of times that the dialog was opened. Each opening has its own uploader, which does not know
    of a file refused in an earlier one, however that was closed, since a run of the page may close a dialog unasked.
    """
    file = st.file_uploader(
        "Your image, video or animation",
        type=None,  # a file's content decides what it is, never its name
        max_upload_size=MAX_CLIP_MB,
        key=f"upload-{opening}",
    )
    cautions.oversize(MAX_CLIP_MB, _LARGER)
    st.caption(f"{KNOWN}.")
    if file is not None:
        _open_upload(file)
    st.markdown("**Or a sample**")
    columns = st.columns(_COLUMNS)
    for position, sample in enumerate(list_samples()):
        with columns[position % _COLUMNS]:
            try:
                picture = thumbnail(sample.id)
            except NonlocalError as error:
                unmarked.hint(error)
                continue
            with st.container(key=f"card-{sample.id}", gap="xsmall"):
                st.image(picture, alt=sample.caption, width="stretch")
                # page.css spreads the button over the picture, which opens the sample then
                if st.button(sample.title, key=f"sample-{sample.id}", help=sample.caption, width="stretch"):
                    _open_sample(f"sample:{sample.id}")


def _open_upload(file: UploadedFile) -> None:
    from nonlocal_core.running.prepared import trained_on  # with torch

    content, name = file.getvalue(), file.name
    model = _network_on_screen()

    def read(tell: Steps) -> None:
        Limits(max_bytes=MAX_CLIP_MB * 2**20).check_bytes(name, len(content))
        # What the page asks for, so that the file is read once; and what is wrong with it is said here.
        chosen = choice_for(content, None, trained_on(known_networks.find_network(model)))
        FRAMES.read_ahead(content, chosen, name=name, progress=lambda stage, done, total: tell(done, total, stage))

    try:
        remembered(("opened", file.file_id), "Reading the file", read)  # a refused one stays in the uploader
    except NonlocalError as error:
        unmarked.failure(error)
        return
    token = UPLOADS.put(content, name)
    let_go(here(), file)
    visit.choose(Choices(clip=f"upload:{token}", model=model))
    st.rerun()


def _open_sample(clip: str) -> None:
    made = known_networks.made_for(clip)
    visit.choose(Choices(clip=clip) if made else Choices(clip=clip, model=_network_on_screen()))
    st.rerun()


def _network_on_screen() -> str:
    """Return the network to keep for another clip, unless it was made for the clip on screen."""
    model = visit.current().model
    return model if known_networks.in_menu(model) in known_networks.menu() else DEFAULT
