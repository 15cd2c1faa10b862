// Wiring: theme, tips, links to the items, events.

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `${byId("theme").textContent} colours`);
}

/** The hidden detail of a cell, shown beside it while it is pointed at or has the focus. */
function showTip(cell) {
  const tip = byId("tip");
  const detail = cell?.querySelector(".detail");
  tip.hidden = !detail;
  if (!detail) return;
  tip.textContent = detail.textContent.trim();
  const [near, own] = [cell.getBoundingClientRect(), tip.getBoundingClientRect()];
  tip.style.left = `${Math.max(8, Math.min(near.left + near.width / 2 - own.width / 2, innerWidth - own.width - 8))}px`;
  tip.style.top = `${near.top > own.height + 16 ? near.top - own.height - 8 : near.bottom + 8}px`;
}

/** ``#items?family=drag`` narrows the list to what a figure stands for. */
function followLink() {
  const [target, query] = location.hash.slice(1).split("?");
  if (target !== "items" || query === undefined) return;
  setFilters(Object.fromEntries(new URLSearchParams(query)));
  byId("items").scrollIntoView();
  byId("items-title").focus({ preventScroll: true });
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

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
byId("theme").hidden = false;
byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

for (const [shows, hides] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(shows, (event) => showTip(event.target.closest(".cell a")));
  document.addEventListener(hides, () => showTip(null));
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") showTip(null); });

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
