# SPDX-License-Identifier: AGPL-3.0-or-later
"""A picture of a whole page, taken by a Chromium without a window, which reaches nothing but this computer.

Source: Chrome DevTools Protocol, Page.captureScreenshot
"""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.ports import HOST
from tests.support.processes import Command, Process

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# It is to do nothing of its own: no updates, no look-ups, no reports.
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-lcd-text",
    "--hide-scrollbars",
    f"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE {HOST}",
    "--remote-debugging-port=0",
)

# The size of what the page shows, once its letters are there.
_SIZE = """
document.fonts.ready
    .then(() => document.querySelector("main").getBoundingClientRect())
    .then(({width, height}) => ({width, height: Math.ceil(height)}))
"""

_PATIENCE = 20  # seconds for each answer

_SCALE = 1.5  # pixels of the picture for each of the page, so that letters are sharp on good screens


def find_chromium(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where Chromium is: what CHROMIUM names, or one that is installed."""
    named = environment.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


async def photograph(chromium: str, page: Path) -> bytes:
    """The whole page as a PNG. Raises AssertionError when Chromium does not start, and TimeoutError."""
    with tempfile.TemporaryDirectory(prefix="migrationbot-picture-", ignore_cleanup_errors=True) as name:
        browser = Process(_command(chromium, Path(name)))
        try:
            browser.start()
            door = Path(name) / "DevToolsActivePort"

            async def listens() -> bool:
                return door.exists() and "\n" in door.read_text()

            await browser.until(listens)
            return await _capture(f"http://{HOST}:{door.read_text().splitlines()[0]}", page.as_uri())
        finally:
            await browser.kill()


def _command(chromium: str, folder: Path) -> Command:
    # Chromium's sandbox does not work for root.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    profile = (f"--user-data-dir={folder}", f"--force-device-scale-factor={_SCALE}")
    return Command(
        name="Chromium",
        argv=(chromium, *_FLAGS, *sandbox, *profile, "--window-size=1040,1000", "about:blank"),
        log=folder / "chromium.log",
        folder=folder,
    )


async def _capture(devtools: str, url: str) -> bytes:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{devtools}/json/list") as response:
            tab = (await response.json())[0]
        async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            await _ask(socket, "Page.enable")
            await socket.send_json({"id": 0, "method": "Page.navigate", "params": {"url": url}})
            await _heard(socket, method="Page.loadEventFired")
            size = await _ask(
                socket, "Runtime.evaluate", expression=_SIZE, awaitPromise=True, returnByValue=True
            )
            clip = {"x": 0, "y": 0, "scale": 1, **size["result"]["value"]}
            shot = await _ask(socket, "Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
            return base64.b64decode(shot["data"])


async def _ask(socket: aiohttp.ClientWebSocketResponse, method: str, **parameters: Any) -> dict[str, Any]:
    """The result of a command."""
    await socket.send_json({"id": 1, "method": method, "params": parameters})
    result: dict[str, Any] = (await _heard(socket, id=1))["result"]
    return result


async def _heard(socket: aiohttp.ClientWebSocketResponse, **wanted: object) -> dict[str, Any]:
    """The next message that has these members."""
    async with asyncio.timeout(_PATIENCE):
        while True:
            message: dict[str, Any] = await socket.receive_json()
            if message.items() >= wanted.items():
                return message
