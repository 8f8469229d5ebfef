// What the figures that move share: their place in the page, drawing, buttons and sliders, grids of numbers, dragging and keys, what is said aloud.
// Each figure is a file beside this one. Scripts of a page share their names, so this one has a single name: moving(name, figure).

const moving = (() => {
  const set = (element, attributes) => {
    for (const [name, value] of Object.entries(attributes)) {
      if (value === false || value == null) element.removeAttribute(name);
      else element.setAttribute(name, value === true ? "" : value);
    }
    return element;
  };
  const maker = (space) => (tag, attributes = {}, ...children) => {
    const element = set(document.createElementNS(space, tag), attributes);
    element.append(...children);
    return element;
  };
  const html = maker("http://www.w3.org/1999/xhtml");
  const svg = maker("http://www.w3.org/2000/svg");

  // ---- numbers, as the book writes them

  const number = (value, digits = 2) => String(Number(value.toFixed(digits)) + 0).replace("-", "−");
  const factor = (value, digits) => (value < 0 ? `(${number(value, digits)})` : number(value, digits)); // inside a product or a sum
  const raised = (power) => [...String(power)].map((each) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(each)]).join("");
  const short = (value, digits = 3) => {
    if (value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 10 ** (digits + 1))) return String(Number(value.toPrecision(digits))).replace("-", "−");
    const [head, power] = value.toExponential(digits - 2).split("e");
    return `${Number(head)} · 10${raised(Number(power))}`.replace("-", "−");
  };
  const vector = (values, digits) => `(${values.map((value) => number(value, digits)).join(", ")})`;
  const table = (rows, digits) => `[${rows.map((row) => `[${row.map((value) => number(value, digits)).join(", ")}]`).join(", ")}]`;
  const product = (left, right) => left.map((row) => right[0].map((_, column) => row.reduce((sum, value, i) => sum + value * right[i][column], 0)));
  const transpose = (rows) => rows[0].map((_, column) => rows.map((row) => row[column]));
  const grid = (rows, columns, entry) => Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (_, j) => entry(i, j)));

  // ---- things to press

  const button = (label, press) => {
    const element = html("button", { type: "button" }, label);
    element.addEventListener("click", press);
    return element;
  };
  const toggle = (label, on, change) => {
    const element = button(label, () => element.show(element.ariaPressed !== "true", change));
    element.show = (value, then = () => {}) => {
      element.setAttribute("aria-pressed", value);
      then(value);
    };
    element.show(on);
    return element;
  };
  let choices = 0;
  const choice = (legend, options, chosen, change) => {
    const name = `choice-${++choices}`; // radio buttons of one name exclude each other
    const inputs = options.map(([value]) => html("input", { type: "radio", name, value, checked: value === chosen }));
    const labels = options.map(([, label], index) => html("label", {}, inputs[index], html("span", {}, label)));
    const shown = [html("span", { class: "legend", "aria-hidden": "true" }, legend), html("span", { class: "options" }, ...labels)];
    const element = html("div", { class: "choice", role: "radiogroup", "aria-label": legend }, ...shown);
    element.addEventListener("change", (event) => change(event.target.value));
    element.show = (value) => inputs.forEach((input) => (input.checked = input.value === value));
    return element;
  };
  const slider = (label, { min, max, step, value, say, change }) => {
    const input = html("input", { type: "range", min, max, step, value, "aria-label": label });
    const output = html("span", { class: "value" });
    const element = html("label", { class: "slider" }, html("span", {}, `${label} `, output), input);
    element.show = (next) => {
      if (Math.abs(Number(input.value) - next) > 1e-9) input.value = next;
      output.textContent = say(next);
      input.setAttribute("aria-valuetext", say(next));
    };
    input.addEventListener("input", () => change(Number(input.value)));
    element.show(value);
    return element;
  };
  const row = (...children) => html("div", { class: "controls" }, ...children);

  // ---- drawing

  const picture = (width, height, label, ...children) =>
    svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label, style: `--room: ${width}` }, ...children);
  const words = (x, y, content, attributes = {}) => svg("text", { x, y, ...attributes }, content);
  const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");

  /** Follow a pointer that went down on the element: move(point, event) in the picture's own units, until it goes up. */
  const drag = (element, move, start = () => {}) => {
    const at = (event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(element.ownerSVGElement.getScreenCTM().inverse());
    let held = null;
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      held = event.pointerId;
      element.setPointerCapture(held);
      element.focus({ preventScroll: true });
      start(at(event));
      event.preventDefault();
    });
    element.addEventListener("pointermove", (event) => event.pointerId === held && move(at(event)));
    for (const end of ["pointerup", "pointercancel"]) element.addEventListener(end, () => (held = null));
  };
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** A point to take hold of: `to([x, y])` for pointers in the picture's units, `by(dx, dy)` for arrow keys in steps. */
  const handle = (className, { to, by }, ...drawn) => {
    const attributes = { class: `handle ${className}`, tabindex: 0, role: "slider", "aria-roledescription": "point in the plane" };
    const element = svg("g", attributes, svg("circle", { r: 18, class: "reach" }), ...drawn);
    drag(element, (point) => to([point.x, point.y]));
    element.addEventListener("keydown", (event) => {
      if (!arrows[event.key]) return;
      const [dx, dy] = arrows[event.key];
      by(dx * (event.shiftKey ? 5 : 1), -dy * (event.shiftKey ? 5 : 1));
      event.preventDefault();
    });
    return element;
  };

  /** A matrix as a grid of cells, one stop for the Tab key. The arrows move in it, and `pick(i, j)` is told where one is;
      `nudge(i, j, steps)`, where given, is what dragging sideways and the keys + and − do, `press(i, j)` what a click and the keys Enter and space do.
      `cell(i, j)` gives {text, label, kind}. */
  const matrix = ({ name, rows, columns, x, y, width = 40, height = 34, title, cell, press, pick = press && (() => {}), nudge }) => {
    const cells = grid(rows, columns, (i, j) => {
      const box = svg("rect", { width, height });
      const text = words(width / 2, height / 2, "", { class: "number" });
      const element = svg("g", { role: pick ? "gridcell" : false, tabindex: pick ? -1 : false, transform: `translate(${x + j * width} ${y + i * height})` }, box, text);
      if (!pick) return element;
      element.addEventListener("focus", () => {
        cells.flat().forEach((other) => set(other, { tabindex: other === element ? 0 : -1 }));
        pick(i, j);
      });
      element.addEventListener("keydown", (event) => {
        const [dx, dy] = arrows[event.key] ?? [0, 0];
        const steps = { "+": 1, "=": 1, "-": -1, "−": -1 }[event.key];
        if (dx || dy) cells[i + dy]?.[j + dx]?.focus();
        else if (steps && nudge) nudge(i, j, steps);
        else if (![" ", "Enter"].includes(event.key)) return;
        else press?.(i, j);
        event.preventDefault();
      });
      if (press) element.addEventListener("click", () => press(i, j));
      let from = 0;
      const scrub = (point) => {
        const steps = Math.trunc((point.x - from) / 12);
        if (!steps || !nudge) return;
        from += steps * 12;
        nudge(i, j, steps);
      };
      drag(element, scrub, (point) => (from = point.x));
      return element;
    });
    if (pick && cells.length) set(cells[0][0], { tabindex: 0 });
    const lines = cells.map((line) => svg("g", { role: pick ? "row" : false }, ...line));
    const heading = words(x, y - 7, title ?? name, { class: "title" });
    const body = svg("g", { role: pick ? "grid" : "img", "aria-label": name, class: nudge ? "numbers" : "" }, ...lines);
    const element = svg("g", {}, heading, body);
    element.cells = cells;
    element.show = () => {
      for (let i = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) {
          const { text, label, kind = "" } = cell(i, j);
          set(cells[i][j], { class: `cell ${kind}`, "aria-label": pick ? label : false, "aria-selected": pick ? String(/picked|held/.test(kind)) : false });
          cells[i][j].querySelector("text").textContent = text;
        }
      if (!pick) body.setAttribute("aria-label", `${name}: ${cells.map((line) => line.map((each) => each.textContent).join(", ")).join("; ")}`);
      return element;
    };
    return element.show();
  };

  // ---- the figure's place

  const kit = { html, svg, set, number, factor, raised, short, vector, table, product, transpose, grid, button, toggle, choice, slider, row, picture, words, path, drag, handle, matrix };

  /** The figure before the place that the page keeps for a moving one. */
  const stillBefore = (place) => {
    for (let element = place.previousElementSibling; element; element = element.previousElementSibling) {
      const found = element.matches("figure") ? element : [...element.querySelectorAll("figure")].at(-1);
      if (found) return found;
    }
  };

  /** Draw a moving figure where the page has a place for it: in place of the still one before it, or, if `beside`, as a figure of its own.
      `draw(stage)` appends to stage.box, and calls stage.tell(text, values) whenever something has changed. */
  return (name, { label, caption, beside, draw }) => {
    const place = document.querySelector(`[data-moving="${name}"]`);
    if (!place) return;
    const readout = html("p", { class: "readout" });
    const heard = html("p", { class: "heard", role: "status" });
    const box = html("div", { class: "moving", id: `moving-${name}`, role: "group", "aria-label": label });
    let waiting;
    const tell = (text, values) => {
      readout.textContent = text;
      box.dataset.values = JSON.stringify(values);
      clearTimeout(waiting);
      if (box.isConnected) waiting = setTimeout(() => (heard.textContent = text), 700); // once it is quiet, and never for the beginning
    };
    draw({ ...kit, box, readout, tell });
    box.append(heard);
    const still = beside ? null : stillBefore(place);
    if (still) {
      still.classList.add("moves");
      still.querySelector(".caption-text")?.after(html("span", { class: "moving-caption" }, caption));
      still.querySelector("figcaption").before(box);
    } else {
      place.append(html("figure", { class: "moves" }, box, html("figcaption", {}, html("p", { class: "moving-caption" }, caption))));
      place.hidden = false;
    }
  };
})();
