// A panel inside a chat client: the view that fits the tool whose result the host shows.

import { HostBridge } from "./bridge.js";
import { h } from "./dom.js";
import { jobsView } from "./jobs.js";
import { Failure } from "./mcp.js";
import { reviewView } from "./review.js";
import { rulesView } from "./rules.js";
import { drawProfile, tableView } from "./table.js";
import { explanationCards, whyView } from "./why.js";

const VIEWS = { table: tableView, review: reviewView, rules: rulesView, jobs: jobsView, why: whyView };

const status = h("p", { class: "status", role: "status" });
const main = h("main", {});
let leave = () => {};
let tool = "";
let args = {};

function say(message, kind = "") {
  status.textContent = message;
  status.dataset.kind = kind;
}

async function guard(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name !== "AbortError") say(error instanceof Failure ? error.message : `Something went wrong in this panel: ${error.message}`, "error");
    return undefined;
  }
}

function contextOf(parameters, signal) {
  return { server: bridge, say, go, note: () => {}, guard, parameters, signal, may: () => true };
}

function go(view, parameters = {}) {
  leave();
  const stopping = new AbortController();
  leave = () => stopping.abort();
  say("");
  main.replaceChildren(VIEWS[view](contextOf(parameters, stopping.signal)));
}

/** Shows a tool's result: as it came where it is whole, otherwise in the view that reads the rest. */
function show(result) {
  const found = result.structuredContent;
  if (result.isError || !found) {
    main.replaceChildren(h("p", { class: "problem" }, result.content?.find((part) => part.type === "text")?.text ?? "The tool gave no result."));
    return;
  }
  if (found.profile) main.replaceChildren(h("h1", {}, found.profile.table), drawProfile(found.profile, found.left_out));
  else if (found.explanations) main.replaceChildren(...explanationCards(found));
  else if (found.reviews) go("review", args.job ? { job: args.job } : {});
  else if (found.rule) go("rules", { rule: found.rule.id });
  else if (found.jobs) go("jobs", args.job ? { job: args.job } : {});
  else main.replaceChildren(h("p", {}, `This panel shows no result of ${tool}.`));
}

function adopt(context = {}) {
  if (context.theme) document.documentElement.dataset.theme = context.theme;
  if (context.toolInfo) tool = context.toolInfo.tool.name;
}

const bridge = new HostBridge((name, parameters) => {
  if (name === "tool-input") args = parameters.arguments ?? {};
  else if (name === "tool-result") show(parameters);
  else if (name === "host-context-changed") adopt(parameters);
  else if (name === "tool-cancelled") main.replaceChildren(h("p", {}, "The call was cancelled."));
});

document.body.classList.add("panel");
document.body.replaceChildren(main, status);
main.append(h("p", { role: "status" }, "Waiting for the result …"));
guard(async () => {
  const { hostContext } = await bridge.begin();
  adopt(hostContext);
  let last = 0;
  new ResizeObserver(() => {
    const height = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (height !== last) bridge.tell("ui/notifications/size-changed", { width: document.documentElement.scrollWidth, height });
    last = height;
  }).observe(document.body);
});
