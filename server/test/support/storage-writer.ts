/**
 * A process to be killed: writes pattern bytes to data files and journals them as the engine does, without end.
 * `node storage-writer.ts <dir>`; prints "ready", then a line with the spans told so far for each hundred.
 */
import path from "node:path";
import process from "node:process";
import { prepareDirectory } from "../../edge/cache-directory.ts";
import { openCacheIndex } from "../../edge/cache-index.ts";
import { SpanFiles } from "../../edge/span-files.ts";
import { patternBytes, plainEntry } from "./storage.ts";

const dir = process.argv[2] ?? "";
const fail = (error: Error): void => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
};
// The lock of the one killed before must have ended with it.
const held = prepareDirectory(dir);
if (!held.ok) fail(new Error(held.message));
const index = openCacheIndex(dir, { journalMs: 2, journalRowsMax: 10, onError: fail });
index.load();
const files = new SpanFiles(path.join(dir, "data"), { openFilesMax: 8, firstNewId: index.firstId(), onError: fail });
let told = 0;

/** Writes the pieces of one file, a hole before each, then goes on with the next id. */
function writeFile(id: number, piece: number): void {
  if (piece === 20) {
    // Every third entry is replaced, so that drops are under way as well.
    if (id % 3 === 0) {
      index.drop(id);
      files.remove(id, (error) => (error === null ? startFile() : fail(error)));
    } else startFile();
    return;
  }
  const start = piece * 10_000 + 100;
  const bytes = patternBytes(id, start, 5_000 + ((id * 7 + piece) % 4_000));
  files.write(id, [bytes.subarray(0, 1_000), bytes.subarray(1_000)], start, (error) => {
    if (error !== null) return fail(error);
    index.spans(id, start, start + bytes.length);
    index.touch(id, Date.now());
    told += 1;
    if (told % 100 === 0) process.stdout.write(`${told}\n`);
    writeFile(id, piece + 1);
  });
}

function startFile(): void {
  const id = index.nextId();
  index.put(plainEntry(id, { key: `key-${id % 50}` }));
  writeFile(id, 0);
}

process.stdout.write("ready\n");
for (let parallel = 0; parallel < 6; parallel += 1) startFile();
