// A few comforts. Every page reads without them.

const root = document.documentElement;

// Colours: as the system says, or as the reader chose.
const themes = ["auto", "light", "dark"];
const button = document.getElementById("theme");
const showTheme = () => (button.querySelector("span").textContent = root.dataset.theme);
button.hidden = false;
button.addEventListener("click", () => {
  root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
  showTheme();
  try { localStorage.setItem("theme", root.dataset.theme) } catch { /* then it holds for this page */ }
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
  for (const box of document.querySelectorAll("pre, .table, .katex-display, .output, .picture"))
    if (box.scrollWidth > box.clientWidth) {
      box.tabIndex = 0;
      box.role = "group";
      box.ariaLabel = "Scrolls sideways";
    }
};
addEventListener("load", () => document.fonts.ready.then(reach));
addEventListener("resize", reach);

// The contents show the current page; the page's sections follow the reader, and close over the page when one is chosen.
const contents = document.getElementById("contents");
const current = contents.querySelector("li [aria-current]");
const keepInView = (box, item) => {
  const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - outer.height / 2;
};
if (current) {
  keepInView(contents, current);
  contents.addEventListener("toggle", () => keepInView(contents, current));
}

const here = document.getElementById("here");
if (here) {
  const links = [...here.querySelectorAll("li li a")];
  const sections = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
  const follow = () => {
    const passed = sections.filter((section) => section.getBoundingClientRect().top < innerHeight / 4).length;
    links.forEach((link, index) => (index === passed - 1 ? link.setAttribute("aria-current", "location") : link.removeAttribute("aria-current")));
    if (passed) keepInView(here, links[passed - 1]);
  };
  addEventListener("scroll", follow, { passive: true });
  addEventListener("load", follow);
  here.addEventListener("toggle", follow);
  here.addEventListener("click", (event) => event.target.closest("a") && here.matches(":popover-open") && here.hidePopover());
}
