// The rules: finding them, their history, proposals to accept or reject, and trying one before it acts.

import { cell, confirmed, count, counted, dialog, h } from "./dom.js";
import { TASKS, changeRule, newRule } from "./rule_form.js";

const PAGE = 50;
const MARK = { active: "good", proposed: "warn", retired: "" };
const MEASURED = ["detect_errors", "impute", "match_entities", "match_schemas", "annotate_columns", "extract_values"];

/** The view. `context.parameters`: `words`, `task`, `dataset`, `status`, and `rule`, the one that is shown. */
export function rulesView(context) {
  const { server, guard, parameters, signal } = context;
  const words = h("input", { id: "rule-words", type: "search", value: parameters.words ?? "", oninput: soon });
  const task = h("select", { "aria-label": "Task", onchange: find }, h("option", { value: "" }, "every task"), TASKS.map((name) => h("option", { value: name }, name)));
  const status = h("select", { "aria-label": "Status", onchange: find }, h("option", { value: "" }, "every status"), Object.keys(MARK).map((name) => h("option", { value: name }, name)));
  const dataset = h("select", { "aria-label": "Dataset", onchange: find }, h("option", { value: "" }, "every dataset"));
  const list = h("ul", { class: "list tall rules", "aria-label": "Rules" });
  const detail = h("div", { "aria-live": "polite" });
  const told = h("p", { class: "soft small", role: "status" });
  task.value = parameters.task ?? "";
  status.value = parameters.status ?? "";
  let timer = 0;
  let turn = 0;

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(find, 200);
  }
  function scope() {
    const given = { words: words.value, task: task.value, status: status.value, dataset: dataset.value };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
  }
  async function find() {
    const mine = ++turn;
    await guard(async () => {
      const { rules, more } = await server.call("search_rules", { ...scope(), limit: PAGE }, { signal });
      if (mine !== turn) return;
      list.replaceChildren();
      told.textContent = more ? `The first ${count(rules.length)}.` : counted(rules.length, "rule");
      add(rules, more);
    });
  }
  function add(rules, more) {
    list.append(...rules.map((rule) => h("li", {}, h("button", { class: "item", "data-rule": rule.id, onclick: () => show(rule.id) },
      rule.statement, " ", h("span", { class: `tag ${MARK[rule.status]}` }, rule.status), h("br"), h("span", { class: "soft small" }, scopeOf(rule))))));
    if (more) {
      const further = h("li", {}, h("button", { onclick: () => guard(async () => {
        const next = await server.call("search_rules", { ...scope(), limit: PAGE, offset: more }, { signal });
        further.remove();
        add(next.rules, next.more);
      }) }, "More"));
      list.append(further);
    }
    mark();
  }
  let chosen = parameters.rule;
  function mark() {
    for (const button of list.querySelectorAll("button.item")) button.setAttribute("aria-current", String(button.dataset.rule === chosen));
  }
  async function show(id) {
    chosen = id;
    mark();
    await guard(async () => {
      context.note("rules", { ...scope(), rule: id });
      const { rule, history } = JSON.parse(await server.read(`knowledge://rules/${encodeURIComponent(id)}`, { signal }));
      detail.replaceChildren(ruleCard(context, rule, history, async () => { await show(id); await find(); }));
    });
  }
  guard(async () => {
    const datasets = JSON.parse(await server.read("knowledge://datasets", { signal }));
    dataset.append(...datasets.map((one) => h("option", { value: one.name }, one.name)));
    dataset.value = parameters.dataset ?? "";
    await find();
    if (chosen) await show(chosen);
  });
  return h("div", {},
    h("div", { class: "bar" }, h("h1", { class: "grow" }, "Rules"),
      h("button", { class: "primary", onclick: () => newRule(context, { task: task.value || "all", dataset: dataset.value || "all" }).then((rule) => { if (rule) { find(); show(rule.id); } }) }, "Write a rule"),
      h("button", { onclick: () => guard(() => showPacks(context)) }, "Packs")),
    h("div", { class: "bar" }, h("label", { for: "rule-words" }, "Find", words), task, dataset, status,
      h("button", { onclick: () => { status.value = "proposed"; find(); } }, "Show proposals")),
    told, h("div", { class: "columns rules" }, list, detail));
}

function scopeOf(rule) {
  const places = ["task", "dataset", "domain", "attribute"].filter((name) => rule[name] !== "all").map((name) => `${name} ${rule[name]}`);
  return places.join(", ") || "holds everywhere";
}

/** A rule with its history and what can be done about it. `again` is called after something was done. */
export function ruleCard(context, rule, history, again) {
  const { server, guard, say } = context;
  const why = h("input", { id: "decision-why", placeholder: "optional" });
  const decide = (decision) => guard(async () => {
    const { acts } = await server.call("review_rule", { rule_id: rule.id, decision, why: why.value.trim() });
    say(acts ? "Accepted: the rule acts from now on." : "Rejected: the rule never acts.");
    await again();
  });
  const retire = () => guard(async () => {
    if (!(await confirmed(`Retire ${rule.id}? Its history is kept.`, "Retire it"))) return;
    await server.call("change_rule", { rule_id: rule.id, retire: true, why: "retired at the workbench" });
    await again();
  });
  return h("section", { class: "card", "aria-label": `Rule ${rule.id}` },
    h("h2", {}, rule.statement), h("p", {}, h("span", { class: `tag ${MARK[rule.status]}` }, rule.status), h("span", { class: "soft" }, `${rule.id}, version ${rule.version}`)),
    h("table", { class: "figures" }, h("tbody", {},
      ["task", "dataset", "domain", "attribute", "source", "pack", "priority"].filter((name) => rule[name] !== undefined && rule[name] !== "").map((name) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, String(rule[name])))))),
    rule.check ? [h("h3", {}, "Check"), h("pre", { class: "value small" }, JSON.stringify(rule.check, null, 1)),
      h("p", { class: "soft" }, rule.decides === "both" ? "Cases that fail it are wrong, and cases that pass it are right." : "Cases that fail it are wrong.")] : null,
    rule.examples?.length ? h("details", {}, h("summary", {}, counted(rule.examples.length, "labelled example")),
      h("ul", { class: "list small" }, rule.examples.slice(0, 100).map((example) => h("li", {}, h("strong", {}, example.label), ": ", JSON.stringify(example.case))))) : null,
    rule.status === "proposed" ? h("div", { class: "bar" }, h("label", { for: "decision-why" }, "Reason", why),
      h("button", { class: "primary", onclick: () => decide("accept") }, "Accept"), h("button", { class: "danger", onclick: () => decide("reject") }, "Reject")) : null,
    h("div", { class: "bar" },
      h("button", { onclick: () => guard(() => tryRule(context, rule)) }, "Try it on labelled cases…"),
      rule.status === "retired" ? null : [h("button", { onclick: () => changeRule(context, rule).then((changed) => { if (changed) again(); }) }, "Change"), h("button", { class: "danger", onclick: retire }, "Retire")],
      rule.dataset === "all" ? null : h("button", { onclick: () => guard(() => showLines(context, rule.dataset)) }, `What the model reads about ${rule.dataset}`)),
    h("h3", {}, "History"), h("ol", { class: "list" }, history.map((entry) => h("li", {},
      h("strong", {}, entry.action), ` by ${entry.who}, ${entry.at.slice(0, 16).replace("T", " ")}`, entry.why ? `: ${entry.why}` : "",
      Object.entries(entry.changed ?? {}).map(([name, [before, after]]) => h("div", { class: "small" }, `${name}: `, h("del", {}, text(before)), " → ", h("ins", {}, text(after)))))).reverse()));
}

function text(value) {
  return cell(typeof value === "object" && value !== null ? JSON.stringify(value) : value);
}

async function tryRule(context, rule) {
  const { server, signal } = context;
  const files = JSON.parse(await server.read("tables://files", { signal })).filter((file) => /\.(csv|tsv|jsonl)$/i.test(file.name));
  await dialog(`Try ${rule.id}`, (close) => {
    const file = h("select", { id: "try-file" }, files.map((one) => h("option", { value: one.name }, one.name)));
    const task = h("select", { id: "try-task" }, MEASURED.map((name) => h("option", { value: name }, name)));
    if (MEASURED.includes(rule.task)) task.value = rule.task;
    const bar = h("progress", { max: 1, hidden: true, "aria-label": "Cases asked" });
    const result = h("div", { "aria-live": "polite" });
    const run = h("button", { class: "primary", disabled: !files.length, onclick: async () => {
      run.disabled = true;
      bar.hidden = false;
      try {
        const trial = await server.call("test_rule", { rule_id: rule.id, data: file.value, task: task.value }, { signal, onprogress: (done, total) => { if (total) bar.value = done / total; } });
        result.replaceChildren(...drawTrial(trial));
      } catch (error) {
        result.replaceChildren(h("p", { class: "problem" }, error.message));
      }
      run.disabled = false;
      bar.hidden = true;
    } }, "Try");
    return [h("p", {}, "Each labelled case is answered without the rule and with it. The rule need not act for that."),
      h("div", { class: "bar" }, h("label", { for: "try-file" }, "Cases", file), h("label", { for: "try-task" }, "Task", task), run, h("button", { onclick: () => close() }, "Close")), bar, result];
  });
}

function drawTrial(trial) {
  return [
    h("p", {}, `${counted(trial.cases, "case")}: ${trial.metric} ${trial.before.toFixed(1)} without the rule, ${trial.after.toFixed(1)} with it. It turned ${count(trial.mended)} from wrong to right and ${count(trial.broken)} from right to wrong.`),
    trial.flips.length ? h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", { class: "wide" }, h("thead", {}, h("tr", {}, ["Case", "Without", "With", "Right"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, trial.flips.map((flip) => h("tr", {}, h("td", {}, flip.case), h("td", {}, cell(flip.before)), h("td", {}, cell(flip.after)), h("td", {}, cell(flip.right))))))) : h("p", {}, "No answer changes."),
  ];
}

async function showLines(context, dataset) {
  const lines = await context.server.read(`knowledge://datasets/${encodeURIComponent(dataset)}`, { signal: context.signal });
  await dialog(`What the model reads about ${dataset}`, (close) => [
    h("p", { class: "soft" }, "An exact labelled example decides before a check, a check before a rule; a rule for this dataset and attribute before one for the dataset, its domain, or everything; then the priority, then the age."),
    h("pre", { class: "value small" }, lines), h("div", { class: "bar" }, h("button", { onclick: () => close() }, "Close"))]);
}

async function showPacks(context) {
  const { server, signal, guard } = context;
  const [packs, files] = await Promise.all(["knowledge://packs", "packs://files"].map(async (uri) => JSON.parse(await server.read(uri, { signal }))));
  await dialog("Rule packs", (close) => {
    const shown = h("div", { "aria-live": "polite" });
    const file = h("select", { id: "pack-file" }, files.map((name) => h("option", { value: name }, name)));
    const read = async (pack) => shown.replaceChildren(h("pre", { class: "value small" }, await server.read(`knowledge://packs/${encodeURIComponent(pack.name)}`)));
    const compare = async () => {
      const name = file.value.split("/").map(encodeURIComponent).join("/");
      shown.replaceChildren(...drawComparison(JSON.parse(await server.read(`packs://${name}/comparison`, { signal }))));
    };
    return [packs.length ? h("table", {}, h("thead", {}, h("tr", {}, ["Pack", "Version", "Rules that act"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, packs.map((pack) => h("tr", {}, h("td", {}, h("button", { class: "link", onclick: () => guard(() => read(pack)) }, pack.title || pack.name)), h("td", {}, String(pack.version)), h("td", { class: "number" }, count(pack.rules)))))) : h("p", {}, "No pack is installed."),
    files.length ? h("div", { class: "bar" }, h("label", { for: "pack-file" }, "Before installing", file), h("button", { onclick: () => guard(compare) }, "Compare")) : h("p", { class: "soft" }, "To compare a pack before it is installed, put its .yaml file into a folder of the server."),
    shown, h("div", { class: "bar" }, h("button", { onclick: () => close() }, "Close"))];
  });
}

const PLANNED = {
  conflict: ["collides with", "bad", "Yours stays as it is."], change: ["changes", "warn", ""], retire: ["retires", "warn", ""],
  keep: ["keeps yours of", "", "You changed it; the pack did not."], add: ["adds", "good", ""],
};

/** What installing a pack would do: collisions first, additions last. */
function drawComparison({ pack, version, title, installed, file, rules }) {
  const sorted = Object.keys(PLANNED).map((action) => [action, rules.filter((rule) => rule.action === action)]).filter(([, some]) => some.length);
  return [
    h("h3", {}, title || pack), h("p", {}, `Pack ${pack}, version ${version}. ${installed === null ? "It is not installed." : `Version ${installed} is installed.`} `,
      sorted.length ? `Installing it ${sorted.map(([action, some]) => `${PLANNED[action][0]} ${counted(some.length, "rule")}`).join(", ")}.` : "Installing it changes nothing."),
    sorted.map(([action, some]) => some.map((rule) => h("div", { class: "card small" },
      h("p", {}, h("span", { class: `tag ${PLANNED[action][1]}` }, PLANNED[action][0]), h("strong", {}, rule.statement), h("span", { class: "soft" }, ` ${rule.rule_id}`)),
      rule.reason || PLANNED[action][2] ? h("p", {}, rule.reason ? `${rule.reason[0].toUpperCase()}${rule.reason.slice(1)}. ` : "", PLANNED[action][2]) : null,
      Object.entries(rule.changed).map(([name, [before, after]]) => h("div", {}, `${name}: `, h("del", {}, text(before)), " → ", h("ins", {}, text(after)))),
      rule.beside.length ? [h("p", {}, "Beside it acts in the same place:"), h("ul", {}, rule.beside.map((statement) => h("li", {}, statement)))] : null))),
    sorted.length ? h("p", { class: "soft" }, "To install it: ", h("code", {}, `dp-tools rules import ${/^[\w./\\:-]+$/.test(file) ? file : JSON.stringify(file)}`)) : null,
  ].flat(3).filter(Boolean);
}
