/**
 * Where the scripted origin of a device's run listens: at one address of this machine, which the phone itself has found
 * by connecting back. Connections from any other address are cut.
 */
import { randomBytes } from "node:crypto";
import { createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import type { OriginPlace } from "../origin/origin-place.ts";
import type { ControlClient, Reached } from "./control-client.ts";
import { DeviceError } from "./device-problems.ts";

type Probe = { host: string; port: number; word: string; cameFrom: string; close: () => void };

/** The addresses at which a phone may reach this machine: IPv4, not loopback. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return all.filter((one) => one.family === "IPv4" && !one.internal).map((one) => one.address);
}

/** The first of the addresses that the phone can reach. Rejects with a `DeviceError` that says why it reaches none. */
export async function findOriginPlace(client: ControlClient, addresses: string[]): Promise<OriginPlace> {
  if (addresses.length === 0) {
    throw new DeviceError("no-address", "this machine is in no network: it has no IPv4 address but loopback");
  }
  const probes = await Promise.all(addresses.map(openProbe));
  try {
    const to = probes.map(({ host, port }) => ({ host, port }));
    const { reached = [] } = await client.ask({ do: "reach", to });
    for (const [index, probe] of probes.entries()) {
      if (reached[index]?.heard !== probe.word || probe.cameFrom === "") continue;
      const { host, cameFrom } = probe;
      return { host, admits: (address) => address === cameFrom };
    }
    throw whyNone(reached);
  } finally {
    for (const probe of probes) probe.close();
  }
}

/** Tells whoever connects a word that nobody can guess. */
async function openProbe(host: string): Promise<Probe> {
  const word = randomBytes(16).toString("hex");
  const probe: Probe = { host, port: 0, word, cameFrom: "", close: () => void server.close() };
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    probe.cameFrom = socket.remoteAddress ?? "";
    socket.end(`${word}\n`);
    socket.resume();
  });
  probe.port = await listening(server, host);
  return probe;
}

function listening(server: Server, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(new DeviceError("not-own-address", `${host} cannot be listened on (${error.code ?? error.message})`));
    });
    server.listen({ host, port: 0 }, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

function whyNone(reached: Reached[]): DeviceError {
  const tried = reached.map(({ host, outcome, detail }) => `${host} ${outcome}${detail === "" ? "" : ` (${detail})`}`);
  const says = `the phone does not reach this machine: ${tried.join("; ") || "it tried nothing"}`;
  const outcomes = reached.map((one) => one.outcome);
  if (outcomes.includes("denied")) return new DeviceError("local-network-denied", says);
  if (outcomes.includes("reached")) return new DeviceError("origin-intercepted", says);
  if (outcomes.includes("timeout") || outcomes.includes("refused")) return new DeviceError("origin-blocked", says);
  return new DeviceError("origin-unreachable", says);
}
