// The page: signing in, the views, and what is the same on all of them.

import { h } from "./dom.js";
import { HttpServer, Failure } from "./mcp.js";
import { jobsView } from "./jobs.js";
import { reviewView } from "./review.js";
import { rulesView } from "./rules.js";
import { tableView } from "./table.js";
import { whyView } from "./why.js";

const VIEWS = {
  table: ["Table", tableView],
  review: ["Review", reviewView],
  rules: ["Rules", rulesView],
  jobs: ["Jobs", jobsView],
  why: ["Why", whyView],
};
const THEMES = { auto: "System colours", light: "Light", dark: "Dark" };

const server = new HttpServer("../mcp");
const status = h("p", { class: "status", role: "status", "aria-live": "polite" });
const main = h("main", { id: "main", tabindex: "-1" });
let leave = () => {};
let clock = 0;

function say(message, kind = "") {
  clearTimeout(clock);
  status.textContent = message;
  status.dataset.kind = kind;
  if (message && kind !== "error") clock = setTimeout(() => say(""), 8000);
}

function places() {
  const given = new URLSearchParams(location.hash.slice(1));
  const view = Object.hasOwn(VIEWS, given.get("view")) ? given.get("view") : "table";
  return [view, Object.fromEntries(given)];
}

function go(view, parameters = {}) {
  const wanted = new URLSearchParams({ view, ...parameters }).toString();
  if (location.hash.slice(1) === wanted) show();
  else location.hash = wanted;
}

/** Replaces the address of what is shown, without showing it anew. */
function note(view, parameters) {
  history.replaceState(null, "", `#${new URLSearchParams({ view, ...parameters })}`);
}

async function guard(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (error instanceof Failure && error.status === 401) return signIn("Sign in again to go on.");
    say(error instanceof Failure ? error.message : `Something went wrong on this page: ${error.message}`, "error");
    if (!(error instanceof Failure)) console.error(error);
    return undefined;
  }
}

let person = null;

function show() {
  if (person === null) return;
  const [view, parameters] = places();
  leave();
  say("");
  for (const link of document.querySelectorAll("nav a"))
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  document.title = `${VIEWS[view][0]} · dp-tools workbench`;
  const stopping = new AbortController();
  leave = () => stopping.abort();
  const context = {
    server, say, go, note, guard, person, parameters, signal: stopping.signal,
    may: (scope) => person.scopes.includes(scope),
  };
  main.replaceChildren(VIEWS[view][1](context));
}

function frame() {
  const links = Object.entries(VIEWS).map(([view, [title]]) =>
    h("a", { href: `#view=${view}`, "data-view": view }, title));
  const theme = h("select", { "aria-label": "Colours", onchange: () => setTheme(theme.value) },
    Object.entries(THEMES).map(([name, title]) => h("option", { value: name }, title)));
  theme.value = stored("theme") ?? "auto";
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, "Skip to content"),
    h("header", {},
      h("strong", { class: "brand" }, "dp-tools"),
      h("nav", { "aria-label": "Views" }, links),
      h("span", { class: "who" }, theme, h("span", { class: "name" }, person.name), h("button", { onclick: signOut }, "Sign out"))),
    main, status);
}

function stored(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(`dp-tools-${name}`, value);
    return localStorage.getItem(`dp-tools-${name}`);
  } catch {
    return null;
  }
}

function setTheme(name) {
  stored("theme", name);
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

async function session(method, body) {
  const response = await fetch("session", { method, body: body && JSON.stringify(body) });
  return response.json();
}

function signIn(why, wants = "token") {
  leave();
  const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const problem = h("p", { class: "problem", role: "alert" }, why ?? "");
  const form = h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const answer = await session("POST", { token: field.value.trim() });
      if (answer.name) begin(answer);
      else problem.textContent = answer.error;
    },
  }, h("label", { for: "token" }, "Token"), field, h("button", { class: "primary" }, "Sign in"));
  const how = wants === "token"
    ? "Sign in with the token that you were given for this server. It decides what you may see, run and approve."
    : "Open the address that dp-tools printed when it started: it signs in once. Start it again for a new one.";
  document.body.replaceChildren(h("main", { class: "sign-in" },
    h("h1", {}, "dp-tools workbench"), h("p", {}, how), problem, wants === "token" ? form : null));
  if (wants === "token") field.focus();
}

async function signOut() {
  const answer = await session("DELETE");
  person = null;
  signIn("You are signed out.", answer.wants);
}

function begin(who) {
  person = who;
  frame();
  show();
}

async function start() {
  setTheme(stored("theme") ?? "auto");
  const { ticket, ...opened } = places()[1];
  let who = null;
  if (ticket) {
    // Out of the address at once: it must not stay in the history.
    history.replaceState(null, "", `#${new URLSearchParams(opened)}`);
    who = await session("POST", { token: ticket });
  }
  if (!who?.name) who = await session("GET");
  if (who.name) begin(who);
  else signIn(null, who.wants);
}

window.addEventListener("hashchange", show);
start();
