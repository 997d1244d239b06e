/** Profiles of a twin under the load of one of the bench's cases. */
import { fileURLToPath } from "node:url";
import type { Stage } from "../bench/bench-types.ts";
import { cpuSecondsOf, mainThreadSecondsOf } from "../bench/processes.ts";
import type { CallTree } from "./call-tree.ts";
import { connectInspector } from "./inspector.ts";
import { type CpuProfile, type HeapProfile, treeOfCpuProfile, treeOfHeapProfile } from "./v8-profile.ts";

/** What was seen: by stack, with the answers and the processor time meanwhile. */
export type Capture = {
  tree: CallTree;
  cost: Cost;
  /** The profiler's own form, for other viewers. */
  raw: { name: string; text: string } | null;
};

/** Processor time in seconds: of all threads, and of the first. */
export type Cost = { requests: number; allSeconds: number; mainSeconds: number };

/** Plays turns of the case for the time of a profile; resolves with the answers. */
export type Play = () => Promise<number>;

/** Between two samples, in microseconds. */
const sampleMicroseconds = 500;

/** Bytes between two samples of allocations. */
const heapSampleBytes = 16_384;

const root = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");

/** Processor time of the main thread. */
export async function captureProcessor(stage: Stage, inspectorPort: number, play: Play): Promise<Capture> {
  const inspector = await connectInspector(inspectorPort);
  try {
    await inspector.ask("Profiler.enable");
    await inspector.ask("Profiler.setSamplingInterval", { interval: sampleMicroseconds });
    await inspector.ask("Profiler.start");
    const cost = await costOf(stage, play);
    const { profile } = await inspector.ask<{ profile: CpuProfile }>("Profiler.stop");
    const raw = { name: "cpuprofile", text: JSON.stringify(profile) };
    return { tree: treeOfCpuProfile(profile, root), cost, raw };
  } finally {
    inspector.close();
  }
}

/** What is allocated, whether it is collected meanwhile or not. */
export async function captureAllocations(stage: Stage, inspectorPort: number, play: Play): Promise<Capture> {
  const inspector = await connectInspector(inspectorPort);
  try {
    await inspector.ask("HeapProfiler.startSampling", {
      samplingInterval: heapSampleBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    const cost = await costOf(stage, play);
    const { profile } = await inspector.ask<{ profile: HeapProfile }>("HeapProfiler.stopSampling");
    const raw = { name: "heapprofile", text: JSON.stringify(profile) };
    return { tree: treeOfHeapProfile(profile, root), cost, raw };
  } finally {
    inspector.close();
  }
}

/** What a play costs, by the system's count. */
export async function costOf({ running }: Stage, play: Play): Promise<Cost> {
  const seconds = (): [number, number] => [cpuSecondsOf(running.pid) ?? 0, mainThreadSecondsOf(running.pid) ?? 0];
  const [allBefore, mainBefore] = seconds();
  const requests = await play();
  const [all, main] = seconds();
  return { requests, allSeconds: all - allBefore, mainSeconds: main - mainBefore };
}
