// One sampler's view of a query: the tokens on a grid or as text, and a sentence for each step.
"use strict";

const element = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const percent = (share) => (share === null || share === undefined ? "–" : `${Math.round(100 * share)}%`);

class Board {
  constructor(row) {
    this.row = row;
    this.events = row.events();
    this.cells = Array.from(row.query.start, () => element(Episodes.layout.kind === "grid" ? "td" : "span"));
    this.badge = element("span", { class: "badge" });
    this.readout = element("p", { class: "readout" });
    this.timeline = new Timeline(row, this.events);
    this.reference = this.answerThatCounts();
    this.picture = element("img", { class: "sequence", alt: "picture of the sequence" });
    const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = row.sampler.colour;
    this.node = element(
      "article",
      { class: "board", "data-sampler": row.sampler.name, "aria-label": row.sampler.name },
      element("h3", {}, swatch, row.sampler.name, this.badge),
      Episodes.layout.kind === "grid" ? this.grid() : element("div", { class: "text" }, ...this.cells),
      ...(row.picture(row.steps) ? [this.picture] : []),
      this.timeline.node,
      this.readout,
    );
  }

  // What mistakes are marked against: where several answers are right, a right one is not measured by the reference.
  answerThatCounts() {
    const { target } = this.row.query;
    if (!target || !this.row.correct) return target;
    return Episodes.standing(this.row, this.events, this.row.steps).map((cell) => cell.token);
  }

  grid() {
    const { rows, columns, box_rows: boxRows, box_columns: boxColumns } = Episodes.layout;
    const body = element("tbody");
    for (let r = 0; r < rows; r++) {
      const line = element("tr");
      for (let c = 0; c < columns; c++) {
        const cell = this.cells[r * columns + c];
        cell.classList.toggle("box-right", (c + 1) % boxColumns === 0 && c + 1 < columns);
        cell.classList.toggle("box-below", (r + 1) % boxRows === 0 && r + 1 < rows);
        line.append(cell);
      }
      body.append(line);
    }
    const caption = element("caption", { class: "hidden" }, `Board of ${this.row.sampler.name}`);
    const table = element("table", { class: "grid" }, caption, body);
    table.style.setProperty("--columns", columns);
    return table;
  }

  show(step, marked) {
    this.step = Math.min(step, this.row.steps);
    const standing = Episodes.standing(this.row, this.events, this.step);
    this.open = standing.filter((cell) => !cell.token).length;
    standing.forEach((cell, position) => this.showCell(this.cells[position], cell, position, marked, step));
    const halted = step >= this.row.steps;
    this.node.classList.toggle("halted", halted);
    this.showPicture(this.row.picture(this.step));
    this.readout.textContent = this.sentence(step, halted);
    this.showBadge(halted);
    this.timeline.show(this.step);
  }

  // Of a query that is drawn only at its end there is none before.
  showPicture(uri) {
    this.picture.hidden = !uri;
    if (uri) this.picture.src = uri;
  }

  showCell(node, cell, position, marked, step) {
    const now = cell.last && cell.last.step === step ? cell.last : null;
    const { reference } = this;
    const wrong = marked && reference && cell.token > 0 && cell.token !== reference[position];
    const data = {
      position,
      state: cell.given ? "given" : cell.token ? "committed" : "open",
      event: now ? now.event : "",
      token: cell.token ? Episodes.symbol(cell.token) : "",
      before: now && now.before ? Episodes.symbol(now.before) : "",
      confidence: now ? now.confidence : "",
      wrong: Boolean(wrong),
      revised: cell.revisions > 0,
    };
    Object.assign(node.dataset, data);
    node.style.setProperty("--sure", cell.token && !cell.given ? cell.confidence ?? 0 : 0);
    const was = data.before ? [element("span", { class: "before", "aria-hidden": "true" }, data.before)] : [];
    const symbol = element("span", { class: "symbol" }, data.token || "·");
    node.replaceChildren(symbol, ...was, element("span", { class: "hidden" }, this.described(data, cell)));
    const { last } = cell;
    node.title = last ? `step ${last.step}: ${last.event}, ${percent(last.confidence)}` : data.state;
  }

  described(data, cell) {
    const words = [data.token ? "" : "open"];
    if (data.event === "commit") words.push(`committed now, ${percent(cell.confidence)}`);
    if (data.event === "remask") words.push(`taken back now, was ${data.before}`);
    if (data.event === "replace") words.push(`replaced now, was ${data.before}`);
    if (data.state === "given") words.push("given");
    if (data.wrong) words.push("not as in the right answer");
    return ` ${words.filter(Boolean).join(", ")} `;
  }

  showBadge(halted) {
    const { correct } = this.row;
    const kind = correct === null ? "halted" : correct ? "correct" : "wrong";
    const mark = { correct: "✓ ", wrong: "✗ ", halted: "" }[kind];
    this.badge.textContent = halted ? mark + kind : "";
    this.badge.dataset.kind = halted ? kind : "";
  }

  // What happened in this step, and where it leaves the query.
  sentence(step, halted) {
    const { steps, nfe, reason, halting } = this.row;
    const acts = step === this.step ? this.acts() : [];
    const probability = halting && this.step > 0 ? `, halting probability ${percent(halting[this.step - 1])}` : "";
    const end = halted ? ` Halted: ${reason}, ${nfe} NFE.` : "";
    const events = acts.map((act) => `${act}; `).join("");
    return `Step ${this.step} of ${steps}: ${events}${this.open} open${probability}.${end}`;
  }

  acts() {
    const verbs = { commit: "commits", remask: "takes back", replace: "changes to" };
    return Object.entries(verbs).flatMap(([kind, verb]) => {
      const now = this.events.filter((event) => event.step === this.step && event.event === kind);
      const named = now.slice(0, 4).map((event) => this.place(event)).join(", ");
      return now.length ? [`${verb} ${named}${now.length > 4 ? ` and ${now.length - 4} more` : ""}`] : [];
    });
  }

  spoken() {
    return `${this.row.sampler.name}: ${this.readout.textContent}`;
  }

  place({ position, token }) {
    const { kind, columns } = Episodes.layout;
    const cell = `row ${Math.floor(position / columns) + 1} column ${(position % columns) + 1}`;
    const where = kind === "grid" ? cell : `position ${position + 1}`;
    return `${Episodes.symbol(token)} at ${where}`;
  }
}
