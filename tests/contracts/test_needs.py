"""A program or a peer that is missing fails a run that asked for it, and is listed by any other."""

import os
import subprocess
import sys

import pytest
from lock import ROOT


def run(**environment):
    asked = [
        sys.executable,
        "-m",
        "pytest",
        "tests/contracts/test_needs.py",
        "--collect-only",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        asked, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PATH": "", **environment}
    )


@pytest.mark.parametrize(("needs", "status"), [("", 0), ("programs", pytest.ExitCode.USAGE_ERROR)])
def test_what_is_missing_fails_a_run_that_asked_for_it(needs, status):
    found = run(NONLOCAL_NEEDS=needs, NONLOCAL_CHROMIUM="/absent/chromium", NONLOCAL_AXE="/absent/axe.js")
    assert found.returncode == status, found.stdout + found.stderr
    if needs:
        assert "need node, ffmpeg, ffprobe, /absent/chromium, /absent/axe.js: make tools" in found.stderr


def test_what_is_missing_is_listed():
    found = run(NONLOCAL_NEEDS="", NONLOCAL_CHROMIUM="/absent/chromium", NONLOCAL_AXE="/absent/axe.js")
    assert "skipped for want of programs: node, ffmpeg, ffprobe, /absent/chromium, /absent/axe.js" in found.stdout
