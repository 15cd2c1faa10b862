// Wiring: links to the items, events.

/** ``#items?family=drag`` limits the list to the items of a figure; ``#item=...`` opens an item. */
function followLink() {
  const item = itemAt(location.hash);
  if (item) {
    if (!list.found.includes(item)) setFilters({});
    openItem(list.found.indexOf(item));
    return;
  }
  followFilters(setFilters);
}

function showOneOfGroup(select) {
  for (const figure of document.querySelectorAll(`[data-group="${CSS.escape(select.dataset.shows)}"]`)) {
    figure.hidden = figure.dataset.name !== select.value;
  }
}

/** A plot for each card of a scenario type. */
function illustrateCards() {
  const scenarios = new Map(data.items.map((item) => [item.scenario, item.sample]));
  for (const thumb of document.querySelectorAll(".thumb")) {
    const digest = data.samples[scenarios.get(thumb.dataset.scenario)]?.plots[0];
    if (digest && plots.has(digest)) thumb.append(image(digest, ""));
  }
}

for (const select of document.querySelectorAll("[data-shows]")) {
  select.closest("[hidden]").hidden = false;
  select.addEventListener("change", () => showOneOfGroup(select));
  showOneOfGroup(select);
}

let waiting;
form.hidden = false;
form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => setFilters({ ...list.filters, ...Object.fromEntries(new FormData(form)) }), 100);
});
form.addEventListener("reset", (event) => { event.preventDefault(); setFilters({}); });
form.addEventListener("submit", (event) => event.preventDefault());
byId("list").tHead.addEventListener("click", (event) => { if (event.target.dataset.sort) sortBy(event.target.dataset.sort); });
byId("list").addEventListener("keydown", moveInList);
byId("download").hidden = false;
byId("download").addEventListener("click", () => download(list.found));
byId("pager").addEventListener("click", (event) => {
  if (event.target.dataset.step) { showPage(list.page + Number(event.target.dataset.step)); byId("items").scrollIntoView(); }
});
dialog.addEventListener("close", leaveItem);
dialog.addEventListener("keydown", stepThroughItems);
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
addEventListener("hashchange", followLink);
document.addEventListener("click", (event) => {  // the same link again, after the filters were changed
  if (event.target.closest?.("a")?.hash === location.hash) followLink();
});

illustrateCards();
setFilters({});
followLink();
