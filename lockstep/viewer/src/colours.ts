// Colours for the canvas, which CSS cannot reach: read from the custom properties of style.css.

const NAMES = [
  "page", "card", "ink", "quiet", "faint", "accent", "mask", "still", "given", "remask", "text", "V", "C", "A", "cell", "register",
  "output", "mark",
] as const;
export type Colours = Record<(typeof NAMES)[number], string>;

export let colours = {} as Colours;

/** Follow a theme. */
export function useTheme(name: "light" | "dark"): void {
  document.documentElement.dataset.theme = name;
  const style = getComputedStyle(document.documentElement);
  colours = Object.fromEntries(NAMES.map((n) => [n, style.getPropertyValue(`--${n}`).trim()])) as Colours;
}

/** A colour such as #1f6fb5 as a pixel of an ImageData. */
export function pixel(hex: string): number {
  const n = parseInt(hex.slice(1), 16);
  return (0xff000000 | ((n & 255) << 16) | (n & 0xff00) | (n >> 16)) >>> 0;
}
