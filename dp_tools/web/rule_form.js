// Writing and changing a rule, with its check looked at while one types.

import { dialog, h } from "./dom.js";

export const TASKS = ["all", "detect_errors", "impute", "match_entities", "match_schemas", "annotate_columns", "extract_values", "follow_instruction"];
const TYPES = ["string", "number", "integer", "boolean", "object", "array", "null"];
const KEYWORDS = new Set((
  "type enum const pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength properties required additionalProperties patternProperties "
  + "dependentRequired dependentSchemas propertyNames minProperties maxProperties items prefixItems contains minItems maxItems uniqueItems allOf anyOf oneOf not if then else "
  + "title description default examples $schema $defs $ref $comment contentEncoding contentMediaType").split(" "));

/** A dialog for a new rule; resolves to the rule, or to undefined. */
export function newRule(context, scope = {}) {
  return form(context, "Write a rule", { statement: "", task: scope.task ?? "all", dataset: scope.dataset ?? "all", attribute: scope.attribute ?? "all" },
    (fields) => context.server.call("add_rule", fields));
}

/** A dialog that changes a rule. */
export function changeRule(context, rule) {
  return form(context, `Change ${rule.id}`, rule, ({ ...fields }) => {
    const changed = Object.fromEntries(Object.entries(fields).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(rule[name] ?? null) && value !== ""));
    return context.server.call("change_rule", { rule_id: rule.id, ...changed });
  });
}

function form(context, title, rule, send) {
  return dialog(title, (close) => {
    const statement = h("textarea", { id: "rule-statement", rows: 3, maxlength: 400, required: true, value: rule.statement });
    const task = h("select", { id: "rule-task" }, TASKS.map((name) => h("option", { value: name }, name)));
    task.value = rule.task;
    const dataset = h("input", { id: "rule-dataset", value: rule.dataset ?? "all" });
    const attribute = h("input", { id: "rule-attribute", value: rule.attribute ?? "all" });
    const check = h("textarea", { id: "rule-check", rows: 5, spellcheck: "false", value: rule.check ? JSON.stringify(rule.check, null, 1) : "", "aria-describedby": "rule-problem", oninput: look });
    const why = h("input", { id: "rule-why" });
    const problem = h("p", { id: "rule-problem", class: "problem", "aria-live": "polite" });
    const save = h("button", { class: "primary" }, "Save");
    function look() {
      problem.textContent = problemOf(check.value);
      save.disabled = problem.textContent !== "";
    }
    const field = (label, input) => [h("label", { for: input.id }, label), input];
    const element = h("form", { class: "fields", onsubmit: async (event) => {
      event.preventDefault();
      try {
        const answer = await send({
          statement: statement.value.trim(), task: task.value, dataset: dataset.value.trim() || "all", attribute: attribute.value.trim() || "all",
          check: check.value.trim() ? JSON.parse(check.value) : null, why: why.value.trim(),
        });
        context.say(answer.acts ? "The rule is kept and acts from now on." : "The rule is a proposal: somebody who may approve rules has to accept it.");
        close(answer.rule);
      } catch (error) {
        problem.textContent = error.message;
      }
    } },
    field("What holds, in one sentence", statement), field("Task", task), field("Dataset", dataset), field("Attribute", attribute),
    field("Check as JSON Schema, if code can decide it", check), field("Reason", why), problem,
    h("div", { class: "bar" }, save, h("button", { type: "button", onclick: () => close() }, "Close")));
    look();
    return element;
  });
}

/** What is wrong with the text of a check, in one sentence; empty where nothing is. */
export function problemOf(text) {
  if (!text.trim()) return "";
  let schema;
  try {
    schema = JSON.parse(text);
  } catch (error) {
    return `The check is not JSON yet: ${error.message}.`;
  }
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return "A check is an object, such as {\"type\": \"number\"}.";
  return problemIn(schema);
}

function problemIn(schema) {
  for (const [name, value] of Object.entries(schema)) {
    if (!KEYWORDS.has(name)) return `JSON Schema has no keyword "${name}".`;
    if (name === "type" && ![value].flat().every((type) => TYPES.includes(type))) return `There is no type ${JSON.stringify(value)}: choose from ${TYPES.join(", ")}.`;
    if (name === "pattern") {
      try {
        new RegExp(value, "u");
      } catch {
        return `The pattern ${JSON.stringify(value)} is not a regular expression.`;
      }
    }
    const inner = ["properties", "patternProperties", "$defs"].includes(name) ? Object.values(value ?? {}) : ["items", "not", "if", "then", "else", "contains"].includes(name) ? [value] : ["allOf", "anyOf", "oneOf", "prefixItems"].includes(name) ? [value].flat() : [];
    for (const one of inner) {
      const problem = typeof one === "object" && one !== null ? problemIn(one) : "";
      if (problem) return problem;
    }
  }
  return "";
}
