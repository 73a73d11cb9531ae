"""Shell: ``nonlocal-viewer``, or ``python -m nonlocal_core``. One module for each verb.

A verb's module is imported when the verb is used, so that the pages do not wait for imports that only others need.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from nonlocal_core import __version__
from nonlocal_core.errors import NonlocalError
from nonlocal_core.threads import share_cores

OK, REFUSED, INTERRUPTED = 0, 2, 130
OPEN = "open"
"""The verb of a command that names none."""
VERBS = {
    OPEN: "start the viewer, on a clip of your own if you name one; the verb may be left out",
    "query": "where one position of a clip looks, as numbers",
    "render": "write the answer to one question as a file",
    "models": "networks: those that can be opened by name, and published checkpoints",
    "page": "the viewer as a folder of static files, in which the network runs in the browser",
    "fetch": "download a published checkpoint, or go on where a download stopped",
    "verify": "what a checkpoint file is, and whether it fills a network wholly",
    "learn": "the course on a clip, or one step of it, as one HTML file that works offline",
    "survey": "all clips of a folder or a list, as a table of figures; goes on where it was stopped",
    "ask": "a question of one clip or picture, answered in all clips of a survey: which, and where in each",
    "gallery": "a survey as static pages: filters, histograms, pictures, live viewers",
    "samples": "the clips that came with the installation",
    "completion": "print what makes a shell complete these commands",
}
_WITH_TORCH = ("ask", "query", "render", "learn", "fetch", "verify")
LEAST_ADDRESS_BYTES = 1_000_000_000
_NO_MEMORY = "The memory does not suffice. Ask for fewer frames or a smaller --short-side."
_OF_THE_PROGRAM = ("-h", "--help", "--version")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0 done, 2 refused with a sentence, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in (*VERBS, *_OF_THE_PROGRAM):
        given = [OPEN, *given]
    if arguments is None and given[0] != OPEN:  # the server has its own way to end
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl+C: what is half written goes
    share_cores()
    try:
        _check_surroundings(given[0])
        options = make_parser(filled=given[:1]).parse_args(given)
        import_module(f"{__name__}.{options.verb}").run(options)
        sys.stdout.flush()  # what was printed may not fit on the disk, which is told here and not at the exit
    except NonlocalError as error:
        return _refused(str(error))
    except BrokenPipeError:  # the reader, such as `head`, had enough
        _print_no_more()
    except OSError as fault:
        _print_no_more()
        place = f"{fault.filename}: " if fault.filename else ""
        return _refused(f"The system refused to read or write: {place}{fault.strerror or fault}. Choose another place.")
    except MemoryError:
        return _refused(_NO_MEMORY)
    except RuntimeError as fault:
        if "memory" not in str(fault):
            raise
        return _refused(_NO_MEMORY)  # torch has no class of its own for it
    except KeyboardInterrupt:
        print("nonlocal-viewer: interrupted; nothing was left half-written.", file=sys.stderr)
        return INTERRUPTED
    return OK


def _check_surroundings(verb: str) -> None:
    """Raise if torch would end the process, which it does without an error that could be caught."""
    Path.cwd()  # OSError where the folder is gone
    if find_spec("resource") and verb in _WITH_TORCH:
        resource = import_module("resource")
        allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
        if allowed != resource.RLIM_INFINITY and allowed < LEAST_ADDRESS_BYTES:
            raise NonlocalError(
                f"This process may take {allowed / 1e6:,.0f} MB of addresses (ulimit -v) and needs "
                f"{LEAST_ADDRESS_BYTES / 1e6:,.0f} MB to load torch. Raise the limit."
            )


def _refused(sentence: str) -> int:
    print(f"nonlocal-viewer: {sentence}", file=sys.stderr)
    return REFUSED


def _print_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_parser(filled: Iterable[str]) -> argparse.ArgumentParser:
    """Return the parser of all verbs; those of ``filled`` know their arguments."""
    parser = argparse.ArgumentParser(
        prog="nonlocal-viewer",
        description="Where does this position look? Without a verb: start the viewer.",
        epilog="`nonlocal-viewer VERB --help` says what a verb takes.",
    )
    parser.add_argument("--version", action="version", version=f"nonlocal-viewer {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="VERB", dest="verb")
    for name, purpose in VERBS.items():
        verb = verbs.add_parser(name, help=purpose, description=f"{purpose[:1].upper()}{purpose[1:]}.")
        if name in filled:
            import_module(f"{__name__}.{name}").add_arguments(verb)
    return parser
