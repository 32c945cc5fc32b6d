// What the tests do in the page of JupyterLab, as window.lab.
{
  const PATIENCE = 120_000; // ms; every wait ends once its condition holds
  let opened, begun;
  // What the kernel was asked, widgets' messages included, and has not done yet.
  let unanswered = new Set();

  const frame = () => new Promise(requestAnimationFrame);
  const command = (name, options) => jupyterapp.commands.execute(name, options);
  const cells = () => opened.content.model.toJSON().cells;

  // What is read, once the kernel has answered and some frames show no change.
  async function rest(read, ready = () => true) {
    const end = performance.now() + PATIENCE;
    for (let last, same = 0; same < 4 && performance.now() < end; ) {
      await frame();
      const now = JSON.stringify(read());
      same = now === last && unanswered.size === 0 && ready() ? same + 1 : 0;
      last = now;
    }
    return read();
  }

  const visible = (root, selector) =>
    [...root.querySelectorAll(selector)].filter((element) => element.checkVisibility());

  // Where a control stands. A slider by its handle, as its text may be rounded.
  function position(control) {
    if (control.type === "checkbox") return control.checked;
    if (control.role === "slider") return control.parentElement.style.transform;
    return control.tagName === "SELECT" ? control.selectedIndex : control.value;
  }

  window.lab = {
    async start() {
      await jupyterapp.restored;
      // A reader closes it too, where there is little room.
      jupyterapp.shell.collapseLeft();
    },

    async open([path, kernel]) {
      opened = await command("docmanager:open", {
        path,
        factory: "Notebook",
        kernelPreference: { shouldStart: kernel, shouldReuse: false },
      });
      window.notebook = opened;
      await opened.revealed;
      await opened.context.ready;
      unanswered = new Set();
      if (!kernel) return;
      await opened.sessionContext.ready;
      opened.sessionContext.session.anyMessage.connect((_, { msg, direction }) => {
        if (direction === "send" && msg.channel === "shell")
          unanswered.add(msg.header.msg_id);
        else if (msg.content.execution_state === "idle")
          unanswered.delete(msg.parent_header.msg_id);
      });
    },

    async close() {
      await opened.sessionContext.shutdown();
      opened.dispose();
    },

    async restart() {
      await opened.sessionContext.session.kernel.restart();
      unanswered.clear();
      await command("notebook:clear-all-cell-outputs");
    },

    runAll: () => command("notebook:run-all-cells"),
    undo: () => command("notebook:undo-cell-action"),
    idle: () => rest(() => 0),

    // What the kernel makes of an expression, as Python writes it.
    async ask(expression) {
      const { kernel } = opened.sessionContext.session;
      const asked = { code: "", user_expressions: { it: expression } };
      const reply = await kernel.requestExecute(asked).done;
      const { it } = reply.content.user_expressions;
      return it.data?.["text/plain"] ?? it.evalue;
    },

    begin(code) {
      begun = opened.sessionContext.session.kernel.requestExecute({ code });
    },
    ended: async () => (await begun.done).content.ename,
    interrupt: () => command("notebook:interrupt-kernel"),

    // The kernel answers, also while it trains, and the page shows what it has sent.
    async answer() {
      const { kernel } = opened.sessionContext.session;
      const future = kernel.requestExecute({ code: "1 + 1", store_history: false });
      const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
      const reply = await Promise.race([future.done, late]);
      await frame();
      return reply?.content.status === "ok";
    },

    // The cells, each with the pictures seen in its output, once all are loaded.
    async outputs() {
      const images = (cell) => [...cell.node.querySelectorAll(".jp-OutputArea img")];
      const loaded = (cell) =>
        images(cell).every((image) => image.complete) &&
        !cell.node.innerText.includes("Loading widget");
      const { widgets } = opened.content;
      await rest(() => 0, () => widgets.every(loaded));
      return widgets.map((cell, index) => ({
        index,
        ...cells()[index],
        trusted: cell.model.trusted,
        live: cell.node.querySelectorAll(".jp-OutputArea .jupyter-widgets").length,
        images: images(cell)
          .filter((image) => image.checkVisibility())
          .map(({ alt, naturalWidth }) => [alt.trim(), naturalWidth]),
      }));
    },

    numberOfCells: () => cells().length,
    cellOf: (element) =>
      opened.content.widgets.findIndex((cell) => cell.node.contains(element)),
    tagged: (tag) =>
      cells().findIndex((cell) => (cell.metadata.tags ?? []).includes(tag)),

    // What takes an entry in an output, but belongs to no demo.
    strays: ([entries, demos]) =>
      [...document.querySelectorAll(".jp-OutputArea-output")]
        .flatMap((output) => [...output.querySelectorAll(entries)])
        .filter((entry) => !entry.closest(demos))
        .map((entry) => entry.outerHTML.slice(0, 200)),

    // Not the computed names: Chromium takes half a second for those of one demo.
    controls: (demo, selector) =>
      visible(demo, selector).map((control, place) => ({
        place,
        kind: control.getAttribute("role") || control.type || control.tagName,
        name: (
          control.ariaLabel || control.labels?.[0]?.innerText || control.innerText || ""
        ).trim(),
        options: control.options?.length ?? 0,
        position: position(control),
        focused: control === document.activeElement,
      })),

    chosen: (demo) =>
      [...demo.querySelectorAll("select")].map((menu) => menu.selectedOptions[0].text),

    focus: (demo, [selector, place]) => visible(demo, selector)[place].focus(),

    // What a demo shows.
    settled: (demo) => {
      const images = () => [...demo.querySelectorAll("img")];
      const text = (selector) =>
        [...demo.querySelectorAll(selector)]
          .map((element) => element.innerText.trim())
          .join(" ")
          .trim();
      const read = () => ({
        picture: images().map((image) => image.src).join(" "),
        "alternative text": images().map((image) => image.alt.trim()).join(" ").trim(),
        sentence: text(".pg-sentence"),
        error: text(".pg-error"),
        shown: images().length > 0 && images().every((image) => image.naturalWidth > 0),
      });
      return rest(read, () => images().every((image) => image.complete));
    },

    // What overhangs on the right, or would have to be scrolled to. The handle of a
    // slider at its end does so by half its width, as it should.
    async overflow(demo) {
      demo.scrollIntoView();
      await rest(() => demo.getBoundingClientRect());
      const panel = ".jp-WindowedPanel-outer, .jp-NotebookPanel-notebook";
      const right = (element) => element.getBoundingClientRect().right;
      const edge = Math.min(right(demo), right(demo.closest(panel)));
      const scrolled = (element) =>
        !element.matches(".slider-container, .noUi-target") &&
        getComputedStyle(element).display !== "inline"
          ? element.scrollWidth - element.clientWidth
          : 0;
      return [demo, ...visible(demo, "*")]
        .filter((element) => !element.closest(".noUi-base"))
        .filter((element) => !element.parentElement.closest("mjx-container"))
        .map((element) => [element, Math.max(right(element) - edge, scrolled(element))])
        .filter(([, pixels]) => pixels > 1)
        .map(([{ tagName, className }, pixels]) =>
          `<${tagName.toLowerCase()} class="${className}">: ${Math.round(pixels)} px`);
    },
  };
}
