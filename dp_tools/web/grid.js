// A grid of any number of rows, of which only those on the screen exist.

import { count, h } from "./dom.js";

const ROW_PX = 28;
const MOST_PX = 8000000; // Browsers lay nothing out beyond some height; above it the scroll bar is scaled.
const ROWS_SHOWN = 20; // Rows on the screen at the most.
const AT_ONCE = 100; // Rows of a block that is fetched, and kept.
const BLOCKS = 40; // Blocks that are kept, the latest.

export class Grid {
  /**
   * label, columns, count: what is shown. fetch(numbers) → rows as [number, ...values], numbers from 1.
   * draw(row, column, value) → [content, class, description]. onchoose(row, column, value). onfail(error).
   */
  constructor(options) {
    Object.assign(this, options);
    this.blocks = new Map();
    this.asked = new Set();
    this.order = null;
    this.at = [0, 0];
    this.top = 0;
    this.spacer = h("div", { class: "spacer", "aria-hidden": "true" });
    this.head = h("div", { class: "grid-row grid-head", role: "row", "aria-rowindex": 1 }, h("span", { role: "columnheader", class: "grid-number", "aria-colindex": 1 }, "Row"),
      this.columns.map((name, place) => h("span", { role: "columnheader", "aria-colindex": place + 2, title: name }, name)));
    this.body = h("div", { class: "grid-body", role: "rowgroup" });
    this.scroller = h("div", { class: "grid-scroll", onscroll: () => this.scrolled() }, this.spacer);
    this.view = h("div", { class: "grid-view", role: "grid", "aria-label": this.label, "aria-colcount": this.columns.length + 1, onkeydown: (event) => this.key(event), onclick: (event) => this.click(event), onwheel: (event) => this.wheel(event) },
      h("div", { role: "rowgroup", class: "grid-top" }, this.head), this.body);
    this.element = h("div", { class: "grid" }, this.view, this.scroller);
    this.view.style.setProperty("--columns", this.columns.length);
    new ResizeObserver(() => this.render()).observe(this.element);
  }

  get size() {
    return this.order ? this.order.length : this.count;
  }

  /** Row numbers to show, in order; null for all. */
  show(order) {
    this.order = order;
    this.blocks = order ? new Map() : this.blocks;
    if (order || this.narrowed) this.blocks.clear();
    this.narrowed = order !== null;
    this.asked.clear();
    this.at = [0, this.at[1]];
    this.top = 0;
    this.scroller.scrollTop = 0;
    this.render();
  }

  /** Rows that are known already. */
  keep(rows) {
    if (rows.length) this.blocks.set(0, rows);
  }

  get fit() {
    return Math.max(1, Math.floor((this.view.clientHeight - ROW_PX) / ROW_PX));
  }

  get height() {
    return Math.min(MOST_PX, this.size * ROW_PX);
  }

  scrolled() {
    if (Math.abs(this.scroller.scrollTop - this.placed) <= 1) return;
    this.placed = NaN;
    const room = Math.max(1, this.height - this.fit * ROW_PX);
    this.top = Math.round((this.scroller.scrollTop / room) * Math.max(0, this.size - this.fit));
    this.render(true);
  }

  wheel(event) {
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    event.preventDefault();
    this.scrollTo(this.top + Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW_PX)));
  }

  scrollTo(top) {
    this.top = Math.max(0, Math.min(top, this.size - this.fit));
    const room = Math.max(1, this.height - this.fit * ROW_PX);
    const wanted = Math.round((this.top / Math.max(1, this.size - this.fit)) * room);
    if (Math.abs(this.scroller.scrollTop - wanted) > 1) {
      this.scroller.scrollTop = wanted;
      this.placed = this.scroller.scrollTop; // It is where the rows are already.
    }
    this.render();
  }

  value(place, column) {
    const row = this.blocks.get(Math.floor(place / AT_ONCE))?.[place % AT_ONCE];
    return row && [row[0], row[column + 1]];
  }

  async need(block) {
    if (this.blocks.has(block)) {
      const rows = this.blocks.get(block);
      this.blocks.delete(block);
      this.blocks.set(block, rows);
      return;
    }
    if (this.asked.has(block) || this.signal.aborted) return;
    const order = this.order;
    this.asked.add(block);
    try {
      const first = block * AT_ONCE;
      const numbers = Array.from({ length: Math.min(AT_ONCE, this.size - first) }, (_, place) => (order ? order[first + place] : first + place + 1));
      const rows = await this.fetch(numbers);
      if (order !== this.order) return;
      this.blocks.set(block, rows);
      while (this.blocks.size > BLOCKS) this.blocks.delete(this.blocks.keys().next().value);
      this.asked.delete(block);
      this.render();
      this.told();
    } catch (error) {
      this.asked.delete(block);
      this.onfail(error);
    }
  }

  render() {
    this.spacer.style.height = `${this.height}px`;
    this.element.style.setProperty("--rows", Math.min(this.size, ROWS_SHOWN) + 1);
    this.view.setAttribute("aria-rowcount", this.size + 1);
    const last = Math.min(this.size, this.top + this.fit);
    const active = this.body.contains(document.activeElement);
    const lines = [];
    for (let place = this.top; place < last; place++) lines.push(this.line(place));
    if (!this.size) lines.push(h("div", { class: "grid-row", role: "row" }, h("span", { role: "gridcell" }, "No row to show.")));
    this.body.replaceChildren(...lines);
    for (let block = Math.floor(this.top / AT_ONCE); block <= Math.floor(Math.max(this.top, last - 1) / AT_ONCE) && this.size; block++) this.need(block);
    const chosen = this.body.querySelector('[tabindex="0"]');
    if (active) (chosen ?? this.body.querySelector("[data-place]"))?.focus({ preventScroll: true });
    else if (!chosen) this.body.querySelector("[data-place]")?.setAttribute("tabindex", "0");
  }

  line(place) {
    const known = this.value(place, 0);
    const number = known?.[0] ?? (this.order ? this.order[place] : place + 1);
    const cells = this.columns.map((name, column) => {
      const value = this.value(place, column)?.[1];
      const [content, kind, about] = known ? this.draw(number, name, value) : ["…", "", ""];
      return h("span", { role: "gridcell", class: kind, title: about, "aria-colindex": column + 2, "data-place": place, "data-column": column, tabindex: place === this.at[0] && column === this.at[1] ? 0 : -1 }, content, about ? h("span", { class: "hidden" }, ` (${about})`) : null);
    });
    return h("div", { class: "grid-row", role: "row", "aria-rowindex": place + 2 }, h("span", { role: "rowheader", class: "grid-number", "aria-colindex": 1 }, count(number)), cells);
  }

  choose(place, column) {
    this.at = [Math.max(0, Math.min(place, this.size - 1)), Math.max(0, Math.min(column, this.columns.length - 1))];
    const [row, at] = this.at;
    if (row < this.top) this.scrollTo(row);
    else if (row >= this.top + this.fit) this.scrollTo(row - this.fit + 1);
    else this.render();
    const element = this.body.querySelector('[tabindex="0"]');
    element?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.tell = true;
    this.told();
  }

  /** Tells of the chosen cell once its value is there. */
  told() {
    const [row, at] = this.at;
    const known = this.tell && this.value(row, at);
    if (!known) return;
    this.tell = false;
    this.onchoose(known[0], this.columns[at], known[1]);
  }

  click(event) {
    const chosen = event.target.closest("[data-place]");
    if (chosen) this.choose(Number(chosen.dataset.place), Number(chosen.dataset.column));
  }

  key(event) {
    const [row, column] = this.at;
    const moves = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      PageUp: [row - this.fit, column], PageDown: [row + this.fit, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0], End: event.ctrlKey ? [this.size - 1, this.columns.length - 1] : [row, this.columns.length - 1],
      Enter: [row, column],
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.choose(...moves[event.key]);
  }
}

