/**
 * What a device says of itself to anybody who is plugged in, by lockdownd on port 62078: property lists in XML behind
 * four bytes of length, big-endian. Only used to explain why an app does not answer.
 */
import type { Socket } from "node:net";
import { build, type PlistValue, parse } from "plist";
import { readExactly } from "./socket-reading.ts";
import { connectToDevice, dictionary, type UsbDevice, type UsbmuxdAddress } from "./usbmuxd.ts";

/** Text that is not known is "". `locked` is null when the device does not say. */
export type DeviceFacts = { name: string; system: string; locked: boolean | null };

export const lockdownPort = 62_078;
const messageBytesMax = 2 ** 20;
const patienceMs = 3_000;

/** The device's name and system, and whether it is locked (which it calls PasswordProtected). Never rejects: what it does not say stays unknown. */
export async function deviceFacts(address: UsbmuxdAddress, device: UsbDevice): Promise<DeviceFacts> {
  const unknown = { name: "", system: "", locked: null };
  let socket: Socket | null = null;
  try {
    socket = await connectToDevice(address, device, lockdownPort);
    if (socket === null) return unknown;
    const [name, version, locked] = [
      await getValue(socket, "DeviceName"),
      await getValue(socket, "ProductVersion"),
      await getValue(socket, "PasswordProtected"),
    ];
    return {
      name: typeof name === "string" ? name : "",
      system: typeof version === "string" ? `iOS ${version}` : "",
      locked: typeof locked === "boolean" ? locked : null,
    };
  } catch {
    // An older or stricter device keeps this to itself; the diagnosis goes on without it.
    return unknown;
  } finally {
    socket?.destroy();
  }
}

async function getValue(socket: Socket, key: string): Promise<PlistValue | undefined> {
  socket.write(lockdownMessage({ Label: "reelcache", Request: "GetValue", Key: key }));
  return (await readLockdownMessage(socket)).Value;
}

/** A message with its length. */
export function lockdownMessage(message: { [key: string]: PlistValue }): Buffer {
  const text = Buffer.from(build(message), "utf8");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

/** The next message on a socket. */
export async function readLockdownMessage(socket: Socket): Promise<{ [key: string]: PlistValue }> {
  const length = (await readExactly(socket, 4, patienceMs)).readUInt32BE();
  if (length === 0 || length > messageBytesMax) throw new Error("that is not lockdownd");
  return dictionary(parse((await readExactly(socket, length, patienceMs)).toString("utf8")));
}
