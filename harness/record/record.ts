/** Records a player: the demo origin, the proxy and a tap, the player on the tap's address, then a HAR and a case. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { demoSets, startDemoOrigin } from "../../server/demo/demo-origin.ts";
import { startServer } from "../../server/index.ts";
import type { Resource } from "../case/case-types.ts";
import type { StepTarget } from "./case-steps.ts";
import { caseIdOf, caseOf, writeCase } from "./case-writer.ts";
import { harOf, harText } from "./har-export.ts";
import { neutralPorts } from "./neutral-ports.ts";
import { probeResource } from "./origin-probe.ts";
import { type Player, players } from "./players.ts";
import { proxiedTarget, readProxied } from "./proxied-target.ts";
import type { RecordedRequest, Recording } from "./recording.ts";
import { readTap } from "./tap-reading.ts";
import { startTap } from "./tcp-tap.ts";

export type RecordOptions = { player: string; set: string; out: string; form: "query" | "path" };

/** The addresses of one recording session: what becomes a placeholder. */
export type RecordedAddresses = { tapPort: number; originPort: number };

/** Records one set with one player. Returns a line for the terminal. */
export async function record(options: RecordOptions): Promise<string> {
  const player = players[options.player];
  if (player === undefined) throw new Error(`no such player: ${Object.keys(players).join(", ")}`);
  const set = demoSets().find((one) => one.name === options.set && (one.kind === "vod" || one.kind === "progressive"));
  if (set === undefined) throw new Error(`no such set, or a live one: ${options.set}`);
  const { recording, resources, addresses } = await playAndKeep(player, set.path, options);
  const title = `${recording.player} plays ${set.title} (${options.form} form)`;
  const source = {
    kind: "recorded" as const,
    player: recording.player,
    on: recording.startedAt.toISOString().slice(0, 10),
  };
  const texts = { target: targetOf(addresses), text: placeholders(addresses) };
  const made = caseOf(recording, texts, resources, { id: caseIdOf(options.out), title, source });
  mkdirSync(options.out, { recursive: true });
  const har = harOf(recording, `http://127.0.0.1:${addresses.tapPort}`, packageVersion());
  writeFileSync(join(options.out, "traffic.har"), harText(har));
  writeCase(options.out, made);
  return `${title}: ${recording.requests.length} requests on ${recording.connections.length} connections`;
}

type Kept = { recording: Recording; resources: Record<string, Resource>; addresses: RecordedAddresses };

async function playAndKeep(player: Player, path: string, options: RecordOptions): Promise<Kept> {
  const version = await player.version();
  const cacheDir = mkdtempSync(join(tmpdir(), "reelcache-record-"));
  const origin = await startDemoOrigin();
  // The tap needs the proxy's port and the proxy the tap's: the tap's name stands in the list of allowed hosts.
  const allowedHosts: string[] = ["127.0.0.1"];
  const allowPrivate = ["127.0.0.1:*", "localhost:*"];
  const server = await startServer({ port: 0, cacheDir, logLevel: "silent", allowPrivate, allowedHosts });
  const tap = await startTap(server.port);
  const addresses = { tapPort: tap.port, originPort: origin.port };
  try {
    await player.play(`http://127.0.0.1:${tap.port}${proxiedTarget(origin.url + path, options.form)}`);
    await tap.close();
    const targets = [...new Set(origin.log().map((entry) => entry.url))].sort();
    const resources: Record<string, Resource> = {};
    for (const target of targets) {
      resources[target] = await probeResource(origin.url, target, placeholders(addresses));
    }
    return { recording: readTap(tap, version), resources, addresses };
  } finally {
    await tap.close();
    await server.stop();
    await origin.close();
    rmSync(cacheDir, { recursive: true, force: true });
  }
}

/** How a case names the target of a recorded request. */
export function targetOf(addresses: RecordedAddresses): (request: RecordedRequest) => StepTarget {
  const origin = `http://127.0.0.1:${addresses.originPort}`;
  const other = `http://localhost:${addresses.originPort}`;
  return ({ target }) => {
    const proxied = readProxied(target);
    if (proxied === null) return { raw: placeholders(addresses)(target) };
    const { url, form, rest } = proxied;
    let path = url;
    if (url.startsWith(`${origin}/`)) path = url.slice(origin.length);
    else if (url.startsWith(`${other}/`)) path = `{other}${url.slice(other.length)}`;
    else throw new Error(`the player asked the proxy for a foreign URL: ${url}`);
    if (proxiedTarget(url, form) + rest !== target) {
      throw new Error(`the player wrote the proxied URL in its own way, which no placeholder can say: ${target}`);
    }
    return rest === "" ? { path, form } : { raw: `{query:${path}}${rest}` };
  };
}

/** Puts placeholders in for this session's addresses. A page's own port becomes 8080, as it means nothing. */
export function placeholders(addresses: RecordedAddresses): (text: string) => string {
  return (text) =>
    neutralPorts(
      text
        .replaceAll(`127.0.0.1:${addresses.tapPort}`, "{host}")
        .replaceAll(`http://127.0.0.1:${addresses.originPort}`, "{origin}")
        .replaceAll(`http://localhost:${addresses.originPort}`, "{other}"),
    );
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version }: { version: string } = JSON.parse(text);
  return version;
}
