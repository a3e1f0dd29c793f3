"""JupyterLab and a page of headless Chromium, for tests that see what a user sees."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest

from shapebias_utils.paths import ROOT

from .browser import chromium

PATIENCE = int(os.environ.get("SHAPEBIAS_BROWSER_SECONDS", 180))
"""Seconds for any one step; a laptop needs a few, a busy machine many more."""

SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # else cells out of sight are left out
    "apputils-extension/notification": {"fetchNews": "false"},  # else it asks, over the page
}
"""Of JupyterLab."""

FLAGS = [
    "--no-sandbox",  # Chromium refuses to run as root, as in a container, with it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def jupyterlab(folder):
    """The address of a JupyterLab over the folder; it and its kernels are gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = folder / "home"
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
        f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        f"--ServerApp.root_dir={folder}", "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    environment = os.environ | {
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": str(ROOT),
        "SHAPEBIAS_RESULTS": str(home / "results"),
        "OMP_NUM_THREADS": "1",
    }
    for name, setting in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(setting))
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: answers(f"{address}/api/status", server, folder), "JupyterLab to answer")
        yield address
    finally:
        shut_down(server, address)


def answers(url, server, folder):
    if server.poll() is not None:
        pytest.fail(
            f"JupyterLab ended with {server.returncode}: {(folder / 'server.log').read_text()}"
        )
    try:
        return urllib.request.urlopen(url, timeout=5).status == 200
    except OSError:
        return False


def shut_down(server, address):
    """Kernels first, since they have process groups of their own; then the server."""
    try:
        with urllib.request.urlopen(f"{address}/api/kernels", timeout=10) as reply:
            kernels = json.load(reply)
        for kernel in kernels:
            url = f"{address}/api/kernels/{kernel['id']}"
            urllib.request.urlopen(urllib.request.Request(url, method="DELETE"), timeout=30).close()
    except OSError:
        pass  # the server is gone already, and its kernels end when they notice
    for number, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 10)):
        if server.poll() is None:
            os.killpg(server.pid, number)
            try:
                server.wait(seconds)
            except subprocess.TimeoutExpired:
                continue


def wait_for(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    pytest.fail(f"waited {PATIENCE} s in vain for {what}")


def run_all(page, address, notebook):
    """Open a notebook, run all of its cells, and wait until the kernel has done so."""
    page.goto(f"{address}/lab/tree/{notebook}")
    # The toolbar's indicator says idle too early, and Run All is lost; the status bar does not.
    idle = page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle")
    idle.wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    counts = page.locator(".jp-CodeCell .jp-InputPrompt")
    wait_for(
        lambda: all(re.match(r"\[\d+\]", count) for count in counts.all_inner_texts()),
        "all cells to be run",
    )
    idle.wait_for()


@contextmanager
def browser_page(folder):
    """A page in headless Chromium, and the list of errors that its console shows."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=chromium(), headless=True, args=FLAGS,
            viewport={"width": 1440, "height": 1000},
        )  # fmt: skip
        try:
            page, errors = context.new_page(), []
            page.set_default_timeout(1000 * PATIENCE)
            page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            yield page, errors
        finally:
            context.close()
