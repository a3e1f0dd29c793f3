"""JupyterLab in a real browser: Run All, then the explorer's slider shows another picture.

Needs Chromium (``helpers.browser`` looks for it); skipped without it.
"""

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

import nbformat
import pytest
from helpers.browser import chromium

from shapebias_utils.paths import ROOT

pytestmark = pytest.mark.browser
PATIENCE = int(os.environ.get("SHAPEBIAS_BROWSER_SECONDS", 180))
"""Seconds for any one step; a laptop needs a few, a busy machine many more."""

CELL = """\
import pandas as pd
import torch
from shapebias_utils.datasets import ImageSet
from shapebias_utils.networks import Network, mini
from shapebias_utils.widgets import explore

def build():
    torch.manual_seed(0)
    return mini.AlexNet()

def load(rows):
    return torch.stack([torch.full((3, 64, 64), (1 + row) / 8) for row in rows])

names = [f"cat{i}-dog{i}.png" for i in range(5)]
table = pd.DataFrame({"imagename": names, "category": "cat", "label": 7})
images = ImageSet("stimuli", table, load, "digest")
networks = [Network(n, build, dataset="pictograms", n_classes=16) for n in ("Left", "Right")]
explore(networks, images)
"""

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
        "OMP_NUM_THREADS": "1",
    }
    home.mkdir()
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


@contextmanager
def browser_page(folder):
    """A page in headless Chromium, and the list of errors that its console shows."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            str(folder / "profile"), executable_path=chromium(), headless=True, args=FLAGS,
            viewport={"width": 1280, "height": 1000},
        )  # fmt: skip
        try:
            page, errors = context.new_page(), []
            page.set_default_timeout(1000 * PATIENCE)
            page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            yield page, errors
        finally:
            context.close()


def test_run_all_then_move_the_slider(tmp_path):
    cells = [nbformat.v4.new_code_cell(CELL)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, tmp_path / "explore.ipynb")

    with jupyterlab(tmp_path) as address, browser_page(tmp_path) as (page, errors):
        page.goto(f"{address}/lab/tree/explore.ipynb")
        # The toolbar's indicator says idle too early, and Run All is lost; the status bar does not.
        idle = page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle")
        idle.wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()

        output = page.locator(".jp-OutputArea-output")
        picture = output.locator("img")
        picture.wait_for()
        idle.wait_for()
        label = output.get_by_text(re.compile(r"^cat\d-dog\d\.png$"))
        assert label.inner_text() == "cat0-dog0.png"
        assert picture.evaluate("img => img.naturalWidth") > 300, "a figure, not a broken image"
        first = picture.get_attribute("src")

        output.locator(".noUi-handle").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        wait_for(lambda: label.inner_text() == "cat3-dog3.png", "the label of the fourth image")
        wait_for(lambda: picture.get_attribute("src") != first, "another picture")
        assert output.locator(".widget-readout").inner_text() == "3"
        assert picture.evaluate("img => img.naturalWidth") > 300
        assert not page.locator(".jp-RenderedText[data-mime-type*=error]").count()
        assert errors == []
