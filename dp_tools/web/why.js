// Why an answer came out as it did: what it depends on, what would turn it, and the rules behind it.

import { cell, h, percent } from "./dom.js";

const KINDS = { attribute: "attribute", fact: "fact", rule: "rule", check: "check", example: "example" };
const EXPLAINED = ["detect_errors", "impute", "match_entities", "match_schemas", "annotate_columns", "extract_values", "follow_instruction"];
const SAMPLE = { records: [{ beer: "Pale Ale", ounces: "12.0 oz" }, { beer: "Stout", ounces: "16.0" }], attributes: ["ounces"] };

/** The view. `context.parameters`: `task` and `request`, the call whose first answer is explained, as JSON. */
export function whyView(context) {
  const { server, guard, parameters, signal } = context;
  const task = h("select", { id: "why-task" }, EXPLAINED.map((name) => h("option", { value: name }, name)));
  task.value = EXPLAINED.includes(parameters.task) ? parameters.task : EXPLAINED[0];
  const request = h("textarea", { id: "why-request", rows: 8, spellcheck: "false", value: pretty(parameters.request) });
  const problem = h("p", { class: "problem", "aria-live": "polite" });
  const bar = h("progress", { max: 1, hidden: true, "aria-label": "Questions asked for the explanation" });
  const result = h("div", { "aria-live": "polite" });
  const run = h("button", { class: "primary" }, "Explain");

  async function explain() {
    let asked;
    try {
      asked = JSON.parse(request.value);
      problem.textContent = "";
    } catch (error) {
      problem.textContent = `The request is not JSON: ${error.message}.`;
      return;
    }
    run.disabled = true;
    bar.hidden = false;
    await guard(async () => {
      const answer = await server.call("explain_answer", { task: task.value, request: asked }, { signal, onprogress: (done, total) => { if (total) bar.value = done / total; } });
      result.replaceChildren(...explanationCards(answer));
    });
    run.disabled = false;
    bar.hidden = true;
  }
  if (parameters.request) explain();
  return h("div", {}, h("h1", {}, "Why"),
    h("details", { open: !parameters.request }, h("summary", {}, "The question"),
      h("form", { class: "fields", onsubmit: (event) => { event.preventDefault(); explain(); } },
        h("label", { for: "why-task" }, "Task"), task, h("label", { for: "why-request" }, "What the task's tool takes, as JSON; its first answer is explained"), request, problem, h("div", { class: "bar" }, run))),
    bar, result);
}

function pretty(given) {
  try {
    return JSON.stringify(given ? JSON.parse(given) : SAMPLE, null, 1);
  } catch {
    return given;
  }
}

/** The cards of explanations, as explain_answer returns them. */
export function explanationCards({ model, explanations }) {
  return explanations.map((one) => h("section", { class: "card", "aria-label": "Explanation" },
    h("h2", {}, "Answer: ", cell(one.answer)),
    h("p", {}, `Decided by ${one.decided_by}`, one.probability === null || one.probability === undefined ? "." : `, ${percent(one.probability)} sure (${one.confidence_band}).`, h("span", { class: "soft" }, ` Model ${model}.`)),
    h("p", {}, one.text),
    one.decided.length ? [h("h3", {}, "What it depends on"), waterfall(one)] : null,
    one.would_change ? [h("h3", {}, "What would turn it"), h("p", {}, `${one.would_change.name} ${one.would_change.change}: the answer would be `, cell(one.would_change.answer), one.would_change.probability === null || one.would_change.probability === undefined ? "." : ` (${percent(one.would_change.probability)}).`)] : h("p", {}, "No single change turns the answer."),
    one.facts?.length ? h("details", { open: true }, h("summary", {}, "What is counted, whatever the model thinks"), h("ul", {}, one.facts.map((fact) => h("li", {}, fact.text)))) : null,
    one.rewrites?.length ? h("details", {}, h("summary", {}, one.rewrite_sensitive ? "A harmless rewrite turns the answer" : "Harmless rewrites do not turn the answer"),
      h("table", {}, h("tbody", {}, one.rewrites.map((rewrite) => h("tr", {}, h("th", { scope: "row" }, rewrite.rewrite), h("td", {}, cell(rewrite.answer)), h("td", { class: "number" }, rewrite.probability === null ? "" : percent(rewrite.probability))))))) : null,
    one.review ? h("p", { class: "tag warn wrap" }, one.review) : null,
    one.rationale ? [h("h3", {}, "The model's own words, which are no evidence"), h("p", {}, one.rationale)] : null));
}

const ENDS = 0.001; // Probabilities are drawn as if they kept this far from 0 and 1.

/**
 * The bars are laid end to end: each begins where the one before ends, and goes back by what its thing adds. What a thing
 * adds is measured alone, in log-odds, and added up as if things did not depend on one another.
 */
function waterfall(one) {
  const odds = (share) => Math.log(Math.min(1 - ENDS, Math.max(ENDS, share)) / (1 - Math.min(1 - ENDS, Math.max(ENDS, share))));
  const share = (score) => 1 / (1 + Math.exp(-score));
  const at = (part) => percent(Math.min(1, Math.max(0, part)), 2);
  const given = one.probability ?? 1;
  let score = odds(given);
  const line = (kind, what, label, from, to, figure) => h("li", {}, h("span", { class: "what" }, what),
    h("span", { class: "track", role: "img", "aria-label": label },
      h("span", { class: `bar-of ${kind}`, style: { left: at(Math.min(from, to)), width: at(Math.max(0.004, Math.abs(from - to))) } }),
      h("span", { class: "line", style: { left: at(to) } })),
    h("span", { class: "number small" }, figure));
  const bars = one.decided.map((part) => {
    const without = Math.min(1, Math.max(0, given - part.change));
    const from = share(score);
    score -= odds(given) - odds(without);
    return line(part.change >= 0 ? "for" : "against", [h("span", { class: "tag" }, KINDS[part.kind] ?? part.kind), part.statement ?? part.name, part.flips ? h("span", { class: "tag warn" }, "turns the answer") : null],
      `${part.change >= 0 ? "speaks for" : "speaks against"} the answer: ${percent(without)} without it, ${percent(given)} with it`, from, share(score), `${percent(without)} without it`);
  });
  return h("figure", {}, h("figcaption", { class: "small soft" }, `From the probability as given, ${percent(given)}, each bar goes back by what its thing adds. Each is measured alone; where things depend on one another, the last bar ends elsewhere than without all of them.`),
    h("ul", { class: "list waterfall" }, line("whole", "As given", `the answer has ${percent(given)}`, given, 0, percent(given)), bars, line("whole", "Without all of them, if none depended on another", `would leave ${percent(share(score))}`, share(score), 0, percent(share(score)))));
}
