// One item: its plot, the reference, and every model's answer side by side. Answers are loaded when a sample is opened.

const dialog = byId("detail");
const loaded = new Map();
const waitingFor = new Map();
let openPlace = null;

/** Called by a script of the folder ``answers``: its data about a sample, compressed. */
window.unpacked = async (number, letters) => waitingFor.get(String(number))?.(JSON.parse(await unpack(letters)));

/** The data about a sample; null if its file cannot be read. */
function answersOf(item) {
  if (!item.file) return Promise.resolve(null);
  if (!loaded.has(item.file)) {
    loaded.set(item.file, new Promise((resolve) => {
      waitingFor.set(item.file.split(".")[0], resolve);
      const script = make("script", { src: `answers/${item.file}`, error: () => resolve(null) });
      document.head.append(script);
    }));
  }
  return loaded.get(item.file);
}

/** The address of an item, in this page or in a run's report. */
function addressOf(item) {
  return `#${new URLSearchParams({ item: item.sample, question: item.question, mode: item.mode })}`;
}

function itemOf(hash) {
  if (!hash.startsWith("#item=")) return null;
  const wanted = new URLSearchParams(hash.slice(1));
  return items.find((item) => item.sample === wanted.get("item") && item.question === wanted.get("question") && item.mode === wanted.get("mode")) ?? null;
}

const block = (text) => make("pre", { class: "block", tabindex: "0" }, typeset(text));

function scorePill(run, item, status) {
  const value = scoreOf(run, item);
  if (value === undefined) return make("span", { class: "pill failed" }, (status ?? "not measured").replace("_", " "));
  return make("span", { class: `pill h${Math.round(value / 10)}` }, (value / 2).toFixed(0));
}

function answerCard(run, item, found) {
  const said = found?.runs[run]?.[`${item.question}/${item.mode}`];
  const { href } = data.runs[run];
  return make("article", { class: "answer" },
    make("header", {}, make("h3", {}, fullName(run)), scorePill(run, item, said?.[0])),
    said?.[1] ? make("p", { class: "read" }, "read: ", make("b", { class: "isolated" }, visible(said[1]))) : null,
    said ? block(said[2] || "(empty)") : make("p", { class: "note" }, "no answer"),
    href ? make("a", { href: `${href}${addressOf(item)}` }, "in its report") : null);
}

function header(item, place) {
  const step = (by, label, name) => make("button", { type: "button", "aria-label": name, disabled: place < 0 || !matrix.found[place + by], click: () => openItem(openPlace + by) }, label);
  const copy = make("button", { type: "button", click: () => copyLink(copy) }, "Copy link");
  return make("header", {}, make("h2", { id: "detail-title" }, breakable(item.sample), make("small", {}, `${item.question}, ${modeNames[item.mode]}, ${item.family}`)),
    copy, step(-1, "←", "Previous item"), step(1, "→", "Next item"), make("button", { type: "button", class: "close", autofocus: true, click: () => dialog.close() }, "Close"));
}

function sheetOf(item, found) {
  const key = `${item.question}/${item.mode}`;
  const plot = (name, index) => make("img", { src: `plots/${name}`, alt: `Plot ${index + 1} of ${item.sample}` });
  const points = found?.points[item.question] ?? [];
  const shown = shownRuns().filter((run) => scores[run][item.place] !== 254);
  return make("div", { class: "sheet" },
    make("div", { class: "plots" }, (found?.plots ?? []).map(plot)),
    found?.answers[key] ? [make("h3", {}, "Reference answer"), block(found.answers[key])] : null,
    points.length ? [make("h3", {}, "Key points"), make("ol", {}, points.map((point) => make("li", {}, typeset(point))))] : null,
    found?.asked[`${item.question}/zeroshot`] ? make("details", {}, make("summary", {}, "Question, as asked without demonstrations"), block(found.asked[`${item.question}/zeroshot`])) : null,
    make("h3", {}, `${shown.length} answers`),
    found ? null : make("p", { class: "error" }, "The answers are in the site's folder answers/, which is missing next to this page."),
    make("div", { class: "answers" }, shown.map((run) => answerCard(run, item, found))));
}

/** Show an item; ``place``: where it is in the list, -1 if the filters hide it. */
async function showItem(item, place) {
  openPlace = place;
  if (location.hash !== addressOf(item)) history.replaceState(null, "", addressOf(item));
  const found = await answersOf(item);
  if (openPlace !== place) return;
  dialog.replaceChildren(header(item, place), sheetOf(item, found));
  dialog.scrollTop = 0;
  if (!dialog.open) dialog.showModal();
  dialog.querySelector(".close").focus();  // the focused element may be gone; without focus, keys do nothing
}

function openItem(place) {
  const item = matrix.found[place];
  if (item) showItem(item, place);
}

async function copyLink(button) {
  const wrote = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  button.textContent = wrote ? "Copied" : "See the address bar";
}

function leaveItem() {
  history.replaceState(null, "", "#items");
  if (openPlace >= 0) {
    showPage(Math.floor(openPlace / PAGE_SIZE));
    byId("matrix").querySelectorAll(".open")[openPlace % PAGE_SIZE]?.focus();
  }
  openPlace = null;
}
