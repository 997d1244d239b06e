/** What a profiler saw, as one tree of calls: weights by stack, whatever the profiler and the unit. */

/** Whose code a frame is: the twins' core, their edge, a library, the runtime, or machine code and the system. */
export type FrameKind = "core" | "edge" | "library" | "runtime" | "native";

export type Frame = {
  /** As it is shown: the function, and where it stands. */
  label: string;
  kind: FrameKind;
  /** What the frame counts to: a file of the project, a library, the runtime, the system. */
  part: string;
};

export type CallTree = { frame: Frame; self: number; total: number; children: Map<string, CallTree> };

export type TableRow = { label: string; self: number; total: number };

export function emptyTree(label: string): CallTree {
  return nodeOf({ label, kind: "native", part: label });
}

function nodeOf(frame: Frame): CallTree {
  return { frame, self: 0, total: 0, children: new Map() };
}

/** Adds a weight to the stack `frames`, outermost first. */
export function addStack(tree: CallTree, frames: Frame[], weight: number): void {
  let node = tree;
  node.total += weight;
  for (const frame of frames) {
    node = childOf(node, frame);
    node.total += weight;
  }
  node.self += weight;
}

/** The child for a frame, made when it is not there. */
export function childOf(node: CallTree, frame: Frame): CallTree {
  const found = node.children.get(frame.label);
  if (found !== undefined) return found;
  const made = nodeOf(frame);
  node.children.set(frame.label, made);
  return made;
}

/** Frames by their own weight; a frame below itself counts once in its total. Root and what is below a bound are left out. */
export function topFrames(tree: CallTree, most: number): TableRow[] {
  const rows = new Map<string, TableRow>();
  const visit = (node: CallTree, above: ReadonlySet<string>): void => {
    for (const child of node.children.values()) {
      const { label } = child.frame;
      const row = rows.get(label) ?? { label, self: 0, total: 0 };
      rows.set(label, row);
      row.self += child.self;
      if (!above.has(label)) row.total += child.total;
      visit(child, above.has(label) ? above : new Set([...above, label]));
    }
  };
  visit(tree, new Set());
  return sorted([...rows.values()]).slice(0, most);
}

/**
 * Weights by part: what runs in the runtime and the system counts to the part of the project or the library that called
 * it, however far out. So the parts' own weights make up the whole.
 */
export function partsOf(tree: CallTree): TableRow[] {
  const rows = new Map<string, TableRow>();
  const rowOf = (label: string): TableRow => {
    const row = rows.get(label) ?? { label, self: 0, total: 0 };
    rows.set(label, row);
    return row;
  };
  const visit = (node: CallTree, owner: Frame | null, above: ReadonlySet<string>): void => {
    for (const child of node.children.values()) {
      const own = ["core", "edge", "library"].includes(child.frame.kind);
      const next = own ? child.frame : owner;
      const { part } = next ?? child.frame;
      rowOf(part).self += child.self;
      const below = own && !above.has(part);
      if (below) rowOf(part).total += child.total;
      else if (next === null) rowOf(part).total += child.self;
      visit(child, next, below ? new Set([...above, part]) : above);
    }
  };
  visit(tree, null, new Set());
  return sorted([...rows.values()]);
}

function sorted(rows: TableRow[]): TableRow[] {
  return rows.filter((row) => row.total > 0).sort((a, b) => b.self - a.self || b.total - a.total);
}
