"""Packing of one open clip and its pinned question as a page in a ZIP file, for any static host."""

from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from nonlocal_core.render import replacing
from nonlocal_core.site.contents import PageClip
from nonlocal_core.site.networks import page_networks
from nonlocal_core.site.writing import write_site
from nonlocal_core.vocabulary import Progress


def zip_site(path: Path, clip: PageClip, *, runtime: Path | None = None, progress: Progress) -> Path:
    """Write the page of a clip as a ZIP file and return its path; its network comes first, the others can be chosen.

    An error raised by ``progress`` ends the writing and leaves nothing behind. Raises the errors of ``write_site``.
    """
    own = clip.session.model.card.id
    models = (own, *(model for model in page_networks() if model != own))
    with TemporaryDirectory() as folder:
        write_site(Path(folder), models=models, clips=[clip], runtime=runtime, progress=progress)
        with replacing(path) as part, ZipFile(part, "w", ZIP_DEFLATED) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, f"site/{file.name}")
    return path
