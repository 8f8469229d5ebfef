// The search, by section. INDEX is what book/_ext/site_search.py writes: pages, sections, and in which sections each word stands how often.

// What teaches comes before what asks, that before what answers; what only repeats or lists comes later.
const KINDS = [["book/09", 0.8], ["book/0", 1], ["exercises/", 0.4], ["solutions/", 0.25], ["book/kill_table", 0.3], ["", 0.6]];
const LISTS = ["Sources", "Check yourself", "What people get wrong"];
const SILENT = ["a", "an", "and", "is", "of", "the", "to"]; // which section is asked for, they do not say
const cut = (text) => text.toLowerCase().replaceAll("’", "'").match(/√?[\p{L}\p{N}_]+(?:'[\p{L}\p{N}_]+)?/gu) ?? [];

// One form for the singular and the plural, British and American spelling.
const stem = (word) =>
  word.length < 4 ? word : word.replace(/'s?$/, "").replace(/i[sz](?:ations?|e[srd]?|ers|ing)$/, "iz").replace(/our(?=s?$)/, "or")
    .replace(/ies$/, "y").replace(/(x|ch|sh|ss)es$/, "$1").replace(/([^su])s$/, "$1");

// Letters to change, add, drop or swap until one word is the other; more than `most` are not counted.
function apart(one, other, most) {
  if (Math.abs(one.length - other.length) > most) return Infinity;
  let [before, last] = [[], [...Array(other.length + 1).keys()]];
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (one[i - 1] !== other[j - 1]));
      if (one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    [before, last] = [last, row];
  }
  return last[other.length];
}

const stems = new Map(); // stem: Map(section: times); kaiming_uniform_ counts as kaiming, and as uniform, too
for (const [word, places] of Object.entries(INDEX.words)) {
  for (const form of new Set([word, ...word.split("_")].filter(Boolean).map(stem))) {
    if (!stems.has(form)) stems.set(form, new Map());
    const known = stems.get(form);
    for (let i = 0; i < places.length; i += 2) known.set(places[i], (known.get(places[i]) ?? 0) + places[i + 1]);
  }
}
const headings = INDEX.sections.map(([page, , heading]) => ({ own: new Set(cut(heading).map(stem)), page: new Set(cut(INDEX.pages[page][1]).map(stem)) }));
const weights = INDEX.sections.map(
  ([page, , heading]) => KINDS.find(([start]) => INDEX.pages[page][0].startsWith(start))[1] * (LISTS.includes(heading) ? 0.6 : 1),
);

// The site's words that a typed one may mean, and how surely: itself, else its beginnings, else those a slip or two away.
function meant(word) {
  if (stems.has(word)) return [[word, 1]];
  const all = [...stems.keys()];
  const longer = word.length > 2 ? all.filter((other) => other.startsWith(word)) : [];
  if (longer.length) return longer.map((other) => [other, 0.7]);
  const most = word.length > 7 ? 2 : word.length > 3 ? 1 : 0;
  return all.filter((other) => other.length > 2 && apart(word, other, most) <= most).map((other) => [other, 0.5]);
}

function find(query) {
  const words = cut(query);
  const telling = words.filter((word) => !SILENT.includes(word));
  const asked = [...new Set((telling.length ? telling : words).map(stem))];
  const scores = new Map(); // section: [score of its text, of its heading, words found, words found in the heading]
  for (const word of asked) {
    const best = new Map();
    for (const [other, sure] of meant(word)) {
      const places = stems.get(other);
      const rare = Math.log(1 + INDEX.sections.length / places.size);
      for (const [section, times] of places) {
        const often = times / (times + 1.2); // the first times count most
        const named = headings[section].own.has(other) ? 1.4 : headings[section].page.has(other) ? 0.45 : 0;
        const [text, heading] = best.get(section) ?? [0, 0];
        best.set(section, [Math.max(text, sure * rare * often), Math.max(heading, sure * rare * named)]);
      }
    }
    for (const [section, [text, heading]] of best) {
      const sum = scores.get(section) ?? [0, 0, 0, 0];
      scores.set(section, [sum[0] + text, sum[1] + heading, sum[2] + 1, sum[3] + (heading > 0)]);
    }
  }
  const worth = ([section, [text, heading, found, named]]) =>
    (text + (heading * named) / asked.length) * weights[section] * (found / asked.length) ** 2;
  return [...scores].sort((one, other) => worth(other) - worth(one) || one[0] - other[0]).slice(0, 20).map(([section]) => section);
}

const box = document.querySelector("main input[name=q]");
const results = document.getElementById("search-results");
function answer() {
  const found = find(box.value);
  const list = document.createElement("ol");
  for (const section of found) {
    const [page, anchor, heading, beginning] = INDEX.sections[section];
    const [address, title] = INDEX.pages[page];
    const item = document.createElement("li");
    const link = Object.assign(document.createElement("a"), { href: document.documentElement.dataset.content_root + address + (anchor && "#" + anchor), textContent: heading });
    const where = Object.assign(document.createElement("span"), { className: "where", textContent: anchor && title });
    const context = Object.assign(document.createElement("p"), { className: "context", textContent: beginning });
    item.append(link, " ", where, context);
    list.append(item);
  }
  const none = Object.assign(document.createElement("p"), { textContent: "Nothing like it stands in the course." });
  results.replaceChildren(...(found.length ? [list] : box.value.trim() ? [none] : []));
}
box.value = new URLSearchParams(location.search).get("q") ?? "";
box.addEventListener("input", answer);
box.form.addEventListener("submit", (event) => event.preventDefault());
answer();
