// Groups of duplicates in an entity register: each side by side, merged, kept apart and split by a person's word.

import { cell, confirmed, count, counted, differences, h, marked, percent } from "./dom.js";

const AT_ONCE = 40; // Records of a group that are shown before one asks for more.
const WHAT = { file: "brought in", merged: "merged", "kept apart": "kept apart", split: "split", undone: "undone" };

/** The view. `context.parameters`: `register`, and `entity`, the one that is shown. */
export function entitiesView(context) {
  const { server, guard, say, parameters, signal } = context;
  const choice = h("select", { id: "register", onchange: () => { note(); guard(start); } });
  const list = h("ul", { class: "list tall rules", "aria-label": "Questions and groups" });
  const told = h("p", { class: "soft small", role: "status" });
  const card = h("section", { class: "card", "aria-label": "The group" });
  const steps = h("section", { "aria-label": "Last steps" });
  let items = [];
  let open = 0;
  let groups = 0;
  let more = null;
  let chosen = null;
  let busy = false;
  let act = {};

  const read = async (place) => JSON.parse(await server.read(`entities://${encodeURIComponent(choice.value)}/${place}`, { signal }));
  const historyOf = (entity) => server.call("entity_history", { register_name: choice.value, ...(entity ? { entity } : {}) }, { signal });

  function note() {
    context.note("review", { register: choice.value, ...(chosen ? { entity: chosen.entities[0] } : {}) });
  }

  async function start() {
    chosen = null;
    groups = 0;
    await look();
    const wanted = Number(parameters.entity);
    await show(items.find((item) => item.entities.includes(wanted)) ?? (wanted ? groupOf(wanted) : items[0]));
  }

  /** Reads what waits and as many groups as were shown before. */
  async function look() {
    const { questions, open: waiting } = await read("waiting/0");
    const found = [];
    more = 0;
    do {
      const page = await read(`groups/${more}`);
      found.push(...page.groups);
      more = page.more;
    } while (more !== null && found.length < groups);
    open = waiting;
    groups = found.length;
    items = [...questions.map(questionOf), ...found.map((one) => ({ ...groupOf(one.entity), records: one.records, merged: one.merged }))];
    drawList();
    drawSteps((await historyOf()).steps);
  }

  function drawList() {
    told.textContent = `${counted(open, "question")} ${open === 1 ? "waits" : "wait"} for a person.`;
    list.replaceChildren(...items.map((item) => h("li", {}, h("button", { class: "item", "data-key": item.key, onclick: () => guard(() => show(item)) },
      item.question ? h("span", { class: "tag warn" }, item.other ? "one?" : "several?") : null, titleOf(item)))));
    if (more !== null) list.append(h("li", {}, h("button", { onclick: () => guard(async () => { groups += 1; await look(); mark(); }) }, "More groups")));
    if (!items.length) list.replaceChildren(h("li", { class: "soft" }, "No entity has more than one record, and nothing waits."));
    mark();
  }

  function mark() {
    for (const button of list.querySelectorAll("button.item")) button.setAttribute("aria-current", String(button.dataset.key === chosen?.key));
  }

  function drawSteps(last) {
    steps.replaceChildren(h("h2", {}, "Last steps"), stepList(last.toReversed(), undo));
    act.undo = () => {
      const step = last.findLast((one) => !one.is_undone && one.what !== "file");
      if (step) undo(step);
      else say("No step of a person's is left to undo.");
    };
  }

  async function show(item) {
    chosen = item ?? null;
    mark();
    act = { undo: act.undo };
    if (!item) {
      card.replaceChildren(h("p", {}, choice.value ? "There is no group in this register." : "There is no register yet."));
      return;
    }
    list.querySelector('[aria-current="true"]')?.scrollIntoView({ block: "nearest" });
    note();
    const found = await Promise.all(item.entities.map(historyOf));
    if (chosen !== item) return;
    const gone = item.entities.filter((_, place) => !found[place].entity);
    if (gone.length) card.replaceChildren(h("p", {}, `Entity ${gone.join(" and ")} is gone: its records were merged or moved.`), h("h3", {}, "History"), stepList(found.flatMap((one) => one.steps), undo));
    else draw(item, found);
  }

  /** The records that are ticked, and the card with all that can be done about them. */
  function draw(item, found) {
    const ticked = new Set();
    const [first, other] = item.entities;
    const records = found.flatMap(({ entity }) => entity.records.map((one) => ({ ...one, entity: entity.entity })));
    const split = h("button", { onclick: () => splitOff(first, [...ticked]) });
    const key = (text) => h("kbd", { "aria-hidden": "true" }, text);
    const boxes = new Map(records.map(({ record, entity }) => [record, h("input", { type: "checkbox", "aria-label": `Take record ${record} out of entity ${entity}`, onchange: (event) => {
      if (event.target.checked) ticked.add(record);
      else ticked.delete(record);
      tell();
    } })]));
    function tell() {
      split.replaceChildren(`Split off ${ticked.size ? counted(ticked.size, "record") : "the ticked records"}`, key("x"));
      split.disabled = !ticked.size || ticked.size === records.length;
    }
    tell();
    const buttons = [];
    if (other) {
      act.yes = () => change({ action: "merge", entities: [first, other] }, ({ entity }) => `Entities ${first} and ${other} are one: ${entity}.`);
      act.no = () => change({ action: "keep_apart", entities: [first, other] }, () => `Entities ${first} and ${other} are kept apart.`);
      buttons.push(h("button", { class: "primary", onclick: act.yes }, "Yes, merge", key("y")), h("button", { class: "primary", onclick: act.no }, "No, keep apart", key("n")));
    } else {
      act.split = () => split.click();
      act.tick = (place) => [...boxes.values()][place]?.click();
      if (item.question) {
        act.yes = () => change({ action: "merge", entities: [first] }, () => `Entity ${first} is one.`);
        act.no = () => boxes.values().next().value.focus();
        buttons.push(h("button", { class: "primary", onclick: act.yes }, "Yes, it is one", key("y")));
      }
      if (records.length > 1) buttons.push(split);
      act.like = () => guard(() => likeIt(found[0].entity));
      buttons.push(h("button", { onclick: act.like }, "Merge with another…", key("m")));
    }
    const like = h("div", { "aria-live": "polite" });
    const heading = other ? `Are entity ${first} and entity ${other} the same?` : item.question ? `Is entity ${first} one thing?` : `Entity ${first}`;
    card.replaceChildren(h("h2", { id: "question" }, heading),
      h("p", { class: "soft" }, `${counted(records.length, "record")}.`, item.score === null || item.score === undefined ? "" : ` The two marked records are ${percent(item.score)} likely the same.`,
        other ? "" : " Tick the records that are something else, and split them off."),
      sideBySide(records, other ? null : found[0].entity.merged, other ? null : boxes, item.records_at ?? []),
      h("div", { class: "answers", role: "group", "aria-labelledby": "question" }, buttons,
        h("button", { onclick: () => move(1) }, "Next", key("s")), h("button", { onclick: () => move(-1) }, "Back", key("b"))),
      like, ...found.map(({ entity, steps: own }) => h("details", {}, h("summary", {}, `History of entity ${entity.entity}`), stepList(own.toReversed(), undo))));

    async function likeIt(entity) {
      const { entities } = await server.call("find_entity", { register_name: choice.value, record: entity.merged }, { signal });
      const field = h("input", { id: "other-entity", inputmode: "numeric", pattern: "[0-9]+", required: true, class: "narrow" });
      const others = entities.filter((one) => one.entity !== first);
      like.replaceChildren(h("h3", {}, "Entities like this one"),
        others.length ? h("ul", { class: "list" }, others.map((one) => h("li", {}, h("button", { class: "item", onclick: () => guard(() => show(pairOf(first, one.entity))) },
          titleOf({ entities: [one.entity], merged: one.merged }), h("span", { class: "soft small" }, ` ${percent(one.confidence)} likely. ${one.reason}`))))) : h("p", { class: "soft" }, "None is like it."),
        h("form", { class: "bar", onsubmit: (event) => { event.preventDefault(); guard(() => show(pairOf(first, Number(field.value)))); } },
          h("label", { for: "other-entity" }, "Or by its number"), field, h("button", {}, "Show both")));
      (like.querySelector("button.item") ?? field).focus();
    }
  }

  const splitOff = (entity, records) => change({ action: "split", entities: [entity], records }, (made) => `${counted(records.length, "record")} of entity ${entity} ${records.length === 1 ? "is" : "are"} now entity ${made.entity}.`);

  async function undo(step) {
    if (await confirmed(`Undo step ${step.step} (${WHAT[step.what]} by ${step.who})?`, "Undo it"))
      await change({ action: "undo", step: step.step }, ({ moved }) => `Step ${step.step} is undone; ${counted(moved, "record")} moved back.`);
  }

  /** One change by a person's word, and then what is next. */
  async function change(what, sentence) {
    if (busy) return;
    busy = true;
    await guard(async () => {
      const before = chosen;
      const answer = await server.call("change_entities", { register_name: choice.value, ...what });
      const place = Math.max(0, items.findIndex((item) => item.key === before?.key));
      await look();
      const same = items.find((item) => item.key === before?.key);
      await show(before?.question ? same ?? items[Math.min(place, items.length - 1)] : same ?? groupOf(answer.entity ?? before.entities[0]));
      say(sentence(answer));
    });
    busy = false;
  }

  function move(by) {
    const place = items.findIndex((item) => item.key === chosen?.key);
    const next = items[place + by];
    if (next) guard(() => show(next));
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select")) return;
    const keys = { y: act.yes, n: act.no, x: act.split, m: act.like, u: act.undo, s: () => move(1), b: () => move(-1) };
    const pressed = /^[1-9]$/.test(event.key) ? act.tick && (() => act.tick(Number(event.key) - 1)) : keys[event.key.toLowerCase()];
    if (!pressed) return;
    event.preventDefault();
    pressed();
  }, { signal });

  guard(async () => {
    const names = JSON.parse(await server.read("entities://registers", { signal }));
    choice.append(...names.map((name) => h("option", { value: name }, name)));
    if (!names.length) {
      list.remove();
      card.replaceChildren(h("p", {}, "There is no register yet. Open a table, choose “Find duplicates”, and name a register: it keeps an id for each entity, and what you decide holds for later files too."));
      return;
    }
    choice.value = names.includes(parameters.register) ? parameters.register : names[0];
    await start();
  });
  return h("div", {},
    h("div", { class: "bar" }, h("h1", { class: "grow" }, "Groups of duplicates"), h("label", { for: "register" }, "Register", choice),
      h("button", { onclick: () => context.go("review") }, "Other cases")),
    told, h("div", { class: "columns rules" }, list, h("div", {}, card, steps)));
}

function questionOf({ entity, other, records, score }) {
  return { key: `${entity}-${other ?? "parts"}`, question: true, entities: other === null ? [entity] : [entity, other], other, records_at: records, score };
}

function groupOf(entity) {
  return { key: `group-${entity}`, entities: [entity] };
}

function pairOf(entity, other) {
  return { key: `pair-${entity}-${other}`, entities: [entity, other].sort((a, b) => a - b), other };
}

function titleOf({ entities, records, merged }) {
  const values = Object.values(merged ?? {}).filter(Boolean).slice(0, 3).join(", ");
  return [`Entity ${entities.join(" and ")}`, records ? h("span", { class: "soft small" }, `, ${counted(records, "record")}`) : null, values ? [h("br"), h("span", { class: "small" }, values)] : null];
}

/** Attributes as rows, records as columns: marked is what differs from the merged value, or from the first record's. */
function sideBySide(records, merged, boxes, spoken) {
  const names = [...new Set(records.flatMap(({ values }) => Object.keys(values)))];
  let shown = Math.min(AT_ONCE, records.length);
  const place = h("div", {});
  function draw() {
    const some = records.slice(0, shown);
    const heads = some.map(({ record, source, entity }) => h("th", { scope: "col", class: spoken.includes(record) ? "spoken" : "" },
      h("label", {}, boxes?.get(record) ?? null, ` ${boxes ? "Record" : `Entity ${entity}, record`} ${record}`), h("div", { class: "soft small" }, source)));
    const row = (name) => {
      const against = merged ? merged[name] : records[0].values[name];
      const differs = records.some(({ values }) => (values[name] ?? "") !== (records[0].values[name] ?? ""));
      return h("tr", { class: differs ? "differs" : "" }, h("th", { scope: "row" }, name, differs ? h("span", { class: "gap" }, " differs") : null), merged ? h("td", {}, cell(merged[name])) : null,
        some.map(({ values }) => h("td", {}, marked(values[name], differences(against, values[name])[1]))));
    };
    const left = records.length - shown;
    place.replaceChildren(h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "The records side by side" }, h("table", { class: "beside" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Attribute"), merged ? h("th", { scope: "col" }, "Merged") : null, heads)), h("tbody", {}, names.map(row)))),
    left ? h("button", { onclick: () => { shown += AT_ONCE; draw(); } }, `Show more of ${count(records.length)} records`) : "");
  }
  draw();
  return place;
}

function stepList(steps, undo) {
  return h("ol", { class: "list small" }, steps.map((step) => h("li", { class: "bar" },
    h("span", {}, h("strong", {}, `${step.step}. ${WHAT[step.what] ?? step.what}`), step.undoes ? ` step ${step.undoes}` : "", step.source ? ` ${step.source}` : "", ` by ${step.who}, ${step.at.slice(0, 16).replace("T", " ")}`, step.why ? `: ${step.why}` : ""),
    step.is_undone ? h("span", { class: "tag" }, "undone") : h("button", { "aria-label": `Undo step ${step.step}`, onclick: () => undo(step) }, "Undo"))));
}
