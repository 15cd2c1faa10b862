// The leaderboards: sorting by a column, and which rows are shown.

function cellOf(row, column) {
  return row.cells[column].dataset.value ?? "";
}

/** Sort by a column; rows without a value come last in either direction. */
function sortBoard(table, column, descending) {
  const key = (row) => { const text = cellOf(row, column); return text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text; };
  const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
  rows.sort(([a], [b]) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en");
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
  for (const [index, heading] of [...table.tHead.rows[0].cells].entries()) {
    if (index === column) heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  }
}

function showRows() {
  const shown = Object.fromEntries([...document.querySelectorAll("[data-rows]")].map((box) => [box.dataset.rows, box.checked]));
  for (const row of document.querySelectorAll(".ranks tbody tr")) {
    row.hidden = Object.entries(shown).some(([kind, on]) => !on && row.classList.contains(kind));
  }
}

for (const table of document.querySelectorAll(".ranks")) {
  table.tHead.addEventListener("click", (event) => {
    const heading = event.target.closest("[data-by]")?.closest("th");
    if (!heading) return;
    const sorted = heading.getAttribute("aria-sort");
    const textual = ["name", "number"].includes(event.target.dataset.by);
    sortBoard(table, heading.cellIndex, sorted ? sorted === "ascending" : !textual);
  });
}
for (const box of document.querySelectorAll("[data-rows]")) {
  box.closest("[hidden]")?.removeAttribute("hidden");
  box.addEventListener("change", showRows);
}
showRows();
