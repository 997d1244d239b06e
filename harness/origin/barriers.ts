/** Gates by name: the origin holds at one until a step of the case opens it; no case ever sleeps to be in time. */
import { type Watch, watch } from "./watch.ts";

export type Barriers = {
  /** Resolves once the barrier is open, at once when it is already. */
  pass: (name: string) => Promise<void>;
  open: (name: string) => void;
  /** True while somebody waits at the barrier, or has. */
  reached: (name: string) => boolean;
  /** Opens all: the run is over. */
  openAll: () => void;
};

/** Barriers that tell `changes` when one is reached. */
export function barriers(changes: Watch): Barriers {
  const opened = new Map<string, Watch>();
  const met = new Set<string>();
  let over = false;
  const isOpen = new Set<string>();
  const gate = (name: string): Watch => {
    const known = opened.get(name) ?? watch();
    opened.set(name, known);
    return known;
  };
  return {
    pass: async (name) => {
      met.add(name);
      changes.tell();
      await gate(name).until(() => over || isOpen.has(name));
    },
    open: (name) => {
      isOpen.add(name);
      gate(name).tell();
    },
    reached: (name) => met.has(name),
    openAll: () => {
      over = true;
      for (const one of opened.values()) one.tell();
    },
  };
}
