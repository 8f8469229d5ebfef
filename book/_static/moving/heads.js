// Heads: where each number of each token goes when features are split into heads and merged again, and what a wrong way does to a causal mask.

moving("heads", {
  label: "Splitting and merging heads, to try out",
  caption:
    "Tokens a, b, c, …, four features each, a colour for each token. Choose how x is split into heads and how the heads are merged. " +
    "Then shake a token: under a causal mask, outputs that move are outlined, and those of earlier tokens are a leak.",
  draw({ box, readout, tell, svg, grid, picture, words, button, choice, slider, row }) {
    const [WIDTH, CELL, WIDE, TOP, FEATURES] = [344, 26, 22.5, 40, 4]; // a cell is WIDE and CELL high
    const COLOURS = ["accent", "warm", "green", "violet", "quiet", "ink"];
    const begin = () => ({ tokens: 4, heads: 2, way: "right", shaken: null });
    let state = begin();
    const letter = (token) => "abcdef"[token];

    /** Where the number of token t and feature c lies: in which head, row and column. `reshape` alone reads the numbers in the order of memory. */
    const split = (t, c) => {
      const { tokens, heads, way } = state;
      const size = FEATURES / heads;
      if (way !== "both") return [Math.floor(c / size), t, c % size];
      const place = t * FEATURES + c;
      return [Math.floor(place / (tokens * size)), Math.floor(place / size) % tokens, place % size];
    };
    /** And the way back: which output, and which of its features, row and column of a head become. */
    const merge = (head, line, column) => {
      const { tokens, heads, way } = state;
      const size = FEATURES / heads;
      if (way === "right") return [line, head * size + column];
      const place = (head * tokens + line) * size + column;
      return [Math.floor(place / FEATURES), place % FEATURES];
    };
    const all = () => grid(state.tokens, FEATURES, (t, c) => [t, c]).flat();
    /** The outputs that depend on a token. In each head, line by line, attention sees this line and those before it. */
    const movedBy = (token) => {
      const moved = new Set();
      for (const [t, c] of all()) {
        const [head, line] = split(t, c);
        const sees = all().some(([other, feature]) => other === token && split(other, feature)[0] === head && split(other, feature)[1] <= line);
        if (sees) moved.add(merge(...split(t, c))[0]);
      }
      return [...moved].sort((a, b) => a - b);
    };

    // ---- the same numbers three times: in x, in the heads, in what is merged

    const [XS, XH, XM] = [32, 138, 248];
    const place = {
      x: (t, c) => [XS + c * WIDE, TOP + t * CELL],
      heads: (t, c) => {
        const [head, line, column] = split(t, c);
        const size = FEATURES / state.heads;
        return [XH + head * size * WIDE + column * WIDE - (state.heads - 1) * 3 + head * 6, TOP + line * CELL];
      },
      merged: (t, c) => {
        const [line, column] = merge(...split(t, c));
        return [XM + column * WIDE, TOP + line * CELL];
      },
    };
    const drawing = picture(WIDTH, 200, "x, its heads, and the heads merged");
    const titles = svg("g", {}, words(XS, 16, "x", { class: "title" }), words(XH, 16, "heads", { class: "title" }), words(XM, 16, "merged", { class: "title" }));
    const shapes = [XS, XH, XM].map((x) => words(x, 31, "", { class: "title" }));
    let cells, rows, outlines;
    const build = () => {
      cells = Object.keys(place).flatMap((where) =>
        all().map(([t, c]) => {
          const tile = svg("rect", { width: WIDE, height: CELL, class: "tile" });
          return { where, t, c, element: svg("g", { class: `token ${COLOURS[t]} glides` }, tile, words(WIDE / 2, CELL / 2, letter(t) + c, { class: "number" })) };
        }));
      rows = grid(state.tokens, 1, (t) => {
        const press = () => change({ shaken: state.shaken === t ? null : t });
        const element = svg(
          "g",
          { role: "button", tabindex: 0, "aria-label": `Shake token ${letter(t)}`, class: `shaker ${COLOURS[t]}`, transform: `translate(2 ${TOP + t * CELL})` },
          svg("rect", { width: CELL, height: CELL, class: "reach" }),
          words(CELL / 2, CELL / 2, letter(t), { class: "number" }),
        );
        element.addEventListener("click", press);
        element.addEventListener("keydown", (event) => {
          if (![" ", "Enter"].includes(event.key)) return;
          event.preventDefault();
          press();
        });
        return element;
      }).flat();
      outlines = grid(state.tokens, 1, (t) => svg("rect", { x: XM - 2, y: TOP + t * CELL + 1, width: FEATURES * WIDE + 4, height: CELL - 2, rx: 3, class: "outline" })).flat();
      drawing.setAttribute("viewBox", `0 0 ${WIDTH} ${TOP + state.tokens * CELL + 6}`);
      drawing.replaceChildren(titles, ...shapes, ...cells.map(({ element }) => element), ...outlines, ...rows);
    };

    const after = (token) => Array.from({ length: state.tokens - token }, (_, index) => token + index); // what should move: itself and all later ones
    const message = (moved) => {
      const { way, shaken } = state;
      if (shaken === null) {
        return {
          right: "Each head gets a part of every token, and merging puts every number back.",
          both: "Same shapes, no error, and the numbers come back in order; but a head reads only some of the tokens.",
          merge: "Same shapes, no error, and an output is made of several tokens' numbers.",
        }[state.heads === 1 ? "right" : way];
      }
      const [leaked, deaf] = [moved.filter((t) => t < shaken), after(shaken).filter((t) => !moved.includes(t))];
      const list = (some) => some.map(letter).join(", ");
      const said = [`Token ${letter(shaken)} shaken, outputs that move: ${list(moved)}.`];
      if (leaked.length) said.push(`A leak: ${list(leaked)} should not see the future.`);
      if (deaf.length) said.push(`Missing: ${list(deaf)} should move too.`);
      if (!leaked.length && !deaf.length) said.push("As it should be: its own output and all later ones.");
      return said.join(" ");
    };
    const show = () => {
      const { tokens, heads, shaken, way } = state;
      const moved = shaken === null ? [] : movedBy(shaken);
      for (const { where, t, c, element } of cells) {
        const [x, y] = place[where](t, c);
        element.style.transform = `translate(${x}px, ${y}px)`;
        element.classList.toggle("shaken", t === shaken && where === "x");
        element.classList.toggle("dim", shaken !== null && t !== shaken);
      }
      rows.forEach((element, t) => element.setAttribute("aria-pressed", t === shaken));
      outlines.forEach((element, t) => element.setAttribute("class", `outline ${!moved.includes(t) ? "" : t < shaken ? "warm" : "accent"}`));
      [`(${tokens}, 4)`, `(${heads}, ${tokens}, ${FEATURES / heads})`, `(${tokens}, 4)`].forEach((shape, index) => (shapes[index].textContent = shape));
      readout.classList.toggle("wrong", shaken !== null && moved.join() !== after(shaken).join());
      tell(message(moved), { tokens, heads, way, shaken, moved, split: all().map(([t, c]) => split(t, c)), merged: all().map(([t, c]) => merge(...split(t, c))) });
    };
    const change = (changes) => {
      const rebuilt = ["tokens", "heads"].some((name) => name in changes && changes[name] !== state[name]);
      state = { ...state, ...changes };
      if (state.shaken >= state.tokens) state.shaken = null;
      ways.show(state.way);
      heads.show(String(state.heads));
      tokens.show(state.tokens);
      if (rebuilt) build();
      show();
    };
    const ways = choice("Split and merge", [["right", "right"], ["both", "both by reshape"], ["merge", "merge by reshape"]], state.way, (way) => change({ way }));
    const heads = choice("Heads", [["1", "1"], ["2", "2"], ["4", "4"]], "2", (value) => change({ heads: Number(value) }));
    const tokens = slider("tokens", { min: 2, max: 6, step: 1, value: state.tokens, say: String, change: (value) => change({ tokens: value }) });
    box.append(row(ways), drawing, row(heads, tokens, button("Start again", () => change(begin()))), readout);
    build();
    show();
  },
});
