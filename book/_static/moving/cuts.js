// One Linear on several devices: what each of them holds and makes, what they must send, and what a bias on every device does.

moving("cuts", {
  label: "One Linear on several devices, to try out",
  caption:
    "One Linear on 1, 2 or 4 devices, a colour for each; what has no colour is on all of them. Pick an entry of y to see where it comes from. " +
    "Try: cut W along its inputs, let each device add b, and change the number of devices.",
  beside: true,
  draw({ box, readout, tell, svg, set, number, factor, table, product, transpose, grid, matrix, picture, words, button, toggle, choice, row }) {
    const [B, I, O, BYTES] = [2, 4, 4, 4]; // a number has 4 bytes
    const COLOURS = ["accent", "green", "violet", "warm"]; // warm, the colour of what is wrong, comes last
    const FIRST = { x: [[1, 2, 0, -1], [3, -2, 1, 2]], W: [[1, 0, 2, -1], [2, 1, -1, 1], [0, -2, 1, 1], [-1, 1, 1, 2]], b: [1, 2, -1, 3] };
    const begin = () => ({ ...FIRST, cut: "outputs", devices: 2, each: false, picked: [1, 1] });
    let state = begin();

    // ---- what the devices k hold and make

    const index = (k) => "₁₂₃₄"[k];
    const devices = () => Array.from({ length: state.devices }, (_, k) => k);
    const whole = () => state.devices === 1;
    const ofDevice = (list, k) => list.slice((k * 4) / state.devices, ((k + 1) * 4) / state.devices); // I and O are 4
    const columnsOf = (rows, k) => rows.map((line) => ofDevice(line, k));
    const plus = (rows, b) => rows.map((line) => line.map((value, o) => value + b[o]));
    const makes = (k) => {
      const { x, W, b, cut, each } = state;
      if (cut === "outputs") return plus(product(x, transpose(ofDevice(W, k))), ofDevice(b, k));
      const term = product(columnsOf(x, k), transpose(columnsOf(W, k)));
      return each ? plus(term, b) : term;
    };
    const torchs = () => plus(product(state.x, transpose(state.W)), state.b);
    const result = () => {
      const made = devices().map(makes);
      if (state.cut === "outputs") return state.x.map((_, r) => made.flatMap((part) => part[r]));
      const sum = grid(B, O, (r, o) => made.reduce((total, term) => total + term[r][o], 0));
      return state.each ? sum : plus(sum, state.b);
    };
    const Q = BYTES * B * O;
    const sent = () => ((state.cut === "outputs" ? 1 : 2) * (state.devices - 1) * Q) / state.devices; // by a ring
    const held = () => {
      const n = state.devices;
      return state.cut === "outputs" ? [B * I, (O * I) / n, O / n].map((count) => BYTES * count) : [(B * I) / n, (O * I) / n, O].map((count) => BYTES * count);
    };

    // ---- pictures: what is held, what is made, what becomes of it

    const [WIDTH, CELL, WIDE, TALL, GAP, TOP] = [344, 21, 30, 22, 7, 20];
    const drawing = picture(WIDTH, 300, "What each device holds and makes");
    const named = (name, k) => (whole() ? name : name + index(k));
    /** A tensor's block on device k, or (null) on each: its values, and which entries have a part in the picked one. */
    const block = (name, k, values, x, y, lit, { width = CELL, title = name } = {}) =>
      matrix({
        name: `${name}, on ${k === null ? "each device" : `device ${k + 1}`}`, title, rows: values.length, columns: values[0].length, x, y, width, height: TALL,
        cell: (i, j) => ({ text: number(values[i][j]), kind: `${k === null ? "" : `owned ${COLOURS[k]}`} ${lit(i, j, ...state.picked) ? "lit" : ""}` }),
      });
    const holds = (k) => {
      const { x, W, b, cut, devices: n } = state;
      const [size, XW, XB] = [4 / n, 136, 256];
      if (cut === "inputs") {
        const right = k * (CELL * size + GAP);
        const parts = [["x", x, 4, (i, _, r) => i === r], ["W", W, XW, (i, _, r, o) => i === o]];
        return parts.map(([name, rows, left, lit]) => block(named(name, k), k, columnsOf(rows, k), left + right, TOP, lit));
      }
      const y = TOP + k * (size * TALL + GAP);
      return [
        block(named("W", k), k, ofDevice(W, k), XW, y, (i, _, r, o) => k * size + i === o, { title: whole() ? "W" : "" }),
        words(XW - 5, y + (size * TALL) / 2 + 4, whole() ? "" : named("W", k), { class: "title end" }),
        block(named("b", k), k, [ofDevice(b, k)], XB + k * (CELL * size + 2), TOP, (_, j, r, o) => k * size + j === o),
      ];
    };
    const made = (k, top) => {
      const { cut, devices: n, each } = state;
      const size = O / n;
      if (cut === "outputs") {
        const left = (WIDTH - O * WIDE - (n - 1) * GAP) / 2 + k * (size * WIDE + GAP);
        return block(named("y", k), k, makes(k), left, top, (i, j, r, o) => i === r && k * size + j === o, { width: WIDE });
      }
      const left = WIDTH / 2 + (whole() ? -O * WIDE / 2 : k % 2 ? GAP : -O * WIDE - GAP);
      const title = `${named("x", k)} ${named("W", k)}ᵀ${each ? " + b" : ""}`;
      return block(title, k, makes(k), left, top + Math.floor(k / 2) * (2 * TALL + 24), (i, j, r, o) => i === r && j === o, { width: WIDE });
    };
    const build = () => {
      const { x, b, cut, devices: n, each } = state;
      const outputs = cut === "outputs";
      const middle = TOP + 4 * TALL + (outputs ? (n - 1) * GAP : 0) + 32;
      const below = middle + (!outputs && n === 4 ? 4 * TALL + 24 : 2 * TALL);
      const shared = outputs ? block("x", null, x, 4, TOP, (i, _, r) => i === r) : block("b", null, [b], 256, TOP, (_, j, r, o) => j === o);
      const blocks = [shared, ...devices().flatMap((k) => [...holds(k), made(k, middle)])];
      const steps = [whole() ? "" : outputs ? "all-gather" : "all-reduce", outputs || each ? "" : "+ b"].filter(Boolean).join(", then ");
      const [y, meant] = [result(), torchs()];
      const outcome = matrix({
        name: "y", title: "y, on each device", rows: B, columns: O, x: (WIDTH - O * WIDE) / 2, y: below + 46, width: WIDE, height: WIDE, // to be pressed
        pick: (r, o) => {
          state.picked = [r, o];
          for (const part of [...blocks, outcome]) part.show?.();
          say();
        },
        cell: (r, o) => {
          const wrong = y[r][o] !== meant[r][o];
          const label = `y[${r}, ${o}] is ${number(y[r][o])}${wrong ? `, and should be ${number(meant[r][o])}` : ""}`;
          return { text: number(y[r][o]), label, kind: `${state.picked.join() === [r, o].join() ? "picked" : ""} ${wrong ? "wrong" : ""}` };
        },
      });
      drawing.replaceChildren(...blocks, words(WIDTH / 2, below + 19, steps && `↓ ${steps}`, { class: "middle" }), outcome);
      set(drawing, { viewBox: `0 0 ${WIDTH} ${below + 46 + 2 * WIDE + 4}` });
    };

    const message = () => {
      const { b, cut, devices: n, each, picked: [r, o] } = state;
      const [y, meant] = [result(), torchs()];
      const name = `y[${r}, ${o}]`;
      const said = [];
      if (cut === "outputs") said.push(`${name} = ${number(y[r][o])}${whole() ? "." : `: device ${Math.floor((o * n) / O) + 1} alone makes it.`}`);
      else {
        const terms = devices().map((k) => makes(k)[r][o]);
        if (each) said.push(`${name} = ${terms.map((term) => `(${number(term - b[o])} + ${factor(b[o])})`).join(" + ")} = ${number(y[r][o])}`);
        else said.push(`${name} = (${terms.map((term, k) => (k ? factor(term) : number(term))).join(" + ")}) + ${factor(b[o])} = ${number(y[r][o])}: the devices’ terms, then b.`);
      }
      const right = y.flat().join() === meant.flat().join();
      if (right) said.push(`y = ${table(y)}, as F.linear(x, W, b).`);
      else said.push(`y = ${table(y)}, but F.linear(x, W, b) = ${table(meant)}: b is in y ${n} times.`);
      const [x, W, bias] = held();
      said.push(`Bytes on each device: x ${x}, W ${W}, b ${bias}, together ${x + W + bias}. Sent by each${whole() ? "" : ", in a ring"}: ${sent()}.`);
      return said.join("\n");
    };
    const say = () => {
      const { x, W, b, cut, devices: n, each, picked } = state;
      readout.classList.toggle("wrong", result().flat().join() !== torchs().flat().join());
      tell(message(), { x, W, b, cut, devices: n, each, picked, made: devices().map(makes), y: result(), torchs: torchs(), held: held(), sent: sent() });
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      if (state.cut === "outputs") state.each = false;
      cut.show(state.cut);
      count.show(String(state.devices));
      each.show(state.each);
      each.hidden = state.cut === "outputs";
      build();
      say();
    };
    const whim = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
    const other = () => ({ x: grid(B, I, () => whim(-3, 3)), W: grid(O, I, () => whim(-2, 2)), b: Array.from({ length: O }, () => whim(1, 3) * (whim(0, 1) ? 1 : -1)) });
    const cut = choice("W is cut along its", [["outputs", "outputs"], ["inputs", "inputs"]], state.cut, (value) => change({ cut: value }));
    const count = choice("Devices", [["1", "1"], ["2", "2"], ["4", "4"]], "2", (value) => change({ devices: Number(value) }));
    const each = toggle("Each device adds b", false, (value) => change({ each: value }));
    box.append(row(cut, count), drawing, row(each, button("Other numbers", () => change(other())), button("Start again", () => change(begin()))), readout);
    change({});
  },
});
