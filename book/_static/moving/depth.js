// How deep the signal lives: second moments through a stack of Linear and ReLU, layer after layer, for wide layers and averaged over draws. No random numbers.

moving("depth", {
  label: "The signal through a stack of Linear and ReLU, to try out",
  caption:
    "What to expect of Linear + ReLU of width 512, from the recursion of the second moment. Solid: root mean square of the signal. " +
    "Dashed: the part of it that differs between inputs. Dotted: the gradient on its way back from the last layer. Find the gain at which neither signal nor gradient dies or explodes.",
  draw({ box, readout, tell, svg, set, short, picture, path, words, button, toggle, slider, row }) {
    const WIDTH_OF_LAYERS = 512;
    const GAINS = { default: 1 / Math.sqrt(3), He: Math.SQRT2 };
    const begin = () => ({ gain: GAINS.default, depth: 20, bias: true });
    let state = begin();

    /** The second moment q of what enters each layer, and half the mean squared difference d of two inputs, which start as independent normal numbers.
        ReLU keeps half of q; what it keeps of d depends on the angle θ between the two (Cho and Saul 2009). */
    const forward = ({ gain, depth, bias }) => {
      const steps = [{ q: 1, d: 1 }];
      while (steps.length <= depth) {
        const { q, d } = steps.at(-1);
        const variance = gain ** 2 * q + (bias ? 1 / (3 * WIDTH_OF_LAYERS) : 0); // of y
        const difference = gain ** 2 * d; // the bias is the same for both
        const angle = 2 * Math.asin(Math.min(1, Math.sqrt(difference / (2 * variance))));
        const bend = angle < 1e-2 ? angle ** 3 / 3 - angle ** 5 / 30 : Math.sin(angle) - angle * Math.cos(angle);
        steps.push({ q: variance / 2, d: difference / 2 - (variance * bend) / (2 * Math.PI) });
      }
      return steps;
    };
    const curves = () => {
      const steps = forward(state);
      return {
        signal: steps.map(({ q }) => Math.sqrt(q)),
        differences: steps.map(({ d }) => Math.sqrt(d)),
        gradient: steps.map((_, layer) => (state.gain ** 2 / 2) ** ((state.depth - layer) / 2)),
      };
    };

    // ---- the axes: powers of ten, 10⁻¹⁰ to 10⁴

    const [WIDTH, HEIGHT, LEFT, BOTTOM, LOW, HIGH] = [344, 250, 40, 218, -10, 4];
    const across = (layer) => LEFT + ((WIDTH - LEFT - 12) * layer) / state.depth;
    const up = (value) => BOTTOM - ((BOTTOM - 10) * (Math.min(HIGH + 1, Math.max(LOW - 1, Math.log10(value))) - LOW)) / (HIGH - LOW);
    const rules = [4, 2, 0, -2, -4, -6, -8, -10].map((power) => svg("path", { class: power ? "faint" : "quiet thin", d: `M${LEFT} ${up(10 ** power)}H${WIDTH - 12}` }));
    const marks = [4, 0, -4, -8].map((power) => words(LEFT - 6, up(10 ** power) + 4, { 4: "10⁴", 0: "1", "-4": "10⁻⁴", "-8": "10⁻⁸" }[power], { class: "axis end" }));
    const layers = svg("g");
    const lines = {
      signal: svg("path", { class: "accent line" }),
      differences: svg("path", { class: "accent line dashed" }),
      gradient: svg("path", { class: "warm line dotted" }),
    };
    const names = {
      signal: words(0, 0, "signal", { class: "accent end" }),
      differences: words(0, 0, "differences", { class: "accent end" }),
      gradient: words(0, 0, "gradient", { class: "warm" }),
    };
    const clip = svg("clipPath", { id: "depth-clip" }, svg("rect", { x: LEFT, y: 4, width: WIDTH - LEFT, height: BOTTOM - 2 }));
    const clipped = svg("g", { "clip-path": "url(#depth-clip)" }, ...Object.values(lines));
    const drawing = picture(WIDTH, HEIGHT, "Root mean square against layer", clip, ...rules, ...marks, layers, clipped, ...Object.values(names));

    const message = (ends) => {
      const { gain, depth, bias } = state;
      const said = [`${depth} layers:  signal ${short(ends.signal)},  differences ${short(ends.differences)},  gradient at the input ${short(ends.gradient)}`];
      const change = gain ** 2 / 2;
      if (Math.abs(change - 1) < 0.01) said.push(`½ · gain² ${gain === GAINS.He ? "=" : "≈"} 1: signal and gradient keep their size.`);
      else {
        const biases = bias && change ** depth < ends.signal ** 2 / 10 ? "; what is left of the signal is the biases' doing" : "";
        said.push(`The gradient's square is multiplied by ½ · gain² = ${short(change)} in each layer${biases}.`);
      }
      return said.join("\n");
    };
    const show = () => {
      const values = curves();
      for (const [name, line] of Object.entries(lines)) set(line, { d: path(values[name].map((value, layer) => [across(layer), up(value)])) });
      layers.replaceChildren(
        ...[0, 1, 2, 3, 4, 5, 6].map((each) => each * 5).filter((layer) => layer <= state.depth).map((layer) => words(across(layer), BOTTOM + 16, layer, { class: "axis middle" })),
        words((LEFT + WIDTH) / 2, BOTTOM + 30, "layer", { class: "axis middle" }),
      );
      const ends = { signal: values.signal.at(-1), differences: values.differences.at(-1), gradient: values.gradient[0] };
      const inside = (value, lower) => Math.min(BOTTOM - 6, Math.max(18, up(value) + lower));
      const close = Math.abs(up(ends.signal) - up(ends.differences)) < 16;
      set(names.signal, { x: WIDTH - 14, y: inside(ends.signal, -7) });
      set(names.differences, { x: WIDTH - 14, y: inside(ends.differences, close ? 16 : -7) });
      set(names.gradient, { x: LEFT + 8, y: inside(values.gradient[0], values.gradient[0] > 1 ? 16 : -9) });
      tell(message(ends), { ...state, ...values });
    };
    const sayGain = (gain) => {
      const known = Object.entries(GAINS).find(([, value]) => Math.abs(value - gain) < 1e-9);
      return known ? { default: "1/√3, the default", He: "√2, He" }[known[0]] : gain.toFixed(2);
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      gain.show(state.gain);
      depth.show(state.depth);
      bias.show(state.bias);
      show();
    };
    const gain = slider("gain", { min: 0.3, max: 2.5, step: 0.01, value: state.gain, say: sayGain, change: (value) => change({ gain: value }) });
    const depth = slider("layers", { min: 1, max: 30, step: 1, value: state.depth, say: String, change: (value) => change({ depth: value }) });
    const bias = toggle("Bias, as by default", state.bias, (value) => change({ bias: value }));
    const known = Object.entries(GAINS).map(([name, value]) => button(name === "He" ? "He: √2" : "Default: 1/√3", () => change({ gain: value })));
    box.append(drawing, row(gain, depth), row(...known, bias, button("Start again", () => change(begin()))), readout);
    show();
  },
});
