/** How a device is named: `device`, `device:UDID`, `device:HOST:PORT`. */

/** By USB, `udid` "" meaning the only one; or at an address in the network. */
export type DeviceAddress = { by: "usb"; udid: string } | { by: "network"; host: string; port: number };

export const deviceSyntax = "device (the only one on USB), device:UDID, device:HOST:PORT (over the network)";

/** The port on which the app listens for the harness. */
export const controlPort = 9_199;

/** Null when nothing is named so. */
export function parseDeviceAddress(written: string): DeviceAddress | null {
  const [, rest = null] = /^device(?::(.+))?$/.exec(written) ?? [];
  if (written === "device") return { by: "usb", udid: "" };
  if (rest === null) return null;
  const [, host = "", port = ""] = /^([A-Za-z0-9.-]+):(\d{1,5})$/.exec(rest) ?? [];
  if (host !== "")
    return Number(port) >= 1 && Number(port) <= 65_535 ? { by: "network", host, port: Number(port) } : null;
  return /^[0-9A-Fa-f-]{8,64}$/.test(rest) ? { by: "usb", udid: rest } : null;
}
