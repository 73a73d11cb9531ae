"""Container, compose file, proxy and the page about them are in step with each other and with the program."""

import json
import os
import re
import subprocess
import sys

import yaml
from lock import ROOT
from serving import app_server

DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
PROXY = (DEPLOY / "nginx.conf.template").read_text()
UNIT = (DEPLOY / "nonlocal-viewer.service").read_text()
GUIDE = (ROOT / "docs" / "deploying.md").read_text()


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


def test_the_server_of_the_image_asks_nobody_outside_at_its_start():
    """Streamlit's welcome asks for the number of this machine where the server listens to all of its addresses."""
    (environment,) = re.findall(r"^ENV NONLOCAL_CACHE=/cache \\\n((?:.*\\\n)*.*)$", DOCKERFILE, re.MULTILINE)
    assert {"STREAMLIT_SERVER_ADDRESS=0.0.0.0", "STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE=true"} <= set(
        environment.split()
    )


def test_what_the_proxy_asks_for_is_given_by_the_compose_file_and_by_the_guide():
    asked = set(re.findall(r"\$\{(\w+)\}", PROXY))
    given = COMPOSE["services"]["proxy"]["environment"]
    assert asked == {"NAME", "VIEWER", "NGINX_LOCAL_RESOLVERS"}
    assert asked - {"NGINX_LOCAL_RESOLVERS"} <= given.keys()
    assert given["NGINX_ENTRYPOINT_LOCAL_RESOLVERS"], "with it, nginx's image gives the last one"
    (put_in,) = re.findall(r"envsubst '([^']*)' < deploy/nginx.conf.template", GUIDE)
    assert {name.removeprefix("$") for name in put_in.split()} == asked
    (set_before,) = re.findall(r"\$ (.*) \\\n *envsubst '", GUIDE)
    assert {word.partition("=")[0] for word in set_before.split()} == asked


def test_the_proxy_looks_the_viewer_up_again_and_sends_nobody_to_another_name():
    """A name in ``proxy_pass`` is looked up once, at the start: a viewer that got another number stayed away."""
    assert re.findall(r"proxy_pass (\S+);", PROXY) == ["http://$viewer"]
    assert re.findall(r"set \$viewer (\S+);", PROXY) == ["${VIEWER}"]
    assert re.findall(r"return 301 (\S+);", PROXY) == ["https://${NAME}$request_uri"]


def test_container_and_service_have_the_limits_of_the_guide():
    viewer = COMPOSE["services"]["viewer"]
    assert (viewer["mem_limit"], viewer["memswap_limit"], viewer["pids_limit"]) == ("6g", "6g", 512)
    assert {"MemoryMax=6G", "MemorySwapMax=0", "TasksMax=512"} <= set(UNIT.splitlines())
    assert "6 GB of memory serve a class" in GUIDE


def test_the_service_has_a_home_and_a_folder_of_its_own():
    """Streamlit does not start for a user without a home, as the unit makes one, and is told much by a folder."""
    assert {"Environment=HOME=%C/nonlocal-viewer", "WorkingDirectory=%E/nonlocal-viewer"} <= set(UNIT.splitlines())
    assert {"DynamicUser=yes", "CacheDirectory=nonlocal-viewer", "ConfigurationDirectory=nonlocal-viewer"} <= set(
        UNIT.splitlines()
    )


def test_secrets_of_a_server_are_kept_out_of_the_repository():
    login = yaml.safe_load((DEPLOY / "compose.login.yaml").read_text())["services"]["viewer"]
    (secrets,) = login["volumes"]
    assert secrets == "./secrets.toml:/home/viewer/.streamlit/secrets.toml:ro"
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"deploy/.env", "deploy/secrets.toml", "deploy/tls/"} <= set(ignored)
