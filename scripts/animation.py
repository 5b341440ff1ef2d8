"""Draws docs/pictures/solving.gif: a puzzle solved by a sampler that takes tokens back, and by one that does not.

    python scripts/animation.py

What is drawn are the events of the traces that the model of the package leaves on a held-out puzzle.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from PIL import Image, ImageColor, ImageDraw, ImageFont

from adaptive_diffusion.core.drawing import symbol
from adaptive_diffusion.core.events import OPEN
from adaptive_diffusion.core.layout import GridLayout
from adaptive_diffusion.runs.trained_model import TrainedModel, load_trained_model

MODEL, QUERY = "sudoku-6x6", 7
SAMPLERS = {
    "cost_aware": "may take tokens back, stops by a price",
    "threshold": "commits above 0.9, takes nothing back",
}
OUT = Path(__file__).parents[1] / "docs/pictures/solving.gif"

SIZE, CELL, TOP, LEFT, GAP = (760, 440), 50, 84, 40, 80
SCALE = 2
"""Drawn so much larger, then reduced, for smooth edges."""
SHADES = 7
MILLISECONDS, AT_THE_ENDS = 1100, 3200
INK, MUTED, LINE, GROUND = "#1b1f24", "#5b6570", "#dde2e8", "#ffffff"
COMMIT, REMASK, GIVEN, NOW, GONE = "#0072b2", "#d55e00", "#f0f2f5", "#cce3f0", "#f7d9c3"
RIGHT, WRONG = "#00795a", "#b8420b"


@dataclass(frozen=True)
class Answer:
    """What a trace has of one answer: the tokens after each step, the events that led to them, and how it ended."""

    name: str
    tokens: Sequence[Sequence[int]]
    events: Sequence[Sequence[dict[str, Any]]]
    correct: bool

    @property
    def steps(self) -> int:
        """How many it took."""
        return len(self.tokens) - 1


def main() -> None:
    trained = load_trained_model(MODEL)
    answers = [answered(trained, name) for name in SAMPLERS]
    layout: Any = trained.task.layout
    last = max(one.steps for one in answers)
    frames = [picture(answers, layout, step) for step in range(last + 1)]
    times = [AT_THE_ENDS if step in (0, last) else MILLISECONDS for step in range(last + 1)]
    OUT.parent.mkdir(parents=True, exist_ok=True)
    colours = [frame.quantize(palette=palette(), dither=Image.Dither.NONE) for frame in frames]
    colours[0].save(OUT, save_all=True, append_images=colours[1:], duration=times, loop=0, optimize=True)
    print(f"{OUT}: {len(frames)} frames, {OUT.stat().st_size / 1000:.0f} kB")


def answered(trained: TrainedModel, name: str) -> Answer:
    """The trace of a sampler's answer, step by step."""
    problems = trained.data.test.take(slice(QUERY, QUERY + 1))
    result = trained.sampler(name).sample(trained.task.queries(problems), trace=True)
    assert result.trace is not None
    tokens = [result.trace.rows["start"].to_pylist()[0]]
    events = []
    for step in range(1, int(result.steps[0]) + 1):
        now = [event for event in result.trace.events.to_pylist() if event["step"] == step]
        after = list(tokens[-1])
        for event in now:
            after[event["position"]] = OPEN if event["event"] == "remask" else event["token"]
        tokens.append(after)
        events.append(now)
    return Answer(name, tokens, [[], *events], bool(trained.task.correct(result.answers, problems)[0]))


def palette() -> Image.Image:
    """Every ink on every ground, and the shades between them that smooth edges have."""
    inks, grounds = (INK, MUTED, LINE, COMMIT, REMASK, RIGHT, WRONG), (GROUND, GIVEN, NOW, GONE)
    pairs = [(ImageColor.getrgb(ink), ImageColor.getrgb(ground)) for ink in inks for ground in grounds]
    shades = [
        round(part + (other - part) * share / SHADES)
        for ink, ground in pairs
        for share in range(SHADES + 1)
        for part, other in zip(ink, ground, strict=True)
    ]
    made = Image.new("P", (1, 1))
    made.putpalette(shades)
    return made


def picture(answers: Sequence[Answer], layout: GridLayout, step: int) -> Image.Image:
    """All answers after a step, side by side."""
    image = Image.new("RGB", (SIZE[0] * SCALE, SIZE[1] * SCALE), GROUND)
    draw = ImageDraw.Draw(image)
    for number, one in enumerate(answers):
        board(draw, one, layout, step, LEFT + number * (layout.columns * CELL + GAP))
    return image.resize(SIZE, Image.Resampling.LANCZOS)


def board(draw: ImageDraw.ImageDraw, one: Answer, layout: GridLayout, step: int, left: int) -> None:
    """One answer after a step: its board, what the step did, and how it ended."""
    at = min(step, one.steps)
    text(draw, (left, 22), one.name, 17, INK, bold=True)
    text(draw, (left, 48), SAMPLERS[one.name], 13, MUTED)
    changes = {event["position"]: event for event in one.events[at]} if step == at else {}
    given = one.tokens[0]
    for place, token in enumerate(one.tokens[at]):
        row, column = divmod(place, layout.columns)
        x, y = left + column * CELL, TOP + row * CELL
        event = changes.get(place)
        gone = event is not None and event["event"] == "remask"
        fill = GONE if gone else NOW if event else GIVEN if given[place] != OPEN else GROUND
        rectangle(draw, (x, y, x + CELL, y + CELL), fill=fill, outline=LINE)
        if gone:
            middle(draw, x, y, symbol(event["token"], layout), REMASK)
            line(draw, (x + 14, y + CELL / 2 + 1, x + CELL - 14, y + CELL / 2 + 1), REMASK, 2)
        elif token != OPEN:
            middle(
                draw, x, y, symbol(token, layout), INK if given[place] != OPEN else COMMIT, bold=given[place] != OPEN
            )
    rules(draw, layout, left)
    below = TOP + layout.rows * CELL + 12
    kinds = [event["event"] for event in changes.values()]
    counted = [f"{kinds.count(kind)} {word}" for kind, word in WORDS.items() if kind in kinds]
    text(draw, (left, below), f"{at} forwards" if at != 1 else "1 forward", 15, INK, bold=True)
    if step >= one.steps:
        text(
            draw,
            (left + 116, below),
            "stopped: " + ("correct" if one.correct else "wrong"),
            15,
            RIGHT if one.correct else WRONG,
            bold=True,
        )
    else:
        text(draw, (left + 116, below), ", ".join(counted), 15, REMASK if "remask" in kinds else MUTED)


WORDS = {"commit": "committed", "remask": "taken back", "replace": "replaced"}


def rules(draw: ImageDraw.ImageDraw, layout: GridLayout, left: int) -> None:
    """The lines around boxes."""
    right, bottom = left + layout.columns * CELL, TOP + layout.rows * CELL
    for column in range(0, layout.columns + 1, layout.box_columns):
        line(draw, (left + column * CELL, TOP, left + column * CELL, bottom), MUTED, 2)
    for row in range(0, layout.rows + 1, layout.box_rows):
        line(draw, (left, TOP + row * CELL, right, TOP + row * CELL), MUTED, 2)


def rectangle(draw: ImageDraw.ImageDraw, box: Sequence[float], fill: str, outline: str) -> None:
    draw.rectangle([SCALE * part for part in box], fill=fill, outline=outline, width=SCALE)


def line(draw: ImageDraw.ImageDraw, ends: Sequence[float], colour: str, width: int) -> None:
    draw.line([SCALE * part for part in ends], fill=colour, width=SCALE * width)


def middle(draw: ImageDraw.ImageDraw, x: float, y: float, shown: str, colour: str, bold: bool = False) -> None:
    """A symbol in the middle of a cell."""
    place = SCALE * (x + CELL / 2), SCALE * (y + CELL / 2)
    draw.text(place, shown, fill=colour, font=font(24, bold), anchor="mm")


def text(
    draw: ImageDraw.ImageDraw, place: tuple[float, float], shown: str, size: int, colour: str, bold: bool = False
) -> None:
    draw.text((SCALE * place[0], SCALE * place[1]), shown, fill=colour, font=font(size, bold))


def font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    file = Path(mpl.get_data_path(), "fonts/ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
    return ImageFont.truetype(str(file), SCALE * size)


if __name__ == "__main__":
    main()
