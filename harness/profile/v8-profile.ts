/** V8's profiles of processor time and of allocations as call trees. */
import { type CallTree, childOf, emptyTree, type Frame } from "./call-tree.ts";

type CallFrame = { functionName: string; url: string; lineNumber: number };

/** As `Profiler.stop` gives it; times in microseconds. */
export type CpuProfile = {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
};

/** As `HeapProfiler.stopSampling` gives it; sizes in bytes. */
export type HeapProfile = { head: HeapNode };
type HeapNode = { callFrame: CallFrame; selfSize: number; children: HeapNode[] };

/** Time in which nothing ran is no cost. */
const idle = "(idle)";

/** Microseconds by stack. `root`: the project's folder. */
export function treeOfCpuProfile(profile: CpuProfile, root: string): CallTree {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const weights = new Map<number, number>();
  for (const [at, id] of profile.samples.entries()) {
    weights.set(id, (weights.get(id) ?? 0) + Math.max(0, profile.timeDeltas[at] ?? 0));
  }
  const tree = emptyTree("all");
  const visit = (id: number, parent: CallTree): number => {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === idle) return 0;
    const own = weights.get(id) ?? 0;
    const child = childOf(parent, frameOf(node.callFrame, root));
    const total = (node.children ?? []).reduce((sum, below) => sum + visit(below, child), own);
    child.self += own;
    child.total += total;
    return total;
  };
  // The first node is the root, which stands for nothing that ran.
  for (const id of profile.nodes[0]?.children ?? []) tree.total += visit(id, tree);
  return withoutEmpty(tree);
}

/** Allocated bytes by stack. */
export function treeOfHeapProfile(profile: HeapProfile, root: string): CallTree {
  const tree = emptyTree("all");
  const visit = (node: HeapNode, parent: CallTree): number => {
    const child = childOf(parent, frameOf(node.callFrame, root));
    const total = node.children.reduce((sum, below) => sum + visit(below, child), node.selfSize);
    child.self += node.selfSize;
    child.total += total;
    return total;
  };
  for (const node of profile.head.children) tree.total += visit(node, tree);
  return withoutEmpty(tree);
}

/** Functions that were compiled but not met by a sample say nothing. */
function withoutEmpty(tree: CallTree): CallTree {
  for (const [label, child] of tree.children) {
    if (child.total === 0) tree.children.delete(label);
    else withoutEmpty(child);
  }
  return tree;
}

function frameOf({ functionName, url, lineNumber }: CallFrame, root: string): Frame {
  const name = functionName === "" ? "(anonymous)" : functionName;
  const [, library] = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url) ?? [];
  if (library !== undefined) {
    const file = url.slice(url.lastIndexOf("/") + 1);
    return { label: `${name} ${library}/${file}:${lineNumber + 1}`, kind: "library", part: library };
  }
  if (url.startsWith("node:")) return { label: `${name} ${url}`, kind: "runtime", part: "node" };
  const start = url.indexOf(root);
  if (start === -1) return { label: name, kind: "native", part: name.startsWith("(") ? name : "node" };
  const file = url.slice(start + root.length).replace(/^\//, "");
  const kind = file.startsWith("server/core/") ? "core" : "edge";
  return { label: `${name} ${file}:${lineNumber + 1}`, kind, part: file };
}
