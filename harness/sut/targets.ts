/** What `--target` may say. */
import { deviceSyntax, parseDeviceAddress } from "../device/device-address.ts";
import { deviceTarget } from "../device/device-target.ts";
import { surroundings } from "../device/surroundings.ts";
import { bridgeLauncher } from "./bridge.ts";
import { commandLauncher } from "./command.ts";
import { referenceLauncher } from "./reference.ts";
import { type Launcher, launchedTarget, type Target } from "./target.ts";
import { urlTarget } from "./url.ts";

export const targetSyntax =
  `reference, bridge, ${deviceSyntax}, cmd:COMMAND or http://host:port, with NAME= before it if wanted; ` +
  "reference>bridge hands port and cache over at each restart";

/**
 * The target that is written so, null when nothing is. `serverFolder` holds the reference server; `originHost` is the
 * address of this machine that a device is to use, null when it may find one.
 */
export function targetOf(written: string, serverFolder: string, originHost: string | null): Target | null {
  const [, name = null, rest = ""] = /^(?:([a-z0-9][a-z0-9-]*)=)?(.*)$/s.exec(written) ?? [];
  if (rest.startsWith("cmd:")) {
    const command = rest.slice(4).trim();
    return command === "" ? null : launchedTarget(name ?? wordOf(command), [commandLauncher(command)]);
  }
  const device = parseDeviceAddress(rest);
  if (device !== null) {
    const usual = device.by === "usb" ? "device" : "device-network";
    return deviceTarget(name ?? usual, device, surroundings(process.env), originHost);
  }
  const [, host = null] = /^http:\/\/([^/?#@\s]+)\/?$/.exec(rest) ?? [];
  if (host !== null) return urlTarget(name ?? host.replaceAll(/[^A-Za-z0-9]+/g, "-"), `http://${host}`);
  const kinds = rest.split(">");
  const launchers = kinds.map((kind) => launcherOf(kind, serverFolder));
  const known = launchers.filter((launcher) => launcher !== null);
  return known.length < launchers.length ? null : launchedTarget(name ?? kinds.join("-to-"), known);
}

function launcherOf(kind: string, serverFolder: string): Launcher | null {
  if (kind === "reference") return referenceLauncher(serverFolder);
  return kind === "bridge" ? bridgeLauncher() : null;
}

function wordOf(command: string): string {
  const word = command.split(/\s/)[0] ?? "";
  return word.slice(word.lastIndexOf("/") + 1);
}
