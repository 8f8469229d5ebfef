// Who shares a scale: twelve weights, the levels they are rounded to, and what one large weight does to the others.

moving("levels", {
  label: "Weights that share a scale, to try out",
  caption:
    "Twelve weights of one row, four to a line; upright: the levels. Each weight (dot above) comes back as the level nearest to it (dot below). " +
    "Try: drag the large dot outwards, or move it with the arrow keys. Then give each four weights a scale of their own.",
  beside: true,
  draw({ box, readout, tell, svg, set, number, short, picture, words, handle, button, choice, slider, row }) {
    const WEIGHTS = [[-0.72, 0.31, 0.85, -0.15], [0.44, 1, -0.84, -0.28], [0.67, -0.55, 0.12, -0.24]];
    const [LINE, PLACE, END] = [1, 1, 4]; // where the outlier is, and how far it may go
    const begin = () => ({ outlier: 1, bits: 4, map: "symmetric", share: "all" });
    let state = begin();
    const weights = () => WEIGHTS.map((line, l) => line.map((value, i) => (l === LINE && i === PLACE ? state.outlier : value)));
    const others = (lines) => lines.flat().filter((_, index) => index !== LINE * 4 + PLACE);

    // ---- the chapter's formulas

    const even = (value) => (Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : Math.round(value)); // as torch.round: halves to the even one
    const fit = (values) => {
      if (state.map === "symmetric") {
        const most = 2 ** (state.bits - 1) - 1;
        return { s: Math.max(...values.map(Math.abs)) / most, z: 0, first: -most, last: most };
      }
      const [low, high, last] = [Math.min(0, ...values), Math.max(0, ...values), 2 ** state.bits - 1];
      const s = (high - low) / last;
      return { s, z: even(-low / s), first: 0, last };
    };
    const stored = (value, { s, z, first, last }) => Math.min(last, Math.max(first, even(value / s) + z));
    const fits = () => (state.share === "all" ? weights().map(() => fit(weights().flat())) : weights().map(fit));
    const back = () => fits().map((each, l) => weights()[l].map((value) => each.s * (stored(value, each) - each.z) + 0));

    // ---- a line for each four: weights above, levels through it, what comes back below

    const [WIDTH, UNIT, TOP, TALL, HIGH] = [344, 38, 20, 78, 62];
    const across = (value) => WIDTH / 2 + UNIT * value;
    const lines = WEIGHTS.map((line, l) => {
      const y = TOP + l * TALL;
      const ticks = svg("path", { class: "quiet" });
      const ways = line.map(() => svg("path"));
      const dots = line.map(() => svg("circle", { cy: y + 14, r: 4.5 }));
      const landed = line.map(() => svg("circle", { cy: y + 48, r: 4.5 }));
      const says = words(4, y - 4, "", { class: "title" });
      return { y, ticks, ways, dots, landed, says };
    });
    const BOTTOM = TOP + 2 * TALL + HIGH;
    const axis = [-4, -2, 0, 2, 4].map((value) => words(across(value), BOTTOM + 16, number(value), { class: "axis middle" }));
    const move = (value) => change({ outlier: Math.round(Math.min(END, Math.max(-END, value)) * 10) / 10 + 0 });
    const grip = handle(
      "warm",
      { to: ([x]) => move((x - WIDTH / 2) / UNIT), by: (dx, dy) => move(state.outlier + (dx || dy) / 10) },
      svg("circle", { r: 7, class: "line grip" }),
    );
    set(grip, { "aria-roledescription": "weight on a line", "aria-label": "the large weight", "aria-valuemin": -END, "aria-valuemax": END });
    const drawn = lines.flatMap(({ ticks, ways, dots, landed, says }) => [ticks, ...ways, ...dots, ...landed, says]);
    const drawing = picture(WIDTH, BOTTOM + 20, "Twelve weights above, the levels that they come back as below", ...drawn, ...axis, grip);
    const drawLines = () => {
      const [given, rounded, found] = [weights(), back(), fits()];
      lines.forEach(({ y, ticks, ways, dots, landed, says }, l) => {
        const { s, z, first, last } = found[l];
        const levels = Array.from({ length: last - first + 1 }, (_, index) => s * (first + index - z));
        const high = state.share === "all" && l ? TALL : HIGH; // one grid for all runs through all lines
        set(ticks, { d: levels.map((level) => `M${across(level).toFixed(2)} ${y + HIGH}v${-high}`).join(""), "stroke-width": Math.min(1, s * UNIT * 0.3) });
        given[l].forEach((value, i) => {
          const kind = l === LINE && i === PLACE ? "warm" : "accent";
          set(ways[i], { class: `${kind} line`, d: `M${across(value)} ${y + 14}L${across(rounded[l][i])} ${y + 48}` });
          set(dots[i], { class: `${kind} solid`, cx: across(value) });
          set(landed[i], { class: `${kind} solid`, cx: across(rounded[l][i]) });
        });
        says.textContent = state.share === "each" || !l ? `s = ${short(s)}, z = ${z}` : "";
      });
      set(grip, { transform: `translate(${across(state.outlier)} ${lines[LINE].y + 14})`, "aria-valuenow": state.outlier, "aria-valuetext": number(state.outlier) });
    };

    const show = () => {
      drawLines();
      const [before, after, found] = [weights(), back(), fits()];
      const errors = others(after).map((value, index) => Math.abs(value - others(before)[index]));
      const [worst, mean] = [Math.max(...errors), errors.reduce((sum, error) => sum + error, 0) / errors.length];
      const distinct = new Set(others(after)).size;
      const zeros = others(after).filter((value) => value === 0).length;
      const said = state.share === "all" ? found.slice(0, 1) : found;
      const scales = said.map(({ s }) => short(s)).join(", ");
      const points = said.map(({ z }) => z).join(", ");
      const came = distinct === 1 ? "all come back as 0" : `come back as ${distinct} different numbers${zeros ? `, ${zeros} of them as 0` : ""}`;
      tell(
        `s = ${scales};  z = ${points};  the large weight is ${number(state.outlier)}.\n` +
          `The other 11 ${came}; off by ${short(worst)} at most, ${short(mean)} on average.`,
        { ...state, weights: before, back: after, scales: found.map(({ s }) => s), zero_points: found.map(({ z }) => z), worst, mean, distinct, zeros },
      );
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      bits.show(state.bits);
      map.show(state.map);
      share.show(state.share);
      show();
    };
    const bits = slider("bits", { min: 2, max: 8, step: 1, value: state.bits, say: String, change: (value) => change({ bits: value }) });
    const map = choice("Map", [["symmetric", "symmetric"], ["affine", "affine"]], state.map, (value) => change({ map: value }));
    const share = choice("One scale for", [["all", "all twelve"], ["each", "each four"]], state.share, (value) => change({ share: value }));
    box.append(row(share, map), drawing, row(bits, button("Start again", () => change(begin()))), readout);
    show();
  },
});
