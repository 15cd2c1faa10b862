// Families by models, and items by models: filters, order, pages.

const PAGE_SIZE = 40;
const NOT_MEASURED = 255;
const STEPS = 200;
const RIGHT = STEPS / 2;
const form = byId("filters");
const matrix = { filters: {}, found: [], page: 0 };
const scores = data.scores.map((letters) => Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0)));
const items = data.items.map(([sample, family, question, mode], place) => ({ place, sample: data.samples[sample], file: data.files[sample], family: data.families[family], question, mode }));

/** The score of a run (by place) in an item, 0 to 200; undefined if it has none. */
const scoreOf = (run, item) => (scores[run][item.place] <= STEPS ? scores[run][item.place] : undefined);
const runName = (run) => `${data.runs[run].number ?? ""} ${data.runs[run].name}`.trim();
const fullName = (run) => (data.runs[run].number ? runName(run) : `${data.runs[run].name}, ${data.runs[run].day}`);

/** The models side by side: the latest run of each, and an earlier one that was chosen as A or B. */
function shownRuns() {
  const chosen = [matrix.filters.a, matrix.filters.b].filter(Boolean).map(Number);
  return [...data.columns, ...chosen.filter((run) => !data.columns.includes(run))];
}

function valuesOf(item) {
  return shownRuns().map((run) => scoreOf(run, item)).filter((value) => value !== undefined);
}
const meanOf = (item) => { const values = valuesOf(item); return values.length ? values.reduce((a, b) => a + b, 0) / values.length : undefined; };

/** How divided the models are: largest if as many are right as wrong. */
function division(item) {
  const values = valuesOf(item);
  const right = values.filter((value) => value >= RIGHT).length;
  return values.length ? Math.min(right, values.length - right) / values.length : -1;
}

function passesWhere(item, { a, b, where }) {
  if (!where) return true;
  if (where === "none" || where === "every") {
    const values = valuesOf(item);
    return values.length > 0 && values.every((value) => (value >= RIGHT) === (where === "every"));
  }
  if (!a || !b) return true;
  const [one, other] = [scoreOf(Number(a), item), scoreOf(Number(b), item)];
  if (one === undefined || other === undefined) return false;
  const [first, second] = [one >= RIGHT, other >= RIGHT];
  return { a: first && !second, b: second && !first, differ: one !== other, neither: !first && !second }[where];
}

function passes(item, filters) {
  return (
    item.mode === filters.mode && (!filters.question || item.question === filters.question) &&
    (!filters.family || item.family === filters.family) &&
    (!filters.text || item.sample.toLowerCase().includes(filters.text.trim().toLowerCase())) && passesWhere(item, filters)
  );
}

function ordered(found, { order, a, b, where }) {
  const gap = (item) => Math.abs((scoreOf(Number(a), item) ?? 0) - (scoreOf(Number(b), item) ?? 0));
  if (order === "hard") return found.toSorted((one, other) => (meanOf(one) ?? 999) - (meanOf(other) ?? 999));
  if (order === "split") return found.toSorted((one, other) => division(other) - division(one));
  if (where === "differ" && a && b) return found.toSorted((one, other) => gap(other) - gap(one));
  return found;
}

function scoreCell(run, item) {
  const raw = scores[run][item.place];
  if (raw > STEPS) return make("td", { class: "empty" }, raw === NOT_MEASURED ? "×" : "");
  return make("td", { class: `cell h${Math.round(raw / 10)}` }, make("span", {}, String(Math.round(raw / 2))));
}

function headings(first) {
  const chosen = [matrix.filters.a, matrix.filters.b].map((run) => (run ? Number(run) : null));
  return make("thead", {}, make("tr", {}, first.map((text) => make("th", { scope: "col" }, text)), shownRuns().map((run) => make(
    "th", { scope: "col", class: `upright${data.runs[run].alike ? "" : " unlike"}`, title: `${data.runs[run].name}, ${data.runs[run].day}` },
    make("span", {}, fullName(run), chosen.includes(run) ? make("b", {}, chosen[0] === run ? " A" : " B") : null)))));
}

function itemRow(item, index) {
  const mean = meanOf(item);
  return make("tr", { click: () => openItem(index) },
    make("th", { scope: "row" }, make("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, breakable(item.sample)), make("small", {}, ` ${item.question}`)),
    make("td", { class: "number" }, mean === undefined ? "-" : (mean / 2).toFixed(0)), shownRuns().map((run) => scoreCell(run, item)));
}

function showPage(page) {
  const pages = Math.max(1, Math.ceil(matrix.found.length / PAGE_SIZE));
  matrix.page = Math.min(Math.max(page, 0), pages - 1);
  const first = matrix.page * PAGE_SIZE;
  const shown = matrix.found.slice(first, first + PAGE_SIZE);
  byId("matrix").replaceChildren(headings(["Item", "Mean"]), make("tbody", {}, shown.map((item, index) => itemRow(item, first + index))));
  byId("pager").hidden = pages === 1;
  byId("pager").querySelector("output").textContent = `${first + 1} to ${first + shown.length}`;
  const [previous, next] = byId("pager").querySelectorAll("button");
  previous.disabled = matrix.page === 0;
  next.disabled = matrix.page === pages - 1;
}

function setFilters(filters) {
  matrix.filters = { mode: form.elements.mode.options[0].value, ...Object.fromEntries(Object.entries(filters).filter(([, value]) => value)) };
  for (const field of form.elements) if (field.name) field.value = matrix.filters[field.name] ?? "";
  matrix.found = ordered(items.filter((item) => passes(item, matrix.filters)), matrix.filters);
  const all = items.filter((item) => item.mode === matrix.filters.mode).length;
  byId("count").textContent = `${counted(matrix.found.length)} of ${counted(all)} items`;
  showPage(0);
}

/** The heat map of a figure: families in rows, models in columns. */
function showHeat(name) {
  const [mode, question] = name.split("/");
  const rows = Object.entries(data.heat[name]);
  const link = (family) => `#items?${new URLSearchParams({ mode, ...(question ? { question } : {}), family })}`;
  const cell = (family, value, column) => (value === null ? make("td", { class: "empty" }, "-") : make("td", { class: `cell h${Math.round(20 * value)}` },
    make("a", { href: link(family) }, hundredths(value), make("span", { class: "detail" }, `${family}, ${data.runs[data.columns[column]].name}: ${hundredths(value)}`))));
  byId("heat").replaceChildren(
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Family"), data.columns.map((run) => make("th", { scope: "col", class: `upright${data.runs[run].alike ? "" : " unlike"}`, title: data.runs[run].name }, make("span", {}, runName(run)))))),
    make("tbody", {}, rows.map(([family, values]) => make("tr", {}, make("th", { scope: "row" }, breakable(family)), values.map((value, column) => cell(family, value, column))))));
}
