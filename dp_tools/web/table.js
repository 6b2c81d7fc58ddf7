// A table: the profile of its columns, its rows, and what jobs found and changed in it.

import { cell, confirmed, count, counted, dialog, differences, figure, h, marked, meter, percent, svg } from "./dom.js";
import { Grid } from "./grid.js";

const STATES = { changed: "changed", wrong: "probably wrong", review: "waits for a person", answered: "answered" };
const SHOWN_OPTIONS = ["encoding", "delimiter", "sheet", "table", "query"];
const CELL_JOBS = ["clean", "detect", "fill"];

/** The view. `context.parameters`: `table`, its name; `job`, whose cells are marked. */
export function tableView(context) {
  const root = h("div", {});
  context.guard(() => (context.parameters.table ? open(context, root) : choose(context, root)));
  return root;
}

/** Rows are read by number; a name is the path under the server's folders. */
function uriOf(name, rows) {
  return `tables://${name.split("/").map(encodeURIComponent).join("/")}/rows/${encodeURIComponent(rows)}`;
}

async function choose(context, root) {
  const files = JSON.parse(await context.server.read("tables://files", { signal: context.signal }));
  const words = h("input", { id: "file-words", type: "search", oninput: draw });
  const list = h("ul", { class: "list" });
  function draw() {
    const found = files.filter((file) => file.name.toLowerCase().includes(words.value.toLowerCase())).slice(0, 100);
    list.replaceChildren(...found.map((file) => h("li", {}, h("button", { class: "item", onclick: () => context.go("table", { table: file.name }) },
      file.name, " ", h("span", { class: "soft small" }, `${count(file.bytes / 1000)} kB`)))));
    if (!found.length) list.replaceChildren(h("li", { class: "soft" }, files.length ? "No table has this name." : "There is no table in the server's folders: put a CSV, Excel, Parquet or JSON file there."));
  }
  draw();
  root.replaceChildren(h("h1", {}, "Open a table"), h("div", { class: "bar" }, h("label", { for: "file-words" }, "Find"), words), list);
}

async function open(context, root) {
  const { server, parameters, signal, guard } = context;
  const name = await nameOf(context, parameters.table);
  const wait = h("p", { role: "status" }, `Reading ${name} …`);
  const bar = h("progress", { max: 1, "aria-label": `Reading ${name}` });
  root.replaceChildren(h("h1", {}, name), wait, bar);
  const profiling = server.call("profile_table", { table: { path: name } }, {
    signal, onprogress: (done, total) => { if (total) bar.value = done / total; },
  });
  const firstRows = JSON.parse(await server.read(uriOf(name, "1-100"), { signal }));
  const marks = new Marks();
  const gridPlace = h("section", { "aria-label": "Rows" });
  const profilePlace = h("section", { "aria-label": "Profile" }, wait, bar);
  const detail = h("aside", { class: "card", "aria-label": "The chosen cell", "aria-live": "polite" }, h("p", { class: "soft" }, "Choose a cell to see what is known of it."));
  const jobs = await jobsOf(context, name);
  const head = h("div", { class: "bar" }, h("h1", { class: "grow" }, name),
    h("button", { class: "primary", onclick: () => guard(() => startCleaning(context, name, "repair")) }, "Clean"),
    h("button", { onclick: () => guard(() => startCleaning(context, name, "detect")) }, "Only find wrong cells"),
    h("button", { onclick: () => guard(() => startDedupe(context, name)) }, "Find duplicates"),
    h("button", { onclick: () => context.go("table") }, "Another table"));
  root.replaceChildren(head, h("p", { class: "soft" }, `${counted(firstRows.count, "row")}, ${counted(firstRows.columns.length, "column")}`), profilePlace, gridPlace, detail);
  drawRows(context, { name, firstRows, marks, gridPlace, detail, jobs });
  const { profile, left_out } = await profiling;
  profilePlace.replaceChildren(drawProfile(profile, left_out));
}

/** The name by which a file is opened, of a path as a person gave it. */
async function nameOf({ server, signal }, given) {
  if (!/^([\\/]|[a-z]:)/i.test(given)) return given;
  const files = JSON.parse(await server.read("tables://files", { signal }));
  const fitting = files.filter((file) => given.replaceAll("\\", "/").endsWith(`/${file.name}`));
  return fitting.sort((a, b) => b.name.length - a.name.length)[0]?.name ?? given;
}

async function jobsOf({ server, signal }, name) {
  const { jobs } = await server.call("get_job", {}, { signal });
  const done = jobs.filter((job) => job.status === "done" && CELL_JOBS.includes(job.kind));
  const asked = await Promise.all(done.map(async (job) => JSON.parse(await server.read(`jobs://${job.id}/request`, { signal }))));
  return done.filter((_, place) => asked[place].tables.includes(name));
}

async function startCleaning(context, name, what) {
  const job = await context.server.call("clean_table", { table: { path: name }, what, overwrite: true });
  context.go("jobs", { job: job.id });
}

async function startDedupe(context, name) {
  const stem = name.split("/").at(-1).replace(/\..*$/, "").replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[-_]+/, "").slice(0, 64);
  const given = await dialog("Find duplicates", (close) => {
    const register = h("input", { id: "register-name", value: stem.toLowerCase(), autocomplete: "off" });
    return h("form", { class: "fields", onsubmit: (event) => { event.preventDefault(); close({ register: register.value.trim() }); } },
      h("label", { for: "register-name" }, "Register of its entities"), register,
      h("p", { class: "soft" }, "A register keeps an id for each entity. You can split and merge its groups, and what you decide holds for later files. Leave it empty to write the groups only."),
      h("div", { class: "bar" }, h("button", { class: "primary" }, "Find"), h("button", { type: "button", onclick: () => close() }, "Close")));
  });
  if (!given) return;
  const job = await context.server.call("dedupe_table", { table: { path: name }, overwrite: true, ...(given.register ? { register_name: given.register } : {}) });
  context.go("jobs", { job: job.id });
}

/** The cells that a job changed, found wrong or left to a person, by row. */
class Marks {
  constructor() {
    this.clear();
  }

  clear() {
    this.rows = new Map();
    this.cells = [];
  }

  add(cells) {
    for (const [row, attribute, value, other, confidence, why, state] of cells) {
      const mark = { row, attribute, value, other, confidence, why, state };
      this.cells.push(mark);
      if (!this.rows.has(row)) this.rows.set(row, new Map());
      const held = this.rows.get(row).get(attribute);
      if (!held || held.state !== "changed") this.rows.get(row).set(attribute, mark);
    }
  }

  at(row, attribute) {
    return this.rows.get(row)?.get(attribute);
  }
}

function drawRows(context, { name, firstRows, marks, gridPlace, detail, jobs }) {
  const { server, guard, say, signal, parameters } = context;
  const { columns } = firstRows;
  const attribute = choice("Column", { "": "all", ...Object.fromEntries(columns.map((column) => [column, column])) });
  const state = choice("State", { "": "all", ...STATES });
  const sure = h("input", { type: "number", min: 0, max: 100, value: 0, id: "sure", class: "narrow" });
  const only = h("input", { type: "checkbox", id: "only-marked" });
  const job = choice("Job", { "": jobs.length ? "none" : "no job has looked at it yet", ...Object.fromEntries(jobs.map((one) => [one.id, `${one.kind}, ${one.id}`])) });
  const told = h("span", { class: "soft", role: "status" });
  const undoing = h("span", { class: "bar" });

  const fits = (mark) => mark && (!attribute.field.value || mark.attribute === attribute.field.value)
    && (!state.field.value || mark.state === state.field.value) && 100 * mark.confidence >= Number(sure.value);
  const grid = new Grid({
    label: `Rows of ${name}`,
    columns,
    count: firstRows.count,
    signal,
    fetch: async (numbers) => {
      const rows = numbers.at(-1) - numbers[0] === numbers.length - 1 ? `${numbers[0]}-${numbers.at(-1)}` : numbers.join(",");
      return JSON.parse(await server.read(uriOf(name, rows), { signal })).rows;
    },
    onfail: (error) => guard(() => { throw error; }),
    draw: (row, column, value) => {
      const mark = marks.at(row, column);
      if (!fits(mark)) return [cell(value), "", ""];
      const content = mark.state === "changed" ? [h("del", {}, cell(mark.value)), " ", h("ins", {}, cell(mark.other))] : cell(value);
      return [content, `mark ${mark.state} level-${Math.min(4, Math.floor(5 * mark.confidence))}`, `${STATES[mark.state]}, ${percent(mark.confidence)} sure`];
    },
    onchoose: (row, column, value) => drawDetail(row, column, value),
  });
  grid.keep(firstRows.rows);

  function apply() {
    const chosen = marks.cells.filter(fits);
    told.textContent = job.field.value ? counted(chosen.length, "marked cell") : "";
    grid.show(only.checked && job.field.value ? [...new Set(chosen.map((mark) => mark.row))].sort((a, b) => a - b) : null);
    drawUndo();
  }
  function drawUndo() {
    const changed = marks.cells.filter((mark) => mark.state === "changed");
    const column = attribute.field.value;
    const inColumn = changed.filter((mark) => mark.attribute === column);
    undoing.replaceChildren(...(changed.length ? [
      column && inColumn.length ? h("button", { onclick: () => undo({ attribute: column }, `${counted(inColumn.length, "change")} of ${column}`) }, `Undo ${counted(inColumn.length, "change")} of ${column}`) : null,
      h("button", { onclick: () => undo({}, `all ${counted(changed.length, "change")}`) }, `Undo all ${counted(changed.length, "change")}`),
    ].filter(Boolean) : []));
  }
  async function undo(which, what) {
    if (!(await confirmed(`Undo ${what} in the cleaned file?`, "Undo it"))) return;
    await guard(async () => {
      const { left } = await server.call("undo_changes", { job: job.field.value, ...which });
      await load();
      say(`Undone: ${what}. ${counted(left, "change")} left.`);
    });
  }
  async function load() {
    marks.clear();
    if (job.field.value) {
      context.note("table", { table: name, job: job.field.value });
      for (let offset = 0; offset !== null;) {
        const answer = JSON.parse(await server.read(`jobs://${job.field.value}/cells/${offset}`, { signal }));
        marks.add(answer.cells);
        offset = answer.more;
      }
    }
    apply();
  }
  function drawDetail(row, column, value) {
    const mark = marks.at(row, column);
    detail.replaceChildren(h("h2", {}, `${column}, row ${count(row)}`), h("p", {}, cell(value)));
    if (!mark) return;
    const [old, other] = differences(mark.value, mark.other);
    detail.append(
      h("p", {}, h("span", { class: `tag ${mark.state === "changed" ? "good" : "warn"}` }, STATES[mark.state]), meter(mark.confidence, `${percent(mark.confidence)} sure`), ` ${percent(mark.confidence)} sure`),
      mark.other === null ? "" : h("p", {}, h("del", {}, marked(mark.value, old)), " → ", h("ins", {}, marked(mark.other, other))),
      h("p", {}, mark.why),
      mark.state === "changed" ? h("button", { onclick: () => undo({ attribute: column, row }, `the change of ${column} in row ${count(row)}`) }, "Undo this change") : "",
      mark.state === "review" ? h("button", { onclick: () => context.go("review", { job: job.field.value }) }, "Answer the cases of this job") : "");
  }
  for (const field of [attribute.field, state.field, sure, only]) field.addEventListener("change", apply);
  job.field.addEventListener("change", () => guard(load));
  gridPlace.replaceChildren(h("h2", {}, "Rows"),
    h("div", { class: "bar" }, job.label, attribute.label, state.label, h("label", {}, "At least % sure", sure), h("label", {}, only, "Only rows with marked cells"), told, undoing),
    grid.element);
  if (parameters.job && jobs.some((one) => one.id === parameters.job)) {
    job.field.value = parameters.job;
    guard(load);
  }
}

function choice(label, options) {
  const field = h("select", {}, Object.entries(options).map(([value, text]) => h("option", { value }, text)));
  return { field, label: h("label", {}, label, field) };
}

/** A profile as `profile_table` returns it. */
export function drawProfile(profile, leftOut) {
  const detail = h("div", { class: "card", "aria-live": "polite" });
  const buttons = profile.columns.map((column) => h("button", { class: "item", "aria-pressed": "false", onclick: () => show(column) },
    h("span", {}, column.name), " ", h("span", { class: "soft small" }, column.kind), h("br"),
    meter(column.filled, `${percent(column.filled)} filled`), h("span", { class: "soft small" }, ` ${percent(column.filled)} filled, ${count(column.distinct)} distinct`)));
  function show(column) {
    buttons.forEach((button, place) => button.setAttribute("aria-pressed", String(profile.columns[place] === column)));
    detail.replaceChildren(...drawColumn(column, profile));
  }
  if (profile.columns.length) show(profile.columns[0]);
  return h("details", { open: true }, h("summary", {}, h("h2", { class: "inline" }, "Profile")),
    h("p", { class: "soft" }, `Read as ${profile.format}${optionsOf(profile.options)}.`, profile.notes.map((note) => ` ${note}`)),
    leftOut.length ? h("p", { class: "soft" }, `Shown are the first ${count(profile.columns.length)} columns of ${count(profile.columns.length + leftOut.length)}.`) : null,
    h("div", { class: "columns profile" }, h("ul", { class: "list tall", "aria-label": "Columns" }, buttons.map((button) => h("li", {}, button))), detail),
    drawDependencies(profile.dependencies));
}

function optionsOf(options) {
  const said = Object.entries(options).filter(([name, value]) => SHOWN_OPTIONS.includes(name) && value).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return said.length ? `, ${said.join(", ")}` : "";
}

function drawColumn(column, profile) {
  const facts = [
    ["Kind", `${column.kind} (${percent(column.kind_share)} of the values)`],
    column.holds && column.holds !== "other" ? ["Holds", `${column.holds} (${percent(column.holds_probability)})`] : null,
    ["Filled", percent(column.filled, 1)],
    ["Distinct", `${count(column.distinct)}${column.key_likeness === 1 ? ", a key" : ""}`],
    ["Length", `${count(column.shortest)} to ${counted(column.longest, "character")}`],
    column.low === null || column.low === undefined ? null : ["Numbers", `${figure(column.low)} to ${figure(column.high)}, median ${figure(column.median)}`],
  ].filter(Boolean);
  const bound = profile.dependencies.filter((one) => one.left === column.name || one.right === column.name);
  return [
    h("h3", {}, column.name),
    h("div", { class: "facts" },
      h("table", {}, h("tbody", {}, facts.map(([what, text]) => h("tr", {}, h("th", { scope: "row" }, what), h("td", {}, text))))),
      column.histogram?.length > 1 ? h("figure", {}, h("figcaption", { class: "small soft" }, "How the numbers are spread"), histogram(column.histogram)) : null,
      bars("Most frequent values", column.top, profile.records),
      bars("Patterns (9 a digit, a and A letters, + a run)", column.formats, profile.records),
      column.placeholders?.length ? bars("Values that stand for a gap", column.placeholders, profile.records) : null),
    bound.length ? h("p", {}, bound.map((one) => [sentenceOf(one), " "])) : null,
  ];
}

function sentenceOf(one) {
  return `${one.left} determines ${one.right} in ${percent(one.confidence, 1)} of the records; ${counted(one.exceptions, "exception")}.`;
}

function bars(title, entries, records) {
  if (!entries.length) return null;
  const most = Math.max(...entries.map((entry) => entry.count), 1);
  return h("div", {}, h("h4", {}, title), h("table", {}, h("tbody", {}, entries.slice(0, 8).map((entry) => h("tr", {},
    h("td", {}, cell(entry.text)), h("td", { class: "bar-cell" }, meter(entry.count / most, `${percent(entry.count / Math.max(1, records), 1)} of the records`, "wide-meter")), h("td", { class: "number" }, count(entry.count)))))));
}

function histogram(bins) {
  const [width, height] = [420, 110];
  const most = Math.max(...bins.map(([, number]) => number), 1);
  const step = width / bins.length;
  const label = `${counted(bins.length, "bin")} from ${figure(bins[0][0])} to ${figure(bins.at(-1)[0])}`;
  return svg("svg", { viewBox: `0 0 ${width} ${height + 18}`, role: "img", "aria-label": label },
    bins.map(([low, number], place) => svg("rect", { class: "bin", x: place * step + 1, width: step - 2, y: height - (height * number) / most, height: (height * number) / most },
      svg("title", {}, `from ${figure(low)}: ${count(number)}`))),
    svg("line", { class: "axis", x1: 0, x2: width, y1: height, y2: height }),
    svg("text", { x: 0, y: height + 14 }, figure(bins[0][0])), svg("text", { x: width, y: height + 14, "text-anchor": "end" }, figure(bins.at(-1)[0])));
}

function drawDependencies(dependencies) {
  if (!dependencies.length) return null;
  return h("details", {}, h("summary", {}, `Constraints: ${counted(dependencies.length, "column determines another", "columns determine others")}`),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", {}, h("thead", {}, h("tr", {}, ["Column", "determines", "agree", "exceptions"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, dependencies.map((one) => h("tr", {}, h("td", {}, one.left), h("td", {}, one.right), h("td", { class: "number" }, percent(one.confidence, 1)), h("td", { class: "number" }, count(one.exceptions))))))));
}
