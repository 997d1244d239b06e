/**
 * What the storage tests share: bytes that follow from id and offset, entries, and a disk that fails on demand.
 */
import fs from "node:fs";
import path from "node:path";
import type { StoredEntry } from "../../edge/cache-index.ts";
import type { FileCalls } from "../../edge/file-calls.ts";
import { realFileCalls } from "../../edge/file-calls.ts";

/** The bytes of an id's file from `start` on: never zero, so that a hole is never taken for them. */
export function patternBytes(id: number, start: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) bytes[index] = 1 + ((id * 31 + start + index) % 251);
  return bytes;
}

/** An entry of an id, without spans. */
export function plainEntry(id: number, changes: Partial<StoredEntry> = {}): StoredEntry {
  const url = `https://cdn.example/${id}.ts`;
  const fields = ["Content-Type", "video/mp2t", "ETag", `"${id}"`];
  const times = { requestMs: 1_000, responseMs: 2_000, targetDurationMs: 0, accessMs: 3_000 };
  const entry: StoredEntry = {
    id,
    key: url,
    url,
    finalUrl: url,
    kind: "media",
    fields,
    total: -1,
    spans: [],
    pinned: false,
    ...times,
  };
  return { ...entry, ...changes };
}

/** A cache directory below a test's own, with its data folder. */
export function cacheDirectory(testdir: string): { dir: string; dataDir: string } {
  const dataDir = path.join(testdir, "data");
  fs.mkdirSync(dataDir, { recursive: true });
  return { dir: testdir, dataDir };
}

/** The real file system with some calls replaced. */
export function fileCalls(changes: Partial<FileCalls>): FileCalls {
  return { ...realFileCalls, ...changes };
}

/** Resolves when the condition holds, looked at once a turn of the event loop; rejects after `timeoutMs`. */
export function until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (condition()) resolve();
      else if (performance.now() > deadline) reject(new Error(`never came true: ${what}`));
      else setTimeout(look, 1);
    };
    look();
  });
}
