"""The script of ``completion`` completes verbs and their arguments in a real shell."""

import subprocess

import pytest

from nonlocal_core.cli import OK, VERBS, main


@pytest.mark.parametrize(
    ("typed", "completed"), [([""], set(VERBS)), (["render", "--t"], {"--tour"}), (["open", "--no"], {"--no-browser"})]
)
def test_a_shell_completes_verbs_and_their_arguments(capsys, typed, completed):
    assert main(["completion", "bash"]) == OK
    words = " ".join(f"'{word}'" for word in ["nonlocal-viewer", *typed])
    script = (
        f"{capsys.readouterr().out}\nCOMP_WORDS=({words}); COMP_CWORD={len(typed)}\n"
        "$(complete -p nonlocal-viewer | sed 's/.*-F \\([^ ]*\\).*/\\1/') 2>/dev/null\n"
        "echo; printf '%s\\n' \"${COMPREPLY[@]}\"\n"
    )
    done = subprocess.run(["bash"], input=script, text=True, capture_output=True)
    assert completed <= set(done.stdout.split()), done.stderr
