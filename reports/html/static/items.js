// The list of items: filters, sorting, pages.

const PAGE_SIZE = 50;
const form = byId("filters");
const list = { filters: {}, sort: { by: "", descending: false }, found: data.items, page: 0 };

const sortKeys = {
  sample: (item) => item.sample,
  question: (item) => item.question + item.mode,
  score: (item) => item.score?.value,
  latency: (item) => item.answer?.latency_s || undefined,
  tokens: (item) => item.answer?.completion_tokens ?? undefined,
};

function searchable(item) {
  item.searchable ??= [
    item.sample, item.scenario, item.answer?.text, item.answer?.reasoning, item.error?.kind, item.error?.message,
    item.score && JSON.stringify([item.score.extracted, item.score.expected]), item.flags?.join(" "), item.request,
  ].join("\n").toLowerCase();
  return item.searchable;
}

/** Whether an item passes; empty and unknown filters pass everything. */
function passes(item, filters) {
  const score = item.score ? 100 * item.score.value : null;
  return (
    ["family", "question", "mode", "status", "scenario", "truth", "said", "sample"].every(
      (name) => !filters[name] || item[name] === filters[name],
    ) &&
    (!filters.variant || (item.variant || "none") === filters.variant) &&
    (!filters.flag || item.flags?.includes(filters.flag)) &&
    (!filters.lowest || (score !== null && score >= Number(filters.lowest) - 1e-9)) &&
    (!filters.highest || (score !== null && score <= Number(filters.highest) + 1e-9)) &&
    (!filters.text || searchable(item).includes(filters.text.trim().toLowerCase()))
  );
}

/** Sorted by the key; items without one come last in either direction, and equal ones keep their order. */
function sorted(items, { by, descending }) {
  if (!by) return items;
  const key = sortKeys[by];
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0) * (descending ? -1 : 1);
  return items.toSorted((one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
    return compare(a, b);
  });
}

function excerpt(item) {
  if (item.said) {
    const expected = item.said === item.truth ? null : make("small", {}, ` expected ${visible(item.truth)}`);
    return make("p", { class: "isolated" }, visible(item.said), expected);
  }
  const text = item.error ? `${item.error.kind}: ${item.error.message}` : (item.answer?.text ?? "");
  return make("p", { class: "isolated" }, visible(text.slice(0, 240)));
}

function row(item, place) {
  const name = [item.sample, item.repeat ? ` #${item.repeat + 1}` : "", item.variant ? ` (${item.variant})` : ""].join("");
  const digest = shownPlots(item, data.samples[item.sample])[0];
  return make(
    "tr", { click: () => openItem(place) },
    make("td", { class: "picture" }, digest && image(digest, "")),
    make("td", { class: "named" }, make("button", { type: "button", class: "open", "aria-haspopup": "dialog" }, breakable(name)), make("br"), make("small", {}, visible(item.family))),
    make("td", { class: "which" }, `${item.question} `, make("small", {}, modeNames[item.mode])),
    make("td", { class: "number scored" }, pill(item)),
    make("td", { class: "said" }, excerpt(item)),
    make("td", { class: "number quantity" }, seconds(item.answer?.latency_s)),
    make("td", { class: "number quantity" }, counted(item.answer?.completion_tokens)),
  );
}

/** Show the page of the list that holds the item at this place. */
function showPage(page) {
  const pages = Math.max(1, Math.ceil(list.found.length / PAGE_SIZE));
  list.page = Math.min(Math.max(page, 0), pages - 1);
  const first = list.page * PAGE_SIZE;
  const shown = list.found.slice(first, first + PAGE_SIZE);
  byId("list").tBodies[0].replaceChildren(...shown.map((item, index) => row(item, first + index)));
  byId("list").hidden = shown.length === 0;
  byId("pager").hidden = pages === 1;
  byId("pager").querySelector("output").textContent = `${first + 1} to ${first + shown.length}`;
  const [previous, next] = byId("pager").querySelectorAll("button");
  previous.disabled = list.page === 0;
  next.disabled = list.page === pages - 1;
}

function showList() {
  list.found = sorted(data.items.filter((item) => passes(item, list.filters)), list.sort);
  const [found, all] = [counted(list.found.length), counted(data.items.length)];
  byId("count").textContent = list.found.length ? `${found} of ${all} items` : `No item matches; ${all} in all.`;
  for (const heading of byId("list").tHead.querySelectorAll("th")) {
    const by = heading.querySelector("button")?.dataset.sort;
    if (by && by === list.sort.by) heading.setAttribute("aria-sort", list.sort.descending ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  }
  showPage(0);
}

/** Filters without a field in the form, as buttons that remove them. */
function showNarrowed() {
  const named = Object.entries(list.filters).filter(([name, value]) => value && !form.elements[name]);
  byId("narrowed").replaceChildren(
    ...named.map(([name, value]) =>
      make("button", { type: "button", "aria-label": `Remove filter ${name}`, click: () => setFilters({ ...list.filters, [name]: "" }) },
        `${{ said: "answered", truth: "expected" }[name] ?? name}: ${visible(value)} ×`),
    ),
  );
}

function setFilters(filters) {
  list.filters = filters;
  for (const field of form.elements) if (field.name) field.value = filters[field.name] ?? "";
  showNarrowed();
  showList();
}

function sortBy(name) {
  const descending = list.sort.by === name && !list.sort.descending;
  list.sort = { by: name, descending };
  showList();
}

/** Arrow keys go from row to row, Home and End to the first and last of the page. */
function moveInList(event) {
  const rows = [...byId("list").tBodies[0].querySelectorAll(".open")];
  const here = rows.indexOf(document.activeElement);
  const goal = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (here < 0 || goal === undefined) return;
  event.preventDefault();
  rows[Math.min(Math.max(goal, 0), rows.length - 1)].focus();
}
