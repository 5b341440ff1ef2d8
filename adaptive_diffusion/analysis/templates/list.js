// A list box that stays quick with thousands of rows: only those in view are in the page.
"use strict";

class QueryList {
  static height = 27;
  static margin = 8;

  // `describe(row)` gives the texts of a row's columns as elements; `onChoose(row)` is called with the row that is
  // chosen.
  constructor(node, describe, onChoose) {
    Object.assign(this, { node, describe, onChoose, rows: [], chosen: -1 });
    this.inner = element("div", { role: "presentation" });
    node.append(this.inner);
    node.addEventListener("scroll", () => this.draw());
    node.addEventListener("click", ({ target }) => this.clicked(target.closest("[role=option]")));
    node.addEventListener("keydown", (event) => this.pressed(event));
  }

  show(rows) {
    this.rows = rows;
    this.inner.style.height = `${rows.length * QueryList.height}px`;
  }

  mark(row) {
    this.chosen = this.rows.indexOf(row);
    const top = this.chosen * QueryList.height, seen = this.node.scrollTop, space = this.node.clientHeight;
    if (top < seen || top + QueryList.height > seen + space) this.node.scrollTop = top - space / 2;
    this.draw();
    this.node.setAttribute("aria-activedescendant", this.chosen < 0 ? "" : `row-${this.chosen}`);
  }

  draw() {
    const first = Math.max(0, Math.floor(this.node.scrollTop / QueryList.height) - QueryList.margin);
    const count = Math.ceil(this.node.clientHeight / QueryList.height) + 2 * QueryList.margin;
    const inView = this.rows.slice(first, first + count);
    this.inner.replaceChildren(...inView.map((row, i) => this.option(row, first + i)));
  }

  option(row, index) {
    const place = { "aria-posinset": index + 1, "aria-setsize": this.rows.length };
    const state = { "aria-selected": String(index === this.chosen), ...place };
    const node = element("div", { role: "option", id: `row-${index}`, ...state }, ...this.describe(row));
    node.style.top = `${index * QueryList.height}px`;
    return node;
  }

  clicked(option) {
    if (option) this.onChoose(this.rows[Number(option.id.slice("row-".length))]);
  }

  pressed(event) {
    const by = { ArrowUp: -1, ArrowDown: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (!by || !this.rows.length) return;
    event.preventDefault();
    this.onChoose(this.rows[Math.min(this.rows.length - 1, Math.max(0, this.chosen + by))]);
  }
}
