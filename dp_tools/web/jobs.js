// Jobs: how far they are, what came of them, and stopping and resuming them.

import { cell, confirmed, count, counted, duration, h, percent } from "./dom.js";

const GOING_ON = ["waiting", "running"];
const KINDS = { detect: "Find wrong cells", clean: "Clean", fill: "Fill gaps", match: "Match", dedupe: "Find duplicates", call: "A long call" };
const MARK = { done: "good", failed: "bad", cancelled: "warn", interrupted: "warn" };
const LOOK_MS = 1000;

/** The view. `context.parameters.job` chooses a job. */
export function jobsView(context) {
  const { server, guard, parameters, signal } = context;
  const list = h("ul", { class: "list", "aria-label": "Jobs" });
  const detail = h("div", {});
  let chosen = parameters.job;
  let jobs = [];
  let drawn = "";

  async function look() {
    jobs = (await server.call("get_job", {}, { signal })).jobs;
    if (chosen && !jobs.some((job) => job.id === chosen)) jobs.push((await server.call("get_job", { job: chosen }, { signal })).jobs[0]);
    chosen ??= jobs[0]?.id;
    draw();
  }
  function draw() {
    const state = JSON.stringify([jobs, chosen]);
    if (state === drawn) return;
    drawn = state;
    const focused = document.activeElement?.dataset?.job;
    list.replaceChildren(...jobs.map((job) => h("li", {}, h("button", {
      class: "item", "data-job": job.id, "aria-current": job.id === chosen ? "true" : false, onclick: () => { chosen = job.id; context.note("jobs", { job: chosen }); draw(); },
    }, KINDS[job.kind] ?? job.kind, " ", h("span", { class: `tag ${MARK[job.status] ?? ""}` }, job.status),
    h("br"), h("span", { class: "soft small" }, job.id)))));
    if (focused) list.querySelector(`[data-job="${CSS.escape(focused)}"]`)?.focus();
    if (!jobs.length) list.replaceChildren(h("li", { class: "soft" }, "No job has been started yet. Open a table and clean it."));
    const job = jobs.find((one) => one.id === chosen);
    detail.replaceChildren(...(job ? [jobCard(context, job, look)] : []));
  }
  async function follow() {
    while (!signal.aborted) {
      await guard(look);
      await new Promise((resolve) => setTimeout(resolve, jobs.some((job) => GOING_ON.includes(job.status)) ? LOOK_MS : 5 * LOOK_MS));
    }
  }
  follow();
  return h("div", {}, h("h1", {}, "Jobs"), h("div", { class: "columns" }, list, detail));
}

/** One job with everything that can be done about it. `look` is called after something was done. */
export function jobCard(context, job, look) {
  const { server, guard, say } = context;
  const act = (work) => guard(async () => { await work(); await look(); });
  const going = GOING_ON.includes(job.status);
  const actions = [];
  if (going) actions.push(h("button", { class: "danger", onclick: () => act(() => server.call("cancel_job", { job: job.id })) }, "Cancel"));
  if (["interrupted", "cancelled"].includes(job.status) && job.kind !== "call")
    actions.push(h("button", { class: "primary", onclick: () => act(() => resume(context, job)) }, "Resume"));
  if (job.status === "done" && job.kind !== "call") {
    actions.push(h("button", { onclick: () => context.go("review", { job: job.id }) }, "Review its cases"));
    if (job.kind === "dedupe") actions.push(h("button", { onclick: () => guard(() => showGroups(context, job)) }, "Review its groups"));
    if (["clean", "detect", "fill"].includes(job.kind)) actions.push(h("button", { onclick: () => guard(() => showCells(context, job)) }, "Show its cells in the table"));
  }
  const done = job.total ? job.done / job.total : 0;
  return h("section", { class: "card", "aria-label": `Job ${job.id}` },
    h("h2", {}, KINDS[job.kind] ?? job.kind, " ", h("span", { class: `tag ${MARK[job.status] ?? ""}` }, job.status)),
    h("p", { class: "soft small" }, job.id),
    going ? [
      h("p", {}, `${job.stage}: ${count(job.done)}${job.total ? ` of ${count(job.total)}` : ""}`, job.seconds_left ? `, about ${duration(job.seconds_left)} left` : "",
        job.rate ? h("span", { class: "soft" }, ` (${count(job.rate)} a second)`) : null),
      h("progress", { max: 1, ...(job.total ? { value: done } : {}), "aria-label": job.total ? `${percent(done)} of ${job.stage}` : job.stage }),
    ] : null,
    job.error ? h("p", { class: "problem" }, job.error) : null,
    job.status === "interrupted" ? h("p", {}, "The program that ran it ended. Nothing that was answered is asked again.") : null,
    job.workers?.length ? drawWorkers(job.workers) : null,
    job.result ? drawResult(context, job, say) : null,
    job.answer ? h("details", {}, h("summary", {}, "Its answer"), h("pre", { class: "value small" }, JSON.stringify(job.answer, null, 1))) : null,
    h("div", { class: "bar" }, actions));
}

function drawResult(context, job) {
  const { summary, files, figures, preview, promise } = job.result;
  const columns = [...new Set(preview.flatMap((line) => Object.keys(line)))];
  return [
    h("p", {}, summary),
    promise ? drawPromise(promise) : null,
    h("h3", {}, "Figures"),
    h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", { class: "figures" }, h("tbody", {}, Object.entries(figures).map(([name, value]) =>
      h("tr", {}, h("th", { scope: "row" }, name), h("td", { class: "number" }, Number.isInteger(value) ? count(value) : String(value))))))),
    files.length ? [h("h3", {}, "Files"), h("ul", { class: "list" }, files.map((file) => {
      const name = file.path.split(/[\\/]/).at(-1);
      return h("li", { class: "bar" }, h("button", { onclick: () => context.guard(() => download(context, job.id, name)) }, "Download ", name), h("span", { class: "soft" }, file.what));
    }))] : null,
    preview.length ? [h("h3", {}, `The first ${counted(preview.length, "result")}`), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Table" }, h("table", { class: "wide" },
      h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, preview.map((line) => h("tr", {}, columns.map((name) => h("td", {}, shown(line[name]))))))))] : null,
  ];
}

function shown(value) {
  if (typeof value === "number") return Number.isInteger(value) ? count(value) : value.toFixed(3);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : cell(value);
}

function drawPromise({ items, size, asked, confidence, promised_recall, promised_precision, drawn, wrong, recall, precision }) {
  const row = (what, promised, found) => h("tr", {}, h("th", { scope: "row" }, what), h("td", { class: "number" }, percent(promised, 1)), h("td", { class: "number" }, percent(Math.floor(1000 * found) / 1000, 1)));
  return [h("h3", {}, "Promise and audit"),
    h("p", {}, `The model was asked about ${count(asked)} of ${count(size)} ${items}. The promise holds with ${percent(confidence)} probability. An audit drew ${count(drawn)} of the others; the model contradicted ${count(wrong)} of them.`),
    h("table", { class: "figures" }, h("thead", {}, h("tr", {}, ["Of asking about all", "Promised", "Shown at least"].map((title, place) => h("th", { scope: "col", class: place ? "number" : "" }, title)))),
      h("tbody", {}, row("Recall", promised_recall, recall), row("Precision", promised_precision, precision)))];
}

/** What each worker of a job does, or did last. */
function drawWorkers(workers) {
  const columns = { worker: "Worker", status: "Status", node: "On", answering: "Answering", answered: "Answered", per_second: "A second", computed: "Parts computed", memory_mb: "MB" };
  return [h("h3", {}, "Workers"), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "Workers" }, h("table", { class: "wide" },
    h("thead", {}, h("tr", {}, Object.values(columns).map((title) => h("th", { scope: "col" }, title)))),
    h("tbody", {}, workers.map((worker) => h("tr", {}, Object.keys(columns).map((name) => h("td", {}, worker[name] === null ? "" : String(worker[name]))))))))];
}

/** The very call that began a job goes on with it. */
async function resume(context, job) {
  const { tool, arguments: given } = JSON.parse(await context.server.read(`jobs://${job.id}/request`));
  try {
    await context.server.call(tool, given);
  } catch (error) {
    if (!error.message.includes("with_current_model")) throw error;
    if (!(await confirmed(`${error.message} Go on with the model and the rules of now?`, "Go on"))) return;
    await context.server.call(tool, { ...given, with_current_model: true });
  }
}

async function showCells(context, job) {
  const { tables } = JSON.parse(await context.server.read(`jobs://${job.id}/request`));
  if (!tables[0]) throw new Error("its table lies outside the server's folders");
  context.go("table", { table: tables[0], job: job.id });
}

async function showGroups(context, job) {
  const { arguments: given } = JSON.parse(await context.server.read(`jobs://${job.id}/request`));
  if (given.register_name) context.go("review", { register: given.register_name.toLowerCase() });
  else context.say("Its groups are in its files only: find the duplicates again with a register, and you can split and merge them.");
}

/** Fetches a file of a job part by part and hands it to the browser. */
async function download(context, job, name) {
  const parts = [];
  for (let part = 0; ; part++) {
    const bytes = await context.server.read(`jobs://${job}/files/${encodeURIComponent(name)}/${part}`, { signal: context.signal });
    if (!bytes.length) break;
    parts.push(bytes);
    context.say(`${name}: ${count(parts.reduce((sum, one) => sum + one.length, 0) / 1000)} kB`);
  }
  const url = URL.createObjectURL(new Blob(parts));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  context.say(`${name} is downloaded.`);
}
