// Read by MathJax when it starts.
window.MathJax = {
  tex: {
    inlineMath: [["$", "$"]],
    displayMath: [["$$", "$$"]],
    processEscapes: true,
    packages: { "[-]": ["noundefined"] }, // an unknown command is an error
  },
  // Without a store of shapes for the whole page, so that a formula can be moved to
  // another slide, or shown in the window of the notes.
  svg: { fontCache: "none" },
  options: { enableMenu: false },
};
