// Wiring: choices, links, keys.

function fillChoices() {
  const option = (value, text) => make("option", { value }, text);
  form.elements.family.append(option("", "all"), ...data.families.map((family) => option(family, family)));
  const earlier = data.runs.map((_, run) => run).filter((run) => !data.columns.includes(run));
  for (const field of [form.elements.a, form.elements.b]) {
    field.append(option("", "-"), ...[...data.columns, ...earlier].map((run) => option(String(run), fullName(run))));
  }
}

/** ``#items?a=1&b=2&where=a`` limits the matrix; ``#item=...`` opens an item. */
function followLink() {
  const item = itemOf(location.hash);
  if (item) {
    if (!matrix.found.includes(item)) setFilters({ mode: item.mode });
    showItem(item, matrix.found.indexOf(item));
    return;
  }
  followFilters(setFilters);
}

/** Arrow keys go from row to row. */
function moveInMatrix(event) {
  const rows = [...byId("matrix").querySelectorAll(".open")];
  const here = rows.indexOf(document.activeElement);
  const goal = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (here < 0 || goal === undefined) return;
  event.preventDefault();
  rows[Math.min(Math.max(goal, 0), rows.length - 1)].focus();
}

function stepThroughItems(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && openPlace >= 0 && !event.target.closest("pre")) openItem(openPlace + by);
}

fillChoices();
form.hidden = false;
let waiting;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => setFilters(Object.fromEntries(new FormData(form))), 100);
});
form.addEventListener("reset", (event) => { event.preventDefault(); setFilters({}); });
form.addEventListener("submit", (event) => event.preventDefault());
byId("figure").closest("[hidden]").hidden = false;
byId("figure").addEventListener("change", (event) => showHeat(event.target.value));
byId("pager").addEventListener("click", (event) => {
  if (event.target.dataset.step) { showPage(matrix.page + Number(event.target.dataset.step)); byId("items").scrollIntoView(); }
});
byId("matrix").addEventListener("keydown", moveInMatrix);
dialog.addEventListener("close", leaveItem);
dialog.addEventListener("keydown", stepThroughItems);
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
addEventListener("hashchange", followLink);
document.addEventListener("click", (event) => {  // the same link again, after the filters were changed
  if (event.target.closest?.("a")?.hash === location.hash) followLink();
});
showHeat(byId("figure").value);
setFilters({});
followLink();
