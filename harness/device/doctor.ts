/** What a run needs, checked one after the other, in plain words. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeviceAddress } from "./device-address.ts";
import { DeviceError, remedies } from "./device-problems.ts";
import { deviceFacts } from "./lockdown.ts";
import { findOriginPlace, ownAddresses } from "./origin-place.ts";
import { chosen, findPhone, type Phone, type Surroundings, shownDevice } from "./phone.ts";
import { listDevices, type UsbDevice, usbmuxdAddress } from "./usbmuxd.ts";

/** One line of the doctor's table; `todo` is "" when all is well. */
export type Check = { name: string; state: "ok" | "missing" | "not tried"; says: string; todo: string };

/** What runs are asked about. */
export type Patient = "reference" | "bridge" | "device";

const nodeMajor = 24;

const unknown = "needs what is missing above";

/** Programs that the tests drive, and the Debian package of each. */
const tools = { ffmpeg: "ffmpeg", ffprobe: "ffmpeg", chromium: "chromium" };

/** All checks for the targets that are meant. */
export async function examine(
  patients: Patient[],
  address: DeviceAddress,
  around: Surroundings,
  originHost: string | null,
): Promise<Check[]> {
  const checks = [checkNode()];
  if (patients.includes("reference")) checks.push(checkTools(around.environment));
  if (patients.includes("bridge")) checks.push(checkSwift());
  if (patients.includes("device")) checks.push(...(await checkDevice(address, around, originHost)));
  return checks;
}

function checkNode(): Check {
  const right = Number(process.versions.node.split(".")[0]) >= nodeMajor;
  const todo = `Run it by npm (npm run doctor), which brings Node ${nodeMajor} along.`;
  return { name: "node", state: right ? "ok" : "missing", says: process.version, todo: right ? "" : todo };
}

function checkTools(environment: Record<string, string | undefined>): Check {
  const folders = (environment.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const missing = Object.entries(tools).filter(([tool]) => !folders.some((folder) => existsSync(join(folder, tool))));
  if (missing.length === 0) return well("tools", Object.keys(tools).join(", "));
  const names = missing.map(([tool]) => tool).join(", ");
  const packages = [...new Set(missing.map(([, name]) => name))].join(" ");
  const todo = `Debian and Ubuntu: apt-get install -y --no-install-recommends ${packages}. Only npm test and recording need them.`;
  return { name: "tools", state: "missing", says: `${names} not installed`, todo };
}

function checkSwift(): Check {
  const script = fileURLToPath(new URL("../../scripts/swift.mjs", import.meta.url));
  const { stdout } = spawnSync(process.execPath, [script, "--look"], { encoding: "utf8" });
  const { found, says, todo } = JSON.parse(stdout) as { found: boolean; says: string; todo: string };
  return { name: "swift", state: found ? "ok" : "missing", says, todo };
}

async function checkDevice(address: DeviceAddress, around: Surroundings, originHost: string | null): Promise<Check[]> {
  const checks: Check[] = [];
  let gaveUp = false;
  /** Runs a check unless one before it failed; null when there is nothing to go on with. */
  const step = async <T>(name: string, work: () => Promise<[T, string]>): Promise<T | null> => {
    if (gaveUp) {
      checks.push({ name, state: "not tried", says: unknown, todo: "" });
      return null;
    }
    try {
      const [value, says] = await work();
      checks.push(well(name, says));
      return value;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      gaveUp = true;
      checks.push({ name, state: "missing", says: error.says, todo: remedies[error.problem] });
      return null;
    }
  };
  if (address.by === "usb") await checkUsb(address.udid, around, step);
  const phone = await step<Phone>("app", async () => {
    const found = await findPhone(address, around);
    const { client, hello } = await found.control();
    client.close();
    return [found, `Reelcache Host ${hello.version} answers on ${hello.device}, ${hello.system}`];
  });
  if (phone === null) return [...checks, { name: "origin", state: "not tried", says: unknown, todo: "" }];
  await step("origin", async () => {
    const { client } = await phone.control();
    try {
      const place = await findOriginPlace(client, originHost === null ? ownAddresses() : [originHost]);
      return [null, `the phone reaches this machine at ${place.host}`];
    } finally {
      client.close();
    }
  });
  return checks;
}

type Step = <T>(name: string, work: () => Promise<[T, string]>) => Promise<T | null>;

async function checkUsb(udid: string, around: Surroundings, step: Step): Promise<void> {
  const usbmuxd = usbmuxdAddress(around.environment, process.platform);
  const where = "path" in usbmuxd ? usbmuxd.path : `${usbmuxd.host}:${usbmuxd.port}`;
  const devices = await step<UsbDevice[]>("usbmuxd", async () => {
    return [await listDevices(usbmuxd), `answers on ${where}`];
  });
  await step("device", async () => {
    const device = chosen(devices ?? [], udid);
    return [null, shownDevice(device, await deviceFacts(usbmuxd, device))];
  });
}

function well(name: string, says: string): Check {
  return { name, state: "ok", says, todo: "" };
}

/** The table as text, and whether all is well. */
export function showChecks(checks: Check[]): { text: string; well: boolean } {
  const width = Math.max(...checks.map((check) => check.name.length));
  const lines = checks.map(({ name, state, says, todo }) => {
    const line = `${state.padEnd(9)}  ${name.padEnd(width)}  ${says}`;
    return todo === "" ? line : `${line}\n${" ".repeat(width + 13)}${todo}`;
  });
  return { text: `${lines.join("\n")}\n`, well: checks.every((check) => check.state === "ok") };
}
