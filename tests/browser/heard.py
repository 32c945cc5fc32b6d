"""What somebody misses who hears a page, or has only a keyboard.

By axe-core, by Chromium's tree of what it tells a screen reader, and by the pixels that
change where the focus is.
"""

import io

import numpy as np
from axe_playwright_python.base import AXE_SCRIPT
from demos import ENTRIES
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page

# JupyterLab makes the cells around; what stands in one of these is ours.
OURS = ".jp-OutputArea-output"
RUN_AXE = """async include => {
  const context = include ? {include: [[include]]} : document;
  if (include && !document.querySelector(include)) return [];
  const {violations} = await axe.run(context, {resultTypes: ['violations']});
  return violations.map(({id, impact, nodes}) => ({
    id, impact, count: nodes.length, example: nodes[0].html.slice(0, 160),
  }));
}"""
# What Chromium calls a thing that takes an entry, and an image.
ENTERED = {
    *("slider", "textbox", "spinbutton", "button", "checkbox", "combobox", "listbox"),
    *("link", "DisclosureTriangle", "radio"),
}
CHOSEN = {"option", "MenuListPopup"}  # within a combobox, by the arrow keys
IMAGES = {"image", "img", "graphics-document"}
CHANGED = 40  # pixels at least that look otherwise where the focus is


def violations(page: Page, include: str | None = None) -> list[dict]:
    """What axe-core finds wrong in a page, or within what a selector finds."""
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    return page.evaluate(RUN_AXE, include)


def axe_faults(page: Page, include: str | None = None) -> list[str]:
    """The same in words."""
    return [
        f"axe: {found['id']} ({found['impact']}), {found['count']} times: "
        f"{' '.join(found['example'].split())}"
        for found in violations(page, include)
    ]


def tree_faults(page: Page, selector: str) -> tuple[dict[str, int], list[str]]:
    """Names and roles of what can be focused, and of pictures, below a selector.

    Returns:
        How many controls and images were looked at, and what is wrong with them.
    """
    counts, faults = {"controls": 0, "images": 0}, []
    for node in nodes_below(page, selector):
        role = node["role"]["value"]
        name = node.get("name", {}).get("value", "").strip()
        focusable = any(
            part["name"] == "focusable" and part["value"]["value"]
            for part in node.get("properties", ())
        )
        if role in IMAGES:
            counts["images"] += 1
            if not name:
                faults.append("an image has no name in the accessibility tree")
        elif focusable and role not in CHOSEN:
            counts["controls"] += 1
            if role not in ENTERED:
                faults.append(f"takes the focus as {role!r}, named {name!r}")
            elif not name:
                faults.append(f"a {role} has no name in the accessibility tree")
    return counts, faults


def nodes_below(page: Page, selector: str) -> list[dict]:
    """What a screen reader is told of the elements that a selector finds."""
    session = page.context.new_cdp_session(page)
    document = session.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    found = session.send(
        "DOM.querySelectorAll", {"nodeId": document, "selector": selector}
    )
    nodes: dict[str, dict] = {}
    for node in found["nodeIds"]:
        tree = session.send("Accessibility.queryAXTree", {"nodeId": node})
        nodes |= {one["nodeId"]: one for one in tree["nodes"] if not one["ignored"]}
    session.detach()
    return list(nodes.values())


def focus_faults(page: Page, root: Locator) -> tuple[int, list[str]]:
    """Controls below a root that look the same with the keyboard's focus on them.

    Returns:
        How many controls were looked at, and what is wrong with them.
    """
    count, faults = 0, []
    page.keyboard.press("Tab")  # who uses the mouse is shown no focus
    for entry in root.locator(ENTRIES).locator("visible=true").all():
        if entry.is_disabled():
            continue
        count += 1
        entry.scroll_into_view_if_needed()
        entry.evaluate("entry => entry.blur()")
        before = around(page, entry)
        entry.focus()
        if (around(page, entry) != before).any(axis=2).sum() < CHANGED:
            name = entry.evaluate("entry => entry.computedName")
            faults.append(f"the focus on {name!r} cannot be seen")
    return count, faults


def around(page: Page, entry: Locator) -> NDArray[np.uint8]:
    """The pixels of a control and of the ground beside it, once nothing moves."""
    box = entry.bounding_box()
    assert box is not None
    clip = {
        "x": max(box["x"] - 6, 0),
        "y": max(box["y"] - 6, 0),
        "width": box["width"] + 12,
        "height": box["height"] + 12,
    }
    png = page.screenshot(clip=clip, animations="disabled", caret="hide")
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
