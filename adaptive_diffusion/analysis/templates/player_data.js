// The packed data, unpacked: queries, and for each sampler its rows with their events. See analysis/player_data.py.
"use strict";

const EVENTS = ["commit", "remask", "replace"];
const UNIT = 254;

const Episodes = (() => {
  const packed = JSON.parse(document.getElementById("episodes").textContent);

  function unpack(column) {
    const bytes = Uint8Array.from(atob(column.data), (letter) => letter.charCodeAt(0));
    return new { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array }[column.bits](bytes.buffer);
  }

  function sums(counts) {
    const offsets = new Uint32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) offsets[i + 1] = offsets[i] + counts[i];
    return offsets;
  }

  const share = (value) => (value > UNIT ? null : value / UNIT);

  function readQueries({ id, length, difficulty, start, target }) {
    const offsets = sums(length), starts = unpack(start), targets = target && unpack(target);
    return id.map((query, i) => ({
      id: query,
      difficulty: difficulty[i],
      start: starts.subarray(offsets[i], offsets[i + 1]),
      target: targets && targets.subarray(offsets[i], offsets[i + 1]),
    }));
  }

  function readSampler({ name, colour, rows, steps, halting, events, pictures }, queries) {
    const columns = Object.fromEntries(Object.entries(events).map(([part, column]) => [part, unpack(column)]));
    const offsets = sums(columns.count), stepOffsets = sums(steps), given = halting && unpack(halting);
    const found = new Map();
    rows.query.forEach((query, i) => {
      const row = {
        sampler: { name, colour },
        query: queries.get(query),
        variation: rows.variation[i],
        nfe: rows.nfe[i],
        revisions: rows.revisions[i],
        correct: rows.correct[i],
        exact: rows.exact[i],
        valid: rows.valid[i],
        reason: rows.halt_reason[i].replaceAll("_", " "),
        steps: steps[i],
        drawn: (pictures[i] ?? []).length > 1,
        picture: (step) => packed.pictures[pictures[i]?.at(step - steps[i] - 1)] ?? null,
        halting: given && Array.from(given.subarray(stepOffsets[i], stepOffsets[i + 1]), share),
        events: () => slice(columns, offsets[i], offsets[i + 1]),
      };
      found.set(key(query, rows.variation[i]), row);
    });
    return { name, colour, rows: found };
  }

  function slice(columns, from, to) {
    const list = [];
    for (let i = from; i < to; i++) {
      list.push({
        step: columns.step[i],
        position: columns.position[i],
        token: columns.token[i],
        event: EVENTS[columns.event[i]],
        confidence: share(columns.confidence[i]),
      });
    }
    return list;
  }

  // What stands at each position after `step` steps: the token (0 is open), its last event, and how often it was
  // revised.
  function standing(row, events, step) {
    const cells = Array.from(row.query.start, (token) => ({ token, given: token > 0, confidence: null, revisions: 0 }));
    for (const event of events) {
      if (event.step > step) break;
      const cell = cells[event.position], before = cell.token;
      cell.given = false;
      cell.token = event.event === "remask" ? 0 : event.token;
      cell.confidence = event.confidence;
      cell.revisions += event.event === "commit" ? 0 : 1;
      cell.last = { ...event, before };
    }
    return cells;
  }

  const key = (query, variation) => `${query}:${variation}`;
  const queries = readQueries(packed.queries);
  const byId = new Map(queries.map((query) => [query.id, query]));
  return {
    layout: packed.layout,
    difficulties: packed.difficulties,
    symbol: (token) => packed.symbols[token - 1] || "∅", // a token without text is not an open position
    samplers: packed.samplers.map((sampler) => readSampler(sampler, byId)),
    standing,
  };
})();
