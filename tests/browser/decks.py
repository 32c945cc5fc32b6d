"""What is wrong with a deck of slides or a page of the handout, opened as a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

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
def opened(context: BrowserContext, address: str, faults: list[str]) -> Iterator[Page]:
    """A page, whose requests and errors become faults until it is closed."""

    def requested(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "about:")):
            faults.append(f"a request to another host: {request.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            faults.append(f"console: {message.text}")

    page = context.new_page()
    page.on("request", requested)
    page.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    page.on("console", said)
    page.on("pageerror", lambda error: faults.append(f"error: {error}"))
    page.goto(address)
    page.evaluate("window.MathJax && MathJax.startup.promise")
    yield page
    page.close()


def faults_of_deck(context: BrowserContext, path: Path) -> list[str]:
    """Open a deck as a file, and go through its slides."""
    faults: list[str] = []
    with opened(context, path.as_uri(), faults) as page:
        page.wait_for_selector("html[data-ready=true]", state="attached")
        faults += page.evaluate(FORMULAS) + page.evaluate(PICTURES)
        faults += page.evaluate(LAYOUT, SMALLEST)
    return [f"{path.stem}: {fault}" for fault in faults]


def faults_of_page(context: BrowserContext, path: Path) -> list[str]:
    """Open a page of the handout as a file."""
    faults: list[str] = []
    with opened(context, path.as_uri(), faults) as page:
        faults += page.evaluate(FORMULAS) + page.evaluate(PICTURES)
        if page.locator("h1").count() != 1:
            faults.append("not one h1")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append("wider than the window")
    return [f"{path.stem}: {fault}" for fault in faults]


def speaker_notes(context: BrowserContext, path: Path) -> list[str]:
    """What the window of the speaker shows at each slide that has notes."""
    texts = []
    with opened(context, path.as_uri(), []) as page:
        page.wait_for_selector("html[data-ready=true]", state="attached")
        with context.expect_page() as opening:
            page.keyboard.press("s")
        notes = opening.value.locator(".speaker-controls-notes .value")
        for number in page.evaluate(
            "Reveal.getSlides().flatMap((s, i) => s.querySelector('.notes') ? i : [])"
        ):
            page.evaluate(
                """number => {
                  const {h, v} = Reveal.getIndices(Reveal.getSlides()[number]);
                  Reveal.slide(h, v);
                }""",
                number,
            )
            opening.value.wait_for_function(
                """before => {
                  const notes = document.querySelector('.speaker-controls-notes');
                  const text = notes?.querySelector('.value').innerText;
                  return text && text !== before;
                }""",
                arg=texts[-1] if texts else "",
            )
            texts.append(notes.inner_text())
        opening.value.close()
    return texts
