"""What tests of the page check in the browser. Mutants of the page must fail these, so each is a function that asserts."""

from __future__ import annotations

from kit.page_traces import EVERY_PROCESS
from kit.pages import Shown
from kit.traced_runs import Traced


def replays_the_machine(shown: Shown, trace: Traced) -> None:
    """Forwards and backwards, memory and registers are the machine's after every step."""
    states = (
        "order => order.map(t => { viewer.machine.seek(t); return [[...viewer.machine.memory], [...viewer.machine.registers]]; })"
    )
    steps = list(range(len(trace.memory)))
    for order in (steps, steps[::-1]):
        same = shown.ask(states, order) == [[trace.memory[t], trace.registers[t]] for t in order]
        assert same, "another state of the machine"  # to show how long lists differ takes minutes


def replays_the_decode(shown: Shown, trace: Traced, process: int) -> None:
    """Forwards and backwards, the sequence is the decoder's after every decoding step."""
    sequences = (
        "([i, order]) => order.map(d => { const r = viewer.replay(i); r.seek(d); return [...r.tokens.slice(0, r.length)]; })"
    )
    wanted = trace.sequences[process]
    steps = list(range(len(wanted)))
    for order in (steps, steps[::-1]):
        same = shown.ask(sequences, [process, order]) == [wanted[d] for d in order]
        assert same, "another sequence"
    mask = shown.ask("i => viewer.replay(i).mask", process)
    same = shown.ask("i => [...viewer.replay(i).masks]", process) == [sequence.count(mask) for sequence in wanted]
    assert same, "another number of masks"


def moves_by_keys(shown: Shown) -> None:
    """Arrows go by PRAM step, with shift by decoding step."""
    last = shown.ask("viewer.film.length") - 1
    shown.press("Home")
    assert shown.at == 0 and shown.step == "PRAM step 0 of 43 at the start"
    shown.press("ArrowRight", "ArrowRight")
    assert shown.step == "PRAM step 2 of 43 commit"
    shown.press("Shift+ArrowRight")
    assert shown.step == "PRAM step 3 of 43 execute"
    shown.press("ArrowRight")
    assert shown.step == "PRAM step 3 of 43 commit"
    shown.press(*["Shift+ArrowLeft"] * 2, "ArrowLeft")
    assert shown.step == "PRAM step 1 of 43 commit"
    shown.press("End")
    assert shown.at == last and shown.step.startswith("PRAM step 43 of 43 at the end")
    assert shown.text(".p0 dd >> nth=2") == "44" and shown.text(".p1 dd >> nth=2") == "95"


def plays(shown: Shown) -> None:
    """The space bar plays to the end, and stops there; pressed again, it stops."""
    shown.press("Home", *["+"] * 8, "Space")
    shown.wait("viewer.player.at === viewer.film.length - 1")
    assert shown.ask("!viewer.player.playing")
    assert shown.page.get_attribute("#play", "aria-label") == "play"
    shown.press("Home", *["-"] * 10, "Space")
    assert shown.ask("viewer.player.playing") and shown.page.get_attribute("#play", "aria-label") == "pause"
    shown.press("Space")
    assert not shown.ask("viewer.player.playing") and shown.at == 0


def moves_by_mouse(shown: Shown, trace: Traced) -> None:
    """Buttons, the slider, lines of the source, entries of a history and plots all go to a step."""
    shown.press("Home")
    shown.page.click("#next")
    assert shown.step.startswith("PRAM step 1 ")
    shown.page.click("#back")
    assert shown.step == "PRAM step 0 of 43 growing" and shown.at == shown.ask("viewer.film.end(0)")
    shown.page.fill("#slider", "31")
    assert shown.at == 31
    shown.page.fill("#step", "9")
    shown.press("Enter")
    assert shown.step == "PRAM step 9 of 43 commit"
    shown.page.click("#home")
    line = trace.header["source"].split("\n").index("    A[i] := A[i] + A[i + h]") + 1
    shown.page.click(f"#lines > li >> nth={line - 1}")
    assert shown.step.startswith("PRAM step 11 ") and shown.text("#lines > .now code") == "A[i] := A[i] + A[i + h]"
    shown.page.click(f"[aria-label='next step on line {line}']")
    assert shown.step.startswith("PRAM step 12 ")
    shown.page.click("#arrays button >> nth=0")
    shown.page.click("#inspector .history button >> nth=1")
    second = [step for step, *_, cell in trace.accesses if cell == 0][1]
    assert shown.step.startswith(f"PRAM step {second} ")
    box = shown.page.locator("#plots svg").nth(0)
    shown.press("Escape")
    box.click(position={"x": 1, "y": 10})
    assert shown.at < 3


def says_what_a_token_is(shown: Shown) -> None:
    """A click says what a token is, and what its heads found; arcs lead there."""
    shown.ask("viewer.player.go(viewer.film.end(14))")
    position = 1 + 4 + 4 + 3 * 2 * 13 + 1  # V of processor 1 in block 14, which adds: P = 2
    shown.click_token(0, position)
    said = shown.text("#inspector")
    assert said.startswith(
        f"mdm, position {position}: value that processor 1 writes in step 14 × Word 2, written in decoding step 14."
    )
    assert "fetch layer 1, weight 1 next program counter of processor 1 after step 13: program counter 13 into pc" in said
    assert "x layer 2, weight 1 destination of what processor 1 writes in step 11: register r5, which gets word 1 into x" in said
    assert "halted layer 1 found nothing into halted" in said
    arcs = shown.ask("viewer.look(viewer.panels[0], 0).arcs")
    assert {arc["label"] for arc in arcs} == {"fetch", "x", "y"}
    shown.press("]")
    assert "next program counter of processor 0 after step 14" in shown.text("#inspector")
    shown.press("Escape")
    assert shown.text("#inspector").startswith("Click a token")


def says_what_happened_to_a_cell(shown: Shown, trace: Traced) -> None:
    """A click on a cell shows every read and write of it."""
    shown.page.click("#arrays button >> nth=0")
    found = shown.page.locator("#inspector .history button").all_inner_texts()
    wanted = [f"{t}: p{p} {'▸' if writes else '◂'} {value}" for t, p, writes, value, cell in trace.accesses if cell == 0]
    assert found == wanted and len(wanted) > 3
    shown.press("Escape")


def lights_lines(shown: Shown, trace: Traced) -> None:
    """In every step, the lines of busy processors are marked, and how many run them; those of idle ones have another mark."""
    code = trace.header["code"]
    for t, counters in enumerate(trace.counters, 1):
        shown.ask("t => viewer.player.go(viewer.film.end(t))", t)
        lit = "n => [...document.querySelectorAll('#lines > .' + n)].map(e => [...e.parentNode.children].indexOf(e) + 1)"
        running = [c for c in counters if c >= 0]
        busy = [c for c in running if not code[c]["pads"]] or running
        assert set(shown.ask(lit, "now")) == {code[c]["line"] for c in busy}
        assert set(shown.ask(lit, "pads")) == {code[c]["line"] for c in set(running) - set(busy)}


def draws_marks(shown: Shown) -> None:
    """On the canvas, a token that was unmasked has a frame, and one that was remasked a stroke; others have neither."""
    edge, middle = [0, 0.4], [0.46, 0.46]
    pixels = """([places, [dx, dy]]) => { const v = viewer.panels[1].view, pen = v.canvas.getContext("2d"), { w, h } = v.scale;
        return places.map(p => { const [x, y] = v.spot(p); return [...pen.getImageData(x + dx * w, y + dy * h, 1, 1).data].join(); }); }"""
    shown.ask("viewer.player.go(viewer.film.end(14))")
    changes = shown.ask("viewer.panels[1].changes")
    assert len(changes["unmasked"]) == 4 and len(changes["remasked"]) == 6
    plain = [p for p in range(shown.ask("viewer.panels[1].replay.length")) if p not in changes["unmasked"] + changes["remasked"]]
    frames, others = (set(shown.ask(pixels, [places, edge])) for places in (changes["unmasked"], plain))
    assert len(frames) == 1 and not frames & others
    strokes = set(shown.ask(pixels, [changes["remasked"], middle]))
    shown.ask("viewer.player.go(viewer.film.end(15) - 2)")
    shown.ask("viewer.panels[1].changes.remasked.length = 0; viewer.draw()")
    assert not strokes & set(shown.ask(pixels, [changes["remasked"], middle]))


def knows_origins(shown: Shown, trace: Traced, process: int) -> None:
    """Of every token at the end of a decode and in its middle: the step that wrote it."""
    origins = "([i, d, n]) => Array.from({length: n}, (_, p) => viewer.replay(i).origin(p, d)?.step ?? 0)"
    marks = dict(zip(_MARKS, shown.ask("([i, names]) => names.map(n => viewer.replay(i).firsts[viewer.replay(i).kinds.indexOf(n)])",
                                       [process, _MARKS])))  # fmt: skip
    wrote, sequences = [0] * len(trace.sequences[process][0]), trace.sequences[process]
    for d, (before, after) in enumerate(zip(sequences, sequences[1:]), 1):
        if before[-1] == marks["RETURN"]:
            before, wrote = _erased(before, wrote, marks)
        new = len(after) - len(before)
        wrote = [d if a != b else w for a, b, w in zip(after, before, wrote)] + [d] * new
        if d in (len(sequences) // 2, len(sequences) - 2):
            assert shown.ask(origins, [process, d, len(after)]) == wrote


_MARKS = ["CALL", "SEP", "RETURN"]


def _erased(tokens: list[int], beside: list[int], marks: dict[str, int]) -> tuple[list[int], list[int]]:
    """The rule of PENCIL, on tokens and on what stands beside them."""
    separator = len(tokens) - 1 - tokens[::-1].index(marks["SEP"])
    call = separator - tokens[separator::-1].index(marks["CALL"])
    return tokens[:call] + tokens[separator + 1 : -1], beside[:call] + beside[separator + 1 : -1]


def marks_accesses(shown: Shown, trace: Traced) -> None:
    """In every step, cells that are read or written are marked, with the processor."""
    for t in range(1, len(trace.memory)):
        shown.ask("t => viewer.player.go(viewer.film.end(t))", t)
        found = shown.ask(
            "[...document.querySelectorAll('#arrays button')].map(b => [b.querySelector('i').textContent, b.className])"
        )
        for cell, (mark, name) in enumerate(found):
            here = [(p, writes) for step, p, writes, _, c in trace.accesses if (step, c) == (t, cell)]
            assert mark == "".join(f"{'▸' if writes else '◂'}{p}" for p, writes in here)
            assert name.split() == [{False: "read", True: "write"}[writes] for _, writes in here]


def shows_processors(shown: Shown, trace: Traced) -> None:
    """In every step, the table has the registers of each processor."""
    k, P = trace.header["k"], trace.header["P"]
    for t in range(len(trace.memory)):
        shown.ask("t => viewer.player.go(t ? viewer.film.end(t) : 0)", t)
        table = shown.ask("[...document.querySelectorAll('#registers tbody tr')].map(r => [...r.cells].map(c => c.textContent))")
        wanted = [[str(trace.registers[t][r * P + p]) for r in range(k)] for p in range(P)]
        assert [row[3:] for row in table] == wanted and [row[0] for row in table] == [str(p) for p in range(P)]


def steps_together(shown: Shown, trace: Traced) -> None:
    """After every PRAM step both sequences say what the machine's memory says: cells of ap-mdm, blocks of mdm."""
    cells = "t => { viewer.player.go(viewer.film.end(t)); const p = viewer.panels[1], r = p.replay;" \
        " return [...r.tokens.slice(7, 7 + viewer.header.S)].map(x => r.split(x)[1]); }"  # fmt: skip
    for t in range(1, len(trace.memory)):
        assert shown.ask(cells, t) == trace.memory[t]
        assert shown.text(".p0 dd >> nth=2") == str(t)
        assert shown.text(".p1 dd >> nth=2") == str(shown.ask("viewer.panels[1].replay.at"))


def draws_what_changes(shown: Shown, trace: Traced) -> None:
    """A decoding step unmasks in mdm, and in ap-mdm it also remasks; the counters say so."""
    shown.ask("viewer.player.go(viewer.film.end(13) - 1)")
    assert shown.text(".p0 .edits") == "▣ unmasked 6" and shown.text(".p1 .edits") == "▣ unmasked 6 ▨ remasked 4"
    assert shown.text(".p0 .amounts small") == f"{9 + 6 * 13} written, {6 * 30 + 1} masked"
    shown.press("Shift+ArrowRight")
    assert shown.text(".p0 .edits") == "▣ unmasked 6" and shown.text(".p1 .edits") == "▣ unmasked 4 ▨ remasked 6"
    contexts = [process["forms"]["context"] for process in trace.header["processes"]]
    for panel, form in enumerate(contexts):
        assert shown.text(f".p{panel} dd >> nth=0").startswith(f"{form['value']} tokens, at most ")
        assert shown.text(f".p{panel} dd >> nth=1") == f"{form['text']} = {form['filled']} = {form['value']}"


def ends_where_it_fails(shown: Shown, trace: Traced) -> None:
    """The page of a run that failed: the message of the command line, and at the end the conflict."""
    error = trace.header["error"]
    assert shown.page.inner_text("#error").strip() == error["message"].strip()
    shown.press("End")
    assert shown.step == f"PRAM step {error['step']} of {error['step']} failed"
    cell = shown.page.locator("#arrays button").nth(error["cell"])
    assert cell.get_attribute("class") == "read conflict" and cell.inner_text().split()[0] == "A[0]" and "✕" in cell.inner_text()
    assert shown.page.locator("tr.conflict").count() == trace.header["P"]
    assert shown.text("#lines > .now code") == "A[i] := x + A[0]"


def opens_at_the_first_wrong_token(shown: Shown, trace: Traced) -> None:
    """The page of a model that failed: at the step of the first wrong token, which is selected."""
    wrong = trace.header["processes"][0]["wrong"]
    assert shown.ask("viewer.panels[0].replay.at") == wrong["step"]
    message = " ".join(wrong["message"].split())
    assert shown.text("#error").startswith(f"mdm: {message} {wrong['many']} tokens of this step differ")
    kind, value = wrong["expected"].split()
    assert kind == "WORD" and f"The machine has word {value}." in shown.text("#inspector")
    assert len(shown.ask("viewer.look(viewer.panels[0], 0).wrong")) == wrong["many"] > 1
    assert shown.text("#inspector").startswith(
        f"mdm, position {wrong['position']}: value that processor 0 writes in step {wrong['step']} "
    )


def shows_parts(shown: Shown) -> None:
    """Of many processors a part is shown, and a pager goes on; the grid shows the same processors."""
    assert shown.text("#pids em") == "0–23 of 64"
    shown.page.click("[aria-label='pids after these']")
    assert shown.text("#pids em") == "24–47 of 64" and shown.text("#registers tbody td >> nth=0") == "24"
    first = shown.ask(
        "viewer.panels[0].layout.rows.find(r => r.step === 1).segments[0].first - viewer.panels[0].layout.firstBlock"
    )
    assert first == 24
    shown.page.click("[aria-label='pids after these']")
    assert shown.text("#pids em") == "48–63 of 64" and shown.page.locator("#registers tbody tr:visible").count() == 16
    assert shown.page.is_disabled("[aria-label='pids after these']")


def is_harmless(shown: Shown, trace: Traced) -> None:
    """Text of a program is text: nothing of it runs, and nothing of it is lost."""
    assert not shown.errors and shown.requests == [shown.page.url]
    assert shown.page.locator("img").count() == 0
    lines = shown.page.locator("#lines > li > code").all_text_contents()
    assert lines[0] == trace.header["source"].split("\n")[0]


def names_every_place(shown: Shown) -> None:
    """Every position of every process has words of its own, but for the two slots of ap-mdm, and is drawn once."""
    said = """i => {
        viewer.choose([i, (i + 1) % 7]);
        viewer.player.go(viewer.film.end(20));
        const p = viewer.panels[0], d = p.replay.at, length = p.replay.header.layout.length, words = [];
        for (let q = 0; q < length; q++) words.push(p.layout.words(q, d));
        const drawn = p.layout.rows.flatMap(r => r.segments.flatMap(s => Array.from({length: s.many}, (_, j) => s.first + j)));
        const spots = drawn.every(q => { const w = p.layout.where(q); return p.layout.position(w[0], w[1] + 0.5) === q; });
        return [words, drawn.sort((a, b) => a - b), spots];
    }"""
    for process, wanted in enumerate(EVERY_PROCESS[:7]):
        words, drawn, spots = shown.ask(said, process)
        assert drawn == list(range(len(words))) and spots, wanted
        assert all(words) and len(set(words)) >= len(words) - 3, wanted


def chooses_processes(shown: Shown) -> None:
    """Lists choose among more than two processes; time stays, and the same on both sides change places."""
    shown.ask("viewer.choose([0, 1])")
    shown.ask("viewer.player.go(viewer.film.end(7))")
    shown.page.select_option("[aria-label='process right']", label="arm erasing")
    assert shown.step.startswith("PRAM step 7 ") and shown.ask("viewer.chosen") == [0, 4]
    shown.page.select_option("[aria-label='process left']", label="arm erasing")
    assert shown.ask("viewer.chosen") == [4, 0]
    options = shown.page.locator("[aria-label='process left'] option").all_inner_texts()
    assert options == ["mdm", "ap-mdm two-step", "ap-mdm one-step", "arm", "arm erasing", "ao-mdm, right-to-left", "masked-arm",
                       "mdm, random-subsets"]  # fmt: skip


def violations(shown: Shown) -> list[str]:
    """What axe-core finds wrong with the page as it is."""
    found = shown.ask("axe.run()")["violations"]
    return [f"{v['id']}: {node['target']} {node['failureSummary']}" for v in found for node in v["nodes"]]


CUT_OFF = """[...document.querySelectorAll("main *, header *, footer *")].filter(e => e.offsetParent && !e.closest(".scroll, #lines")
  && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 60))"""


def fits(shown: Shown) -> None:
    """Nothing is cut off at the right, whichever processes are shown."""
    for chosen in ([0, 1], [2, 6], [3, 4], [5, 7]):
        shown.ask("chosen => viewer.choose(chosen)", chosen)
        assert shown.ask(CUT_OFF) == [] and shown.ask("document.documentElement.scrollWidth <= innerWidth")


def is_accessible(shown: Shown) -> None:
    """No violation with a token, then a cell, then the keys."""
    shown.press("End", "[")
    shown.page.check("#instructions")
    assert "position" in shown.text("#inspector") and violations(shown) == []
    shown.page.click("#arrays button >> nth=0")
    assert violations(shown) == []
    shown.press("?")
    assert shown.page.locator("dialog[open]").count() == 1 and violations(shown) == []
    shown.press("Escape")
    assert shown.page.locator("dialog[open]").count() == 0


def plays_a_task(shown: Shown) -> None:
    """No machine stands beside the decode of a task. Time goes by decoding step; tokens have the signs of the task."""
    assert not any(shown.page.is_visible(f"#{panel}") for panel in ("source", "processors", "memory"))
    assert shown.text("#name") == "parity </script>" and shown.text("#about") == "odd False"
    assert shown.page.locator("#plots figure").count() == 2
    shown.press("Home")
    steps = [shown.text("#now") + shown.page.input_value("#step")]
    for _ in range(5):
        shown.press("ArrowRight")
        steps.append(shown.text("#now") + shown.page.input_value("#step"))
    assert steps == [f"decoding step of 4{step}" for step in (0, 1, 2, 3, 4, 4)], steps
    assert shown.text("dl dd.form") == "2 + 2 = 4" and shown.text("dl > dd >> nth=0") == "1 tokens"
    shown.press("Home", "ArrowRight", "]", "]")
    assert shown.text("#inspector") == "ap-mdm, position 1: place 1 × ONE 1, as at the start.", shown.text("#inspector")
    signs = "[1, 2, 3].map(p => viewer.panels[0].layout.says(p, viewer.panels[0].replay.tokens))"
    assert shown.ask(signs) == ["ONE 1", "ONE 1", "a mask"]
    assert shown.ask("viewer.panels[0].layout.rows.map(row => row.label)") == ["sink", ""]
    assert shown.ask("[0, 1, 2].map(p => viewer.panels[0].layout.where(p))") == [[0, 0], [1, 0], [1, 1]]


def shows_parts_of_values(shown: Shown) -> None:
    """A sign may be made of several parts of a token's value, with names for numbers."""
    says = "[...Array(6).keys()].map(p => viewer.panels[0].layout.says(p, viewer.panels[0].replay.tokens))"
    shown.press("Home")
    found = shown.ask(says)
    assert found == ["BOS", "INSERT +1h", "REPLACE =2b", "SEP", "LETTER c", "LETTER a"], found
