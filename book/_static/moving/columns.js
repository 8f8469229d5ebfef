// The columns of W and the point b, by hand: what becomes of the plane, what f(u + v) has to do with f(u) + f(v), what a second layer and a ReLU add.

moving("columns", {
  label: "The plane under y = x Wᵀ + b, to try out",
  caption:
    "Drag the three points, or move them with the arrow keys. Dashed: the plane before, with its unit square; solid: after one layer, " +
    "the origin (×) has gone to b, the unit vectors have become the columns of W, and the shaded area is multiplied by |det W|.",
  draw({ box, readout, tell, svg, set, number, vector, table, product, handle, picture, path, words, button, toggle, row }) {
    const [WIDTH, HEIGHT, UNIT] = [344, 300, 46];
    const ORIGIN = [140, 186];
    const SECOND = { W: [[0.5, -0.8], [0.7, 0.6]], b: [-0.5, 0.3] };
    const begin = () => ({ columns: [[1.2, -0.3], [0.8, 1]], b: [0.8, 0.6], sums: false, relu: false, second: false });
    let state = begin();

    const add = ([a, b], [c, d]) => [a + c, b + d];
    const scale = (s, [a, b]) => [s * a, s * b];
    const W = () => [0, 1].map((o) => [0, 1].map((i) => state.columns[i][o]));
    const affine = (W, b, [x0, x1]) => add(b, [W[0][0] * x0 + W[0][1] * x1, W[1][0] * x0 + W[1][1] * x1]);
    const determinant = ([[a, b], [c, d]]) => a * d - b * c;
    const first = (x) => affine(W(), state.b, x);
    const fold = (h) => (state.relu ? h.map((value) => Math.max(value, 0)) : h);
    const outer = (h) => (state.second ? affine(SECOND.W, SECOND.b, h) : h);
    const f = (x) => outer(fold(first(x)));
    const one = () => (state.second ? { W: product(SECOND.W, W()), b: outer(state.b) } : { W: W(), b: state.b }); // the single layer that the stack is, without a ReLU

    const toPixels = ([a, b]) => [ORIGIN[0] + UNIT * a, ORIGIN[1] - UNIT * b];
    const fromPixels = ([x, y]) => [(x - ORIGIN[0]) / UNIT, (ORIGIN[1] - y) / UNIT];
    const back = (y) => { // the h that the second layer takes to y
      if (!state.second) return y;
      const [[a, b], [c, d]] = SECOND.W;
      const [p, q] = add(y, scale(-1, SECOND.b));
      return scale(1 / (a * d - b * c), [d * p - b * q, a * q - c * p]);
    };
    const rounded = (point) => point.map((value) => Math.round(Math.min(3, Math.max(-3, value)) * 10) / 10 + 0);

    // ---- what is drawn

    const ticks = [-1.5, -1, -0.5, 0, 0.5, 1, 1.5];
    const fine = Array.from({ length: 61 }, (_, index) => -1.5 + index / 20);
    const lines = ticks.flatMap((t) => [fine.map((s) => [t, s]), fine.map((s) => [s, t])]);
    const sides = Array.from({ length: 21 }, (_, index) => index / 20);
    const square = [...sides.map((t) => [t, 0]), ...sides.map((t) => [1, t]), ...sides.map((t) => [1 - t, 1]), ...sides.map((t) => [0, 1 - t])];
    const curve = (points, map) => path(points.map((point) => toPixels(map(point))));
    const same = (point) => point;

    const before = svg("path", { class: "faint dashed", d: lines.map((line) => curve([line[0], line.at(-1)], same)).join("") });
    const unit = svg("path", { class: "quiet dashed", d: `${curve(square, same)}Z` });
    const [X0, Y0] = toPixels([0, 0]);
    const origin = svg("path", { class: "quiet line", d: `M${X0 - 5} ${Y0 - 5}l10 10m0-10l-10 10` });
    const after = svg("path", { class: "quiet thin" });
    const area = svg("path", { class: "accent wash" });
    const [arrow0, arrow1, gap] = ["warm", "green", "violet"].map((className) => svg("path", { class: `${className} bold` }));
    const mark = (text, className) => words(0, 0, text, { class: className });
    const labels = { sum: mark("f(u + v)", "violet"), both: mark("f(u) + f(v)", "violet") };
    const dots = { sum: svg("circle", { r: 4, class: "violet solid" }), both: svg("circle", { r: 4, class: "violet solid" }) };
    const sums = svg("g", {}, gap, ...Object.values(dots), ...Object.values(labels));

    const setArrow = (element, from, to, short = 0) => {
      const [[x0, y0], end] = [toPixels(from), toPixels(to)];
      const [length, angle] = [Math.hypot(end[0] - x0, end[1] - y0) - short, Math.atan2(end[1] - y0, end[0] - x0)];
      const [x1, y1] = [x0 + length * Math.cos(angle), y0 + length * Math.sin(angle)];
      const tip = length < 6 ? "" : [2.6, -2.6].map((turn) => `M${x1} ${y1}L${x1 + 9 * Math.cos(angle + turn)} ${y1 + 9 * Math.sin(angle + turn)}`).join("");
      set(element, { d: `M${x0} ${y0}L${x1} ${y1}${tip}` });
    };

    // ---- the three points one can move: where they are before the ReLU, seen through the second layer

    const column = (i, className) => ({
      className,
      value: () => state.columns[i],
      at: () => add(state.b, state.columns[i]),
      put: (h) => (state.columns[i] = rounded(add(h, scale(-1, state.b)))),
      by: (d) => (state.columns[i] = rounded(add(state.columns[i], d))),
    });
    const bias = { className: "accent", value: () => state.b, at: () => state.b, put: (h) => (state.b = rounded(h)), by: (d) => (state.b = rounded(add(state.b, d))) };
    const points = { "column 0 of W": column(0, "warm"), "column 1 of W": column(1, "green"), b: bias };
    for (const point of Object.values(points)) {
      const to = (place) => {
        const inside = [Math.min(WIDTH - 8, Math.max(8, place[0])), Math.min(HEIGHT - 8, Math.max(8, place[1]))];
        point.put(back(fromPixels(inside)));
        show();
      };
      const by = (dx, dy) => {
        point.by([dx / 10, dy / 10]);
        show();
      };
      point.element = handle(point.className, { to, by }, svg("circle", { r: 7, class: "line grip" }));
    }
    const clip = svg("clipPath", { id: "columns-clip" }, svg("rect", { width: WIDTH, height: HEIGHT }));
    const plane = svg("g", { "clip-path": "url(#columns-clip)" }, before, after, area, unit, origin, arrow0, arrow1, sums);
    const drawing = picture(WIDTH, HEIGHT, "The plane before and after the map", clip, plane, ...Object.values(points).map((point) => point.element));

    // ---- what is said

    const folded = () => state.relu && lines.flat().some((point) => first(point).some((value) => value < -1e-9));
    const message = () => {
      const { W: whole, b } = one();
      const said = [`W = ${table(W())},  b = ${vector(state.b)},  det W = ${number(determinant(W()))}`];
      const flat = Math.abs(determinant(W())) < 1e-9; // then one layer may do it after all
      if (folded() && !state.second) said.push("ReLU folds all that is negative onto the axes.");
      else if (folded()) said.push(`Two layers with a fold between${flat ? "" : ": one layer cannot do this"}.`);
      else if (state.relu) said.push("Nothing on this grid is negative: ReLU folds nothing.");
      if (state.second && !folded()) {
        said.push(`Two layers, and one does the same: W₂W = ${table(whole)},  W₂b + b₂ = ${vector(b)},  det W₂W = ${number(determinant(whole))}`);
      }
      if (state.sums) {
        const [sum, both] = bothSums();
        const difference = add(both, scale(-1, sum));
        const reason = folded() ? "" : state.second ? " = W₂b + b₂" : " = b";
        said.push(`f(u + v) = ${vector(sum)},  f(u) + f(v) = ${vector(both)},  they differ by ${vector(difference)}${reason}`);
      }
      return said.join("\n");
    };
    const bothSums = () => [f([1, 1]), add(f([1, 0]), f([0, 1]))]; // u and v are the unit vectors

    const show = () => {
      set(after, { d: lines.map((line) => curve(line, f)).join("") });
      set(area, { d: `${curve(square, f)}Z` });
      drawing.classList.toggle("hollow", state.relu);
      const corner = outer(state.b);
      setArrow(arrow0, corner, outer(points["column 0 of W"].at()), 7);
      setArrow(arrow1, corner, outer(points["column 1 of W"].at()), 7);
      for (const [name, point] of Object.entries(points)) {
        const [x, y] = toPixels(outer(point.at()));
        const value = point.value();
        set(point.element, { transform: `translate(${x} ${y})`, "aria-label": name });
        set(point.element, { "aria-valuemin": -3, "aria-valuemax": 3, "aria-valuenow": value[0], "aria-valuetext": vector(value) });
      }
      set(sums, { visibility: state.sums ? "visible" : "hidden" });
      const [sum, both] = bothSums();
      setArrow(gap, sum, both);
      [["sum", sum, 14], ["both", both, -8]].forEach(([name, point, lower]) => {
        const [x, y] = toPixels(point);
        set(dots[name], { cx: x, cy: y });
        set(labels[name], { x: Math.min(WIDTH - 66, x + 8), y: y + lower });
      });
      const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(f);
      tell(message(), { W: W(), b: state.b, det: determinant(W()), sum, both, one: one(), corners });
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      for (const [name, element] of Object.entries(toggles)) element.show(state[name]);
      show();
    };
    const toggles = {
      sums: toggle("f(u + v) against f(u) + f(v)", false, (sums) => change({ sums })),
      relu: toggle("ReLU", false, (relu) => change({ relu })),
      second: toggle("A second layer", false, (second) => change({ second })),
    };
    const zero = button("b = 0", () => change({ b: [0, 0] }));
    const again = button("Start again", () => change(begin()));
    box.append(drawing, row(...Object.values(toggles), zero, again), readout);
    show();
  },
});
