// The bits of a number in four formats: what they mean, what the nearest numbers are, and what becomes of a float32 that is rounded to the format.

moving("bits", {
  label: "The bits of a number, to flip",
  caption:
    "A number in the format that you choose, eight bits a line. Press a bit to flip it. Below, the number between its neighbours; what lies on the thick part is " +
    "rounded to it. Dot: x, a float32. Try: 1 + 2⁻⁹ in each format; the largest number of float16 and of e4m3, and what is larger; the smallest.",
  beside: true,
  draw({ box, readout, tell, html, svg, set, short, raised, matrix, picture, words, button, choice, row }) {
    const FORMATS = { float32: [8, 23], bfloat16: [8, 7], float16: [5, 10], e4m3: [4, 3] }; // n bits of exponent, k of fraction
    const begin = () => ({ format: "bfloat16", x: 1, word: 0x3f80, text: "1" });
    let state = begin();
    let n, k, half, bias, top, last; // of the format
    const setFormat = () => {
      [n, k] = FORMATS[state.format];
      half = 2 ** (n + k); // what the sign's bit is worth
      bias = 2 ** (n - 1) - 1;
      top = state.format === "e4m3" ? half - 2 : (2 ** n - 1) * 2 ** k - 1; // the word of the largest number
      last = state.format === "e4m3" ? top : top + 1; // and with infinity
    };

    // ---- numbers and words. A word is the bits as a whole number; without its sign the next larger number is the next larger word.

    const parts = (size) => ({ E: Math.floor(size / 2 ** k), f: size % 2 ** k });
    const finite = (size, { E, f } = parts(size)) => 2 ** (Math.max(E, 1) - bias) * ((E ? 1 : 0) + f / 2 ** k);
    const sized = (size) => (size <= top ? finite(size) : size === last ? Infinity : NaN);
    const valueOf = (word) => (word < half ? sized(word) : -sized(word - half));
    const rounded = (x) => { // to the nearest, ties to even
      const sign = x < 0 || Object.is(x, -0) ? half : 0;
      if (Number.isNaN(x)) return half - 1;
      if (!Number.isFinite(x)) return sign + last;
      let e = 1 - bias;
      while (2 ** (e + 1) <= Math.abs(x)) e++;
      const steps = Math.abs(x) / 2 ** (e - k);
      const up = steps % 1 > 0.5 || steps % 2 === 1.5;
      return sign + Math.min((e - 1 + bias) * 2 ** k + Math.floor(steps) + up, last); // a full fraction is carried into the exponent
    };
    /** The word one number further up (1) or down (−1), NaN where there is none. */
    const beside = (word, way) => {
      const size = word % half;
      const place = (word < half ? size : -size) + way; // −0 and 0 are one place
      if (Number.isNaN(valueOf(word)) || Math.abs(place) > last) return NaN;
      return place < 0 ? half - place : place;
    };

    // ---- how they are written

    const special = (value) => (Object.is(value, -0) ? "−0" : String(value).replace("Infinity", "∞").replace("-", "−"));
    const decimal = (value) => (value && Number.isFinite(value) ? short(value, 11) : special(value));
    const amount = (value) => (Math.log2(value) % 1 || (value >= 1 && value < 1e4) ? decimal(value) : `2${raised(Math.log2(value))}`);
    /** The float32 that a sum such as 1 + 2^-9 is, or NaN if it is no such thing. */
    const parse = (text) => {
      const whole = text.toLowerCase().replace(/\s/g, "").replaceAll("−", "-");
      const terms = [...whole.matchAll(/([+-]?)(inf(?:inity)?|[\d.]+(?:e[+-]?\d+)?)(?:\^([+-]?\d+))?/g)];
      if (!terms.length || terms.map(([term]) => term).join("") !== whole) return NaN;
      const values = terms.map(([, sign, base, power = 1]) => (sign === "-" ? -1 : 1) * (base[0] === "i" ? Infinity : Number(base)) ** Number(power));
      return Math.fround(values.reduce((total, value) => total + value));
    };

    // ---- the bits, and the line with three numbers

    const [WIDTH, TOP, WIDE, TALL, LEFT, RIGHT] = [344, 30, 40, 34, 12, 332];
    const names = [["sign", "", 12], ["exponent E", "accent", 52], ["fraction f", "warm", 140]].map(([label, kind, x]) => words(x, 18, label, { class: kind }));
    const [bits, line] = [svg("g"), svg("g")];
    const drawing = picture(WIDTH, 200, "The bits, and the number between its neighbours", ...names, bits, line);
    let cells;
    const build = () => {
      const count = 1 + n + k;
      const worth = (i, j) => 2 ** (count - 1 - (8 * i + j));
      const bit = (i, j) => Math.floor(state.word / worth(i, j)) % 2;
      cells = matrix({
        name: "bits", title: "", rows: count / 8, columns: 8, x: LEFT, y: TOP, width: WIDE, height: TALL,
        press: (i, j) => take(state.word + (bit(i, j) ? -1 : 1) * worth(i, j)),
        cell: (i, j) => {
          const place = 8 * i + j;
          const [name, kind] = place === 0 ? ["sign", "ink"] : place <= n ? [`exponent bit ${n - place}`, "accent"] : [`fraction bit ${count - 1 - place}`, "warm"];
          return { text: bit(i, j), label: `${name}: ${bit(i, j)}`, kind: `bit ${kind} ${bit(i, j) ? "picked" : ""}` };
        },
      });
      bits.replaceChildren(cells);
      set(line, { transform: `translate(0 ${TOP + (count / 8) * TALL + 36})` });
      set(drawing, { viewBox: `0 0 ${WIDTH} ${TOP + (count / 8) * TALL + 80}` });
    };
    const drawLine = (v, around) => {
      line.replaceChildren();
      if (Number.isNaN(v)) return;
      const size = state.word % half;
      const sign = state.word < half ? 1 : -1;
      const places = [-1, 0, 1].map((way) => (size ? sign * finite(size + sign * way) : way * finite(1))); // infinity stands where the next number would
      const across = (value) => LEFT + ((RIGHT - LEFT) * (value - places[0])) / (places[2] - places[0]);
      const [low, here, high] = places.map(across);
      line.append(
        svg("path", { class: "quiet thin", d: `M${low} 0H${high}M${low} -6v12M${high} -6v12` }),
        svg("path", { class: "accent bold", d: `M${(low + here) / 2} 0H${(here + high) / 2}M${here} -6v12` }),
        words(here, -13, decimal(v), { class: "accent middle" }),
        words(low, 38, decimal(around[0]), { class: "axis" }),
        words(high, 38, decimal(around[1]), { class: "axis end" }),
      );
      if (state.x < places[0] || state.x > places[2]) return;
      line.append(svg("circle", { cx: across(state.x), r: 4.5, class: "violet solid" }), words(across(state.x), 20, "x", { class: "violet middle" }));
    };

    // ---- what is said

    const meaning = (v) => {
      const { E, f } = parts(state.word % half);
      const kind = E === 2 ** n - 1 ? ", all ones" : E ? "" : f ? ", subnormal" : ", zero";
      const sign = state.word < half ? "+" : "−";
      const fraction = E ? `(1 + ${f}/${2 ** k})` : `${f}/${2 ** k}`;
      const formula = `${sign}2${raised(Math.max(E, 1) - bias)} · ${fraction} ${Number(v.toPrecision(10)) === v ? "=" : "≈"} ${decimal(v)}`;
      return `E = ${E}${kind}, f = ${f}: ${Number.isNaN(v) ? "NaN" : `v = ${Number.isFinite(v) ? formula : `${sign}∞`}`}`;
    };
    const gaps = (v, around) => {
      const away = (other) => (Number.isFinite(other) ? `, ${amount(Math.abs(v - other))} away` : "");
      const texts = around.map((other) => (Number.isNaN(other) ? "none" : decimal(other) + away(other)));
      return Number.isFinite(v) ? `Next smaller: ${texts[0]}. Next larger: ${texts[1]}.` : "";
    };
    const rounding = (v, around) => {
      const [{ x }, largest] = [state, decimal(finite(top))];
      if (Number.isNaN(v)) return "";
      if (Object.is(x, v)) return `x = ${decimal(x)} is a number of ${state.format}.`;
      if (Math.abs(x) > finite(top) && top === last)
        return `x = ${decimal(x)} is beyond ${largest}, and e4m3 has no infinity. A cast makes of it ${largest}, as here, or NaN: PyTorch's versions differ.`;
      if (!Number.isFinite(v)) return `x = ${decimal(x)} overflows: it is at least half a step beyond the largest number, ${largest}.`;
      const tie = around.find((other) => x - v === other - x);
      const reason = tie === undefined ? "" : `: a tie with ${decimal(tie)}, and the one whose last bit is 0 wins`;
      return `x = ${decimal(x)} is rounded to ${decimal(v)}, ${v ? `off by ${amount(Math.abs(x - v))}` : "and lost"}${reason}.`;
    };
    const show = () => {
      cells.show();
      const v = valueOf(state.word);
      const around = [-1, 1].map((way) => valueOf(beside(state.word, way)));
      drawLine(v, around);
      const said = [meaning(v), gaps(v, around), rounding(v, around)].filter(Boolean);
      tell(said.join("\n"), { ...state, x: String(state.x), value: String(v), around: around.map(String) });
    };
    const change = (changes) => {
      state = { ...state, ...changes };
      if (changes.format) setFormat();
      if (changes.word === undefined) state.word = rounded(state.x);
      if (changes.format) build();
      if (field.value !== state.text) field.value = state.text;
      set(field, { "aria-invalid": "false" });
      formats.show(state.format);
      show();
    };
    const take = (word) => Number.isNaN(word) || change({ word, x: valueOf(word), text: String(valueOf(word)) });
    const read = (text) => (Number.isNaN(parse(text)) ? set(field, { "aria-invalid": "true" }) : change({ x: parse(text), text }));
    const formats = choice("Format", Object.keys(FORMATS).map((name) => [name, name]), state.format, (name) => change({ format: name }));
    const field = html("input", { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" });
    field.addEventListener("input", () => read(field.value));
    const tries = ["1 + 2^-9", "256 + 1", "65520", "2^-20"].map((text) => button(text.replace(/\^(-?\d+)/, (_, power) => raised(power)), () => read(text)));
    const walk = [["Next smaller", -1], ["Next larger", 1]].map(([label, way]) => button(label, () => take(beside(state.word, way))));
    const again = button("Start again", () => change(begin()));
    box.append(row(formats), drawing, row(html("label", {}, "x = ", field), ...tries), row(...walk, again), readout);
    change(begin());
  },
});
