"use strict";
// Lays the cells of a deck out on slides of one size, then starts reveal.js. It is done
// here and not when the deck is made, as only here the fonts of this computer are known.
const WIDTH = 1280;
const HEIGHT = 720;
const TOP = 28; // as in slides.css
const BOTTOM = HEIGHT - 22; // below it stands the number of the slide
const RUNNING = 38; // pixels that the running head of a continued slide takes

addEventListener("load", async () => {
  await MathJax.startup.promise;
  await Promise.all([...document.images].map((image) => image.decode().catch(() => 0)));
  for (const links of document.querySelectorAll(".slides .navigation")) links.remove();
  foldAnswersIntoNotes();
  for (const section of document.querySelectorAll(".slides > section > section")) {
    spread(section);
  }
  document.querySelector(".slides").classList.remove("laid-out");
  await Reveal.initialize({
    width: WIDTH,
    height: HEIGHT,
    margin: 0,
    center: false,
    hash: true,
    navigationMode: "linear",
    slideNumber: "c/t",
    transition: "none",
    pdfSeparateFragments: false,
    plugins: [RevealNotes],
  });
  document.documentElement.dataset.ready = "true";
});

/** What is folded in the notebook, such as a hint or an answer, is told by the speaker. */
function foldAnswersIntoNotes() {
  for (const details of document.querySelectorAll(".slides details")) {
    const notes = document.createElement("aside");
    notes.className = "notes";
    notes.append(...details.childNodes);
    details.replaceWith(...(details.closest(".notes") ? notes.childNodes : [notes]));
  }
  // The window of the notes does not have the style that hides these.
  for (const copy of document.querySelectorAll(".notes mjx-assistive-mml")) copy.remove();
}

/** Continues a slide on further ones, so that none is higher than the screen. */
function spread(section) {
  const blocks = blocksOf(section);
  for (const block of blocks) shrink(block.element);
  for (const cell of section.querySelectorAll(".cell.code")) keepOutput(cell);
  const origin = section.getBoundingClientRect().top;
  let end = 0;
  for (const block of blocks) {
    const box = block.element.getBoundingClientRect();
    const shown = box.height > 0; // as the notes are not
    block.top = shown ? box.top - origin - TOP : end;
    block.bottom = end = shown ? box.bottom - origin - TOP : end;
  }
  const heading = section.parentNode.querySelector("h1, h2")?.cloneNode(true);
  const headed = (page) => page.some((block) => block.element.matches("h1, h2"));
  const needsHead = (page) => Boolean(heading) && !headed(page);
  const pages = bestPages(blocks, BOTTOM - TOP, needsHead);
  let after = section;
  for (const page of pages) {
    const slide = document.createElement("section");
    if (needsHead(page)) {
      slide.append(runningHead(heading));
    }
    fill(slide, page);
    after.after(slide);
    after = slide;
    enlargePicture(slide);
  }
  section.remove();
}

/** The smallest parts that stay in one piece, in order; notes go with the one before. */
function blocksOf(section) {
  const blocks = [];
  for (const cell of section.children) {
    const whole = cell.matches(".notes") || cell.offsetHeight < HEIGHT / 3;
    const text = cell.matches(".markdown");
    const parts = whole && !text ? [cell] : [...cell.children].flatMap(partsOf);
    for (const element of parts) {
      blocks.push({ element, cell, first: element === parts[0] });
    }
  }
  return blocks;
}

/** An output of several paragraphs, such as questions, comes in parts too. */
function partsOf(element) {
  return element.matches(".output.text") ? [...element.children] : [element];
}

/** Whether a block ends with a question whose answer must wait. */
function asks(element) {
  return element.matches(".predict") || element.querySelector(".predict") !== null;
}

/** Makes smaller what alone is too large for a slide. */
function shrink(element) {
  const room = BOTTOM - TOP - RUNNING;
  const width = element.parentNode.clientWidth;
  const tall = element.offsetHeight / room;
  const wide = Math.max(element.scrollWidth, ...widths(element)) / width;
  const factor = Math.max(tall, wide);
  if (factor > 1) element.style.zoom = String(Math.floor(1000 / factor) / 1000);
}

/** Makes code a little smaller where its printed output then fits beneath it. */
function keepOutput(cell) {
  const [input, ...outputs] = cell.children;
  if (!input?.matches(".input") || !outputs.length) return;
  const below = cell.getBoundingClientRect().bottom - input.getBoundingClientRect().bottom;
  const factor = (BOTTOM - TOP - RUNNING - below) / input.offsetHeight;
  if (factor < 1 && factor > 0.87) input.style.zoom = String(factor);
}

function widths(element) {
  return [...element.querySelectorAll("pre, table, mjx-container > svg")].map(
    (part) => part.scrollWidth || part.getBoundingClientRect().width,
  );
}

/** The division into pages with the least cost, as TeX chooses the lines. */
function bestPages(blocks, room, needsHead) {
  const best = [{ cost: 0, start: 0 }];
  for (let end = 1; end <= blocks.length; end++) {
    best[end] = { cost: Infinity, start: end - 1 };
    for (let start = end - 1; start >= 0; start--) {
      const head = needsHead(blocks.slice(start, end)) ? RUNNING : 0;
      const used = (head + blocks[end - 1].bottom - blocks[start].top) / room;
      if (used > 1 && start < end - 1) break;
      const cost =
        best[start].cost + 1 + (1 - used) ** 2 + (start > 0 ? tear(blocks, start) : 0);
      if (cost < best[end].cost) best[end] = { cost, start };
    }
  }
  const pages = [];
  for (let end = blocks.length; end > 0; end = best[end].start) {
    pages.unshift(blocks.slice(best[end].start, end));
  }
  return pages;
}

/** What it costs to begin a page at a block: how much it belongs to the one before. */
function tear(blocks, index) {
  const { element, first } = blocks[index];
  const before = blocks[index - 1].element;
  if (element.matches(".notes")) return 1000;
  if (before.matches("h1, h2, h3, h4")) return 100;
  if (element.matches(".output") && !first) return 3;
  if (before.textContent.trimEnd().endsWith(":")) return 0.6;
  if (element.matches("ul, ol") && !first) return 0.8;
  // The answer may well wait, and another topic begins another slide.
  if (asks(before) || element.matches("h3")) return -0.3;
  return first ? 0 : 0.3;
}

/** Puts blocks into a slide, in copies of their cells; fragments wait for a key. */
function fill(slide, page) {
  let cell, copy;
  let waiting = 0;
  for (const [index, block] of page.entries()) {
    if (block.cell !== cell) {
      cell = block.cell;
      copy = block.element === cell ? cell : cell.cloneNode(false);
      slide.append(copy);
    }
    if (block.element !== cell) copy.append(block.element);
    const revealed = block.first && cell.dataset.role === "fragment";
    const predicted = index > 0 && asks(page[index - 1].element);
    if (index > 0 && (revealed || predicted)) waiting += 1;
    if (waiting > 0 && !block.element.matches(".notes")) {
      block.element.classList.add("fragment");
      block.element.dataset.fragmentIndex = String(waiting - 1);
    }
  }
}

function runningHead(heading) {
  const line = document.createElement("p");
  line.className = "running";
  line.append(...heading.cloneNode(true).childNodes);
  return line;
}

/** A picture alone on its slide takes the room that is left. */
function enlargePicture(slide) {
  const images = slide.querySelectorAll(".output img");
  if (images.length !== 1) return;
  const image = images[0];
  const box = image.getBoundingClientRect();
  const used = Math.max(
    ...[...slide.children].map((cell) => cell.getBoundingClientRect().bottom),
  );
  const left = BOTTOM - (used - slide.getBoundingClientRect().top);
  const widest = image.parentNode.clientWidth / box.width;
  const factor = Math.min((box.height + left - 8) / box.height, widest, 1.6);
  if (factor <= 1) return;
  image.style.maxHeight = "none";
  image.style.width = `${Math.floor(box.width * factor)}px`;
}
