"""Container, compose file, proxy and the page about them are in step with each other and with the program."""

import json
import os
import re
import subprocess
import sys

from lock import ROOT
from serving import app_server

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_image_is_healthy_wherever_its_server_listens(tmp_path):
    """The command of the image, with the interpreter of this environment and the process that runs here."""
    (command,) = re.findall(r"^HEALTHCHECK .*\\\n *CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    python, *arguments, first_process = json.loads(command)
    assert (python, first_process) == ("/opt/viewer/bin/python", "1")
    check = [sys.executable, *arguments, str(os.getpid())]
    with app_server(tmp_path / "log.txt", base="/nlv"):
        asked = subprocess.run(
            check, env=os.environ | {"STREAMLIT_SERVER_BASE_URL_PATH": "nlv"}, capture_output=True, text=True
        )
    assert (asked.returncode, asked.stderr) == (0, "")
