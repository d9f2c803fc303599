"""The page in a browser: it opens, draws, says nothing and asks nobody."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from thalweg.report import write_page

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: apt install chromium"),
]
# The training curve in both themes, as page.css has it.
TRAIN = {"light": (0xB9, 0x66, 0x2A), "dark": (0xE3, 0x9D, 0x5B)}
PAPER = {"light": (0xFB, 0xFA, 0xF8), "dark": (0x15, 0x19, 0x1C)}


def browse(folder: Path, url: str, *options: str) -> tuple[str, str]:
    """Open a page and return what the browser prints and what it complains of."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--window-size=1200,1150",
            "--hide-scrollbars",
            # Seconds of the page's own time, passed as fast as the machine can.
            "--virtual-time-budget=10000",
            *options,
            url,
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def page(digits, tmp_path_factory) -> Path:
    return write_page(digits, tmp_path_factory.mktemp("page") / "report.html")


def look(folder: Path, page: Path) -> tuple[str, list[str], list[str]]:
    """Return the document once drawn, the lines of its console, and what it asked the net for."""
    log = folder / "net.json"
    options = ("--dump-dom", "--enable-logging=stderr", f"--log-net-log={log}")
    document, complaints = browse(folder, page.as_uri(), *options)
    requests = [
        event["params"]["url"]
        for event in json.loads(log.read_text())["events"]
        # The browser asks for its own updates, in nobody's name.
        if event.get("params", {}).get("initiator", "not an origin") != "not an origin"
    ]
    return document, [line for line in complaints.splitlines() if "CONSOLE" in line], requests


def test_it_opens_without_a_complaint_or_a_request_and_draws_every_chart(page, tmp_path):
    document, console, requests = look(tmp_path, page)
    assert console == []
    assert requests == []
    assert 'data-drawn="2"' in document


def test_a_complaint_and_a_request_would_be_noticed(page, tmp_path):
    open_page = page.read_text().replace("Content-Security-Policy", "nothing")
    broken = tmp_path / "broken.html"
    trouble = '<img src="http://example.invalid/x.png"><script>throw Error("trouble")</script>'
    broken.write_text(open_page.replace("<header>", f"<header>{trouble}"))
    _, console, requests = look(tmp_path, broken)
    assert "trouble" in "".join(console)
    assert requests == ["http://example.invalid/x.png"]


def test_the_policy_stops_what_does_not_belong_to_the_page(page, tmp_path):
    foreign = tmp_path / "foreign.html"
    image = '<img src="http://example.invalid/x.png"><script>document.title = "foreign"</script>'
    foreign.write_text(page.read_text().replace("<header>", f"<header>{image}"))
    document, console, requests = look(tmp_path, foreign)
    assert requests == []
    assert "<title>foreign" not in document
    assert all("Content Security Policy" in line for line in console)
    assert len(console) == 2


def test_on_a_telephone_no_setting_is_cut_off(page, tmp_path):
    frame = tmp_path / "telephone.html"
    frame.write_text(
        f'''<iframe src="{page.as_uri()}" width="390" height="800"></iframe>
        <script>setTimeout(() => {{
          const seen = document.querySelector("iframe").contentDocument;
          const tables = [...seen.querySelectorAll(".settings")].map((each) => each.parentElement);
          document.title = seen.body.clientWidth + " wide, cut by "
            + tables.map((each) => each.scrollWidth - each.clientWidth).join(" and ");
        }}, 2000)</script>'''
    )
    options = ("--dump-dom", "--allow-file-access-from-files", "--disable-web-security")
    document, _ = browse(tmp_path, frame.as_uri(), *options)
    assert "<title>390 wide, cut by 0 and 0</title>" in document


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_curves_are_drawn_in_the_colours_of_the_theme(page, tmp_path, theme):
    picture = tmp_path / "page.png"
    browse(tmp_path, f"{page.as_uri()}?theme={theme}", f"--screenshot={picture}")
    pixels = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    assert (pixels == PAPER[theme]).all(axis=2).mean() > 0.5
    # The legend's mark alone has some fifty.
    assert (np.abs(pixels - TRAIN[theme]).max(axis=2) < 24).sum() > 300
