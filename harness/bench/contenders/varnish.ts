/** Varnish with its objects in memory, and in a file that it maps. It has threads, and may use more than one core. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Contender, Place, RunningContender } from "../bench-types.ts";
import { freePort, listening, startProcess } from "../processes.ts";
import { filled, missingProgram } from "./nginx.ts";

const vcl = fileURLToPath(new URL("varnish.vcl", import.meta.url));

export const varnishContenders: Contender[] = [
  varnish("varnish-malloc", "Varnish, objects in memory, threads", () => "malloc,2G"),
  varnish(
    "varnish-file",
    "Varnish, objects in a mapped file, threads",
    (folder) => `file,${join(folder, "objects")},4G`,
  ),
];

function varnish(name: string, title: string, storage: (folder: string) => string): Contender {
  return {
    name,
    title,
    kind: "cache",
    forgets: true,
    missing: () => missingProgram("varnishd", "-V", "varnish"),
    start: (place) => startVarnish(place, storage(place.folder)),
  };
}

async function startVarnish(place: Place, storage: string): Promise<RunningContender> {
  const port = await freePort();
  const file = join(place.folder, "varnish.vcl");
  writeFileSync(file, filled(readFileSync(vcl, "utf8"), { origin: String(place.originPort) }));
  // No jail: started by root, its child could not read folders that are root's alone.
  const words = ["-j", "none", "-F", "-f", file, "-a", `127.0.0.1:${port}`, "-s", storage];
  words.push("-n", join(place.folder, "varnish"), "-T", "none");
  const started = startProcess("varnishd", words);
  await listening(started, port);
  return { port, pid: started.pid, targetOf: (path) => path, stop: started.stop };
}
