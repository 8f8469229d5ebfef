// The step that is too small: the central difference of a loss, computed here and now in float64, or in float32 by rounding after every operation.

moving("step", {
  label: "The step of a numerical gradient, to try out",
  caption:
    "The cross-entropy f(w) = log(1 + e⁻ʷ) at w = 1, computed by your browser. Left, or above: the loss under a lens four steps wide, " +
    "its tangent (dashed) and the secant through w − h and w + h. Right, or below: the error of the secant's slope for every step, a dot each; " +
    "the line is ε|f|/h + h²|f‴|/6. Drag the step.",
  draw({ box, readout, tell, html, svg, set, short, picture, path, words, button, choice, slider, drag, row }) {
    const w = 1;
    const FORMATS = { float32: { round: Math.fround, epsilon: 2 ** -23 }, float64: { round: (value) => value, epsilon: 2 ** -52 } };
    const begin = () => ({ format: "float32", power: -1 });
    let state = begin();

    const loss = (at, { round }) => round(Math.log(round(1 + round(Math.exp(round(-at))))));
    const sigmoid = 1 / (1 + Math.exp(-w));
    const slope = sigmoid - 1; // f′(w)
    const third = Math.abs(sigmoid * (1 - sigmoid) * (1 - 2 * sigmoid)); // |f‴(w)|
    const value = loss(w, FORMATS.float64);
    const central = (step, format) => {
      const { round } = format;
      const h = round(step);
      return round(round(loss(round(w + h), format) - loss(round(w - h), format)) / round(2 * h));
    };
    const rounding = (h, { epsilon }) => (epsilon * value) / h;
    const truncation = (h) => (h ** 2 * third) / 6;
    const best = ({ epsilon }) => ((3 * epsilon * value) / third) ** (1 / 3);

    // ---- the loss under the lens

    const [SIDE, TALL, PAD] = [272, 230, 14];
    const [curve, tangent, secant] = [svg("path", { class: "ink line" }), svg("path", { class: "quiet thin dashed" }), svg("path", { class: "warm line" })];
    const ends = [0, 1].map(() => svg("circle", { r: 4.5, class: "warm solid" }));
    const ground = svg("path", { class: "faint" });
    const edges = ["w − h", "w", "w + h"].map((label, index) => words((SIDE * (index + 1)) / 4, TALL - 4, label, { class: "axis middle" }));
    const clip = svg("clipPath", { id: "step-clip" }, svg("rect", { width: SIDE, height: TALL - 18 }));
    const lens = picture(SIDE, TALL, "The loss near w, under a lens", clip, ground, svg("g", { "clip-path": "url(#step-clip)" }, curve, tangent, secant, ...ends), ...edges);
    const drawLens = (h, format) => {
      const at = format.round(w);
      const range = 2 * h * Math.abs(slope) * 1.25; // what the tangent spans, and some room
      const x = (offset) => SIDE / 2 + (offset / (2 * h)) * (SIDE / 2);
      const y = (height) => (TALL - 18) / 2 - ((height - value) / range) * ((TALL - 18) / 2 - PAD);
      const offsets = Array.from({ length: 241 }, (_, index) => (index / 120 - 1) * 2 * h);
      set(curve, { d: path(offsets.map((offset) => [x(offset), Math.max(-99, Math.min(TALL + 99, y(loss(format.round(at + offset), format))))])) });
      set(tangent, { d: path([-2 * h, 2 * h].map((offset) => [x(offset), y(value + slope * offset)])) });
      const [low, high] = [-1, 1].map((side) => y(loss(format.round(at + side * format.round(h)), format)));
      set(ends[0], { cx: x(-h), cy: low });
      set(ends[1], { cx: x(h), cy: high });
      const lean = high - low;
      set(secant, { d: path([[x(-2 * h), low - lean / 2], [x(2 * h), high + lean / 2]]) });
      set(ground, { d: [-h, 0, h].map((offset) => `M${x(offset)} 0V${TALL - 18}`).join("") });
    };

    // ---- the error against the step, on logarithmic axes

    const [LEFT, RIGHT, TOP, BOTTOM, FROM, LOW, HIGH] = [42, 264, 8, TALL - 32, -12, -12, 1];
    const across = (power) => LEFT + ((RIGHT - LEFT) * (power - FROM)) / -FROM;
    const up = (error) => BOTTOM - ((BOTTOM - TOP) * (Math.max(LOW, Math.min(HIGH, Math.log10(error))) - LOW)) / (HIGH - LOW);
    const marks = [0, -4, -8, -12].flatMap((power) => {
      const label = { 0: "1", "-4": "10⁻⁴", "-8": "10⁻⁸", "-12": "10⁻¹²" }[power];
      const rule = svg("path", { class: "faint", d: `M${LEFT} ${up(10 ** power)}H${RIGHT}` });
      const below = words(across(power), BOTTOM + 15, label, { class: `axis ${power ? "middle" : "end"}` });
      return [rule, below, words(LEFT - 4, up(10 ** power) + 4, label, { class: "axis end" })];
    });
    const [theory, bottom] = ["ink thin", "quiet dotted"].map((kind) => svg("path", { class: kind }));
    const dots = svg("path", { class: "accent line", "stroke-linecap": "round" });
    const here = svg("circle", { r: 6, class: "warm solid" });
    const sheet = svg("rect", { x: LEFT, y: 0, width: RIGHT - LEFT, height: BOTTOM, fill: "transparent", class: "sheet" });
    const axis = words((LEFT + RIGHT) / 2, TALL - 3, "step h", { class: "axis middle" });
    const vee = picture(SIDE, TALL, "The error against the step", ...marks, axis, theory, bottom, dots, here, sheet);
    const take = (point) => change({ power: Math.round(Math.min(0, Math.max(FROM, FROM - (FROM * (point.x - LEFT)) / (RIGHT - LEFT))) * 20) / 20 });
    drag(sheet, take, take);
    const powers = Array.from({ length: 241 }, (_, index) => FROM + index / 20);
    const errorAt = (power, format) => Math.abs(central(10 ** power, format) - slope);
    const drawVee = (format) => {
      set(dots, { d: powers.map((power) => `M${across(power).toFixed(1)} ${up(errorAt(power, format)).toFixed(1)}h0`).join("") });
      set(theory, { d: path(powers.map((power) => [across(power), up(rounding(10 ** power, format) + truncation(10 ** power))])) });
      set(bottom, { d: `M${across(Math.log10(best(format)))} ${TOP}V${BOTTOM}` });
      set(here, { cx: across(state.power), cy: up(errorAt(state.power, format)) });
    };

    // ---- how the two kinds of error share what theory expects

    const bars = ["warm", "accent"].map((className) => html("span", { class: `bar-of ${className}` }));
    const names = ["warm", "accent"].map((className) => html("span", { class: className }));
    const shares = html("div", { class: "shares", "aria-hidden": "true" }, html("div", { class: "bars" }, ...bars), html("div", { class: "names" }, ...names));
    const showShares = (parts) => {
      const percents = parts.map((part) => (100 * part) / (parts[0] + parts[1]));
      bars.forEach((bar, index) => (bar.style.flexGrow = percents[index]));
      names.forEach((name, index) => (name.textContent = `${["rounding ε|f|/h", "truncation h²|f‴|/6"][index]}: ${percents[index].toFixed(0)} %`));
    };
    const message = (h, format) => {
      const measured = central(h, format);
      const said = [`h = ${short(h)}:  slope ${String(Number(measured.toPrecision(8))).replace("-", "−")} for ${slope.toFixed(8).replace("-", "−")}, error ${short(Math.abs(measured - slope))}`];
      const lost = [h, -h].every((offset) => format.round(w + format.round(offset)) === w);
      if (lost) said.push("In this format w + h is w: the step is lost.");
      else {
        const ratio = rounding(h, format) / truncation(h);
        const parts = `rounding about ${short(rounding(h, format))}, truncation ${short(truncation(h))}`;
        if (Math.abs(ratio - 2) < 0.4) said.push(`About the best step, rounding : truncation = 2 : 1: ${parts}.`);
        else said.push(`Too ${ratio > 2 ? "small" : "large"}: ${parts}.`);
      }
      return said.join("\n");
    };
    const show = () => {
      const format = FORMATS[state.format];
      const h = 10 ** state.power;
      drawLens(h, format);
      drawVee(format);
      showShares([rounding(h, format), truncation(h)]);
      const parts = { rounding: rounding(h, format), truncation: truncation(h), best: best(format), third };
      tell(message(h, format), { h, slope, central: central(h, format), ...parts });
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      step.show(state.power);
      formats.show(state.format);
      show();
    };
    const step = slider("step h", { min: FROM, max: 0, step: 0.05, value: state.power, say: (power) => short(10 ** power), change: (power) => change({ power }) });
    const formats = choice("Numbers are", [["float32", "float32"], ["float64", "float64"]], state.format, (format) => change({ format }));
    const toBest = button("The best step", () => change({ power: Math.round(Math.log10(best(FORMATS[state.format])) * 20) / 20 }));
    box.append(html("div", { class: "pictures" }, lens, vee), shares, row(step), row(formats, toBest, button("Start again", () => change(begin()))), readout);
    show();
  },
});
