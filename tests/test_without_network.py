"""Everything but `fetch` runs where there is no network, which the system itself takes away.

In a network namespace of its own nothing but loopback exists: what tries to leave fails.
"""

import json
import os
import subprocess
import sys

import pytest
from helpers.faults import Trials, notebook_in

from shapebias_utils.paths import ROOT

pytestmark = pytest.mark.slow

UP = """
import fcntl, socket, struct
with socket.socket() as s:  # loopback is down in a new namespace
    request = struct.pack("16sh", b"lo", 0)
    flags = struct.unpack("16sh", fcntl.ioctl(s, 0x8913, request))[1]
    fcntl.ioctl(s, 0x8914, struct.pack("16sh", b"lo", flags | 1))
"""

CONTROL = """
import json, socket
found = {}
for host in ("192.0.2.1", "1.1.1.1"):  # the first is nobody's, by RFC 5737
    try:
        socket.create_connection((host, 443), 5).close()
        found[host] = "connected"
    except OSError as error:
        found[host] = type(error).__name__
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), 5).close()
found["loopback"] = "connected"
print(json.dumps(found))
"""

LAB = """
import json, os, re, subprocess, sys, time, urllib.error, urllib.request
lab = subprocess.Popen(
    [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=8899", "."],
    text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
)
url, said = None, ""
while url is None and lab.poll() is None:
    said += (line := lab.stdout.readline())
    url = re.search(r"http://(\\S+?)/lab\\S*\\?token=(\\w+)", line)
assert url, said
base, token = f"http://127.0.0.1:8899", url[2]

def status(address):
    try:
        return urllib.request.urlopen(address, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code

listening = set()
for table in ("tcp", "tcp6"):
    for line in open(f"/proc/net/{table}").read().splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":  # LISTEN
            listening.add(fields[1].split(":")[0])
found = {
    "without a token": status(base + "/api/contents"),
    "with a wrong one": status(base + "/api/contents?token=wrong"),
    "with its token": status(f"{base}/api/contents?token={token}"),
    "the page": status(f"{base}/lab?token={token}"),
    "listening": sorted(listening),
}
lab.terminate()
lab.wait(60)
print(json.dumps(found))
"""

WORK = """
import sys
from pathlib import Path
from helpers import victims
victims.DO[sys.argv[1]](Path(sys.argv[2]), True)
"""
CLI = "import sys\nfrom shapebias_utils.cli import main\nmain(sys.argv[1:])"

HERE = ("0100007F", "00000000000000000000000001000000")
"""127.0.0.1 and ::1, as the system lists them."""


def alone(code: str, *args: object, cwd, **environment: str) -> subprocess.CompletedProcess:
    """The Python code in a namespace with loopback alone."""
    return subprocess.run(
        ["unshare", "--net", sys.executable, "-c", UP + code, *map(str, args)],
        capture_output=True, text=True, cwd=cwd, stdin=subprocess.DEVNULL, timeout=600,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"} | environment,
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def namespace(tmp_path_factory):
    """Skip where the system gives none; else assert that it lets nothing out."""
    try:
        done = alone(CONTROL, cwd=tmp_path_factory.mktemp("control"))
    except FileNotFoundError:
        pytest.skip("no unshare (util-linux)")
    if done.returncode:
        pytest.skip(f"no network namespace: {done.stderr.strip().splitlines()[-1]}")
    found = json.loads(done.stdout)
    assert found.pop("loopback") == "connected"
    assert set(found.values()) == {"OSError"}, "the control got out"


def test_fetch_fails_there_in_one_line(tmp_path):
    done = alone(CLI, "fetch", "alexnet", cwd=tmp_path, SHAPEBIAS_ROOT=str(tmp_path))
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("shapebias: cannot fetch alexnet from https://")


COMMANDS = ["doctor", "datasets", "networks", "claims", "fetch list", "clean results", "run 0"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(tmp_path, command):
    notebook_in(tmp_path / "notebooks", "n: int = 1", "import shapebias_utils.measures\nprint(n)")
    trials = Trials("without a network", f"shapebias {command}")

    def judge() -> None:
        done = alone(CLI, *command.split(), cwd=tmp_path, SHAPEBIAS_ROOT=str(tmp_path))
        assert done.returncode == 0, done.stderr

    trials.judge(command, judge)
    trials.end()


@pytest.mark.parametrize("work", ["training", "site", "export-broden", "figures"])
def test_works_run(tmp_path, work):
    trials = Trials("without a network", work)

    def judge() -> None:
        done = alone(WORK, work, tmp_path, cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    trials.judge(work, judge)
    trials.end()


def test_jupyterlab_listens_on_loopback_behind_its_token(tmp_path):
    trials = Trials("without a network", "JupyterLab")

    def judge() -> None:
        done = alone(LAB, cwd=tmp_path, HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr + done.stdout
        found = json.loads(done.stdout.splitlines()[-1])
        assert set(found.pop("listening")) <= set(HERE)
        assert found == {
            "without a token": 403, "with a wrong one": 403, "with its token": 200,
            "the page": 200,
        }  # fmt: skip

    trials.judge("JupyterLab", judge)
    trials.end()
