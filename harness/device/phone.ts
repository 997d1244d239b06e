/** A phone that was found: how connections get to the ports of its loopback, by USB or over the network. */
import { connect, type Socket } from "node:net";
import { CannotError } from "../sut/target.ts";
import { type ControlClient, greet, type Hello } from "./control-client.ts";
import { controlPort, type DeviceAddress } from "./device-address.ts";
import { DeviceError } from "./device-problems.ts";
import { type DeviceFacts, deviceFacts } from "./lockdown.ts";
import {
  connectToDevice,
  isPaired,
  listDevices,
  type UsbDevice,
  type UsbmuxdAddress,
  usbmuxdAddress,
} from "./usbmuxd.ts";

export type Phone = {
  /** A new conversation with the app, greeted. */
  control: () => Promise<{ client: ControlClient; hello: Hello }>;
  /** A connection to a port on which a proxy of the app listens. */
  dial: (port: number) => Promise<Socket>;
};

/** What is told from outside: the environment and the version of this checkout. */
export type Surroundings = { environment: Record<string, string | undefined>; version: string };

const connectMs = 5_000;

/** The way to the device that is named. Rejects with a `DeviceError`. */
export async function findPhone(address: DeviceAddress, around: Surroundings): Promise<Phone> {
  if (address.by === "network") return networkPhone(address.host, address.port, around);
  const usbmuxd = usbmuxdAddress(around.environment, process.platform);
  return usbPhone(usbmuxd, chosen(await listDevices(usbmuxd), address.udid), around);
}

/** The device that is meant. Throws a `DeviceError` when there is none or more than one. */
export function chosen(devices: UsbDevice[], udid: string): UsbDevice {
  const names = devices.map((device) => device.udid).join(", ");
  const meant = udid === "" ? devices : devices.filter((device) => device.udid.toLowerCase() === udid.toLowerCase());
  const [first, second] = meant;
  if (devices.length === 0) throw new DeviceError("no-device", "no iPhone or iPad is connected by USB");
  if (first === undefined) throw new DeviceError("unknown-device", `${udid} is not connected; there is ${names}`);
  if (second !== undefined) throw new DeviceError("several-devices", `several devices are connected: ${names}`);
  return first;
}

function usbPhone(usbmuxd: UsbmuxdAddress, device: UsbDevice, around: Surroundings): Phone {
  return {
    control: async () => {
      const socket = await connectToDevice(usbmuxd, device, controlPort);
      if (socket === null) throw await whyNoApp(usbmuxd, device);
      return await greet(socket, "", around.version);
    },
    dial: async (port) => {
      const socket = await connectToDevice(usbmuxd, device, port);
      if (socket === null) throw new Error(`the phone refuses connections to port ${port}`);
      return socket;
    },
  };
}

/** The likeliest reason why nobody listens on the app's port. */
async function whyNoApp(usbmuxd: UsbmuxdAddress, device: UsbDevice): Promise<DeviceError> {
  const facts = await deviceFacts(usbmuxd, device);
  const shown = shownDevice(device, facts);
  if (!(await isPaired(usbmuxd, device))) {
    return new DeviceError("not-trusted", `${shown} does not trust this computer yet`);
  }
  if (facts.locked === true) return new DeviceError("locked", `${shown} is locked, and the app does not run`);
  return new DeviceError("no-app", `nothing listens on port ${controlPort} of ${shown}: the app does not run`);
}

/** The device as people know it. */
export function shownDevice(device: UsbDevice, facts: DeviceFacts): string {
  const about = [facts.system, device.udid].filter((text) => text !== "").join(", ");
  return facts.name === "" ? `the device ${device.udid}` : `${facts.name} (${about})`;
}

/** Over the network every connection begins at the app, which passes it on to its own loopback. */
function networkPhone(host: string, port: number, around: Surroundings): Phone {
  const code = around.environment.REELCACHE_DEVICE_CODE ?? "";
  const control = async (): Promise<{ client: ControlClient; hello: Hello }> =>
    await greet(await networkSocket(host, port), code, around.version);
  return {
    control,
    dial: async (proxyPort) => {
      const { client } = await control();
      try {
        await client.ask({ do: "dial", port: proxyPort });
      } catch (error) {
        client.close();
        throw error instanceof CannotError ? new Error(error.message) : error;
      }
      return client.socket;
    },
  };
}

function networkSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const fail = (why: string): void => {
      socket.destroy();
      const refused = why === "ECONNREFUSED";
      reject(
        refused
          ? new DeviceError(
              "no-app",
              `nothing listens on ${host}:${port}: the app does not run, or not for the network`,
            )
          : new DeviceError("unreachable-device", `${host}:${port} cannot be reached (${why})`),
      );
    };
    const timer = setTimeout(() => fail(`no answer for ${connectMs} ms`), connectMs);
    socket.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(error.code ?? error.message);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      resolve(socket);
    });
  });
}
