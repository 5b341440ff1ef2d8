"""What is packed for the player can be unpacked to the trace."""

import base64
from pathlib import Path

import numpy as np
import pytest
from synthetic_traces import MEASURES, Row, board, commit, edit, header, record, revoke, simulate

from adaptive_diffusion.analysis import player_data as module
from adaptive_diffusion.analysis import player_pictures
from adaptive_diffusion.analysis.player_data import pick, player_data
from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.core.measures import Difficulty

WORDS = header(TextLayout(("a", "b", "c", "d")))


def unpack(column: dict) -> list[int]:
    return np.frombuffer(base64.b64decode(column["data"]), f"<u{column['bits'] // 8}").tolist()


def test_a_row_is_packed_in_the_order_of_its_steps(tmp_path: Path):
    row = Row([-1, 3, -1], [[commit(2, 0, 1.0), commit(0, 1, 0.5)], [revoke(0, 1, 0.0)], [commit(0, 2), edit(2, 3)]])
    data = player_data({"x": record(tmp_path, [row], described=WORDS)})
    (sampler,) = data["samplers"]
    events = {name: unpack(column) for name, column in sampler["events"].items()}
    symbols = [data["symbols"][token - 1] for token in events["token"]]
    assert symbols == ["b", "a", "b", "c", "d"]
    assert events["step"] == [1, 1, 2, 3, 3]
    assert events["position"] == [0, 2, 0, 0, 2]
    assert events["event"] == [0, 0, 1, 0, 2]
    assert events["confidence"][:3] == [127, 254, 0]
    assert (sampler["steps"], sampler["halting"], events["count"]) == ([3], None, [5])
    assert [token and data["symbols"][token - 1] for token in unpack(data["queries"]["start"])] == [0, "d", 0]
    assert data["queries"]["target"] is None


def svg(tokens: np.ndarray) -> str:
    return f"<svg>{tokens.tolist()}</svg>"


def shown(data: dict) -> list[list[list[str]]]:
    """The tokens that are pictured, by sampler, row and step."""
    kinds = {uri.split(",")[0] for uri in data["pictures"]}
    assert kinds <= {"data:image/svg+xml;base64"}
    tokens = [base64.b64decode(uri.split(",")[1]).decode()[5:-6] for uri in data["pictures"]]
    assert len(set(tokens)) == len(tokens)  # each is stored once
    return [[[tokens[number] for number in row] for row in sampler["pictures"]] for sampler in data["samplers"]]


def test_each_step_has_a_picture_of_its_tokens(tmp_path: Path):
    row = Row([-1, 3, -1], [[commit(2, 0), commit(0, 1)], [revoke(0, 1)], [], [commit(0, 2), edit(2, 3)]])
    trace = record(tmp_path, [row], described=WORDS)
    data = player_data({"x": trace, "y": trace}, picture=svg)
    steps = ["[-1, 3, -1]", "[1, 3, 0]", "[-1, 3, 0]", "[-1, 3, 0]", "[2, 3, 3]"]
    assert shown(data) == [[steps], [steps]]
    assert len(data["pictures"]) == 4


def test_first_answers_have_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(player_pictures, "MAX_ANSWERS", 2)
    rows = [Row([-1], [[commit(0, query)]], [query], query) for query in (2, 0, 1)]
    trace = record(tmp_path, rows, described=WORDS)
    assert shown(player_data({"x": trace}, picture=svg)) == [[["[-1]", "[0]"], ["[-1]", "[1]"]]]
    without = player_data({"x": trace})
    assert (without["pictures"], without["samplers"][0]["pictures"]) == ([], [])


def test_pictures_of_steps_fit_their_budget_and_those_of_answers_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = [Row([-1, -1], [[commit(0, query)], [commit(1, query)]], query=query) for query in range(3)]
    traces = {name: record(tmp_path / name, rows, described=WORDS) for name in "xy"}
    answers = [f"[{query}, {query}]" for query in range(3)]
    everything = player_data(traces, picture=svg)["pictures"]
    assert len(everything) == 7  # three answers, the start, three steps between
    for room in range(8):
        size = sum(map(len, everything[:room]))
        monkeypatch.setattr(player_pictures, "MAX_BYTES", size)
        data = player_data(traces, picture=svg)
        assert sum(map(len, data["pictures"])) <= size
        first, second = shown(data)
        assert first == second  # a query is drawn for all samplers or for none
        whole = max(0, room - 4)  # the first needs the start, too
        assert first == (
            []
            if room == 0
            else [
                ["[-1, -1]", f"[{query}, -1]", answers[query]]
                if query < whole
                else answers[query : query + 1] * (query < room)
                for query in range(3)
            ]
        )


def test_step_that_the_task_does_not_draw_has_no_picture(tmp_path: Path):
    trace = record(tmp_path, [Row([-1], [[commit(0, 1)]])], described=WORDS)
    data = player_data({"x": trace}, picture=lambda tokens: svg(tokens) if tokens[0] >= 0 else None)
    assert data["samplers"][0]["pictures"] == [[None, 0]]


def test_rows_lie_by_query_and_variation_with_their_own_events(tmp_path: Path):
    rows = [
        Row([-1], [[commit(0, query)]], [query], query, variation, [(query + variation) / 4])
        for query, variation in [(2, 1), (0, 1), (2, 0), (0, 0)]
    ]
    data = player_data({"x": record(tmp_path, rows, described=WORDS)})
    (sampler,) = data["samplers"]
    assert sampler["rows"]["query"] == [0, 0, 2, 2]
    assert sampler["rows"]["variation"] == [0, 1, 0, 1]
    assert [data["symbols"][token - 1] for token in unpack(sampler["events"]["token"])] == ["a", "a", "c", "c"]
    assert unpack(sampler["halting"]) == [0, 64, 127, 190]
    assert data["queries"]["id"] == [0, 2]


def test_a_token_without_a_symbol_shows_its_number(tmp_path: Path):
    assert player_data({"x": record(tmp_path, [Row([-1, 9], [[commit(0, 300)]])], described=WORDS)})["symbols"] == [
        "⟨9⟩",
        "⟨300⟩",
    ]


def test_few_queries_are_picked_evenly(tmp_path: Path):
    trace = simulate(tmp_path, 10, side=4)
    assert pick(trace, 10) is trace
    some = pick(trace, 4)
    assert np.unique(some.rows["query"].to_numpy()).tolist() == [0, 3, 6, 9]
    assert np.unique(some.events["query"].to_numpy()).tolist() == [0, 3, 6, 9]


def test_many_events_leave_room_for_fewer_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    trace = simulate(tmp_path, 20, side=4)
    monkeypatch.setattr(module, "MAX_EVENTS", trace.events.num_rows // 2)
    assert len(player_data({"x": trace})["queries"]["id"]) == 9


def test_samplers_of_other_queries_are_refused(tmp_path: Path):
    first, other = record(tmp_path / "a", [Row([-1, 1], [])]), record(tmp_path / "b", [Row([-1, 2], [])])
    with pytest.raises(ValueError, match="query 0 of b is not the one that other samplers were given"):
        player_data({"a": first, "b": other})


def test_a_board_of_another_size_is_refused(tmp_path: Path):
    trace = record(tmp_path, [Row([-1] * 16, [])], described=header(board(6)))
    with pytest.raises(ValueError, match=r"length \[16\] do not fit a grid of 6 × 6"):
        player_data({"x": trace})


def test_difficulty_is_shown_with_the_decimals_of_its_measure(tmp_path: Path):
    described = header(difficulties=(Difficulty("guesses", "surprise", None, 1), Difficulty("clues", "clues")))
    row = Row([-1], [[commit(0, 1)]], difficulty=4.149746894836426)
    assert player_data({"x": record(tmp_path, [row], described=described)})["queries"]["difficulty"] == [4.1]
    assert player_data({"x": record(tmp_path, [row], described=header(difficulties=MEASURES[::-1]))})["queries"][
        "difficulty"
    ] == [None]
