// The page: one film of frames. Every panel shows the frame on which the slider stands.

import { Look } from "./canvas";
import { useTheme } from "./colours";
import { Columns } from "./columns";
import { DecodeReplay } from "./decode";
import { byId, el } from "./dom";
import { Film, Frame } from "./film";
import { Header, Task, VERSION } from "./format";
import { Inspector, sourcesOf } from "./inspector";
import { MachineReplay } from "./machine";
import { MemoryPanel } from "./memory";
import { Player, onKeys } from "./player";
import { Plots } from "./plots";
import { ProcessPanel } from "./process";
import { ProcessorPanel } from "./processors";
import { arrange } from "./sizes";
import { SourcePanel } from "./source";
import { grouped, processName } from "./words";

/** Processes that stand side by side; the user chooses among more. */
const SIDE_BY_SIDE = 2;

type Selection = { panel: number; position: number } | { cell: number } | null;

class Page {
  readonly machine: MachineReplay;
  readonly player: Player;
  film: Film;
  panels: ProcessPanel[] = [];
  private readonly replays = new Map<number, DecodeReplay>();
  private chosen: number[];
  private frame: Frame = { t: 0, part: 0, parts: 0, d: [] };
  private selected: Selection = null;
  private readable = true;
  private plots!: Plots;
  private readonly source: SourcePanel;
  private readonly processors: ProcessorPanel;
  private readonly memory: MemoryPanel;
  private readonly inspector: Inspector;

  constructor(
    readonly header: Header,
    private readonly columns: Columns,
  ) {
    this.machine = new MachineReplay(header, columns);
    this.chosen = header.processes.map((_, i) => i).slice(0, SIDE_BY_SIDE);
    this.film = new Film([], 0, 0);
    this.player = new Player(this.film, () => this.show());
    this.source = new SourcePanel(header, (line) => this.nextOnLine(line));
    this.processors = new ProcessorPanel(header, this.machine, () => this.layOut());
    this.memory = new MemoryPanel(header, this.machine, (cell) => this.select({ cell }));
    this.inspector = new Inspector(header, this.machine, () => this.select(null), (t) => this.goTo(t));
    this.describe();
    this.controls();
    this.choose(this.chosen);
    this.openAtWrong();
  }

  /** What does not change: the heading, and why a run failed. */
  private describe(): void {
    const { name, params, mode, P, w, T, costs, space, error, winner } = this.header;
    document.title = this.header.task ? name : `${name}: a PRAM run beside its decode`;
    byId("name").textContent = name;
    if (this.header.task) return this.describeTask(this.header.task);
    const facts = [
      ...Object.entries(params).map(([n, v]) => `${n} = ${v}`), winner ? `${mode}, ${winner} wins` : mode,
      `${grouped(P)} processor${P > 1 ? "s" : ""}`, `${w}-bit words`, `T = ${grouped(T)}`,
      `work ${grouped(costs.work)}`, `${grouped(space.allocated + space.registers)} words of space`,
    ];
    byId("about").replaceChildren(...facts.map((fact) => el("span", {}, fact)));
    if (error) this.alarm(error.message);
    if (this.header.processes.length) return;
    document.querySelector("main")!.className = "alone";
  }
  /** No machine runs: the sequence has all of the page, and time goes by decoding step. */
  private describeTask(task: Task): void {
    byId("about").replaceChildren(...task.about.map((fact) => el("span", {}, fact)));
    document.querySelector("main")!.className = "task";
    byId("unit").closest("label")!.hidden = true;
    byId("now").firstChild!.textContent = "decoding step ";
    byId("back").setAttribute("aria-label", "one decoding step back");
    byId("next").setAttribute("aria-label", "one decoding step on");
  }
  private alarm(text: string): void {
    byId("error").textContent = text;
    byId("error").hidden = false;
  }

  /** The replay of a process; made when it is first shown. */
  private replay(process: number): DecodeReplay {
    if (!this.replays.has(process)) this.replays.set(process, new DecodeReplay(this.header.processes[process], this.columns, process));
    return this.replays.get(process)!;
  }

  /** Show these processes side by side. */
  choose(chosen: number[]): void {
    const { t } = this.frame, begins = !this.panels.length;
    this.chosen = chosen;
    this.selected = null;
    const replays = chosen.map((process) => this.replay(process));
    for (const replay of replays) replay.seek(0);
    const longest = replays.reduce((most, r) => r.context.reduce((a, b) => Math.max(a, b), most), 1);
    this.panels = replays.map((replay, i) => {
      return new ProcessPanel(this.header, replay, i, longest, (position) => this.select({ panel: i, position }), () => this.draw());
    });
    this.panels.forEach((panel, i) => this.chooser(panel, i));
    byId("sequences").replaceChildren(...this.panels.map((p) => p.article));
    this.film = new Film(replays.map((r) => r.clock), this.lastStep, this.header.T);
    this.plots = new Plots(this.film, this.panels, this.machine, (frame) => this.player.go(frame));
    this.measure();
    this.player.use(this.film, begins ? 0 : t ? this.film.end(t) : 0);
  }
  /** A list of all processes in place of a panel's name, where there are more than fit. */
  private chooser(panel: ProcessPanel, i: number): void {
    const { processes } = this.header;
    if (processes.length <= SIDE_BY_SIDE) return;
    const options = processes.map((p, n) => el("option", { value: `${n}`, ...(n === this.chosen[i] ? { selected: "" } : {}) }, processName(p)));
    const list = el("select", { "aria-label": `process ${i ? "right" : "left"}` }, ...options) as HTMLSelectElement;
    list.addEventListener("change", () => {
      const next = this.chosen.slice(), other = next.indexOf(+list.value);
      if (other >= 0) next[other] = next[i]; // the same on both sides: they change places
      next[i] = +list.value;
      this.choose(next);
      document.querySelectorAll<HTMLElement>("#sequences select")[i].focus();
    });
    panel.heading.querySelector("b")!.replaceWith(list);
  }

  /** The last step that runs; that of a run that failed was not carried out. */
  private get lastStep(): number {
    return this.header.T + (this.header.error ? 1 : 0);
  }

  // -- one frame

  show(): void {
    const { header, machine, player } = this, { T } = header;
    this.frame = this.film.at(player.at);
    const { t, d } = this.frame;
    machine.seek(Math.min(t, T));
    this.sayTime();
    this.source.show(machine.runs(t) ? machine.counters(t) : null);
    this.processors.show(t);
    this.memory.selected = this.selected && "cell" in this.selected ? this.selected.cell : -1;
    this.memory.show(t);
    this.panels.forEach((panel, i) => {
      const fresh = d[i] > 0 && panel.replay.clock[d[i] - 1] === t;
      panel.show(d[i], this.frame, fresh, this.processors.pid);
    });
    this.draw();
    this.plots.show(player.at);
    this.inspect();
  }
  private sayTime(): void {
    const { T, error } = this.header, { t, part, parts, d } = this.frame, last = this.lastStep;
    const { task } = this.header;
    const phase = task ? "" : t < 1 ? (part ? "growing" : "at the start") : t > T ? (error ? "failed" : "at the end") : this.phase(part, parts);
    byId<HTMLInputElement>("step").value = `${Math.min(t, last)}`;
    byId("of").textContent = `of ${last} ${phase}`;
    const text = task ? `decoding step ${t} of ${last}` : `PRAM step ${Math.min(t, last)} of ${last}${d.length ? `, decoding steps ${d.join(" and ")}` : ""}`;
    byId("slider").setAttribute("aria-valuetext", text);
    byId("step").setAttribute("max", `${last}`);
  }
  private phase(part: number, parts: number): string {
    if (parts < 2) return "";
    const twoSteps = parts === 2 && this.panels.some((p) => p.replay.header.construction === "ap-mdm");
    return twoSteps ? ["execute", "commit"][part - 1] : `part ${part} of ${parts}`;
  }
  private draw(): void {
    this.panels.forEach((panel, i) => panel.draw(this.look(panel, i), this.frame.t));
  }
  private look(panel: ProcessPanel, i: number): Look {
    const { replay } = panel, d = replay.at, look: Look = { selected: -1, arcs: [], wrong: replay.wrong(d) };
    if (!this.selected || !("panel" in this.selected) || this.selected.panel !== i) return look;
    look.selected = this.selected.position;
    const origin = look.selected < replay.length ? replay.origin(look.selected, d) : null;
    for (const { name, found } of sourcesOf(replay, origin))
      if (typeof found === "number") look.arcs.push({ from: replay.follow(found, origin!.step, d), label: name });
    return look;
  }

  // -- what was clicked

  select(selection: Selection): void {
    this.selected = selection;
    this.show();
  }
  private inspect(): void {
    const { selected } = this;
    document.body.classList.toggle("selected", !!selected);
    if (!selected) this.inspector.hint();
    else if ("cell" in selected) this.inspector.cell(selected.cell, this.frame.t);
    else this.inspector.token(this.panels[selected.panel], selected.position, this.frame.d[selected.panel]);
  }
  /** Select the token beside the one that is selected, or the first one of this step. */
  private beside(by: number): void {
    if (!this.panels.length) return;
    const now = this.selected && "panel" in this.selected ? this.selected : null, panel = now?.panel ?? this.focused();
    const position = now ? now.position + by : Math.max(0, this.panels[panel].layout.focus(this.frame.t, 0));
    this.select({ panel, position: Math.max(0, Math.min(this.panels[panel].replay.length - 1, position)) });
    this.reveal();
  }
  /** Scroll to the token that is selected. */
  private reveal(): void {
    if (!this.selected || !("panel" in this.selected)) return;
    this.panels[this.selected.panel].view.follow(this.selected.position);
    this.draw();
  }
  private focused(): number {
    return Math.max(0, this.panels.findIndex((p) => p.article.contains(document.activeElement)));
  }
  private nextOnLine(line: number): void {
    const t = this.machine.nextOnLine(line, this.frame.t);
    if (t > 0) this.goTo(t);
  }
  private goTo(t: number): void {
    this.player.go(t < 1 ? 0 : this.film.end(Math.min(t, this.lastStep)));
  }

  /** A model that is not the machine: open at the first wrong token. */
  private openAtWrong(): void {
    const process = this.header.processes.findIndex((p) => p.wrong || p.stuck);
    if (process < 0) return;
    const { wrong, stuck, steps } = this.header.processes[process];
    if (!this.chosen.includes(process)) this.choose([process, ...this.chosen].slice(0, SIDE_BY_SIDE));
    const panel = this.chosen.indexOf(process);
    this.alarm(`${processName(this.header.processes[process])}: ${wrong?.message ?? stuck}`);
    this.player.go(this.film.frameOf(panel, wrong?.step ?? steps));
    if (!wrong) return;
    if (wrong.many > 1) this.alarm(`${byId("error").textContent}\n${wrong.many} tokens of this step differ; the first is shown.`);
    this.select({ panel, position: wrong.position });
    this.reveal();
  }

  // -- sizes, colours, controls

  private measure(): void {
    if (this.panels.length) arrange(this.panels, this.processors.pid, this.processors.pids, this.readable);
  }
  private layOut(): void {
    this.measure();
    this.show();
  }
  private controls(): void {
    const dark = matchMedia("(prefers-color-scheme: dark)"), follow = () => useTheme(dark.matches ? "dark" : "light");
    const help = () => byId<HTMLDialogElement>("keys").showModal();
    follow();
    dark.addEventListener("change", () => (follow(), this.show()));
    byId("theme").addEventListener("click", () => {
      useTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
      this.show();
    });
    byId("help").addEventListener("click", help);
    byId("step").addEventListener("change", (e) => this.goTo(+(e.target as HTMLInputElement).value));
    new ResizeObserver(() => this.layOut()).observe(byId("sequences"));
    const move = (by: 1 | -1) => (shift: boolean) => (shift ? this.player.decodingStep(by) : this.player.step(by));
    onKeys({
      " ": () => this.player.play(), ArrowRight: move(1), ArrowLeft: move(-1), Home: () => this.player.go(0),
      End: () => this.player.go(this.film.length - 1), "+": () => this.player.faster(1), "-": () => this.player.faster(-1),
      "?": help, z: () => ((this.readable = !this.readable), this.layOut()), Escape: () => this.select(null),
      "]": () => this.beside(1), "[": () => this.beside(-1),
    });
  }
}

async function start(): Promise<void> {
  const began = performance.now(), header = JSON.parse(byId("header").textContent!) as Header;
  if (header.version !== VERSION) throw new Error(`this page shows traces of version ${VERSION}, not ${header.version}`);
  const page = new Page(header, await Columns.unpacked(header, byId("columns").textContent!));
  Object.assign(window, { viewer: page, ready: performance.now() - began }); // for tests, and for people with a console
}

start().catch((error: Error) => {
  byId("error").textContent = `This trace cannot be shown: ${error.message}`;
  byId("error").hidden = false;
});
