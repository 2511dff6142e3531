"""The built documentation in a browser: on a laptop, on a telephone and on paper."""

import html
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Chromium

# Loads each page in a frame of each width, and lists what is wider than its place.
MEASURE = """<body><pre id="found"></pre><script>
const pages = %s, found = [];
const load = (frame, page) => new Promise(done => { frame.onload = done; frame.src = page; });
const scrolls = style => style.overflowX == "auto" || style.overflowX == "scroll";

async function measure(page, width) {
  const frame = document.createElement("iframe");
  frame.style = `width: ${width}px; height: 900px; border: 0`;
  document.body.append(frame);
  await load(frame, page);
  await new Promise(done => setTimeout(done, 50));  // Chromium's virtual time needs a timer
  const inner = frame.contentDocument;
  const wide = element => element.scrollWidth > element.clientWidth + 1;
  if (inner.documentElement.scrollWidth > width) found.push([page, width, "the page"]);
  for (const element of inner.querySelectorAll("article *"))
    if (scrolls(frame.contentWindow.getComputedStyle(element)) && wide(element))
      found.push([page, width, element.tagName + " " + element.textContent.trim().slice(0, 60)]);
  frame.remove();
}

(async () => {
  for (const width of [1300, 390])
    for (const page of pages) await measure(page, width);
  document.getElementById("found").textContent = "FOUND" + JSON.stringify(found) + "END";
})();
</script>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built documentation."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    mkdocs = Path(sys.executable).with_name("mkdocs")
    subprocess.run([mkdocs, "build", "--quiet", "--site-dir", folder], cwd=ROOT, check=True)
    return folder


@pytest.fixture
def too_wide(site: Path, chromium: Chromium) -> list[Any]:
    """Each page, width and element that scrolls sideways."""
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("index.html"))
    assert len(pages) > 15
    (site / "measure.html").write_text(MEASURE % json.dumps(pages), encoding="utf-8")
    dom = chromium("--allow-file-access-from-files", "--dump-dom", f"file://{site}/measure.html")
    (listed,) = re.findall("FOUND(.*?)END</pre>", html.unescape(dom), re.DOTALL)
    return list(json.loads(listed))


def test_no_block_scrolls_sideways_on_a_laptop_and_no_page_on_a_telephone(
    too_wide: list[Any],
) -> None:
    """On a telephone only code may scroll: a tree that wraps cannot be read."""
    code = "CODE "
    assert [each for each in too_wide if each[1] == 1300] == []
    assert [each for each in too_wide if not each[2].startswith(code)] == []


def test_the_page_for_product_managers_is_printed_on_one_sheet(
    site: Path, chromium: Chromium, tmp_path: Path
) -> None:
    printed = tmp_path / "page.pdf"
    chromium(f"--print-to-pdf={printed}", f"file://{site}/for-product-managers/index.html")
    assert len(re.findall(rb"/Type\s*/Page[^s]", printed.read_bytes())) == 1
