"""Every screen of the console as a picture: `python -m tests.agents.serve.pictures FOLDER` makes all of them.

`--readme` makes those of the README. The tests use the same looks, to see that axe-core finds nothing on any page, and
that none scrolls sideways.
"""

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest

from agents.serve.emulated import LivingNetwork
from agents.serve.place import Place
from agents.serve.settings import Settings
from tests.agents.serve.served import Served
from twin.policy import Policy

WIDTHS, THEMES = {1400: 900, 768: 1024, 390: 844}, ("light", "dark")
PATIENCE_MS = 180_000  # of a browser on a machine that is loaded and slow
NETWORK = "emulated:sndlib/germany50,seed=1"
README = (("wall", 1400, "light"), ("approvals", 1400, "dark"), ("incident", 1400, "light"))
FAULTS, FOUND = ((Path(__file__).parent / x).read_text() for x in ("faults.js", "axe.js"))


def screens(incident, fails):
    """The address of every screen, by its name."""
    return {
        "wall": "/",
        "incident": f"/incidents/{incident}",
        "approvals": "/approvals",
        "what-if": f"/what-if?fail={fails}",
        "history": "/history",
        "ask": "/ask?q=how+full+is+the+busiest+link",
        "health": "/health",
    }


def faults_of(browser, origin, state, pages, looks, *, folder=None, scale=1):
    """Open pages in looks (width, theme), take a picture of each where there is a folder, and return what is wrong."""
    found = []
    for width, theme in looks:
        size = {"width": width, "height": WIDTHS[width]}
        context = browser.new_context(viewport=size, color_scheme=theme, storage_state=state, device_scale_factor=scale)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda x, to=found: to.append(str(x)))
        for name, path in pages.items():
            page.goto(f"{origin}{path}")
            page.evaluate(axe())
            faults = (*page.evaluate(FAULTS), *page.evaluate(FOUND))
            found += [f"{name} {width} {theme}: {x}" for x in faults]
            if folder is not None:
                page.screenshot(path=str(Path(folder) / f"{name}-{width}-{theme}.png"))
        context.close()
    return found


@cache
def axe():
    """The source of axe-core, as its package for Python brings it."""
    return (files("axe_playwright_python") / "axe.min.js").read_text()


def main(folder, looks, names, scale=1):
    """Let a node of a real network fail, have the agents find a plan that waits, and take the pictures."""
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        here = Place(Path(work) / "room", Path(work) / "runs", Path(work) / "home", NETWORK)
        LivingNetwork.open(NETWORK, here.folder, start=datetime(2026, 3, 3, 17, tzinfo=UTC))
        with Served(here, Settings(), Policy(person_from="low")) as served, sync_playwright() as play:
            served.until_a_plan_waits("device_down@Fulda", quiet=16)
            browser = play.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(served.server.address())
            (incident,) = [x.id for x in served.room.board.alive if x.outcome == "awaiting approval"]
            pages = {k: v for k, v in screens(incident, "Karlsruhe").items() if not names or k in names}
            state = page.context.storage_state()
            found = faults_of(browser, served.server.origin, state, pages, looks, folder=folder, scale=scale)
            browser.close()
    return found


def browser():
    """A browser of this machine; skips where there is none."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    if chromium() is None:
        pytest.skip("there is no Chromium on this machine")
    return sync.sync_playwright(), chromium()


def chromium():
    """The path of this machine's browser, None without one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


if __name__ == "__main__":
    target = Path(next(x for x in sys.argv[1:] if not x.startswith("--")))
    wanted = README if "--readme" in sys.argv else ()
    chosen = sorted({x[1:] for x in wanted}) or [(w, t) for w in WIDTHS for t in THEMES]
    problems = main(target, chosen, {x[0] for x in wanted}, scale=0.6 if wanted else 1)
    if wanted:
        for picture in target.glob("*-1400-*.png"):
            if tuple(picture.stem.rsplit("-", 2)) not in {(n, str(w), t) for n, w, t in wanted}:
                picture.unlink()
    print("\n".join(problems) or "nothing wrong")
