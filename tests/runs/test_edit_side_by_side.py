"""Variations of a text beside each other in the terminal."""

import re

import pytest

from adaptive_diffusion.cli.side_by_side import Place, places, print_side_by_side

BEFORE = "one\ntwo\nthree\nfour\n"


def test_changes_that_touch_are_one_place_and_others_are_places_of_their_own():
    found = places(BEFORE, ["one\nTWO\nthree\nfour\n", "one\nthree\nFOUR\n", BEFORE])
    two = ((("TWO", True),), (), (("two", False),))
    four = ((("four", False),), (("FOUR", True),), (("four", False),))
    assert found == [Place(2, ("two",), two), Place(4, ("four",), four)]


def test_lines_that_are_added_at_the_start_and_at_the_end_stand_in_their_place():
    found = places(BEFORE, [f"zero\n{BEFORE}", f"{BEFORE}five\nsix\n"])
    assert found == [
        Place(1, (), ((("zero", True),), ())),
        Place(5, (), ((), (("five", True), ("six", True)))),
    ]


def test_text_of_every_variation_can_be_put_together_from_its_places():
    after = ["1\ntwo\n3\n4\n", "\n", "four\nthree\ntwo\none\n", "one\none\ntwo\ntwo\nthree\nfour\nfour\n"]
    lines = BEFORE.splitlines()
    for number, text in enumerate(after):
        made, at = [], 0
        for place in places(BEFORE, after):
            assert tuple(lines[place.first - 1 :][: len(place.before)]) == place.before
            made += [*lines[at : place.first - 1], *(line for line, _ in place.after[number])]
            at = place.first - 1 + len(place.before)
        assert made + lines[at:] == text.splitlines()


@pytest.mark.parametrize(("width", "tables"), [(80, 2), (200, 1), (20, 4)])
def test_variations_share_a_table_as_far_as_the_terminal_has_room(capsys, monkeypatch, width, tables):
    monkeypatch.setenv("COLUMNS", str(width))
    after = [BEFORE.replace("two", word) for word in ("deux", "zwei", "dos", "due")]
    notes = [[("tokens 4 to 7: 0.91", "green")]] * 4
    print_side_by_side(BEFORE, after, [f"seed {seed}" for seed in range(4)], notes)
    printed = capsys.readouterr().out
    assert printed.count("before") == printed.count("-two") == tables
    assert all(f"+{word}" in printed for word in ("deux", "zwei", "dos", "due"))
    if width > 20:
        row = next(line for line in printed.splitlines() if "+deux" in line)
        assert "+zwei" in row
        assert "0.91" in printed


@pytest.mark.parametrize(("width", "variations"), [(80, 3), (100, 4), (120, 5)])
def test_long_lines_are_folded_before_a_second_table_begins(capsys, monkeypatch, width, variations):
    monkeypatch.setenv("COLUMNS", str(width))
    after = [f"    total = sum([number_{seed}, another_number])\n" for seed in range(variations)]
    print_side_by_side("    total = a + b\n", after, [f"seed {seed}" for seed in range(variations)], [[]] * variations)
    lines = capsys.readouterr().out.splitlines()
    [titles] = [line for line in lines if "before" in line]
    assert [f"seed {seed}" in titles for seed in range(variations)] == [True] * variations
    assert max(map(len, lines)) <= width
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    written = ["".join(column[1:-1]).replace(" ", "") for column in list(zip(*cells, strict=True))[1:]]
    assert written == [f"+total=sum([number_{seed},another_number])" for seed in range(variations)]


def test_variations_that_need_two_tables_are_shared_out_evenly(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_side_by_side("a\n", ["b\n"] * 4, list("stuv"), [[]] * 4)
    titles = [line for line in capsys.readouterr().out.splitlines() if "before" in line]
    assert [re.findall(r"\b[stuv]\b", line) for line in titles] == [["s", "t"], ["u", "v"]]


def test_colours_tell_old_new_and_doubtful_text_apart(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_side_by_side(
        BEFORE, ["ONE\ntwo\nthree\nfour\n"] * 2, ["a", "b"], [[("sure", "green"), ("unsure", "red")]] * 2
    )
    printed = capsys.readouterr().out
    assert "\x1b[31m-one" in printed
    assert printed.count("\x1b[32m+ONE") == 2
    assert printed.count("\x1b[31munsure") == 2


def test_control_characters_are_spelled_out(capsys):
    print_side_by_side("a\n", ["\x1b[2Jb\n"], ["a"], [[]])
    assert "+\\x1b[2Jb" in capsys.readouterr().out
