// Which outputs a number of W, b or x touches, the routes from it to the loss, and why a test with G = 1 lets wrong formulas pass.

moving("routes", {
  label: "Routes from one number to the loss, to try out",
  caption:
    "Pick a number of x, W or b. The outputs that it touches light up; on each route stands its strength, in each output G, the rate of the loss by that output. " +
    "Strength times G, summed over the routes, is the number's gradient. Then try the formulas for ∂L/∂W under both kinds of G.",
  beside: true,
  draw({ box, readout, tell, html, svg, number, factor, transpose, product, grid, matrix, picture, words, button, choice, row }) {
    const [B, I, O] = [3, 2, 3]; // B = O, or the forgotten transpose would not even have the right shape
    const X = [[1, 2], [-1, 0.5], [2, 1.5]];
    const W = [[0.5, -1], [2, 1], [-0.5, 1.5]];
    const b = [[1, 0, -1]];
    const RANDOM = [[0.5, -1, 2], [1.5, 0.5, -0.5], [-1, 1.5, 0.5]];
    const ONES = grid(B, O, () => 1);
    const FORMULAS = {
      right: ["Gᵀx", (G) => product(transpose(G), X)],
      ignores: ["ignores G", () => grid(O, I, (_, i) => sum(X.map((line) => line[i])))],
      forgets: ["forgets the transpose: G x", (G) => product(G, X)],
      averages: ["averages G first", (G) => grid(O, I, (o, i) => (sum(G.map((line) => line[o])) / B) * sum(X.map((line) => line[i])))],
    };
    const sum = (values) => values.reduce((total, value) => total + value, 0);
    const begin = () => ({ loss: "random", drawn: RANDOM, picked: ["W", 1, 0], formula: "right" });
    let state = begin();
    const G = () => (state.loss === "ones" ? ONES : state.drawn);

    // What each kind of number touches: (row, output) and with which strength.
    const ROUTES = {
      x: (r, i) => Array.from({ length: O }, (_, o) => [r, o, W[o][i], `W[${o}, ${i}]`]),
      W: (o, i) => Array.from({ length: B }, (_, r) => [r, o, X[r][i], `x[${r}, ${i}]`]),
      b: (_, o) => Array.from({ length: B }, (_, r) => [r, o, 1, "1"]),
    };
    const routes = () => ROUTES[state.picked[0]](state.picked[1], state.picked[2]);
    const nameOf = (name, i, j) => (name === "b" ? `b[${j}]` : `${name}[${i}, ${j}]`);
    const gradient = (name, i, j) => sum(ROUTES[name](i, j).map(([r, o, strength]) => G()[r][o] * strength));

    // ---- x, W and b at the left, y with its G in the middle, the loss at the right

    const [WIDTH, HEIGHT, CELL, TALL] = [344, 306, 38, 30];
    const given = (name, values, x, y) =>
      matrix({
        name, rows: values.length, columns: values[0].length, x, y, width: CELL, height: TALL,
        pick: (i, j) => change({ picked: [name, i, j] }),
        cell: (i, j) => {
          const strength = name !== state.picked[0] && routes().some(([, , , from]) => from === nameOf(name, i, j));
          return {
            text: number(values[i][j]),
            label: `${nameOf(name, i, j)} is ${number(values[i][j])}, its gradient ${number(gradient(name, i, j))}`,
            kind: state.picked.join() === [name, i, j].join() ? "picked" : strength ? "lit" : "",
          };
        },
      });
    const places = { x: [6, 22], W: [6, 138], b: [6, 254] };
    const left = Object.entries({ x: X, W, b }).map(([name, values]) => given(name, values, ...places[name]));
    const [GX, GY] = [196, 134];
    const outputs = matrix({
      name: "G", title: "y, and in it G", rows: B, columns: O, x: GX, y: GY, width: CELL, height: TALL,
      cell: (r, o) => ({ text: number(G()[r][o], 1), kind: routes().some(([row, output]) => row === r && output === o) ? "lit" : "" }),
    });
    const loss = svg("g", { transform: `translate(${WIDTH - 14} ${GY + 1.5 * TALL})` }, svg("circle", { r: 12, class: "quiet thin" }), words(0, 4.5, "L", { class: "middle" }));
    const ways = svg("g");
    const drawing = picture(WIDTH, HEIGHT, "x, W, b, the outputs and the loss", ways, ...left, outputs, loss);
    drawing.classList.add("through");

    const drawRoutes = () => {
      const [name, i, j] = state.picked;
      const [x0, y0] = [places[name][0] + (j + 1) * CELL, places[name][1] + (i + 0.5) * TALL];
      const drawn = routes().map(([r, o, strength], index) => {
        const [x1, y1] = [GX + (name === "x" ? o + 0.5 : o) * CELL, GY + (name === "x" ? r : r + 0.5) * TALL]; // a row is entered from above, a column from the side
        const [xs, ys] = [[x0, x0 + 50, x1 - 60, x1], [y0, y0, y1, y1]];
        const t = name === "x" ? 0.28 + 0.14 * index : 0.5;
        const [u, v] = [xs, ys].map(([p, q, s, e]) => (1 - t) ** 3 * p + 3 * (1 - t) ** 2 * t * q + 3 * (1 - t) * t ** 2 * s + t ** 3 * e);
        const way = svg("path", { class: "accent line", d: `M${x0} ${y0}C${xs[1]} ${ys[1]} ${xs[2]} ${ys[2]} ${x1} ${y1}` });
        const onward = svg("path", { class: "warm line", d: `M${GX + (o + 1) * CELL} ${GY + (r + 0.5) * TALL}L${WIDTH - 26} ${GY + 1.5 * TALL}` });
        return [way, onward, words(u, v + 4, number(strength), { class: "accent middle" })];
      });
      ways.replaceChildren(...drawn.flatMap(([way, onward]) => [way, onward]), ...drawn.map(([, , label]) => label));
    };

    // ---- the whole gradient of W, by a formula

    const trial = svg("g");
    const formulas = picture(WIDTH, 116, "The gradient of W by autograd and by the chosen formula", trial);
    const byFormula = () => FORMULAS[state.formula][1](G());
    const passes = () => byFormula().flat().every((value, index) => Math.abs(value - FORMULAS.right[1](G()).flat()[index]) < 1e-9);
    const drawFormulas = () => {
      const right = FORMULAS.right[1](G());
      const wrong = byFormula();
      const options = { rows: O, columns: I, y: 22, width: 52, height: TALL };
      trial.replaceChildren(
        matrix({
          ...options, name: "∂L/∂W", x: 40,
          cell: (o, i) => ({ text: number(right[o][i]), kind: state.picked.join() === ["W", o, i].join() ? "picked" : "" }),
        }),
        matrix({
          ...options, name: "by the formula", title: `by the formula: ${passes() ? "passes" : "fails"}`, x: 200,
          cell: (o, i) => ({ text: number(wrong[o][i]), kind: Math.abs(wrong[o][i] - right[o][i]) < 1e-9 ? "" : "wrong" }),
        }),
      );
    };

    const message = () => {
      const [name, i, j] = state.picked;
      const terms = routes().map(([r, o, strength]) => `${factor(G()[r][o])} · ${factor(strength)}`);
      const said = [`∂L/∂${nameOf(name, i, j)} = ${terms.join(" + ")} =\u00a0${number(gradient(name, i, j))}`];
      if (state.formula !== "right") said.push(`“${FORMULAS[state.formula][0]}” ${passes() ? "passes, and is wrong" : "is caught"}.`);
      else if (state.loss === "ones") said.push("Every row of ∂L/∂W is the same.");
      return said.join("\n");
    };
    const show = () => {
      left.forEach((part) => part.show());
      outputs.show();
      drawRoutes();
      drawFormulas();
      const found = { picked: state.picked, gradient: gradient(...state.picked), grad_weight: byFormula(), passes: passes() };
      tell(message(), { x: X, weight: W, bias: b[0], G: G(), ...found });
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      lossChoice.show(state.loss);
      formula.value = state.formula;
      show();
    };
    const lossChoice = choice("The loss", [["random", "random G"], ["ones", "y.sum(): G = 1"]], state.loss, (loss) => change({ loss }));
    const draw = () => grid(B, O, () => Math.round((Math.random() * 4 - 2) * 10) / 10 + 0);
    const another = button("Another G", () => change({ loss: "random", drawn: draw() }));
    const formula = html("select", {}, ...Object.entries(FORMULAS).map(([value, [label]]) => html("option", { value }, label)));
    formula.addEventListener("change", () => change({ formula: formula.value }));
    const formulaLabel = html("label", {}, "Formula for ∂L/∂W ", formula);
    box.append(row(lossChoice, another), drawing, row(formulaLabel, button("Start again", () => change(begin()))), formulas, readout);
    show();
  },
});
