// One item in a dialog, with its own address: plots, prompt, answer, what was read from it, and how it was graded.

const dialog = byId("detail");
const zoom = byId("zoom");
let openPlace = null;
let hashBefore = "";

const section = (title, ...content) => [make("h3", {}, title), ...content];
const block = (text, kind = "") => make("pre", { class: `block ${kind}`, tabindex: "0" }, visible(text));
const prose = (text) => make("pre", { class: "block", tabindex: "0" }, typeset(text));
const fact = (name, value, kind = "") => make("div", {}, make("dt", {}, name), make("dd", { class: kind }, value));

function table(headings, rows) {
  const cells = (row) => row.map((cell, index) => make(index ? "td" : "th", index ? {} : { scope: "row" }, cell));
  return make("div", { class: "scroll" }, make("table", {},
    make("thead", {}, make("tr", {}, headings.map((heading) => make("th", { scope: "col" }, visible(heading))))),
    make("tbody", {}, rows.map((row) => make("tr", {}, cells(row)))),
  ));
}

/** A plot that is shown at full size when selected; a note if the page does not have it. */
function plot(digest, description) {
  const picture = image(digest, description);
  if (!picture) return make("small", {}, `[plot ${digest.slice(0, 12)} is not in this page]`);
  return make("button", { type: "button", class: "zoom", "aria-label": `${description}: full size`, click: () => enlarge(digest, description) }, picture);
}

function enlarge(digest, description) {
  const picture = image(digest, description);
  picture.className = "fitted";
  picture.addEventListener("click", () => picture.classList.toggle("fitted"));
  zoom.replaceChildren(picture, make("button", { type: "button", click: () => zoom.close() }, "Close"));
  zoom.showModal();
}

/** The parts of the score: fields with the read and the expected value, or plain shares. */
function components(item) {
  const { components: parts, extracted, expected } = item.score;
  if (!Object.keys(parts).length) return [];
  const fields = expected !== null && typeof expected === "object" && !Array.isArray(expected) && item.question === "Q5";
  const read = (source, name) => written(source && Object.hasOwn(source, name) ? source[name] : undefined);
  const rows = Object.entries(parts).map(([name, value]) => [
    visible(name), ...(fields ? [read(extracted, name), read(expected, name)] : []), grade(value),
  ]);
  return section("Parts of the score", table(["Part", ...(fields ? ["Read", "Expected"] : []), "Credit"], rows));
}

const grade = (value) => (value === undefined ? "-" : make("span", { class: `pill h${Math.round(20 * Math.min(Math.max(value, 0), 1))}` }, String(Number(value.toFixed(3)))));

function reading(item) {
  if (!item.score) return [];
  const { extracted, expected } = item.score;
  if (extracted === null && expected === null) return components(item);
  const half = (title, value) => make("div", {}, section(title, block(value === null ? "nothing" : written(value), "code")));
  return [make("div", { class: "pair" }, half("Read from the answer", extracted), half("Expected", expected)), ...components(item)];
}

function judging(item, sample) {
  if (!item.verdicts?.length) return [];
  const { points } = referenceOf(item, sample);
  const graded = item.verdicts.filter((verdict) => verdict.grades);
  const count = Math.max(points.length, ...graded.map((verdict) => verdict.grades.length));
  const rows = Array.from({ length: count }, (_, index) => [
    make("span", {}, typeset(points[index] ?? `Key point ${index + 1}`)), ...graded.map((verdict) => grade(verdict.grades[index])),
  ]);
  const trouble = item.verdicts.filter((verdict) => verdict.error || verdict.faults.length).map((verdict) =>
    make("p", { class: "error" }, visible(`${verdict.judge}: ${[verdict.error, ...verdict.faults].filter(Boolean).join(", ")}`)));
  const replies = item.verdicts.filter((verdict) => verdict.reply !== null).flatMap((verdict) => section(verdict.judge, block(verdict.reply)));
  return [
    ...section("Key points", count ? table(["Key point", ...graded.map((verdict) => verdict.judge)], rows) : null),
    ...trouble,
    replies.length ? make("details", {}, make("summary", {}, "Judges' replies"), ...replies) : null,
  ];
}

/** The references: those of a study's condition if it has any, else the sample's. */
function referenceOf(item, sample) {
  const own = sample?.references[item.variant];
  return {
    answer: own?.answers[item.mode]?.[item.question] ?? sample?.answers[item.mode]?.[item.question],
    points: own?.key_points[item.question] ?? sample?.key_points[item.question] ?? [],
  };
}

function answering(item) {
  if (!item.answer) return [];
  const { text, reasoning, from_reasoning: fromReasoning } = item.answer;
  return [
    ...section(fromReasoning ? "Answer (taken from the reasoning)" : "Answer", prose(text || "(empty)")),
    reasoning ? make("details", {}, make("summary", {}, "Reasoning"), block(reasoning)) : null,
  ];
}

/** The prompt: texts by place, images by digest; undefined if the run did not keep it. */
function promptOf(item, sample) {
  return (item.variant ? sample?.variants[item.variant] : sample?.prompts)?.[item.mode]?.[item.question];
}

/** The sample's plots; in a study's variant the plot shown in their place, the last one in the prompt. */
function shownPlots(item, sample) {
  const images = (promptOf(item, sample) ?? []).filter((part) => typeof part === "string");
  return item.variant && sample ? images.slice(-sample.plots.length) : (sample?.plots ?? []);
}

function prompting(item, sample) {
  const parts = promptOf(item, sample);
  if (!parts) return [];
  const shown = parts.map((part) => (typeof part === "number" ? block(data.texts[part]) : plot(part, "Plot of the prompt")));
  const texts = parts.filter((part) => typeof part === "number").length;
  const summary = `Prompt (${parts.length - texts} images, ${texts} texts)`;
  return [make("details", { open: item.mode === "zeroshot" }, make("summary", {}, summary), make("div", { class: "prompt" }, shown))];
}

function facts(item) {
  const answer = item.answer ?? {};
  const known = [
    ["Family", item.family], ["Scenario type", item.scenario], ["Status", item.status.replace("_", " ")],
    ["Finish reason", answer.finish_reason], ["Latency", answer.latency_s && seconds(answer.latency_s)],
    ["In the queue", answer.queue_s && seconds(answer.queue_s)], ["Attempts", item.attempts],
    ["Prompt tokens", answer.prompt_tokens], ["Answer tokens", answer.completion_tokens], ["of them reasoning", answer.reasoning_tokens],
    ["Score by the other scorer", item.other === null || item.other === undefined ? null : hundredths(item.other)],
    ["Flags", item.flags?.join(", ")], ["Finished", item.finished], ["Request SHA-256", item.request, "hash"],
  ];
  return make("dl", { class: "facts" }, known
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value, kind]) => fact(name, visible(typeof value === "number" ? counted(value) : value), kind)));
}

function heading(item) {
  const which = [item.question, modeNames[item.mode], item.repeat ? `repeat ${item.repeat + 1}` : null, item.variant].filter(Boolean).join(", ");
  const step = (by, label, name) => make("button", { type: "button", "aria-label": name, disabled: !list.found[openPlace + by], click: () => openItem(openPlace + by) }, label);
  const copy = make("button", { type: "button", click: () => copyLink(copy) }, "Copy link");
  return make("header", {},
    make("h2", { id: "detail-title" }, breakable(item.sample), make("small", {}, visible(which))),
    pill(item), copy, step(-1, "←", "Previous item"), step(1, "→", "Next item"),
    make("button", { type: "button", class: "close", autofocus: true, click: () => dialog.close() }, "Close"));
}

/** The item's address within the page: ``#item=rabi_success_a&question=Q6&mode=icl``. */
function addressOf(item) {
  const parts = { item: item.sample, question: item.question, mode: item.mode, ...(item.repeat ? { repeat: item.repeat } : {}), ...(item.variant ? { variant: item.variant } : {}) };
  return `#${new URLSearchParams(parts)}`;
}

/** The item of an address; undefined if there is none. */
function itemAt(hash) {
  if (!hash.startsWith("#item=")) return undefined;
  const { item: sample, question, mode, repeat = "0", variant = "" } = Object.fromEntries(new URLSearchParams(hash.slice(1)));
  return data.items.find((item) => item.sample === sample && item.question === question && item.mode === mode && String(item.repeat) === repeat && item.variant === variant);
}

async function copyLink(button) {
  const copied = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  button.textContent = copied ? "Copied" : "See the address bar";
}

/** Open the item at this place of the list, as currently filtered and sorted. */
function openItem(place) {
  const item = list.found[place];
  if (!item) return;
  if (openPlace === null && !location.hash.startsWith("#item=")) hashBefore = location.hash;
  openPlace = place;
  if (location.hash !== addressOf(item)) history.replaceState(null, "", addressOf(item));
  const sample = data.samples[item.sample];
  const error = item.error ? make("p", { class: "error" }, visible(`${item.error.kind}: ${item.error.message}`)) : null;
  const { answer: reference } = referenceOf(item, sample);
  const own = shownPlots(item, sample).map((digest, index) => plot(digest, `Plot ${index + 1} of ${item.sample}`));
  const sheet = [
    error, make("div", { class: "plots" }, own), reading(item), judging(item, sample), answering(item),
    reference ? section("Reference answer", prose(reference)) : null,
    section("About this item", facts(item)), prompting(item, sample),
  ];
  dialog.replaceChildren(heading(item), make("div", { class: "sheet" }, sheet.flat()));
  dialog.scrollTop = 0;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".close").focus();  // the button that had the focus is gone; without focus, keys do nothing
}

/** Return to the list, to the row of the item that was open last. */
function leaveItem() {
  if (openPlace === null) return;
  history.replaceState(null, "", hashBefore || "#items");
  showPage(Math.floor(openPlace / PAGE_SIZE));
  byId("list").tBodies[0].querySelectorAll(".open")[openPlace % PAGE_SIZE]?.focus();
  openPlace = null;
}

function stepThroughItems(event) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && !zoom.open && !event.target.closest("pre, .scroll")) openItem(openPlace + by);
}
