// One output is one sum: an entry of y, its row of x, its row of W, and what becomes of them when W is stored the other way round.

moving("one-sum", {
  label: "One output is one sum, to try out",
  caption:
    "Each entry of y stands where a row of x meets a column of Wᵀ, which is a row of W. Pick an entry of y and read its sum. " +
    "Pick a number of x, W or b, then drag it sideways or press − and +.",
  draw({ box, readout, tell, html, number, factor, product, transpose, matrix, picture, button, choice, row }) {
    const begin = () => ({
      x: [[2, 1, 0], [1, 0, 3]],
      weight: [[1, 3, 1.5], [1.5, 2, 2], [0.5, 4, 1], [2, 3, 2.5]], // (O, I), as the layer means it
      bias: [2, 0.5, 3, -1],
      shops: "4",
      stored: "oi",
      picked: [1, 2],
      held: ["x", 1, 0],
    });
    let state = begin();
    const outputs = () => Number(state.shops);
    const W = () => state.weight.slice(0, outputs());
    const handed = () => (state.stored === "oi" ? W() : transpose(W())); // what the layer is given as its weight
    const fits = () => handed()[0].length === 3;
    const linear = (weight) => product(state.x, transpose(weight)).map((line) => line.map((sum, o) => sum + state.bias[o]));

    // Each number that can be changed: where it is kept, its name, its step.
    const kept = {
      x: (i, j) => [state.x[i], j, `x[${i}, ${j}]`, 1],
      weight: (i, j) => (state.stored === "oi" ? [state.weight[j], i, `weight[${j}, ${i}]`, 0.5] : [state.weight[i], j, `weight[${j}, ${i}]`, 0.5]),
      bias: (i, j) => [state.bias, j, `b[${j}]`, 0.5],
    };
    const valueOf = (name, i, j) => {
      const [list, at] = kept[name](i, j);
      return list[at];
    };
    const nudge = (name) => (i, j, steps) => {
      const [list, at, , step] = kept[name](i, j);
      list[at] = Math.min(9, Math.max(-9, list[at] + steps * step));
      show();
    };
    const hold = (name) => (i, j) => {
      state.held = [name, i, j];
      show();
    };
    const isHeld = (name, i, j) => state.held.join() === [name, i, j].join();

    const numbers = (name, shown, options) =>
      matrix({
        name: shown,
        pick: hold(name),
        nudge: nudge(name),
        cell: (i, j) => {
          const inSum = fits() && (name === "x" ? i === state.picked[0] : j === state.picked[1]);
          return {
            text: number(valueOf(name, i, j)),
            label: `${kept[name](i, j)[2]} is ${number(valueOf(name, i, j))}`,
            kind: `${inSum ? "lit" : ""} ${isHeld(name, i, j) ? "held" : ""}`,
          };
        },
        ...options,
      });

    const drawing = picture(344, 306, "x, the transposed weight, b and y");
    let parts = [];
    const build = () => {
      const [rows, columns] = [handed()[0].length, handed().length];
      const order = state.stored === "oi" ? "Wᵀ" : "weight.T";
      parts = [
        numbers("weight", "the weight, transposed", { rows, columns, x: 172, y: 20 + (4 - rows) * 34, title: `${order}: ${rows} × ${columns}` }),
        numbers("bias", "b", { rows: 1, columns: outputs(), x: 172, y: 180, title: `b: ${outputs()}` }),
        numbers("x", "x", { rows: 2, columns: 3, x: 12, y: 238, title: "x: 2 × 3" }),
        matrix({
          name: "y", rows: 2, columns: outputs(), x: 172, y: 238, title: fits() ? `y: 2 × ${outputs()}` : "y: none",
          pick: (r, o) => {
            state.picked = [r, o];
            show();
          },
          cell: (r, o) => {
            if (!fits()) return { text: "×", label: `y[${r}, ${o}]: there is none`, kind: "wrong" };
            const [value, meant] = [linear(handed())[r][o], linear(W())[r][o]];
            const wrong = value !== meant;
            return {
              text: number(value),
              label: `y[${r}, ${o}] is ${number(value)}${wrong ? `, and should be ${number(meant)}` : ""}`,
              kind: `${state.picked.join() === [r, o].join() ? "picked" : ""} ${wrong ? "wrong" : ""}`,
            };
          },
        }),
      ];
      drawing.replaceChildren(...parts);
      drawing.setAttribute("viewBox", `0 ${(4 - rows) * 34} 344 ${306 - (4 - rows) * 34}`);
      state.picked = state.picked.map((index, axis) => Math.min(index, axis ? outputs() - 1 : 1));
      state.held = state.held[0] === "x" ? state.held : ["x", 1, 0];
    };

    const order = choice("W is stored", [["oi", "(O, I)"], ["io", "(I, O)"]], "oi", (stored) => change({ stored }));
    const size = choice("Shops, O", [["4", "4"], ["3", "3: W is square"]], "4", (shops) => change({ shops }));
    const less = button("−", () => nudge(state.held[0])(state.held[1], state.held[2], -1));
    const more = button("+", () => nudge(state.held[0])(state.held[1], state.held[2], 1));
    const held = html("span", { class: "value" });
    const again = button("Start again", () => change(begin()));

    const sum = () => {
      const [r, o] = state.picked;
      const terms = state.x[r].map((value, i) => `${factor(value)} · ${factor(handed()[o][i])}`);
      return `y[${r}, ${o}] = ${terms.join(" + ")} + ${factor(state.bias[o])} =\u00a0${number(linear(handed())[r][o])}`;
    };
    const message = () => {
      if (!fits()) return `RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x3 and ${handed()[0].length}x${handed().length})`;
      if (state.stored === "oi") return sum();
      const [is, meant] = [linear(handed()).flat(), linear(W()).flat()];
      const wrong = is.filter((value, index) => value !== meant[index]).length;
      return `${sum()}. No error, and ${wrong} of ${is.length} entries are wrong.`;
    };
    const show = () => {
      parts.forEach((part) => part.show());
      const name = kept[state.held[0]](state.held[1], state.held[2])[2];
      held.textContent = name;
      less.ariaLabel = `− Lower ${name}`;
      more.ariaLabel = `+ Raise ${name}`;
      readout.classList.toggle("wrong", state.stored === "io");
      tell(message(), { x: state.x, weight: handed(), bias: state.bias.slice(0, outputs()), y: fits() ? linear(handed()) : null, meant: linear(W()), picked: state.picked });
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      order.show(state.stored);
      size.show(state.shops);
      build();
      show();
    };
    box.append(row(order, size), drawing, row(html("span", { class: "pair" }, less, held, more), again), readout);
    build();
    show();
  },
});
