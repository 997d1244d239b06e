/** nginx, each way with sendfile and without: the better one counts, since which that is differs by body and machine. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Contender, Place, RunningContender } from "../bench-types.ts";
import { freePort, listening, searchPath, startProcess } from "../processes.ts";

const folder = fileURLToPath(new URL("./", import.meta.url));

export const nginxContenders: Contender[] = [
  nginx("nginx-static", "nginx, files, sendfile, one worker", "files", "nginx-static.conf", "on"),
  nginx("nginx-static-read", "nginx, files, sendfile off, one worker", "files", "nginx-static.conf", "off"),
  nginx("nginx-cache", "nginx, proxy_cache, sendfile, one worker", "cache", "nginx-cache.conf", "on"),
  nginx("nginx-cache-read", "nginx, proxy_cache, sendfile off, one worker", "cache", "nginx-cache.conf", "off"),
];

function nginx(
  name: string,
  title: string,
  kind: Contender["kind"],
  config: string,
  sendfile: "on" | "off",
): Contender {
  return {
    name,
    title,
    kind,
    missing: () => missingProgram("nginx", "-v", "nginx"),
    start: (place) => startNginx(place, config, sendfile),
  };
}

async function startNginx(place: Place, config: string, sendfile: string): Promise<RunningContender> {
  const port = await freePort();
  const words: Record<string, string> = {
    // Started by root, its worker could not read folders that are root's alone.
    user: process.getuid?.() === 0 ? "user root;" : "",
    folder: place.folder,
    site: place.siteFolder,
    port: String(port),
    origin: String(place.originPort),
    sendfile,
  };
  const text = readFileSync(join(folder, config), "utf8");
  const file = join(place.folder, "nginx.conf");
  writeFileSync(file, filled(text, words));
  const started = startProcess("nginx", ["-p", place.folder, "-e", join(place.folder, "error.log"), "-c", file]);
  await listening(started, port);
  return { port, pid: started.pid, targetOf: (path) => path, stop: started.stop };
}

/** Puts words in for `{name}`; braces around anything else are the configuration's own. */
export function filled(text: string, words: Record<string, string>): string {
  return text.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => words[name] ?? whole);
}

/** Why a program cannot run, with the Debian package that has it; null when it can. */
export function missingProgram(program: string, versionFlag: string, debianPackage: string): string | null {
  const { error } = spawnSync(program, [versionFlag], { env: { ...process.env, PATH: searchPath } });
  return error === undefined ? null : `${program} is missing (Debian: apt-get install ${debianPackage})`;
}
