// Small helpers for elements. Program text only ever becomes text nodes and attributes.

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

export function el(tag: string, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElement {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** A button with a sign; its label says what the sign means. */
export function button(label: string, sign: string, act: () => void): HTMLElement {
  const made = el("button", { type: "button", "aria-label": label, title: label }, sign);
  made.addEventListener("click", act);
  return made;
}

/** Write text and class only where they differ: most cells stay the same from step to step. */
export function put(node: HTMLElement, text: string, name = ""): void {
  if (node.textContent !== text) node.textContent = text;
  if (node.className !== name) node.className = name;
}

/** A pager for what does not fit: "0–23 of 64". Shows nothing if all fits. */
export function pager(id: string, from: number, many: number, of: number, go: (from: number) => void): void {
  if (of <= many) return;
  const last = Math.min(of, from + many);
  const less = button(`${id} before these`, "‹", () => go(Math.max(0, from - many)));
  const more = button(`${id} after these`, "›", () => go(from + many));
  less.toggleAttribute("disabled", from === 0);
  more.toggleAttribute("disabled", last === of);
  byId(id).replaceChildren(el("em", {}, `${from}–${last - 1} of ${of.toLocaleString("en").replace(/,/g, "\u202f")}`), less, more);
}
