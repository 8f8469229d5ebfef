// Three comforts. Every page reads without them.

const root = document.documentElement;

// Colours: as the system says, or as the reader chose.
const themes = ["auto", "light", "dark"];
const button = document.getElementById("theme");
const showTheme = () => (button.querySelector("span").textContent = root.dataset.theme);
button.hidden = false;
button.addEventListener("click", () => {
  root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
  localStorage.setItem("theme", root.dataset.theme);
  showTheme();
});
showTheme();

// A copy button on every piece of source code.
for (const source of document.querySelectorAll(".cell_input .highlight, article > section .highlight:not(.cell_output *)")) {
  const copy = document.createElement("button");
  copy.type = "button";
  copy.className = "copy";
  copy.textContent = "Copy";
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(source.querySelector("pre").textContent.trimEnd());
    copy.textContent = "Copied";
    setTimeout(() => (copy.textContent = "Copy"), 1500);
  });
  source.append(copy);
}

// Whatever scrolls sideways can be reached by keyboard.
const reach = () => {
  for (const box of document.querySelectorAll("pre, .table, .katex-display, .output"))
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
};
addEventListener("load", () => document.fonts.ready.then(reach));
addEventListener("resize", reach);
