// The header of a trace, as docs/trace.md describes it (version 3). Columns are in columns.ts.

export const VERSION = 3;

export interface Header {
  version: number;
  task: Task | null;
  name: string;
  file: string;
  source: string;
  params: Record<string, number>;
  P: number; // processors
  k: number; // registers of each
  S: number; // cells
  w: number; // bits of a word
  T: number; // steps that were carried out
  mode: string;
  signed: boolean | number;
  winner: string | null;
  halted: number;
  code: Instruction[];
  arrays: Named[];
  derived: string[];
  outputs: [number, number];
  costs: Record<string, number>;
  space: Record<string, number>;
  error: Failure | null;
  processes: ProcessHeader[];
  columns: Record<string, [offset: number, length: number, width: number, delta: boolean]>;
}

/** A decode by the model of a task: no machine runs beside it, and T is the number of decoding steps. */
export interface Task {
  about: string[];
  signs: Record<string, Sign>;
}
/** How a token is shown: a text, then the number in some bits of its value, or a name for it, then another sign. */
export interface Sign {
  text: string;
  bits: number;
  plus: number;
  shift: number;
  names: string[];
  then: Sign | null;
}

export interface Instruction {
  text: string;
  line: number;
  column: number;
  pads: boolean;
  rule?: string | null; // of a store that has one: how it is combined with other writes to its cell; else the mode says it
  locals: Record<string, string>;
}

export interface Named {
  name: string;
  role: string;
  base: number;
  shape: number[];
  firsts: number[];
}

export interface Failure {
  step: number;
  message: string;
  kind: string;
  processors: number[];
  cell: number;
  line: number;
}

export interface ProcessHeader {
  construction: string;
  process: string;
  schedule: string;
  order: string;
  steps: number;
  engine: string;
  vocabulary: [kind: string, bits: number][];
  depth: number;
  width: number;
  letters: Record<string, number>;
  forms: Partial<Record<string, ClosedForm>>;
  heads: Head[];
  layout: Places;
  wrong: Wrong | null;
  stuck: string | null;
}

export interface ClosedForm {
  text: string;
  filled: string;
  value: number;
  relation: string;
}

export interface Head {
  layer: number;
  name: string;
  reads: string[];
}

export interface Wrong {
  step: number;
  position: number;
  expected: string;
  found: string;
  many: number;
  message: string;
}

interface Common {
  parameters: number;
  outputs: number;
  firstOutput: number;
  length: number;
}
export interface BlockPlaces extends Common {
  form: "blocks";
  inputs: number;
  blocks: number;
}
export interface PairPlaces extends Common {
  form: "pairs";
  inputs: number;
  blocks: number;
  before: number;
}
export interface StatePlaces extends Common {
  form: "state";
  own: number;
  cells: number;
  slots: number;
  rows: string[];
}
export interface CyclePlaces extends Common {
  form: "cycle";
  cells: number[];
  blocks: number;
}
/** Regions of positions that follow each other, from 0 on. columns: how many stand in a row; 0: as many as fit. */
export interface RowPlaces extends Common {
  form: "rows";
  regions: { name: string; many: number; columns: number }[];
}
export type Places = BlockPlaces | PairPlaces | StatePlaces | CyclePlaces | RowPlaces;
