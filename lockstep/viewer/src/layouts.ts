// The layout of each form. A new form gets a row here.

import { BlockLayout } from "./blocks";
import { CycleLayout } from "./cycle";
import { DecodeReplay } from "./decode";
import { Header, Places } from "./format";
import { Layout } from "./layout";
import { PairLayout } from "./pairs";
import { RowLayout } from "./rows";
import { StateLayout } from "./state";

const LAYOUTS: Record<Places["form"], new (header: Header, replay: DecodeReplay) => Layout> = {
  blocks: BlockLayout,
  pairs: PairLayout,
  state: StateLayout,
  cycle: CycleLayout,
  rows: RowLayout,
};

export function layOut(header: Header, replay: DecodeReplay): Layout {
  return new LAYOUTS[replay.header.layout.form](header, replay);
}
