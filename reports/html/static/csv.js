// The filtered items as a CSV file.

const FORMULA_START = /^ *[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/;
const CSV_COLUMNS = {
  sample: (item) => item.sample, question: (item) => item.question, mode: (item) => item.mode, repeat: (item) => item.repeat, variant: (item) => item.variant,
  family: (item) => item.family, scenario_type: (item) => item.scenario, status: (item) => item.status, score: (item) => item.score?.value,
  extracted: (item) => item.score && asText(item.score.extracted), expected: (item) => item.score && asText(item.score.expected), answer: (item) => item.answer?.text,
  latency_s: (item) => item.answer?.latency_s || undefined, completion_tokens: (item) => item.answer?.completion_tokens,
  error: (item) => item.error && `${item.error.kind}: ${item.error.message}`, flags: (item) => item.flags?.join(" "), address: (item) => addressOf(item),
};

const asText = (value) => (value === null || value === undefined || typeof value === "string" ? value : JSON.stringify(value));

/** A cell; text that a spreadsheet would execute gets an apostrophe, as in all CSV files of this suite. */
function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = visible(value);
  const safe = FORMULA_START.test(text) ? `'${text}` : text;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(items) {
  const rows = items.map((item) => Object.values(CSV_COLUMNS).map((column) => csvCell(column(item))).join(","));
  return [Object.keys(CSV_COLUMNS).join(","), ...rows, ""].join("\n");
}

function download(items) {
  const address = URL.createObjectURL(new Blob([csvOf(items)], { type: "text/csv" }));
  const link = make("a", { href: address, download: `qcaleval-${counted(items.length).replaceAll(",", "")}-items.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
