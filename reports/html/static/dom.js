// Makes elements. Everything from a model or a server enters the page here, as text and never as markup.

const byId = (id) => document.getElementById(id);

/** The JSON in an element; if large, it is compressed. */
async function held(element) {
  if (element.type === "application/json") return JSON.parse(element.textContent);
  const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

const data = await held(byId("data"));
const plots = new Map(Object.entries(await held(byId("plots"))));

/** An element with attributes (functions: event handlers) and children; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The text with every control, format and unassigned character as a visible escape, line ends and tabs excepted. */
function visible(text) {
  return String(text).replace(/[^\P{C}\n\t]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** A name with places to break after its underscores. */
function breakable(name) {
  return visible(name).split(/(?<=_)/).flatMap((piece, index) => (index ? [make("wbr"), piece] : [piece]));
}

/** A JSON value for display: text as it is, everything else as JSON. */
function written(value) {
  if (value === undefined) return "-";
  return visible(typeof value === "string" ? value : JSON.stringify(value, null, 1));
}

const hundredths = (value) => (value === null || value === undefined ? "-" : (100 * value).toFixed(1));
const seconds = (value) => {
  if (!value) return "-";
  return value < 0.1 ? `${(1000 * value).toFixed(0)} ms` : `${value.toFixed(value < 10 ? 1 : 0)} s`;
};
const counted = (value) => (value === null || value === undefined ? "-" : value.toLocaleString("en"));
const modeNames = { zeroshot: "zero-shot", icl: "ICL" };

/** The plot of this digest as an image, or null if the page does not have it. */
function image(digest, description) {
  return plots.has(digest) ? make("img", { src: plots.get(digest), alt: description }) : null;
}

/** The score as a pill in the colours of the heat map; unmeasured items show their status. */
function pill(item) {
  if (item.status !== "scored") return make("span", { class: "pill failed" }, item.status.replace("_", " "));
  return make("span", { class: `pill h${Math.round(20 * item.score.value)}` }, hundredths(item.score.value));
}
