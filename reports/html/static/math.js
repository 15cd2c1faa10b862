// Formulas in answers and references: the part of TeX that is used for measurements, as MathML.
// Anything else is shown as it was written.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const LONGEST_FORMULA = 600;
const DEEPEST = 20;
const FORMULA = /\$\$([^$]+?)\$\$|\\\[([\s\S]+?)\\\]|\\\(([\s\S]+?)\\\)|(?<![\\$\w])\$(?=[^\s$])([^$\n]*?[^\s$\\])\$(?![\d$])/gu;
const TOKEN = /\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|\s+|./gsu;

const LETTERS = {
  alpha: "α", beta: "β", gamma: "γ", delta: "δ", epsilon: "ϵ", varepsilon: "ε", zeta: "ζ", eta: "η", theta: "θ", iota: "ι", kappa: "κ", lambda: "λ",
  mu: "μ", nu: "ν", xi: "ξ", pi: "π", rho: "ρ", sigma: "σ", tau: "τ", upsilon: "υ", phi: "ϕ", varphi: "φ", chi: "χ", psi: "ψ", omega: "ω", ell: "ℓ", hbar: "ℏ",
  Gamma: "Γ", Delta: "Δ", Theta: "Θ", Lambda: "Λ", Xi: "Ξ", Pi: "Π", Sigma: "Σ", Phi: "Φ", Psi: "Ψ", Omega: "Ω", infty: "∞", degree: "°", circ: "∘", prime: "′",
};
const SIGNS = {
  times: "×", cdot: "⋅", pm: "±", mp: "∓", approx: "≈", sim: "∼", simeq: "≃", le: "≤", leq: "≤", ge: "≥", geq: "≥", ll: "≪", gg: "≫", ne: "≠", neq: "≠", propto: "∝",
  to: "→", rightarrow: "→", Rightarrow: "⇒", leftarrow: "←", equiv: "≡", partial: "∂", sum: "∑", int: "∫", langle: "⟨", rangle: "⟩", ldots: "…", dots: "…", cdots: "⋯", in: "∈",
  lesssim: "≲", gtrsim: "≳", div: "÷", dagger: "†", mid: "|", vert: "|",
};
const FUNCTIONS = new Set(["sin", "cos", "tan", "exp", "ln", "log", "min", "max", "arg", "sinh", "cosh", "tanh"]);
const WORDS = new Set(["text", "mathrm", "textrm", "operatorname", "mathbf", "mathit", "textbf", "textit", "mathcal", "mathsf"]);
const ACCENTS = { bar: "¯", hat: "^", tilde: "~", vec: "→", overline: "¯", dot: "˙" };
const SPACES = { ",": "0.17em", ";": "0.28em", ":": "0.22em", " ": "0.33em", "!": "0", quad: "1em", qquad: "2em" };
const ESCAPED = new Set(["%", "$", "#", "_", "{", "}", "&"]);

function mathElement(tag, ...children) {
  const element = document.createElementNS(MATHML, tag);
  element.append(...children);
  return element;
}

class Unreadable extends Error {}

class Formula {
  constructor(source) {
    this.tokens = source.match(TOKEN) ?? [];
    this.place = 0;
  }

  /** A row up to ``end`` or to the last token. */
  row(end, depth) {
    if (depth > DEEPEST) throw new Unreadable("too deep");
    const parts = [];
    while (this.place < this.tokens.length && this.tokens[this.place] !== end) {
      const token = this.tokens[this.place];
      if (token === "^" || token === "_") parts.push(this.script(parts.pop() ?? mathElement("mrow"), depth));
      else {
        const part = this.atom(depth);
        if (part) parts.push(part);
      }
    }
    if (end !== undefined && this.tokens[this.place++] !== end) throw new Unreadable(`no ${end}`);
    return parts.length === 1 ? parts[0] : mathElement("mrow", ...parts);
  }

  /** Sub- and superscript of the preceding token. */
  script(base, depth) {
    const found = {};
    while (this.tokens[this.place] === "^" || this.tokens[this.place] === "_") {
      const which = this.tokens[this.place++];
      if (found[which]) throw new Unreadable("twice");
      found[which] = this.argument(depth);
    }
    if (found._ && found["^"]) return mathElement("msubsup", base, found._, found["^"]);
    return found._ ? mathElement("msub", base, found._) : mathElement("msup", base, found["^"]);
  }

  argument(depth) {
    while (/^\s/.test(this.tokens[this.place] ?? "")) this.place += 1;
    if (this.place >= this.tokens.length) throw new Unreadable("an argument is missing");
    return this.atom(depth + 1) ?? mathElement("mrow");
  }

  /** The text of ``{...}``, as it is. */
  words() {
    while (/^\s/.test(this.tokens[this.place] ?? "")) this.place += 1;
    if (this.tokens[this.place++] !== "{") throw new Unreadable("no {");
    const end = this.tokens.indexOf("}", this.place);
    if (end < 0) throw new Unreadable("no }");
    const text = this.tokens.slice(this.place, end).join("");
    this.place = end + 1;
    return text.replace(/\\([%$#_&])/g, "$1").replaceAll("~", "\u00a0");
  }

  atom(depth) {
    const token = this.tokens[this.place++];
    if (/^\s/.test(token)) return null;
    if (token === "{") return this.row("}", depth + 1);
    if (token === "}") throw new Unreadable("a } too many");
    if (/^\d/.test(token)) return mathElement("mn", token);
    if (token.length > 1 && token.startsWith("\\")) return this.command(token.slice(1), depth);
    if (/^\p{L}$/u.test(token)) return mathElement("mi", token);
    return mathElement("mo", token === "-" ? "−" : token === "*" ? "∗" : token === "~" ? "\u00a0" : token);
  }

  command(name, depth) {
    if (Object.hasOwn(LETTERS, name)) return mathElement("mi", LETTERS[name]);
    if (Object.hasOwn(SIGNS, name)) return mathElement("mo", SIGNS[name]);
    if (FUNCTIONS.has(name)) return mathElement("mi", name);
    if (WORDS.has(name)) return mathElement("mtext", visible(this.words()));
    if (ESCAPED.has(name)) return mathElement("mo", name);
    if (Object.hasOwn(SPACES, name)) {
      const space = mathElement("mspace");
      space.setAttribute("width", SPACES[name]);
      return space;
    }
    if (name === "frac" || name === "dfrac" || name === "tfrac") return mathElement("mfrac", this.argument(depth), this.argument(depth));
    if (name === "sqrt") return mathElement("msqrt", this.argument(depth));
    if (Object.hasOwn(ACCENTS, name)) return mathElement("mover", this.argument(depth), mathElement("mo", ACCENTS[name]));
    if (name === "left" || name === "right") {
      const bracket = this.tokens[this.place++] ?? "";
      return bracket === "." ? null : mathElement("mo", { "\\{": "{", "\\}": "}", "\\|": "‖", "\\langle": "⟨", "\\rangle": "⟩" }[bracket] ?? bracket);
    }
    if (name === "|") return mathElement("mo", "‖");
    throw new Unreadable(`\\${name}`);
  }
}

/** A formula as MathML, its source as a tip; null if it cannot be parsed. */
function formula(source, display) {
  if (source.length > LONGEST_FORMULA) return null;
  try {
    const element = mathElement("math", new Formula(source.trim()).row(undefined, 0));
    if (display) element.setAttribute("display", "block");
    element.setAttribute("title", visible(source));
    return element;
  } catch (error) {
    if (error instanceof Unreadable) return null;
    throw error;
  }
}

/** A text with its formulas: strings and MathML elements, in order. */
function typeset(text) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(FORMULA)) {
    const display = match[1] ?? match[2];
    const element = formula(display ?? match[3] ?? match[4], display !== undefined);
    if (!element) continue;
    parts.push(visible(text.slice(end, match.index)), element);
    end = match.index + match[0].length;
  }
  parts.push(visible(text.slice(end)));
  return parts;
}
