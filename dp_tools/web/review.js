// The queue of cases that jobs leave to a person: least certain first, by keyboard, one by one or many at once.

import { cell, count, counted, dialog, differences, duration, h, marked, meter, percent } from "./dom.js";
import { entitiesView } from "./entities.js";
import { newRule } from "./rule_form.js";

const AHEAD = 10; // Cases that are fetched before they are needed.
const BULK = 500; // Cases of a kind that are fetched at once.
const TOGETHER = 200; // Cases that are answered by one call.
const TASKS = { detect_errors: "Wrong cell?", match_entities: "Same thing?", impute: "Which value?" };

/** The view. `context.parameters.job` limits it to one job; `register` asks for the groups of a register instead. */
export function reviewView(context) {
  if (context.parameters.register !== undefined) return entitiesView(context);
  const { server, say, guard, parameters, signal } = context;
  const { job } = parameters;
  const cases = [];
  const known = new Set();
  const answers = new Map();
  const started = performance.now();
  const card = h("section", { class: "card", "aria-label": "The case" });
  const far = h("p", { class: "soft small", "aria-live": "off" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Cases answered" });
  let place = 0;
  let open = 0;
  let asking = null;
  let sending = Promise.resolve();
  let waiting = 0;

  const together = h("button", { onclick: () => guard(() => answerTogether(context, refresh)) }, "Answer alike cases together…");
  const root = h("div", {},
    h("div", { class: "bar" }, h("h1", { class: "grow" }, "Review"),
      job ? h("span", { class: "tag" }, job) : null,
      job ? h("button", { onclick: () => context.go("review") }, "Cases of all jobs") : null, together,
      h("button", { onclick: () => context.go("review", { register: "" }) }, "Groups of duplicates")),
    bar, far, card);

  async function more() {
    const offset = cases.filter((one) => !answers.has(one.id)).length;
    const query = job ? `?job=${encodeURIComponent(job)}` : "";
    const answer = JSON.parse(await server.read(`reviews://open/${offset}${query}`, { signal }));
    for (const one of answer.reviews)
      if (!known.has(one.id)) {
        known.add(one.id);
        cases.push(one);
      }
    open = answer.open - waiting;
  }

  function fetchMore() {
    asking ??= guard(more).finally(() => { asking = null; });
    return asking;
  }

  async function refresh() {
    await sending;
    cases.length = place = 0;
    known.clear();
    answers.clear();
    await fetchMore();
    draw();
  }

  function draw() {
    const given = answers.size;
    bar.max = Math.max(1, given + open);
    bar.value = given;
    const left = given > 2 ? ` At your pace about ${duration((performance.now() - started) / 1000 / given * open)} more.` : "";
    far.textContent = `${counted(given, "case")} answered here, ${count(open)} open.${open ? left : ""}`;
    const one = cases[place];
    if (one) card.replaceChildren(drawCase(context, one, answers.get(one.id), { reply, skip, back, first: place === 0 }));
    else card.replaceChildren(h("p", {}, open > 0 ? "Every case that is open was skipped here." : "No case waits for a person."),
      h("div", { class: "answers" }, h("button", { onclick: back, disabled: place === 0 }, "Back", h("kbd", {}, "b")),
        h("button", { onclick: refresh }, "Look again")));
    if (cases.length - place < AHEAD && cases.filter((each) => !answers.has(each.id)).length < open) fetchMore().then(() => { if (!one) draw(); });
  }

  function reply(answer) {
    const one = cases[place];
    if (!one) return;
    const before = answers.get(one.id);
    answers.set(one.id, answer);
    if (before === undefined) open -= 1;
    place += 1;
    draw();
    waiting += 1;
    sending = sending.then(() => guard(async () => {
      try {
        const kept = await server.call("answer_review", { review: one.id, answer });
        if (!kept.acts) say("Kept as a proposal: somebody who may approve rules has to accept it.");
      } catch (error) {
        if (before === undefined) {
          answers.delete(one.id);
          open += 1;
        } else answers.set(one.id, before);
        place = cases.indexOf(one);
        draw();
        throw error;
      } finally {
        waiting -= 1;
      }
    }));
  }

  function skip() {
    if (place < cases.length) place += 1;
    draw();
  }

  function back() {
    if (place > 0) place -= 1;
    draw();
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, textarea, select")) return;
    const key = event.key.toLowerCase();
    const one = cases[place];
    if (key === "b") back();
    else if (!one) return;
    else if (key === "s") skip();
    else if (key === "y") reply(one.task === "impute" ? one.proposal : "yes");
    else if (key === "n" && one.task !== "impute") reply("no");
    else if (key === "n") card.querySelector("input")?.focus();
    else return;
    event.preventDefault();
  }, { signal });

  fetchMore().then(draw);
  return root;
}

function drawCase(context, one, answered, { reply, skip, back, first }) {
  const key = (text) => h("kbd", { "aria-hidden": "true" }, text);
  const isValue = one.task === "impute";
  const isCell = one.task === "detect_errors";
  const given = isCell && [undefined, "yes", "no"].includes(answered) ? one.proposal : answered;
  const field = h("input", { id: "other-value", autocomplete: "off", value: given ?? "" });
  const value = (what, ...more) => h("form", { class: "bar", onsubmit: (event) => { event.preventDefault(); if (field.value.trim()) reply(field.value.trim()); } },
    h("label", { for: "other-value" }, what, ...more), field, h("button", {}, "Keep"));
  const buttons = isValue
    ? [h("button", { class: "primary", onclick: () => reply(one.proposal) }, "Take ", cell(one.proposal), key("y")), value("Another value", key("n"))]
    : [h("button", { class: "primary", onclick: () => reply("yes") }, one.task === "match_entities" ? "Yes, the same" : "Yes, wrong", key("y")),
      h("button", { class: "primary", onclick: () => reply("no") }, one.task === "match_entities" ? "No, different" : "No, right", key("n")),
      isCell ? value("Wrong, and right is") : null];
  return h("div", {},
    h("p", { class: "bar" }, h("span", { class: "tag" }, TASKS[one.task] ?? one.task),
      one.attribute ? h("span", { class: "tag" }, one.attribute) : null,
      h("span", { class: "soft small grow" }, `Case ${one.id} of ${one.job}`),
      h("span", { class: "small" }, `proposal ${percent(one.confidence)} sure `, meter(one.confidence, `The job is ${percent(one.confidence)} sure of its proposal`))),
    h("p", { class: "question", id: "question", "aria-live": "polite" }, one.question),
    one.case.left ? drawPair(one.case) : drawRecord(one),
    answered !== undefined ? h("p", { class: "tag good" }, "You answered: ", cell(answered), ". A new answer takes its place.") : null,
    h("div", { class: "answers", role: "group", "aria-labelledby": "question" }, buttons,
      h("button", { onclick: skip }, "Skip", key("s")), h("button", { onclick: back, disabled: first }, "Back", key("b"))),
    h("p", { class: "bar small" },
      h("button", { class: "link", onclick: () => why(context, one) }, "Why this proposal?"),
      h("button", { class: "link", onclick: () => newRule(context, { task: one.task, attribute: one.attribute, dataset: one.dataset }) }, "Write a rule for such cases"),
      h("button", { class: "link", onclick: () => context.go("jobs", { job: one.job }) }, "Show the job")),
  );
}

function drawPair({ left, right }) {
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Attribute"), h("th", { scope: "col" }, "One record"), h("th", { scope: "col" }, "The other"))),
    h("tbody", {}, names.map((name) => {
      const [a, b] = differences(left[name], right[name]);
      const differs = (left[name] ?? "") !== (right[name] ?? "");
      return h("tr", { class: differs ? "differs" : "" }, h("th", { scope: "row" }, name, differs ? h("span", { class: "gap" }, " differs") : null),
        h("td", {}, name in left ? marked(left[name], a) : ""), h("td", {}, name in right ? marked(right[name], b) : ""));
    }))));
}

function drawRecord(one) {
  const { record = {}, attribute, value } = one.case;
  const rows = attribute in record || attribute === undefined ? Object.entries(record) : [[attribute, value ?? null], ...Object.entries(record)];
  const [old, proposed] = differences(value, one.proposal);
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", {}, h("tbody", {}, rows.map(([name, text]) => {
    const at = name === attribute;
    const changed = at && one.proposal !== null
      ? [value === undefined ? cell(null) : h("del", {}, marked(value, old)), " → ", h("ins", {}, marked(one.proposal, proposed))]
      : cell(text);
    return h("tr", { class: at ? "at" : "" }, h("th", { scope: "row" }, name), h("td", {}, changed));
  }))));
}

/** The call whose answer is the case's, for the view that explains answers. */
function why(context, one) {
  const dataset = one.dataset ? { dataset: one.dataset } : {};
  const { left, right, record, attribute } = one.case;
  const request = left
    ? { pairs: [{ left, right }], ...dataset }
    : one.task === "impute"
      ? { records: [{ ...record, [attribute]: null }], attribute, ...dataset }
      : { records: [record], attributes: [attribute], ...dataset };
  context.go("why", { task: one.task, request: JSON.stringify(request) });
}

async function answerTogether(context, done) {
  const { server, signal } = context;
  const kinds = JSON.parse(await server.read("reviews://kinds", { signal })).filter(
    (kind) => kind.open && (!context.parameters.job || kind.job === context.parameters.job));
  await dialog("Answer alike cases together", (close) => {
    const body = h("div", {});
    if (!kinds.length) body.append(h("p", {}, "No case waits for a person."));
    else body.append(h("p", {}, "Choose a kind of cases. You see each case before anything is answered."),
      h("ul", { class: "list" }, kinds.slice(0, 50).map((kind) => h("li", {}, h("button", { class: "item", onclick: () => context.guard(() => preview(context, kind, body)) },
        `${TASKS[kind.task] ?? kind.task} ${kind.attribute ?? ""} `, h("span", { class: "soft small" }, `${count(kind.open)} open, ${count(kind.answered)} answered, ${kind.job}`))))));
    return [body, h("div", { class: "bar" }, h("button", { onclick: () => close() }, "Close"))];
  });
  await done();
}

async function preview(context, kind, body) {
  const { server, signal } = context;
  const query = kind.attribute === null || kind.attribute === undefined ? "" : `?attribute=${encodeURIComponent(kind.attribute)}`;
  const cases = [];
  const boxes = [];
  const rows = [];
  const told = h("p", { role: "status" });
  const table = h("tbody", {});
  const like = h("input", { id: "like", oninput: narrow, autocomplete: "off" });
  const least = h("input", { id: "least", type: "number", min: 0, max: 100, value: 0, oninput: narrow });
  const choice = h("select", { id: "bulk-answer", onchange: tell },
    kind.task === "impute" ? [] : [h("option", { value: "yes" }, "yes"), h("option", { value: "no" }, "no")],
    h("option", { value: "" }, "what the job proposes for each"));
  const go = h("button", { class: "primary", onclick: send });
  const further = h("button", { onclick: () => context.guard(more) });
  const progress = h("progress", { max: 1, value: 0, hidden: true, "aria-label": "Answers given" });
  let stopped = false;

  async function more() {
    const found = JSON.parse(await server.read(`reviews://kinds/${encodeURIComponent(kind.job)}/${encodeURIComponent(kind.task)}/${cases.length}${query}`, { signal }));
    for (const one of found) {
      const box = h("input", { type: "checkbox", checked: true, onchange: tell, "aria-label": `Case ${one.id}` });
      cases.push(one);
      boxes.push(box);
      rows.push(h("tr", {}, h("td", {}, box), h("td", { class: "number" }, one.row ?? one.id),
        h("td", {}, one.case.left ? pairText(one.case) : cell(one.case.value ?? null)), h("td", {}, cell(one.proposal)), h("td", { class: "number" }, percent(one.confidence))));
    }
    table.append(...rows.slice(rows.length - found.length));
    further.textContent = `Show ${count(Math.min(BULK, kind.open - cases.length))} more`;
    further.hidden = cases.length >= kind.open || !found.length;
    told.textContent = `${counted(cases.length, "case")} of ${count(kind.open)} of this kind, the most certain first. Those that are ticked are answered.`;
    narrow();
  }
  function chosen() {
    return cases.filter((one, place) => boxes[place].checked && !rows[place].hidden);
  }
  function tell() {
    const answer = choice.value === "" ? "as proposed" : `“${choice.value}”`;
    go.textContent = `Answer ${counted(chosen().length, "case")} ${answer}`;
    go.disabled = !chosen().length;
  }
  function narrow() {
    cases.forEach((one, place) => {
      const text = `${one.case.value ?? ""} ${one.proposal ?? ""} ${one.case.left ? pairText(one.case) : ""}`.toLowerCase();
      rows[place].hidden = !text.includes(like.value.toLowerCase()) || 100 * one.confidence < Number(least.value);
    });
    tell();
  }
  async function send() {
    const given = Object.values(Object.groupBy(chosen(), (one) => choice.value || one.proposal));
    const all = chosen().length;
    go.disabled = further.hidden = true;
    progress.hidden = stop.hidden = false;
    progress.max = all;
    await context.guard(async () => {
      for (const alike of given)
        for (let first = 0; first < alike.length && !stopped; first += TOGETHER) {
          const [one, ...others] = alike.slice(first, first + TOGETHER);
          await server.call("answer_review", { review: one.id, answer: choice.value || one.proposal, also: others.map(({ id }) => id) });
          progress.value += 1 + others.length;
        }
    });
    context.say(`${counted(progress.value, "case")} answered.`);
    body.replaceChildren(h("p", { role: "status" }, `${counted(progress.value, "case")} of ${count(all)} answered.`));
  }
  const stop = h("button", { hidden: true, onclick: () => { stopped = true; } }, "Stop");
  await more();
  body.replaceChildren(told,
    h("div", { class: "bar" }, h("label", { for: "like" }, "Holding"), like, h("label", { for: "least" }, "At least % sure"), least,
      h("label", { for: "bulk-answer" }, "Answer"), choice),
    h("div", { class: "scroll tall", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", { class: "wide" }, h("thead", {}, h("tr", {}, h("th", {}, "Take"), h("th", { class: "number" }, "Row"), h("th", {}, "Value"), h("th", {}, "Proposal"), h("th", { class: "number" }, "Sure"))),
      table), further),
    h("div", { class: "bar" }, go, stop, progress));
}

function pairText({ left, right }) {
  const text = (record) => Object.values(record).filter(Boolean).join(", ");
  return `${text(left)} — ${text(right)}`;
}
