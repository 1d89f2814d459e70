// Time: buttons, slider, speed and keys.

import { byId } from "./dom";
import { Film } from "./film";

const PLAY = "M4 2v12l9-6z", PAUSE = "M3 2h3.5v12H3zM9.5 2H13v12H9.5z";
const MOST_PARTS = 4; // a PRAM step of more decoding steps is played as a whole, unless the user chooses otherwise
const LONGEST_TICK = 60; // frames a second; faster speeds skip frames

export class Player {
  at = 0;
  private timer = 0;
  private readonly slider = byId<HTMLInputElement>("slider");
  private readonly speed = byId<HTMLInputElement>("speed");
  private readonly unit = byId<HTMLSelectElement>("unit");

  constructor(
    private film: Film,
    private readonly shown: (frame: number) => void,
  ) {
    const actions: Record<string, () => void> = {
      home: () => this.go(0), end: () => this.go(this.film.length - 1), back: () => this.step(-1), next: () => this.step(1),
      play: () => this.play(),
    };
    for (const [id, act] of Object.entries(actions)) byId(id).addEventListener("click", act);
    this.slider.addEventListener("input", () => this.go(+this.slider.value));
    this.speed.addEventListener("input", () => this.faster(0));
  }

  /** Take another film, at the same frame or its end. */
  use(film: Film, frame: number): void {
    this.film = film;
    this.slider.max = `${film.length - 1}`;
    this.unit.value = film.at(film.start(1)).parts > MOST_PARTS ? "step" : "decoding";
    this.go(frame);
  }

  go(frame: number): void {
    this.at = Math.max(0, Math.min(this.film.length - 1, frame));
    this.slider.value = `${this.at}`;
    this.shown(this.at);
  }
  /** One PRAM step on or back. */
  step(by: 1 | -1): void {
    this.go(this.film.whole(this.at, by));
  }
  /** One decoding step on or back. */
  decodingStep(by: 1 | -1): void {
    this.go(this.at + by);
  }

  get playing(): boolean {
    return this.timer > 0;
  }
  play(on = !this.playing): void {
    clearInterval(this.timer);
    this.timer = 0;
    byId("play").querySelector("path")!.setAttribute("d", on ? PAUSE : PLAY);
    byId("play").setAttribute("aria-label", on ? "pause" : "play");
    byId("inspector").setAttribute("aria-live", on ? "off" : "polite"); // it would be read aloud in every step
    if (!on) return;
    if (this.at === this.film.length - 1) this.go(0);
    const rate = 2 ** +this.speed.value, ticks = Math.min(rate, LONGEST_TICK);
    this.timer = window.setInterval(() => this.tick(Math.max(1, Math.round(rate / ticks))), 1000 / ticks);
  }
  private tick(many: number): void {
    if (this.unit.value === "decoding") this.go(this.at + many);
    else for (let i = 0, frame = this.at; i < many; i++) ((frame = this.film.whole(frame, 1)), i + 1 === many && this.go(frame));
    if (this.at >= this.film.length - 1) this.play(false);
  }
  faster(by: number): void {
    this.speed.value = `${+this.speed.value + by}`;
    if (this.playing) this.play(true);
  }
}

/** What keys do. They are left alone with ctrl, alt and meta, in a dialog, and where an element needs the key itself. */
export function onKeys(keys: Record<string, (shift: boolean) => void>): void {
  addEventListener("keydown", (e) => {
    const act = keys[e.key], target = e.target as HTMLElement;
    if (!act || e.ctrlKey || e.metaKey || e.altKey || document.querySelector("dialog[open]")) return;
    if (e.key === " " && target.closest("button, [type=checkbox], select")) return;
    if (target.closest("select, [type=range]") && /^(Arrow|Home|End)/.test(e.key)) return;
    if (target.closest("[type=number]")) return;
    e.preventDefault();
    act(e.shiftKey);
  });
}
