// A query's steps at a glance: tokens committed (up), taken back or replaced (down), and the halting probability.
"use strict";

const drawn = (tag, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
};

class Timeline {
  static width = 320;
  static height = 64;
  static middle = 42;

  constructor(row, events) {
    this.stepWidth = Timeline.width / Math.max(row.steps, 1);
    const view = `0 0 ${Timeline.width} ${Timeline.height}`;
    this.node = drawn("svg", { class: "timeline", viewBox: view, preserveAspectRatio: "none", role: "img" });
    this.node.setAttribute("aria-label", `${row.steps} steps, ${row.revisions} revisions`);
    this.cursor = drawn("rect", { class: "cursor", y: 0, width: this.stepWidth, height: Timeline.height });
    this.node.append(this.cursor, ...this.bars(row, events));
    const axis = { class: "axis", x1: 0, x2: Timeline.width, y1: Timeline.middle, y2: Timeline.middle };
    this.node.append(drawn("line", axis));
    if (row.halting) this.node.append(this.curve(row.halting));
    this.node.addEventListener("click", ({ offsetX }) => {
      const step = Math.ceil((offsetX / this.node.clientWidth) * row.steps);
      this.node.dispatchEvent(new CustomEvent("seek", { bubbles: true, detail: step }));
    });
  }

  bars(row, events) {
    const counts = Array.from({ length: row.steps }, () => ({ commit: 0, remask: 0, replace: 0 }));
    for (const event of events) counts[event.step - 1][event.event] += 1;
    const most = Math.max(1, ...counts.map((count) => Math.max(count.commit, count.remask + count.replace)));
    const bar = (kind, step, y, height) =>
      drawn("rect", { class: kind, x: (step + 0.15) * this.stepWidth, y, width: 0.7 * this.stepWidth, height });
    return counts.flatMap((count, step) => {
      const up = (Timeline.middle - 4) * (count.commit / most);
      const scale = (Timeline.height - Timeline.middle) / most;
      const remasked = count.remask * scale;
      return [
        bar("commit", step, Timeline.middle - up, up),
        bar("remask", step, Timeline.middle, remasked),
        bar("replace", step, Timeline.middle + remasked, count.replace * scale),
      ];
    });
  }

  curve(halting) {
    const points = halting
      .map((share, step) => (share === null ? null : this.pointAt(step, share)))
      .filter(Boolean);
    return drawn("polyline", { class: "halting", points: points.join(" ") });
  }

  pointAt(step, share) {
    return `${(step + 0.5) * this.stepWidth},${Timeline.middle - share * (Timeline.middle - 4)}`;
  }

  show(step) {
    this.cursor.setAttribute("x", (step - 1) * this.stepWidth);
  }
}
