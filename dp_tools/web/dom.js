// Elements from values. Whatever comes from a table, a rule or a file goes in as text and never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An HTML element: `h("button", {onclick}, "Save")`. Children are elements or text. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** An SVG element, in the same way. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Whole numbers with separators. */
export function count(number) {
  return Math.round(number).toLocaleString("en");
}

/** `count(n)` and the word in the singular or the plural. */
export function counted(number, one, many = `${one}s`) {
  return `${count(number)} ${Math.round(number) === 1 ? one : many}`;
}

/** A share of one as a percentage. */
export function percent(share, digits = 0) {
  return `${(100 * share).toFixed(digits)}%`;
}

/** A number with at most four significant digits. */
export function figure(number) {
  return Number(number.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 });
}

/** A length of time in words. */
export function duration(seconds) {
  if (seconds < 60) return counted(Math.max(1, seconds), "second");
  if (seconds < 3600) return counted(seconds / 60, "minute");
  return `${count(Math.floor(seconds / 3600))} h ${count((seconds % 3600) / 60)} min`;
}

/** A value of a cell: as it stands, with gaps and invisible characters made visible. */
export function cell(value) {
  if (value === null || value === undefined) return h("span", { class: "gap" }, "missing");
  if (value === "") return h("span", { class: "gap" }, "empty");
  const parts = String(value).split(/(^\s+|\s+$|[\t\n\r\u00a0\u200b]+|\s{2,})/);
  return h("span", { class: "value" }, parts.map((part, place) =>
    place % 2 ? h("span", { class: "space", title: "white space" }, part.replace(/[\s\u200b]/g, "·")) : part));
}

/**
 * Both texts as parts, [[text, differs], ...] for each side: letter by letter where most letters are the same, otherwise
 * word by word.
 */
export function differences(left, right) {
  const texts = [left, right].map((text) => String(text ?? ""));
  const letters = texts.map((text) => [...text]);
  const shared = letters[0].length * letters[1].length <= 10000 ? compared(...letters) : null;
  const same = shared?.[0].reduce((sum, [text, differs]) => sum + (differs ? 0 : [...text].length), 0) ?? 0;
  if (shared && same >= 0.6 * Math.max(letters[0].length, letters[1].length)) return shared;
  const words = texts.map((text) => text.split(/(\s+|[^\p{L}\p{N}]+)/u).filter(Boolean));
  if (words[0].length * words[1].length > 40000) return texts.map((text) => [[text, true]]);
  return compared(...words);
}

/** Two lists of texts compared by their longest common subsequence. */
function compared(a, b) {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
  const sides = [[], []];
  const add = (side, text, differs) => {
    const last = sides[side].at(-1);
    if (last && last[1] === differs) last[0] += text;
    else sides[side].push([text, differs]);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      add(0, a[i++], false);
      add(1, b[j++], false);
    } else if (j >= b.length || (i < a.length && lengths[i + 1][j] >= lengths[i][j + 1])) add(0, a[i++], true);
    else add(1, b[j++], true);
  }
  return sides;
}

/** A value with the parts marked in which it differs from the other. */
export function marked(value, parts) {
  if (value === null || value === undefined || value === "") return cell(value);
  return h("span", { class: "value" }, parts.map(([text, differs]) => (differs ? h("mark", {}, text) : text)));
}

/** A bar of a share, with a label for those who do not see it. */
export function meter(share, label, kind = "") {
  const filled = h("span", { class: "filled", style: { width: percent(Math.min(1, Math.max(0, share)), 1) } });
  return h("span", { class: `meter ${kind}`, role: "img", "aria-label": label }, filled);
}

/** A dialog over the page; resolves to what `close` was called with, or to undefined. */
export function dialog(title, build) {
  return new Promise((resolve) => {
    const box = h("dialog", { "aria-label": title, onclose: () => { box.remove(); resolve(box.answer); } });
    const close = (answer) => { box.answer = answer; box.close(); };
    box.append(h("h2", {}, title), ...[build(close)].flat());
    document.body.append(box);
    box.showModal();
  });
}

/** Asks before something is done; resolves to whether it is to be. A panel's frame may not open the browser's own. */
export function confirmed(question, yes) {
  return dialog(yes, (close) => [h("p", {}, question),
    h("div", { class: "bar" }, h("button", { class: "primary", onclick: () => close(true) }, yes), h("button", { onclick: () => close(false) }, "Cancel"))]);
}
