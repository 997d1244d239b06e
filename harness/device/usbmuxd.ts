/**
 * A client of usbmuxd, which forwards connections to devices on USB. Messages are property lists in XML behind a header
 * of four little-endian words: length with the header, version 1, message 8 (a property list), tag. After a `Connect`
 * that succeeded the socket is the connection to the device's port.
 */
import { connect, type Socket } from "node:net";
import { build, type PlistValue, parse } from "plist";
import { DeviceError } from "./device-problems.ts";
import { readExactly } from "./socket-reading.ts";

/** Where usbmuxd listens. */
export type UsbmuxdAddress = { path: string } | { host: string; port: number };

/** A device as usbmuxd knows it: `id` until it is unplugged, `udid` for ever. */
export type UsbDevice = { id: number; udid: string };

export type PlistDictionary = { [key: string]: PlistValue };

const headerBytes = 16;
const messageBytesMax = 2 ** 20;
const patienceMs = 5_000;

/** Results of usbmuxd's own; others are those of the system. */
const results = { ok: 0, badDevice: 2, refused: 3 };

/** The system's address, or that of USBMUXD_SOCKET_ADDRESS: a path, `UNIX:` and a path, or `host:port`. */
export function usbmuxdAddress(environment: Record<string, string | undefined>, platform: string): UsbmuxdAddress {
  const written = (environment.USBMUXD_SOCKET_ADDRESS ?? "").replace(/^UNIX:/i, "");
  const [, host = "", port = ""] = /^\[?([^/\]]+)\]?:(\d+)$/.exec(written) ?? [];
  if (port !== "") return { host, port: Number(port) };
  if (written !== "") return { path: written };
  return platform === "win32" ? { host: "127.0.0.1", port: 27_015 } : { path: "/var/run/usbmuxd" };
}

/** The devices on USB, the longest connected first. Those that a Mac knows over Wi-Fi are left out. */
export async function listDevices(address: UsbmuxdAddress): Promise<UsbDevice[]> {
  const { DeviceList: list } = await once(address, { MessageType: "ListDevices" });
  const devices = (Array.isArray(list) ? list : []).map((one) => dictionary(dictionary(one).Properties));
  return devices
    .filter((one) => one.ConnectionType === undefined || one.ConnectionType === "USB")
    .map((one) => ({ id: Number(one.DeviceID), udid: String(one.SerialNumber) }));
}

/** True when this computer and the device trust each other, as far as usbmuxd knows. */
export async function isPaired(address: UsbmuxdAddress, device: UsbDevice): Promise<boolean> {
  const reply = await once(address, { MessageType: "ReadPairRecord", PairRecordID: device.udid });
  return reply.PairRecordData !== undefined;
}

/** A connection to a port of the device, null when nothing listens there. Rejects with a `DeviceError`. */
export async function connectToDevice(
  address: UsbmuxdAddress,
  device: UsbDevice,
  port: number,
): Promise<Socket | null> {
  const socket = await open(address);
  // The port stands in network byte order, though the number is little-endian on the way.
  const swapped = ((port & 0xff) << 8) | (port >> 8);
  const reply = await ask(socket, { MessageType: "Connect", DeviceID: device.id, PortNumber: swapped });
  if (reply.Number === results.ok) return socket;
  socket.destroy();
  if (reply.Number === results.refused) return null;
  if (reply.Number === results.badDevice) {
    throw new DeviceError("unknown-device", `device ${device.udid} is no longer connected`);
  }
  throw new DeviceError(
    "unknown-device",
    `usbmuxd does not connect to ${device.udid} (result ${String(reply.Number)})`,
  );
}

async function once(address: UsbmuxdAddress, message: PlistDictionary): Promise<PlistDictionary> {
  const socket = await open(address);
  try {
    return await ask(socket, message);
  } finally {
    socket.destroy();
  }
}

function open(address: UsbmuxdAddress): Promise<Socket> {
  const where = "path" in address ? address.path : `${address.host}:${address.port}`;
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, noDelay: true, allowHalfOpen: true });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const forbidden = error.code === "EACCES" || error.code === "EPERM";
      reject(
        forbidden
          ? new DeviceError("usbmuxd-forbidden", `usbmuxd's socket ${where} may not be opened (${error.code})`)
          : new DeviceError("no-usbmuxd", `usbmuxd does not run: ${where} cannot be opened (${error.code})`),
      );
    });
    socket.once("connect", () => {
      // Whoever holds the socket hears of its end; that it ended with an error is no reason to end the process.
      socket.removeAllListeners("error");
      socket.on("error", () => undefined);
      resolve(socket);
    });
  });
}

async function ask(socket: Socket, message: PlistDictionary): Promise<PlistDictionary> {
  socket.write(muxMessage({ ...message, ClientVersionString: "reelcache", ProgName: "reelcache" }, 1));
  try {
    return (await readMuxMessage(socket, patienceMs)).message;
  } catch (error) {
    socket.destroy();
    const why = error instanceof Error ? error.message : String(error);
    throw new DeviceError("no-usbmuxd", `usbmuxd does not answer ${String(message.MessageType)}: ${why}`);
  }
}

/** A message with its header. */
export function muxMessage(message: PlistDictionary, tag: number): Buffer {
  const text = Buffer.from(build(message), "utf8");
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes + text.length, 0);
  header.writeUInt32LE(1, 4);
  header.writeUInt32LE(8, 8);
  header.writeUInt32LE(tag, 12);
  return Buffer.concat([header, text]);
}

/** The next message on a socket. Rejects when it ends, is silent or is no such message. */
export async function readMuxMessage(
  socket: Socket,
  waitMs: number,
): Promise<{ message: PlistDictionary; tag: number }> {
  const header = await readExactly(socket, headerBytes, waitMs);
  const length = header.readUInt32LE(0);
  if (length <= headerBytes || length > messageBytesMax) throw new Error("that is not usbmuxd");
  const text = await readExactly(socket, length - headerBytes, waitMs);
  return { message: dictionary(parse(text.toString("utf8"))), tag: header.readUInt32LE(12) };
}

/** The value as a dictionary; anything else is an empty one. */
export function dictionary(value: PlistValue | undefined): PlistDictionary {
  const plain = typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  return plain ? (value as PlistDictionary) : {};
}
