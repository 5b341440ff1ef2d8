"""What a user of the page can do, without a browser: every refusal is a sentence, and the page escapes all text."""

import re

import pytest
from small_worlds import transformer

from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.playground import actions as module
from adaptive_diffusion.playground.actions import FAILED, Actions
from adaptive_diffusion.playground.curve import points
from adaptive_diffusion.playground.drawing import lanes_html, query_html
from adaptive_diffusion.playground.frames import BY_HAND
from adaptive_diffusion.playground.limits import Limits, Visitors
from adaptive_diffusion.playground.session import ERASE, LOCK, WRITE, Choice, Session
from adaptive_diffusion.rules.calibrated import CalibratedParameter
from adaptive_diffusion.rules.pace import FixedCount, Threshold
from adaptive_diffusion.sampling.sampler import Sampler


@pytest.fixture
def acting(playground) -> Actions:
    """Two samplers, one with a slider; nobody waits between steps."""
    settings = CalibratedParameter("pace", "threshold", (0.9, 0.5, 0.1))
    model = transformer()
    threshold = Sampler(model, pace=Threshold(0.5), calibrated=settings)
    choices = {
        "threshold": Choice("threshold", threshold, "pace.threshold", settings.settings, 0.5),
        "confidence": Choice("confidence", Sampler(model, pace=FixedCount(1))),
    }
    playground.__dict__["choices"] = choices
    return Actions(playground, Visitors(Limits(users=2)))


@pytest.fixture
def session(acting) -> Session:
    return Session(acting.playground.draw(0))


def solved(acting, session, second=("", 0, ""), variations=1):
    return [*acting.solve("w", session, ("threshold", 1, "threshold"), second, variations, 0, 0)][-1]


def test_slider_of_another_sampler_does_not_count(acting, session):
    title = (
        [*acting.solve("w", session, ("threshold", 2, "confidence"), ("", 0, ""), 1, 0, 0)][-1].session.lanes[0].title
    )
    assert title == "threshold at 0.5"  # its usual setting


def test_query_is_solved_step_by_step_by_two_samplers_in_two_variations(acting, session):
    views = [*acting.solve("w", session, ("threshold", 2, "threshold"), ("confidence", 0, "confidence"), 2, 0, 0)]
    assert [view.session.last for view in views[:-1]] == list(range(len(views) - 1))
    lanes = views[-1].session.lanes
    assert [lane.title for lane in lanes] == [
        *("threshold at 0.1, variation 0", "threshold at 0.1, variation 1"),
        *("confidence, variation 0", "confidence, variation 1"),
    ]
    assert lanes[2].frames[-1].nfe == session.board.tokens.count(OPEN)
    assert lanes[0].frames[-1].nfe < lanes[2].frames[-1].nfe
    assert f"Done after step {views[-1].session.last}." in views[-1].message


def test_slider_sets_the_parameter_and_its_default_is_the_sampler_itself(acting):
    choice = acting.playground.choice("threshold")
    assert choice.place == 1
    assert choice.at(1)[0] is choice.sampler
    sampler, setting = choice.at(2)
    assert (sampler.pace, setting) == (Threshold(0.1), 0.1)
    assert acting.playground.choice("confidence").at(0)[1] is None


def test_samplers_that_were_measured_come_first_and_their_sliders_begin_on_the_curve(playground):
    rows = [
        {"sampler": f"{family}_{setting}", "family": family, "nfe_mean": 2.0, "correct": 0.5}
        for family, settings in (("p2", (8, 24)), ("threshold", (0.3, 0.7)))
        for setting in settings
    ]
    playground.__dict__["points"] = points(rows)
    assert [*playground.choices][:3] == ["threshold", "p2", "answer_probability"]
    acting = Actions(playground, Visitors(playground.limits))
    sides = [(name, playground.choice(name).place, name) for name in ("threshold", "p2")]
    assert [playground.choice(name).at(place)[1] for name, place, _ in sides] == [0.7, 24]
    assert acting.curve(*sides).count('class="here"') == 2


def test_task_whose_pictures_need_a_missing_extra_is_refused_before_the_page_is_served(playground, monkeypatch):
    def picture(self, tokens):
        raise ModuleNotFoundError("molecules need rdkit")

    monkeypatch.setattr(type(playground.task), "picture", picture)
    with pytest.raises(ModuleNotFoundError, match="need rdkit"):
        _ = playground.choices


def test_steps_are_shown_back_and_forth_within_those_there_are(acting, session):
    now = solved(acting, session).session
    assert now.step == now.last > 0
    assert acting.move("w", now, 1).session.step == now.last
    assert acting.show("w", now, 0).session.step == 0
    assert acting.move("w", acting.show("w", now, 0).session, -1).session.step == 0
    assert acting.show("w", now, 10**9).session.step == now.last


def test_token_changed_in_mid_run_starts_a_way_of_its_own(acting, session):
    now = acting.show("w", solved(acting, session, ("confidence", 0, "confidence")).session, 2).session
    place = session.board.tokens.index(OPEN)
    token = (now.lanes[1].frames[-1].tokens[place] + 1) % 5
    changed = acting.click("w", now, "1", place, WRITE, str(token))
    assert not changed.refused
    lane = changed.session.lanes[1]
    assert (changed.session.step, len(lane.frames)) == (3, 4)
    assert lane.frames[-1].changes[place].kind == BY_HAND
    after = [*acting.go_on("w", changed.session, 0)][-1].session
    assert after.lanes[1].frames[-1].tokens[place] == token
    assert after.lanes[1].ended
    assert after.lanes[0] == now.lanes[0]


def test_clicks_on_the_query_write_erase_and_lock(acting, session):
    place = session.board.tokens.index(OPEN)
    written = acting.click("w", session, "query", place, WRITE, "3").session
    assert (written.board.tokens[place], written.board.locked[place]) == (3, True)
    freed = acting.click("w", written, "query", place, LOCK, "").session
    assert not freed.board.locked[place]
    erased = acting.click("w", freed, "query", place, ERASE, "").session
    assert erased.board.tokens == session.board.tokens


def test_answer_becomes_the_query_and_is_locked_or_erased(acting, session):
    now = acting.with_answer("w", solved(acting, session).session).session
    assert OPEN not in now.board.tokens
    assert acting.erase_unlocked("w", now).session.board == session.board
    locked = acting.lock_all("w", now).session
    refused = solved(acting, locked)
    assert refused.refused
    assert "every token is locked" in refused.message


HOSTILE = [
    ("draw", ("x",), "'x' is no whole number"),
    ("draw", (float("nan"),), "is no whole number"),
    ("draw", (10**400,), "is no whole number"),
    ("type", ("<img src=x onerror=alert(1)>",), "is no row of 9 digits"),
    ("type", ("0" * 50_000,), "50,000 characters"),
    ("click", ("query", "0", "explode", "1"), "there is no tool 'explode'"),
    ("click", ("query", 99, WRITE, "1"), "there is no position 99"),
    ("click", ("query", None, WRITE, "1"), "'None' is no whole number"),
    ("click", ("query", 0, WRITE, "<b>"), "'<b>' is no token of this task"),
    ("click", ("7", 0, WRITE, "1"), "there is no lane 7"),
    ("click", ("0", 99, WRITE, "1"), "there is no position 99"),
    ("click", ("0", 0, WRITE, "x" * 10**6), "is no token"),
    ("show", ("sideways",), "is no whole number"),
    ("show", ([],), "is no whole number"),
]


@pytest.mark.parametrize(("action", "values", "sentence"), HOSTILE)
def test_hostile_input_gets_a_sentence_and_changes_nothing(acting, session, action, values, sentence):
    now = solved(acting, session).session
    view = getattr(acting, action)("w", now, *values)
    assert view.refused
    assert sentence in view.message
    assert len(view.message) < 400
    assert view.session == now
    assert "<b>" not in view.note
    assert "<img" not in view.note


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((("nobody", 0, "nobody"), ("", 0, ""), 1, 0), "there is no sampler 'nobody'"),
        ((("threshold", 9, "threshold"), ("", 0, ""), 1, 0), "the slider has no place 9"),
        ((("threshold", None, "threshold"), ("", 0, ""), 1, 0), "is no whole number"),
        ((("threshold", 0, "threshold"), ("", 0, ""), 99, 0), "99 variations; the playground shows 1 to 4"),
        ((("threshold", 0, "threshold"), ("", 0, ""), 0, 0), "0 variations"),
        ((("threshold", 0, "threshold"), ("", 0, ""), 1, "seed"), "'seed' is no whole number"),
    ],
)
def test_hostile_solving_is_refused(acting, session, values, sentence):
    views = [*acting.solve("w", session, *values, 0)]
    assert len(views) == 1
    assert views[0].refused
    assert sentence in views[0].message


def test_solving_is_stopped_after_the_present_step_and_goes_on(acting, session):
    views = acting.solve("w", session, ("confidence", 0, "confidence"), ("", 0, ""), 1, 0, 0)
    next(views)
    first = next(views)
    acting.stop("w")
    acting.stop("another window")
    stopped = [*views]
    assert [view.message for view in stopped] == ["Stopped; press Go on to continue."]
    assert stopped[0].session == first.session
    assert first.session.last == 1
    done = [*acting.go_on("w", first.session, 0)][-1].session
    assert done.lanes[0].frames[-1].tokens == solved_alone(acting, session)


def solved_alone(acting, session):
    views = acting.solve("w", session, ("confidence", 0, "confidence"), ("", 0, ""), 1, 0, 0)
    return [*views][-1].session.lanes[0].frames[-1].tokens


def test_going_on_before_solving_is_refused(acting, session):
    view = next(acting.go_on("w", session, 0))
    assert "press Solve" in view.message
    assert "nothing was solved yet" in acting.with_answer("w", session).message


def test_users_beyond_the_limit_get_a_sentence(acting, session):
    acting.draw("one", session, 0)
    acting.draw("two", session, 0)
    view = acting.draw("three", session, 0)
    assert "2 people use this playground" in view.message
    assert (
        "2 people" in next(acting.solve("three", session, ("threshold", 0, "threshold"), ("", 0, ""), 1, 0, 0)).message
    )


def test_defect_is_a_sentence_on_the_page_and_a_traceback_in_the_terminal(acting, session, monkeypatch, capsys):
    monkeypatch.setattr(module.Session, "shown", lambda self, step: 1 / 0)
    view = acting.show("w", session, 0)
    assert (view.message, view.refused) == (FAILED, True)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_verdict_is_given_only_while_the_query_is_the_problem(acting, session):
    now = solved(acting, session).session
    task = acting.playground.task
    assert now.verdicts(task) == [True]  # this task asks only that what was given stands
    given = next(iter(session.board.given))
    erased = acting.click("w", session, "query", given, ERASE, "").session
    assert solved(acting, erased).session.verdicts(task) == [None]
    assert acting.click("w", now, "0", 0, ERASE, "").session.verdicts(task) == [None]


def test_drawn_lanes_show_cost_changes_and_the_end(acting, session):
    now = solved(acting, session).session
    html = acting.boards(now)[1]
    assert f"<b>{now.lanes[0].frames[-1].nfe}</b> NFE" in html
    assert "It stopped: every position is committed" in html
    assert "correct</span>" in html
    first = acting.boards(now.shown(1))[1]
    assert re.search(r"Step 1: <b class=\"commit\">\d+ committed</b>", first)
    assert "At the start." in acting.boards(now.shown(0))[1]


def test_picture_of_a_task_is_an_image_in_which_nothing_runs(acting, session):
    now = solved(acting, session).session
    html = lanes_html(now.lanes, now.step, TextLayout(), [None], ["<svg><script>alert(1)</script></svg>"])
    assert "<script" not in html
    assert 'src="data:image/svg+xml;base64,' in html
    assert now.pictures(acting.playground.task) == [None]


def test_tokens_are_escaped_on_a_page(acting, session):
    symbols = ("<b>", '"onclick="', "\n", "\x1b", " ")
    layout = TextLayout(symbols)
    now = solved(acting, session).session
    for html in (lanes_html(now.lanes, now.step, layout, [None], [None]), query_html(now.with_answer().board)):
        assert "<b>b" not in html
    html = lanes_html(now.lanes, now.step, layout, [None], [None])
    assert '"onclick="' not in html
    assert "\x1b" not in html
    assert set(re.findall(r"<(\w+)", html)) <= {"div", "article", "h3", "button", "br", "p", "span", "b", "s"}


def test_curve_of_an_unknown_sampler_is_a_sentence(acting):
    assert "there is no sampler" in acting.curve(("<b>", 0, "<b>"), ("", 0, ""))
    assert "<b>" not in acting.curve(("<b>", 0, "<b>"), ("", 0, ""))
