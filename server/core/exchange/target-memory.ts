/**
 * What request targets name, as they were read: players ask for the same ones again and again, and reading one takes its
 * URL apart several times, which is a good part of what a hit costs. Bounded by bytes in two generations: what is used
 * moves to the young one, and when that is full it becomes the old one, and what was in the old one is forgotten.
 */
import type { OwnParameters } from "../route/own-parameters.ts";
import type { UrlForm } from "../route/request-target.ts";

/** An upstream resource as a target named it. */
export type KnownTarget = {
  form: UrlForm;
  url: string;
  own: OwnParameters;
  /** Cache key of the URL. */
  key: string;
  /** It is gathered whole: the URL says playlist, or the target JSON that names more. */
  playlist: boolean;
  /** It is a directed reload of one. */
  directed: boolean;
  /** The options allow its host. */
  allowed: boolean;
};

export type TargetMemory = {
  /** Bytes of both generations together. */
  bytesMax: number;
  young: Map<string, KnownTarget>;
  old: Map<string, KnownTarget>;
  youngBytes: number;
};

/** What a target costs besides its texts, in bytes. */
const overheadBytes = 256;

/** An empty memory for `bytesMax` bytes. */
export function newTargetMemory(bytesMax: number): TargetMemory {
  return { bytesMax, young: new Map(), old: new Map(), youngBytes: 0 };
}

/** Remembers what a target names. */
export function rememberTarget(memory: TargetMemory, target: string, known: KnownTarget): void {
  const bytes = target.length + known.url.length + known.own.define.length + known.key.length + overheadBytes;
  if (bytes * 2 > memory.bytesMax) return;
  if ((memory.youngBytes + bytes) * 2 > memory.bytesMax) {
    memory.old = memory.young;
    memory.young = new Map();
    memory.youngBytes = 0;
  }
  memory.young.set(target, known);
  memory.youngBytes += bytes;
}

/** What a target names; null when it is not remembered. */
export function recallTarget(memory: TargetMemory, target: string): KnownTarget | null {
  const known = memory.young.get(target);
  if (known !== undefined) return known;
  const aged = memory.old.get(target);
  if (aged === undefined) return null;
  memory.old.delete(target);
  rememberTarget(memory, target, aged);
  return aged;
}
