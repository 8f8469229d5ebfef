// The roofline: a Linear as a point on the roof of a machine, which sizes move it and which do not, and what the time is then.

moving("roofline", {
  label: "A Linear on the roofline, to try out",
  caption:
    "A Linear of B rows on the roofline of a machine, without its bias. Thick: where its rows can take it, from 1 to 16,384. Drag the point, or move the sliders. " +
    "P and R are the H100's at first: set them to yours. Try: with one row, twice I and O; then to the ridge: how many times the FLOPs, how many times the time?",
  beside: true,
  draw({ box, readout, tell, html, svg, set, short, picture, path, words, button, choice, slider, drag, row }) {
    const begin = () => ({ B: 1, I: 4096, O: 4096, s: 2, P: 989e12, R: 3.35e12 });
    let state = begin();
    const MOST = 2 ** 14;

    const work = ({ B, I, O, s, P, R }) => {
      const [F, Q] = [2 * B * I * O, s * (B * I + O * I + B * O)];
      return { F, Q, A: F / Q, t: Math.max(F / P, Q / R) };
    };
    /** The rows at which the intensity is A, and the ridge's. */
    const rowsAt = (A, { I, O, s } = state) => {
      const below = 2 / (s * A) - 1 / O - 1 / I;
      return below > 0 ? 1 / below : Infinity;
    };
    const ridge = () => Math.ceil(rowsAt(state.P / state.R));

    // ---- the roof, on logarithmic axes

    const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [344, 240, 46, 334, 24, 196];
    const [FIRST, LAST, LOW, HIGH] = [-1, 5, 9, 16]; // powers of ten
    const across = (A) => LEFT + ((RIGHT - LEFT) * (Math.log10(A) - FIRST)) / (LAST - FIRST);
    const up = (rate) => BOTTOM - ((BOTTOM - TOP) * (Math.log10(rate) - LOW)) / (HIGH - LOW);
    const roof = (A) => Math.min(state.P, A * state.R);
    const marks = [
      ...[["1", 0], ["100", 2], ["10⁴", 4]].map(([label, power]) => words(across(10 ** power), BOTTOM + 16, label, { class: "axis middle" })),
      ...[["10⁹", 9], ["10¹²", 12], ["10¹⁵", 15]].flatMap(([label, power]) => [
        svg("path", { class: "faint", d: `M${LEFT} ${up(10 ** power)}H${RIGHT}` }),
        words(LEFT - 6, up(10 ** power) + 4, label, { class: "axis end" }),
      ]),
      words((LEFT + RIGHT) / 2, BOTTOM + 34, "FLOPs for each byte, A", { class: "axis middle" }),
      words(6, 12, "FLOPs a second", { class: "axis" }),
    ];
    const [line, reach, crest] = ["ink line", "accent bold", "quiet dotted"].map((kind) => svg("path", { class: kind }));
    const crestName = words(0, TOP - 6, "ridge point", { class: "axis middle" });
    const point = svg("circle", { r: 7, class: "warm solid" });
    const sheet = svg("rect", { x: LEFT, y: TOP, width: RIGHT - LEFT, height: BOTTOM - TOP, fill: "transparent", class: "sheet" });
    const drawing = picture(WIDTH, HEIGHT, "FLOPs a second against intensity", ...marks, crest, line, reach, crestName, point, sheet);
    const take = ({ x }) => {
      const rows = rowsAt(10 ** (FIRST + ((LAST - FIRST) * (x - LEFT)) / (RIGHT - LEFT)));
      change({ B: Math.round(Math.min(MOST, Math.max(1, rows))) });
    };
    drag(sheet, take, take);
    const drawRoof = ({ A }) => {
      const along = (from, to) => path([from, ...[state.P / state.R].filter((A) => A > from && A < to), to].map((A) => [across(A), up(roof(A))]));
      set(line, { d: along(10 ** FIRST, 10 ** LAST) });
      set(reach, { d: along(work({ ...state, B: 1 }).A, work({ ...state, B: MOST }).A) });
      const x = across(state.P / state.R);
      set(crest, { d: `M${x} ${TOP}V${BOTTOM}` });
      set(crestName, { x: Math.min(RIGHT - 28, Math.max(LEFT + 90, x)) });
      set(point, { cx: across(A), cy: up(roof(A)) });
    };

    // ---- what is said

    const seconds = (t) => {
      const [unit, size] = [["s", 1], ["ms", 1e-3], ["µs", 1e-6], ["ns", 1e-9]].find(([, each]) => t >= each) ?? ["ns", 1e-9];
      return `${short(t / size)} ${unit}`;
    };
    const near = (value, digits = 4) => Number(value.toPrecision(digits));
    const whole = (value) => value.toLocaleString("en-US");
    const message = (now, before) => {
      const { B, I, O, s, P, R } = state;
      const bound = now.A < P / R ? "memory-bound" : "compute-bound";
      const said = [
        `F = 2BIO = ${whole(now.F)} FLOPs, Q = ${whole(now.Q)} bytes, A = F/Q =\u00a0${near(now.A)}`,
        `F/P = ${seconds(now.F / P)}, Q/R = ${seconds(now.Q / R)}: ${bound}, t ≥ ${seconds(now.t)}`,
      ];
      if (before) said.push(`Against before: ${["F", "Q", "A", "t"].map((name) => `${name}\u00a0×\u00a0${near(now[name] / before[name], 5)}`).join(", ")}.`);
      const smallest = Math.min(B, I, O);
      const which = ["B", "I", "O"].filter((name) => state[name] === smallest);
      said.push(`${which.join(" = ")} = ${whole(smallest)}, the smallest size, rules: A\u00a0<\u00a0(2/s)\u00a0·\u00a0${which[0]}\u00a0=\u00a0${near((2 / s) * smallest)}.`);
      const from = ridge() === Infinity ? "no number of rows gets this layer there" : `reached with ${whole(ridge())} row${ridge() > 1 ? "s" : ""}`;
      said.push(`Ridge point: A = P/R = ${near(P / R)}, ${from}.`);
      return said.join("\n");
    };
    const show = (before) => {
      const now = work(state);
      drawRoof(now);
      tell(message(now, before), { ...state, ...now, ridge: ridge() === Infinity ? null : ridge(), bound: now.A < state.P / state.R ? "memory" : "compute" });
    };
    const change = (changes, before) => {
      state = { ...state, ...changes };
      for (const name of ["B", "I", "O"]) sliders[name].show(Math.log2(state[name]));
      for (const name of ["P", "R"]) sliders[name].show(Math.log10(state[name]));
      sizes.show(String(state.s));
      toRidge.disabled = ridge() > MOST;
      show(before);
    };
    const size = (name, label) =>
      slider(label, {
        min: 0, max: 14, step: 1, value: Math.log2(state[name]),
        say: (power) => whole(Math.round(2 ** power)), change: (power) => change({ [name]: 2 ** power }),
      });
    const speed = (name, label, min, max) =>
      slider(label, {
        min, max, step: 0.05, value: Math.log10(state[name]),
        say: (power) => `${short(10 ** (power - 12))} · 10¹²`, change: (power) => change({ [name]: 10 ** power }),
      });
    const sliders = {
      B: size("B", "rows B"), I: size("I", "in_features I"), O: size("O", "out_features O"),
      P: speed("P", "peak P", 10, 15.5), R: speed("R", "bandwidth R", 10, 13),
    };
    const sizes = choice("Bytes for each number, s", [["4", "4"], ["2", "2"], ["1", "1"]], "2", (s) => change({ s: Number(s) }));
    const twice = (label, ...names) =>
      button(label, () => change(Object.fromEntries(names.map((name) => [name, Math.min(MOST, 2 * state[name])])), work(state)));
    const toRidge = button("To the ridge", () => change({ B: ridge() }, work(state)));
    const presses = [twice("2 × B", "B"), twice("2 × I and O", "I", "O"), toRidge, button("Start again", () => change(begin()))];
    box.append(drawing, row(...presses), row(sliders.B), row(sliders.I, sliders.O), row(sizes), row(sliders.P, sliders.R), readout);
    change({});
  },
});
