"""The query under edit: locks, erasures, tokens, and what a user may type."""

import pytest
import torch

from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import TextLayout
from adaptive_diffusion.playground.board import token_of, typed_board
from adaptive_diffusion.playground.drawing import query_html
from adaptive_diffusion.playground.limits import Limits
from adaptive_diffusion.tasks.prompts.prompts import AnswerSpan
from adaptive_diffusion.tasks.prompts.task import PromptTask
from adaptive_diffusion.tasks.sudoku import SudokuTask
from adaptive_diffusion.tasks.text.task import TextTask


def test_typed_query_has_its_tokens_locked_and_the_rest_open(playground):
    board = playground.typed("01..4....")
    assert board.tokens == (0, 1, OPEN, OPEN, 4, OPEN, OPEN, OPEN, OPEN)
    assert board.locked == (True, True, False, False, True, False, False, False, False)
    assert board.given == {0: 0, 1: 1, 4: 4}


def test_query_of_a_board_gives_what_is_locked_and_drafts_what_stands_free(playground):
    board = playground.typed("01..4....").write(2, 3).toggle_lock(2).erase([0])
    queries = board.queries()
    assert queries.editable[0].tolist() == [True, False, True, True, False, True, True, True, True]
    assert queries.drafted is not None
    assert queries.drafted[0].nonzero()[:, 0].tolist() == [2]
    assert queries.tokens[0, [1, 2, 4]].tolist() == [1, 3, 4]


def test_tokens_are_locked_and_the_others_erased(playground):
    board = playground.typed("01..4....").with_answer((0, 1, 2, 3, 4, 0, 1, 2, 3)).toggle_lock(3)
    assert board.erase_unlocked().tokens == (0, 1, OPEN, 3, 4, OPEN, OPEN, OPEN, OPEN)
    assert board.lock_all().locked == (True,) * 9
    with pytest.raises(ValueError, match="every token is locked"):
        board.lock_all().queries()


def test_board_is_checked_only_while_what_the_problem_gives_stands_locked(playground):
    board = playground.typed("01..4....")
    assert board.checked
    assert board.write(2, 3).checked
    assert not board.erase([0]).checked
    assert not board.toggle_lock(1).checked
    assert not board.write(4, 2).checked


def test_drawn_query_is_the_held_out_problem_of_that_number(playground):
    board = playground.draw(7)  # of 5, counted round
    problem = playground.trained.data.test.take(torch.tensor([2]))
    assert board.number == 2
    assert [token == OPEN for token in board.tokens] == problem.editable[0].tolist()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "nothing was typed"),
        ("  \n ", "nothing was typed"),
        ("0" * 20_001, "20,001 characters; the playground reads at most 20,000"),
        ("<script>", "the query: '<script>' is no row of 9 digits"),
        ("\x00\ud800", "is no row"),
    ],
)
def test_text_that_is_no_query_gets_a_sentence(playground, text, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        playground.typed(text)
    assert "/tmp" not in str(refused.value)


def test_sequence_that_is_too_long_is_refused(playground):
    with pytest.raises(ValueError, match="9 positions; the playground shows at most 8"):
        typed_board(playground.task, "01..4....", Limits(positions=8))


def test_tokens_are_known_by_symbol_or_number():
    layout = TextLayout(("a", " b", "7"))
    assert [token_of(text, layout, 3) for text in ("a", " b", "7", "1", " a ")] == [0, 1, 2, 1, 0]
    for text in ("", "c", "3", "-1", "²", "9" * 5000):
        with pytest.raises(ValueError, match="is no token of this task; its tokens are a"):
            token_of(text, layout, 3)


@pytest.mark.parametrize("position", [-1, 9, 10**12])
def test_position_outside_the_board_is_refused(playground, position):
    board = playground.draw(0)
    for act in (lambda: board.erase([position]), lambda: board.toggle_lock(position), lambda: board.write(position, 0)):
        with pytest.raises(ValueError, match="there is no position"):
            act()


def test_text_is_typed_with_open_places_and_drawn_as_text():
    board = typed_board(TextTask(16), "a\n<|3|>b<", Limits())
    assert [place for place, token in enumerate(board.tokens) if token == OPEN] == [2, 3, 4]
    html = query_html(board)
    assert html.startswith('<div class="text"')
    assert ">a</button>" in html
    assert "⏎</button><br>" in html
    assert "&lt;</button>" in html
    with pytest.raises(ValueError, match="the query: nothing is open; mark what is to be written"):
        typed_board(TextTask(16), "closed", Limits())


def test_prompt_is_typed_as_the_row_of_a_file():
    board = typed_board(PromptTask(AnswerSpan(12, 4)), '{"prompt": "28+17="}', Limits())
    assert bytes(board.tokens[:6]) == b"28+17="
    assert board.tokens[6:10] == (OPEN,) * 4
    assert [place for place, locked in enumerate(board.locked) if not locked] == [6, 7, 8, 9]
    with pytest.raises(ValueError, match="the query"):
        typed_board(PromptTask(AnswerSpan(12, 4)), '{"question": 1}', Limits())


def test_query_that_cannot_be_read_gets_its_reason_and_no_option_of_a_command():
    with pytest.raises(ValueError, match="the query holds no puzzle") as refused:
        typed_board(SudokuTask(4), "12343412214343xx", Limits())
    assert "line 1: " in str(refused.value)
    assert "--skip-bad" not in str(refused.value)
