/** Copies of the server in a scratch folder outside the repository: one as it is, and one for each mutant at work. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Mutant } from "./mutant-list.ts";
import { mutatedText } from "./mutant-list.ts";

/** A scratch folder with the server as it is now, so that edits made meanwhile touch no mutant. */
export type Scratch = {
  /** The server as it is. */
  original: string;
  /** The server with one fault, in a folder of its own. Throws when the patch does not apply. */
  mutate: (mutant: Mutant) => { server: string; remove: () => void };
  remove: () => void;
};

/** Copies the server out of a repository; `node_modules` is linked. */
export function openScratch(root: string): Scratch {
  const scratch = mkdtempSync(join(tmpdir(), "reelcache-mutants-"));
  const original = copyServer(root, join(scratch, "original"));
  return {
    original,
    mutate: (mutant) => {
      const folder = join(scratch, mutant.id);
      const server = copyServer(join(scratch, "original"), folder);
      const path = join(folder, mutant.file);
      writeFileSync(path, mutatedText(readFileSync(path, "utf8"), mutant));
      return { server, remove: () => rmSync(folder, { recursive: true, force: true }) };
    },
    remove: () => rmSync(scratch, { recursive: true, force: true }),
  };
}

function copyServer(from: string, to: string): string {
  const server = join(to, "server");
  cpSync(join(from, "server"), server, { recursive: true, filter: (path) => basename(path) !== "test" });
  cpSync(join(from, "package.json"), join(to, "package.json"));
  symlinkSync(join(from, "node_modules"), join(to, "node_modules"));
  return server;
}
