"""What is wrong with a deck of slides or a page of the handout, opened as a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import Watch
from playwright.sync_api import BrowserContext, Page

SLIDE = {"width": 1280, "height": 720}
SMALLEST = 17  # pixels of letters on a slide, zoom included

# On each slide, with all fragments shown: what lies beyond its edges or is cut off, and
# the smallest letters. The tolerance is for rounding.
LAYOUT = """smallest => Reveal.getSlides().flatMap((slide, index) => {
  const {h, v} = Reveal.getIndices(slide);
  Reveal.slide(h, v, 99);
  const edges = slide.getBoundingClientRect();
  const name = `slide ${index + 1} (${slide.innerText.trim().slice(0, 40)})`;
  let below = 0, beside = 0, cut = 0, letters = Infinity;
  const parts = ':not(svg *, mjx-assistive-mml, mjx-assistive-mml *)';
  for (const part of slide.querySelectorAll(parts)) {
    const box = part.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const style = getComputedStyle(part);
    below = Math.max(below, box.bottom - edges.top - 720, edges.top - box.top);
    beside = Math.max(beside, box.right - edges.left - 1280, edges.left - box.left);
    if (style.overflow !== 'visible')
      cut = Math.max(cut, part.scrollWidth - part.clientWidth,
        part.scrollHeight - part.clientHeight);
    if ([...part.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
      letters = Math.min(letters, parseFloat(style.fontSize) * part.currentCSSZoom);
  }
  return [
    [below > 1, `${Math.round(below)} pixels too high`],
    [beside > 1, `${Math.round(beside)} pixels too wide`],
    [cut > 1, `${Math.round(cut)} pixels cut off`],
    [letters < smallest, `letters of ${letters} pixels`],
  ].filter(([wrong]) => wrong).map(([, fault]) => `${name}: ${fault}`);
})"""

FORMULAS = """() => {
  const faults = [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(
    error => `formula not understood: ${error.dataset.mjxError}`);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const {data, parentElement} = walker.currentNode;
    if (data.includes('$') && !parentElement.closest('pre, code, script, style'))
      faults.push(`formula not typeset: ${data.trim().slice(0, 60)}`);
  }
  return faults;
}"""

PICTURES = """() => [...document.images].flatMap(image => {
  const name = image.currentSrc.slice(0, 60);
  return [
    [!image.complete || !image.naturalWidth, `picture not loaded: ${name}`],
    [!image.alt.trim(), `picture without alternative text: ${name}`],
  ].filter(([wrong]) => wrong).map(([, fault]) => fault);
})"""


@contextmanager
def opened(context: BrowserContext, address: str) -> Iterator[tuple[Page, list[str]]]:
    """A deck or a page, ready, and the faults that its requests and errors become."""
    page = context.new_page()
    watch = Watch(page, "error", "warning")
    page.on("requestfailed", lambda request: watch.note(f"failed: {request.url}"))
    page.goto(address)
    page.evaluate("window.MathJax && MathJax.startup.promise")
    if page.locator(".reveal").count():
        page.wait_for_selector("html[data-ready=true]", state="attached")
    yield page, watch.faults
    page.close()


def faults_of_deck(context: BrowserContext, path: Path) -> list[str]:
    """Open a deck as a file, and go through its slides."""
    with opened(context, path.as_uri()) as (page, faults):
        found = page.evaluate(FORMULAS) + page.evaluate(PICTURES)
        return found + page.evaluate(LAYOUT, SMALLEST) + faults


def faults_of_page(context: BrowserContext, path: Path) -> list[str]:
    """Open a page of the handout as a file."""
    with opened(context, path.as_uri()) as (page, faults):
        found = page.evaluate(FORMULAS) + page.evaluate(PICTURES)
        if page.locator("h1").count() != 1:
            found.append("not one h1")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append("wider than the window")
        return found + faults
