// How the page names things: cells, tokens, numbers, processes.

import { Header, Named, ProcessHeader, Sign, Task } from "./format";

export const grouped = (n: number): string => n.toLocaleString("en").replace(/,/g, "\u202f");

export const sizeOf = (array: Named): number => array.shape.reduce((m, n) => m * n, 1);

/** The name of a cell as programs write it, such as A[3]. */
export function cellName(header: Header, cell: number): string {
  const array = header.arrays.find((a) => cell >= a.base && cell < a.base + sizeOf(a));
  if (!array) return `cell ${cell}`;
  const subscripts: number[] = [];
  let rest = cell - array.base;
  for (let axis = array.shape.length - 1; axis >= 0; axis--) {
    subscripts.unshift((rest % array.shape[axis]) + (array.firsts[axis] ?? 0));
    rest = Math.floor(rest / array.shape[axis]);
  }
  return subscripts.length ? `${array.name}[${subscripts.join(", ")}]` : array.name;
}

/** A word as the program means it: with a sign, if its words have one. */
export function wordText(header: Header, word: number): string {
  return `${header.signed && word >= 2 ** (header.w - 1) ? word - 2 ** header.w : word}`;
}

const SHORT: Record<string, string> = {
  MASK: "·", BOS: "▸", HALT: "H", NONE: "–", WORK: "·", CALL: "(", SEP: "|", RETURN: ")", END: "■",
};

/** What a token says in a small box. Kinds of pairs end with @. */
export function tokenText(header: Header, kind: string, value: number): string {
  const plain = kind.replace("@", "");
  if (header.task && !SHORT[plain]) return signOf(header.task, kind, value);
  return SHORT[plain] ?? (plain === "REG" ? `r${value}` : plain === "WORD" ? wordText(header, value) : `${value}`);
}

function signText({ text, bits, plus, shift, names, then }: Sign, value: number): string {
  const number = (Math.floor(value / 2 ** shift) % 2 ** bits) + plus; // values may have more than 32 bits
  return text + (bits ? (names[number] ?? `${number}`) : "") + (then ? signText(then, value) : "");
}

/** The sign of a token of a task; its kind if it has none. */
function signOf(task: Task, kind: string, value: number): string {
  const sign = task.signs[kind];
  if (!sign) return kind;
  return signText(sign, value);
}

const MEANING: Record<string, string> = {
  MASK: "a mask", BOS: "BOS", HALT: "HALT", NONE: "no destination", WORK: "WORK", CALL: "CALL", SEP: "SEP",
  RETURN: "RETURN", END: "END",
};

/** The same in words, such as "program counter 13". */
export function tokenWords(header: Header, kind: string, value: number): string {
  const plain = kind.replace("@", "");
  if (MEANING[plain]) return MEANING[plain];
  if (header.task) return signOf(header.task, kind, value) === kind ? kind : `${kind} ${signOf(header.task, kind, value)}`;
  return plain === "PC" ? `program counter ${value}` : plain === "REG" ? `register r${value}` : `word ${wordText(header, value)}`;
}

/** What a process is called in the table of `lockstep compare`, with its order if it is not the usual one. */
export function processName({ construction, process, schedule, order }: ProcessHeader): string {
  const usual = process === "ao-mdm" || process === "masked-arm" ? "left-to-right" : "parallel";
  const name = construction === process && schedule ? `${process} ${schedule}` : construction;
  return order && order !== usual ? `${name}, ${order}` : name;
}
