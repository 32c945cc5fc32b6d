// What ipywidgets 8.1 leaves out: its sliders have no accessible name and its texts no
// way to be announced, and JupyterLab takes the letters and arrow keys pressed on a
// control as commands to the notebook.

const VIEW = ".pg-explorer, .pg-dashboard, .pg-question";

function complete(view) {
  const controls = "select, input, button, [role=slider], .widget-readout";
  for (const part of view.querySelectorAll(controls)) {
    part.dataset.lmSuppressShortcuts = "true";
  }
  for (const slider of view.querySelectorAll(".widget-slider")) {
    const readout = slider.querySelector(".widget-readout");
    const handle = slider.querySelector("[role=slider]");
    readout.setAttribute("role", "textbox");
    handle.setAttribute("aria-valuetext", readout.textContent);
    for (const part of [handle, readout]) {
      part.setAttribute("aria-label", slider.querySelector("label").textContent);
    }
  }
  for (const text of view.querySelectorAll(".pg-sentence, .pg-error")) {
    text.setAttribute("aria-live", "polite");
  }
}

export default {
  render({ el }) {
    el.hidden = true;
    let view, waiting;
    const observer = new MutationObserver(() => complete(view));
    // The element joins its view after it is rendered.
    (function begin() {
      view = el.closest(VIEW);
      if (!view) {
        waiting = requestAnimationFrame(begin);
        return;
      }
      complete(view);
      observer.observe(view, { childList: true, characterData: true, subtree: true });
    })();
    return () => {
      cancelAnimationFrame(waiting);
      observer.disconnect();
    };
  },
};
