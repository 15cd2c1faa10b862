// Shared by all pages: colours set by the system or a button, tips next to cells, and links that filter items.

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `${byId("theme").textContent} colours`);
}

/** The hidden detail of a cell, shown next to it while it is hovered over or has the focus. */
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

/** Sets the filters that a link such as ``#items?family=drag`` names, and goes to the items. */
function followFilters(setFilters) {
  const [target, query] = location.hash.slice(1).split("?");
  if (target !== "items" || query === undefined) return;
  setFilters(Object.fromEntries(new URLSearchParams(query)));
  byId("items").scrollIntoView();
  byId("items-title").focus({ preventScroll: true });
}

setTheme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
byId("theme").hidden = false;
byId("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));

for (const [shows, hides] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
  document.addEventListener(shows, (event) => showTip(event.target.closest(".cell a")));
  document.addEventListener(hides, () => showTip(null));
}
document.addEventListener("keydown", (event) => { if (event.key === "Escape") showTip(null); });
