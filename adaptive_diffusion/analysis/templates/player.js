// Find a query, and step or play through what one or two samplers did with it.
"use strict";

(() => {
  const at = (id) => document.getElementById(id);
  const samplers = new Map(Episodes.samplers.map((sampler) => [sampler.name, sampler]));
  const state = { rows: [], chosen: null, boards: [], step: 0, last: 0, timer: null };

  // ---- Finding a query -------------------------------------------------------------------------------------------

  const judged = (row) => row?.correct ?? null;
  const right = (row) => judged(row) === true;
  const outcomes = {
    any: ["any", () => true],
    right: ["first is correct", (a) => right(a)],
    wrong: ["first is wrong", (a) => judged(a) === false],
    valid: ["first is valid, not exact", (a) => a.valid === true && a.exact === false],
    gained: ["only the first is correct", (a, b) => right(a) && b && !right(b)],
    lost: ["only the second is correct", (a, b) => !right(a) && right(b)],
  };
  const revisions = {
    any: ["any number", () => true],
    none: ["none", (row) => row.revisions === 0],
    some: ["at least 1", (row) => row.revisions >= 1],
    many: ["at least 3", (row) => row.revisions >= 3],
  };
  const orders = {
    query: ["query", (a) => a.query.id],
    nfe: ["NFE, most first", (a) => -a.nfe],
    cheap: ["NFE, least first", (a) => a.nfe],
    difficulty: ["difficulty, hardest first", (a) => -(a.query.difficulty ?? 0)],
    revisions: ["revisions, most first", (a) => -a.revisions],
    saved: ["NFE saved over the second", (a, b) => (b ? a.nfe - b.nfe : 0)],
  };
  const difficulties = Object.fromEntries([
    ["any", ["any", () => true]],
    ...Episodes.difficulties.map(({ from, name }, i, all) => {
      const next = all[i + 1]?.from ?? Infinity;
      const within = ({ difficulty }) => difficulty !== null && difficulty >= from && difficulty < next;
      return [`from-${from}`, [name, ({ query }) => within(query)]];
    }),
  ]);
  const choices = { outcome: outcomes, revisions, order: orders, difficulty: difficulties };

  function fill(id, options, chosen) {
    at(id).replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    if (chosen) at(id).value = chosen;
  }

  const partner = (row) => samplers.get(at("second").value)?.rows.get(`${row.query.id}:${row.variation}`);
  const chosenRule = (id) => choices[id][at(id).value][1];

  function search() {
    const low = at("nfe-low").valueAsNumber || 0, high = at("nfe-high").valueAsNumber || Infinity;
    const outcome = chosenRule("outcome"), revised = chosenRule("revisions");
    const hard = chosenRule("difficulty"), order = chosenRule("order");
    const all = [...samplers.get(at("first").value).rows.values()];
    const wanted = (row) => hard(row) && revised(row) && outcome(row, partner(row));
    const found = all.filter((row) => row.nfe >= low && row.nfe <= high && wanted(row));
    const place = new Map(found.map((row) => [row, order(row, partner(row))]));
    state.rows = found.sort((a, b) => place.get(a) - place.get(b));
    at("found").textContent = `${found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")} queries`;
    list.show(state.rows);
    const { chosen } = state;
    const kept = chosen && found.find((row) => row.query === chosen.query && row.variation === chosen.variation);
    choose(kept ?? found[0] ?? null);
  }

  function describe(row) {
    const cost = (shown) => {
      const mark = { true: "✓", false: "✗", null: "" }[judged(shown)];
      const attributes = { class: "cost", "data-right": String(judged(shown)) };
      return element("span", attributes, shown ? `${shown.nfe} ${mark}` : "–");
    };
    const name = `#${row.query.id}${row.variation ? ` · ${row.variation}` : ""}`;
    const difficulty = String(row.query.difficulty ?? "–");
    return [element("span", {}, name), element("span", {}, difficulty), cost(row), cost(partner(row))];
  }

  // ---- Showing it ------------------------------------------------------------------------------------------------

  function choose(row) {
    pause();
    state.chosen = row;
    list.mark(row);
    state.boards = [row, row && partner(row)].filter(Boolean).map((shown) => new Board(shown));
    state.last = Math.max(0, ...state.boards.map((board) => board.row.steps));
    at("boards").replaceChildren(...state.boards.map((board) => board.node));
    if (!row) at("boards").append(element("p", { class: "note" }, "No query is like that. Loosen a filter."));
    at("scrub").max = state.last;
    go(0);
  }

  function go(step) {
    state.step = Math.min(state.last, Math.max(0, step));
    for (const board of state.boards) board.show(state.step, at("mistakes").checked);
    at("scrub").value = state.step;
    at("clock").textContent = `step ${state.step} of ${state.last}`;
    at("spoken").textContent = state.boards.map((board) => board.spoken()).join(" ");
    if (state.step === state.last) pause();
  }

  function pause() {
    clearInterval(state.timer);
    state.timer = null;
    showPlaying(false);
  }

  function play() {
    if (state.step === state.last) go(0);
    state.timer = setInterval(() => go(state.step + 1), Number(at("speed").value));
    showPlaying(true);
  }

  function showPlaying(playing) {
    at("play").classList.toggle("playing", playing);
    at("play-text").textContent = playing ? "Pause" : "Play";
    at("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  const toggle = () => (state.timer ? pause() : play());
  const move = (by) => () => (pause(), go(state.step + by));

  // ---- Hands -----------------------------------------------------------------------------------------------------

  const keys = { ArrowLeft: move(-1), ArrowRight: move(1), Home: move(-Infinity), End: move(Infinity), " ": toggle };

  function onKey(event) {
    const typing = event.target.closest("input, select, textarea");
    const pressing = event.key === " " && event.target.closest("button, a");
    if (typing || pressing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  }

  function onTheme() {
    const next = { auto: "light", light: "dark", dark: "auto" }[document.documentElement.dataset.theme ?? "auto"];
    document.documentElement.dataset.theme = next;
    at("theme").textContent = `Theme: ${next}`;
  }

  const list = new QueryList(at("list"), describe, choose);
  const names = [...samplers.keys()];
  fill("first", names.map((name) => [name, name]), names.at(-1));
  fill("second", [["", "none"], ...names.map((name) => [name, name])], names.length > 1 ? names[0] : "");
  for (const [id, options] of Object.entries(choices)) {
    fill(id, Object.entries(options).map(([value, [text]]) => [value, text]));
  }
  at("filters").addEventListener("input", search);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("boards").addEventListener("seek", (event) => (pause(), go(event.detail)));
  at("scrub").addEventListener("input", () => (pause(), go(at("scrub").valueAsNumber)));
  at("mistakes").addEventListener("change", () => go(state.step));
  at("speed").addEventListener("change", () => state.timer && (pause(), play()));
  at("play").addEventListener("click", toggle);
  at("back").addEventListener("click", move(-1));
  at("forward").addEventListener("click", move(1));
  at("to-start").addEventListener("click", move(-Infinity));
  at("to-end").addEventListener("click", move(Infinity));
  at("theme").addEventListener("click", onTheme);
  document.addEventListener("keydown", onKey);

  // The picture is in the page once; its link takes it from there.
  for (const link of document.querySelectorAll("a.picture")) {
    link.href = link.closest("figure").querySelector("img.when-light").src;
  }

  const known = Episodes.samplers.some((sampler) => [...sampler.rows.values()].some((row) => row.query.target));
  at("mistakes").closest("label").hidden = !known;
  at("key-wrong").hidden = !known;

  // Open on a query worth watching: mistakes were made, and mended. One that is drawn in each step comes first.
  const corrected = [...samplers.get(names.at(-1)).rows.values()].filter(right);
  const drawn = corrected.filter((row) => row.drawn), worth = drawn.length ? drawn : corrected;
  state.chosen = worth.reduce((best, row) => (row.revisions > best.revisions ? row : best), worth[0] ?? null);
  search();
  go(state.last);
})();
