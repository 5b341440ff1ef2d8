"""The page of the playground: Gradio's components around `actions`, and nothing that decides anything."""

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any

import gradio as gr  # pyright: ignore[reportMissingImports]
from gradio.themes import Base  # pyright: ignore[reportMissingImports]

from adaptive_diffusion.playground.actions import Actions, View
from adaptive_diffusion.playground.limits import Visitors
from adaptive_diffusion.playground.session import TOOLS, WRITE, Playground, Session

STYLE = "playground.css"
CLICKS = """
element.addEventListener('click', (event) => {
  const cell = event.target.closest('[data-position]');
  if (!cell) return;
  element.dataset.focus = `[data-board="${cell.dataset.board}"][data-position="${cell.dataset.position}"]`;
  trigger('select', {board: cell.dataset.board, position: Number(cell.dataset.position)});
});
watch('value', () => element.dataset.focus && element.querySelector(element.dataset.focus)?.focus());
"""
"""Sends which position was clicked, and gives the focus back to it when the board is drawn anew."""

Event = dict[str, Any]


def build(playground: Playground) -> gr.Blocks:
    """The page; `launch` of the result serves it."""
    return _Page(playground).blocks


class _Page:
    """Components and their events."""

    def __init__(self, playground: Playground):
        self.playground = playground
        self.actions = Actions(playground, Visitors(playground.limits))
        self.names = list(playground.choices)
        self.first = Session(playground.draw(0))
        title = f"{playground.task.name} · adaptive-diffusion"
        with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as self.blocks:
            self._components()
            self._events()
        self.blocks.queue(default_concurrency_limit=playground.limits.users, max_size=4 * playground.limits.users)

    def _components(self) -> None:
        noun, limits = self.playground.task.noun, self.playground.limits
        gr.HTML(
            f"<header><h1>Watch a {escape(noun)} being filled in</h1><p>A denoiser predicts all positions at once; the "
            "sampler decides which predictions to commit, which to take back, and when to stop.</p></header>"
        )
        self.session = gr.State(self.first, time_to_live=3600)
        with gr.Row(equal_height=False):
            with gr.Column(scale=1, min_width=330):
                query, _ = self.actions.boards(self.first)
                gr.HTML("<h2>1 · The query</h2>")
                self.query = gr.HTML(query, js_on_load=CLICKS, elem_id="query", apply_default_css=False)
                with gr.Row():
                    self.tool = gr.Radio(TOOLS, value=WRITE, label="A click on a position", elem_id="tool", scale=3)
                    self.token = gr.Textbox(
                        "1", label="Token", min_width=70, max_lines=1, max_length=40, elem_id="token"
                    )
                with gr.Row():
                    self.lock_all = gr.Button("Lock all", size="sm")
                    self.erase = gr.Button("Erase what is not locked", size="sm")
                with gr.Row():
                    self.number = gr.Number(0, label="Held-out query", precision=0, minimum=0, elem_id="number")
                    self.draw = gr.Button("Draw another", elem_id="draw")
                with gr.Accordion("Type a query", open=False):
                    self.text = gr.Textbox(
                        lines=4,
                        max_length=limits.characters,
                        label="In a form that the task's files have",
                        elem_id="text",
                    )
                    self.use = gr.Button("Use it", elem_id="use")
                gr.HTML("<h2>2 · The samplers</h2>")
                self.sides = [self._side("Sampler", self.names[0]), self._side("Against", "")]
                with gr.Row():
                    self.variations = gr.Slider(
                        1, limits.variations, 1, step=1, label="Variations", elem_id="variations"
                    )
                    self.seed = gr.Number(0, label="Seed", precision=0)
            with gr.Column(scale=2, min_width=360):
                gr.HTML("<h2>3 · Solve it</h2>")
                with gr.Row():
                    self.solve = gr.Button("Solve", variant="primary", elem_id="solve", min_width=90)
                    self.go_on = gr.Button("Go on", elem_id="go-on", min_width=90)
                    self.stop = gr.Button("Stop", elem_id="stop", min_width=90)
                    self.back = gr.Button("◀ Back", elem_id="back", min_width=90)
                    self.forth = gr.Button("Forth ▶", elem_id="forth", min_width=90)
                with gr.Row():
                    self.step = gr.Slider(0, 1, 0, step=1, label="Step", elem_id="step", scale=3)
                    self.pause = gr.Slider(0, 2, 0.5, step=0.1, label="Seconds per step", elem_id="pause")
                self.note = gr.HTML(View(self.first, "Press Solve.").note, elem_id="note")
                self.lanes = gr.HTML("", js_on_load=CLICKS, elem_id="lanes", apply_default_css=False)
                self.with_answer = gr.Button(
                    "Make the first answer the query", size="sm", elem_id="with-answer", scale=0, min_width=280
                )
                gr.HTML(LEGEND)
                gr.HTML("<h2>What it costs, and what it reaches</h2>")
                self.curve = gr.HTML(
                    self.actions.curve((self.names[0], self._place(self.names[0]), self.names[0]), ("", 0, "")),
                    elem_id="curve",
                )
        self.shown = [self.session, self.query, self.lanes, self.step, self.note]

    def _side(self, label: str, name: str) -> tuple[gr.Dropdown, gr.Slider, gr.State]:
        """A sampler, its slider, and the name of the sampler that the slider belongs to at the moment."""
        names = self.names if name else [("no other", ""), *((each, each) for each in self.names)]
        dropdown = gr.Dropdown(names, value=name, label=label, elem_id=label.lower())
        slider = gr.Slider(elem_id=f"{label.lower()}-setting", **self._setting(name, self._place(name)))
        return dropdown, slider, gr.State(name)

    def _place(self, name: str) -> int:
        return self.playground.choice(name).place if name else 0

    def _setting(self, name: str, place: int) -> dict[str, Any]:
        """How the slider of a sampler looks at a place."""
        choice = self.playground.choice(name) if name else None
        if choice is None or not choice.settings:
            return {"minimum": 0, "maximum": 1, "value": 0, "step": 1, "visible": False, "label": "setting"}
        label = f"{choice.parameter} = {choice.at(place)[1]:g} (left is careful, right is bold)"
        most = len(choice.settings) - 1
        return {"minimum": 0, "maximum": most, "value": place, "step": 1, "visible": True, "label": label}

    def _events(self) -> None:
        sides = [component for side in self.sides for component in side]
        act = self._wire
        act(self.draw.click, lambda w, s, number: self.actions.draw(w, s, (number or 0) + 1), [self.number])
        act(self.number.submit, self.actions.draw, [self.number])
        act(self.use.click, self.actions.type, [self.text])
        act(self.lock_all.click, self.actions.lock_all, [])
        act(self.erase.click, self.actions.erase_unlocked, [])
        act(self.with_answer.click, self.actions.with_answer, [])
        act(self.step.input, self.actions.show, [self.step])
        act(self.back.click, lambda w, s: self.actions.move(w, s, -1), [])
        act(self.forth.click, lambda w, s: self.actions.move(w, s, 1), [])
        for board in (self.query, self.lanes):
            board.select(self._clicked, [self.session, self.tool, self.token], self.shown, **QUIET)
        wanted = [self.session, *sides, self.variations, self.seed, self.pause]
        self.solve.click(self._solve, wanted, self.shown, **QUIET)
        self.go_on.click(self._go_on, [self.session, self.pause], self.shown, **QUIET)
        self.stop.click(self._stop, None, None, **QUIET)
        for dropdown, slider, owner in self.sides:
            chosen = dropdown.input(self._slider_of, dropdown, [slider, owner], **QUIET)
            chosen.then(self._curve, sides, self.curve, **QUIET)
            slider.input(self._labelled, [dropdown, slider], slider, **QUIET)
            slider.input(self._curve, sides, self.curve, **QUIET)
        self.draw.click(lambda number: (number or 0) + 1, self.number, self.number, **QUIET)
        self.blocks.unload(self._left)

    def _slider_of(self, name: str) -> tuple[Any, str]:
        return gr.update(**self._setting(name, self._place(name))), name

    def _labelled(self, name: str, place: int) -> Any:
        return gr.update(label=self._setting(name, place)["label"])

    def _wire(self, event: Any, action: Any, inputs: list[Any]) -> None:
        def run(request: gr.Request, session: Session, *values: Any) -> tuple:
            return self._outputs(action(request.session_hash, session, *values))

        event(run, [self.session, *inputs], self.shown, **QUIET)

    def _clicked(self, event: gr.EventData, request: gr.Request, session: Session, tool: str, token: str) -> tuple:
        sent: Event = event._data or {}
        window = str(request.session_hash)
        found = self.actions.click(window, session, sent.get("board"), sent.get("position"), tool, token)
        return self._outputs(found)

    def _solve(self, request: gr.Request, session: Session, *values: Any) -> Iterator[tuple]:
        window = str(request.session_hash)
        for view in self.actions.solve(window, session, values[:3], values[3:6], *values[6:]):
            yield self._outputs(view)

    def _go_on(self, request: gr.Request, session: Session, pause: float) -> Iterator[tuple]:
        for view in self.actions.go_on(str(request.session_hash), session, pause):
            yield self._outputs(view)

    def _curve(self, *sides: Any) -> str:
        return self.actions.curve(sides[:3], sides[3:])

    def _stop(self, request: gr.Request) -> None:
        self.actions.stop(str(request.session_hash))

    def _left(self, request: gr.Request) -> None:
        self.actions.visitors.leave(str(request.session_hash))

    def _outputs(self, view: View) -> tuple:
        query, lanes = self.actions.boards(view.session)
        step = gr.update(maximum=max(1, view.session.last), value=view.session.step)
        return view.session, query, lanes, step, view.note


QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
LEGEND = (
    '<ul class="legend"><li><i class="cell given">5</i> locked</li>'
    '<li><i class="cell free">5</i> stands, may change</li>'
    '<li><i class="cell open">·</i> open</li>'
    '<li><i class="cell committed commit">5</i> committed now</li>'
    '<li><i class="cell open remask"><s>5</s></i> taken back</li>'
    '<li><i class="cell committed replace">5</i> replaced</li>'
    '<li><i class="cell given by-hand">5</i> changed by you</li></ul>'
)


def serve(playground: Playground, host: str, port: int, wait: bool = True) -> tuple[gr.Blocks, str]:
    """Serves the page and gives its address; with `wait`, until Ctrl-C.

    Nothing is sent elsewhere: no analytics, no shared link, no fonts of other servers.
    """
    blocks = build(playground)
    theme = Base(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
    _, address, _ = blocks.launch(
        server_name=host,
        server_port=port or None,
        share=False,
        quiet=True,
        prevent_thread_lock=not wait,
        theme=theme,
        css=(files("adaptive_diffusion.playground") / STYLE).read_text(encoding="utf-8"),
        footer_links=[],
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        max_file_size=1,
        state_session_capacity=4 * playground.limits.users,
    )
    return blocks, address
