/**
 * A usbmuxd that is played: the real protocol on a local socket, and devices whose ports are ports of this machine. Like
 * the real one it knows no half-closed connections: the end of either side is a reset for the device, and an end for the
 * client, after what the device had sent.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "plist";
import { controlPort } from "../../device/device-address.ts";
import { lockdownMessage, lockdownPort, readLockdownMessage } from "../../device/lockdown.ts";
import { muxMessage, type PlistDictionary, readMuxMessage } from "../../device/usbmuxd.ts";

type Test = { teardown(fn: () => unknown): unknown };

export type PlayedDevice = {
  udid: string;
  /** Port of this machine that stands for the app's; 0 when the app does not run. */
  app: number;
  paired?: boolean;
  locked?: boolean;
  /** Known over Wi-Fi and not by USB. */
  wireless?: boolean;
};

export type PlayedUsbmuxd = {
  /** For USBMUXD_SOCKET_ADDRESS. */
  address: string;
  /** Connections to devices so far, by port. */
  connects: number[];
};

const results = { ok: 0, badCommand: 1, badDevice: 2, refused: 3, noEntry: 2 };

/** Starts it; it ends at teardown. */
export async function playUsbmuxd(t: Test, devices: PlayedDevice[]): Promise<PlayedUsbmuxd> {
  const folder = mkdtempSync(join(tmpdir(), "usbmuxd-"));
  const path = join(folder, "socket");
  const sockets = new Set<Socket>();
  const connects: number[] = [];
  const server = createServer({ allowHalfOpen: true }, (client) => {
    sockets.add(client);
    client.on("error", () => undefined);
    client.on("close", () => sockets.delete(client));
    serve(client, devices, connects).catch(() => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    stop(server, sockets);
    rmSync(folder, { recursive: true, force: true });
  });
  return { address: `UNIX:${path}`, connects };
}

function stop(server: Server, sockets: Set<Socket>): void {
  server.close();
  for (const socket of sockets) socket.destroy();
}

async function serve(client: Socket, devices: PlayedDevice[], connects: number[]): Promise<void> {
  for (;;) {
    const { message, tag } = await readMuxMessage(client, 60_000);
    const result = (number: number): void => {
      client.write(muxMessage({ MessageType: "Result", Number: number }, tag));
    };
    switch (message.MessageType) {
      case "ListDevices":
        client.write(muxMessage({ DeviceList: devices.map(attached) }, tag));
        break;
      case "Listen":
        result(results.ok);
        for (const [index, device] of devices.entries()) client.write(muxMessage(attached(device, index), 0));
        break;
      case "ReadPairRecord": {
        const paired = devices.some((device) => device.udid === message.PairRecordID && device.paired !== false);
        const record = Buffer.from(build({ HostID: "played" }), "utf8");
        if (paired) client.write(muxMessage({ PairRecordData: new Uint8Array(record) }, tag));
        else result(results.noEntry);
        break;
      }
      case "Connect": {
        const device = devices[Number(message.DeviceID) - 1];
        const swapped = Number(message.PortNumber);
        const port = ((swapped & 0xff) << 8) | (swapped >> 8);
        connects.push(port);
        if (device === undefined) result(results.badDevice);
        else if (port === lockdownPort) return await serveLockdown(client, device, () => result(results.ok));
        else if (await forward(client, device, port, () => result(results.ok))) return;
        else result(results.refused);
        break;
      }
      default:
        result(results.badCommand);
    }
  }
}

function attached(device: PlayedDevice, index: number): PlistDictionary {
  const properties: PlistDictionary = {
    ConnectionType: device.wireless === true ? "Network" : "USB",
    DeviceID: index + 1,
    LocationID: 0,
    ProductID: 0x12a8,
    SerialNumber: device.udid,
  };
  return { MessageType: "Attached", DeviceID: index + 1, Properties: properties };
}

/** Joins the client to a port; false when nobody listens there. */
async function forward(client: Socket, device: PlayedDevice, port: number, ready: () => void): Promise<boolean> {
  const own = port === controlPort ? device.app : port;
  if (own === 0) return false;
  const inside = connect({ host: "127.0.0.1", port: own, noDelay: true, allowHalfOpen: true });
  const stands = await new Promise<boolean>((resolve) => {
    inside.once("connect", () => resolve(true));
    inside.once("error", () => resolve(false));
  });
  if (!stands) return false;
  inside.on("error", () => undefined);
  ready();
  // What either side says flows at the other's pace.
  client.on("end", () => inside.resetAndDestroy());
  client.on("close", () => inside.resetAndDestroy());
  inside.on("end", () => {
    client.end();
    inside.resetAndDestroy();
  });
  inside.on("close", () => client.end());
  client.pipe(inside, { end: false });
  inside.pipe(client, { end: false });
  return true;
}

async function serveLockdown(client: Socket, device: PlayedDevice, ready: () => void): Promise<void> {
  ready();
  const values: PlistDictionary = {
    DeviceName: "Anna's iPhone",
    ProductVersion: "17.5.1",
    PasswordProtected: device.locked === true,
  };
  for (;;) {
    const { Key: key } = await readLockdownMessage(client);
    const value = values[String(key)];
    const about = { Request: "GetValue", Key: String(key) };
    client.write(
      lockdownMessage(value === undefined ? { ...about, Error: "MissingValue" } : { ...about, Value: value }),
    );
  }
}
