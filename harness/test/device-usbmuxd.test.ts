import { once } from "node:events";
import { connect, type Socket } from "node:net";
import t from "tap";
import { DeviceError } from "../device/device-problems.ts";
import { deviceFacts } from "../device/lockdown.ts";
import { chosen } from "../device/phone.ts";
import {
  connectToDevice,
  isPaired,
  listDevices,
  muxMessage,
  readMuxMessage,
  type UsbmuxdAddress,
  usbmuxdAddress,
} from "../device/usbmuxd.ts";
import { listen } from "./support/sockets.ts";
import { playUsbmuxd } from "./support/usbmuxd.ts";

const linux = (address: string): UsbmuxdAddress => usbmuxdAddress({ USBMUXD_SOCKET_ADDRESS: address }, "linux");

/** The problem that a promise is rejected with. */
async function problemOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "none";
  } catch (error) {
    return error instanceof DeviceError ? error.problem : String(error);
  }
}

/** A connection to a port of the first device. */
async function connected(usbmuxd: UsbmuxdAddress, port: number): Promise<Socket> {
  const socket = await connectToDevice(usbmuxd, { id: 1, udid: "x" }, port);
  if (socket === null) throw new Error("refused");
  return socket;
}

t.test("usbmuxd is where the system has it, or where the environment says", async (t) => {
  t.same(usbmuxdAddress({}, "linux"), { path: "/var/run/usbmuxd" });
  t.same(usbmuxdAddress({}, "darwin"), { path: "/var/run/usbmuxd" });
  t.same(usbmuxdAddress({}, "win32"), { host: "127.0.0.1", port: 27_015 });
  t.same(linux("UNIX:/tmp/a:1"), { path: "/tmp/a:1" });
  t.same(linux("/tmp/mux"), { path: "/tmp/mux" });
  t.same(linux("127.0.0.1:27015"), { host: "127.0.0.1", port: 27_015 });
  t.same(linux("[::1]:9"), { host: "::1", port: 9 });
});

t.test("devices on USB are listed, and those over Wi-Fi left out", async (t) => {
  const { address } = await playUsbmuxd(t, [
    { udid: "wireless", app: 0, wireless: true },
    { udid: "wired", app: 0 },
  ]);
  t.same(await listDevices(linux(address)), [{ id: 2, udid: "wired" }]);
});

t.test("the device that is meant is the only one or the one that is named", async (t) => {
  const [a, b] = [
    { id: 1, udid: "AAAA0001" },
    { id: 2, udid: "BBBB0002" },
  ];
  t.equal(chosen([a], ""), a);
  t.equal(chosen([a, b], "bbbb0002"), b, "in any letters");
  const problem = (devices: (typeof a)[], udid: string): string => {
    try {
      return chosen(devices, udid).udid;
    } catch (error) {
      return error instanceof DeviceError ? `${error.problem}: ${error.says}` : String(error);
    }
  };
  t.equal(problem([], ""), "no-device: no iPhone or iPad is connected by USB");
  t.equal(problem([a, b], ""), "several-devices: several devices are connected: AAAA0001, BBBB0002");
  t.equal(problem([a, b], "cccc"), "unknown-device: cccc is not connected; there is AAAA0001, BBBB0002");
});

t.test("a connection carries bytes both ways, from the first, and ends at once on both sides", async (t) => {
  const heard: string[] = [];
  const { promise: reset, resolve } = Promise.withResolvers<void>();
  const url = await listen(t, (socket) => {
    socket.write("hello first");
    socket.on("data", (bytes) => {
      heard.push(bytes.toString());
      socket.write("answer");
    });
    socket.on("error", () => resolve());
  });
  const { address } = await playUsbmuxd(t, [{ udid: "x", app: 0 }]);
  const socket = await connected(linux(address), Number(new URL(url).port));
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes.toString();
  });
  socket.write("question");
  while (text !== "hello firstanswer") await once(socket, "data");
  t.same(heard, ["question"]);
  socket.end();
  await reset;
  t.pass("USB has no half-closed connections: the device saw a reset");
  socket.destroy();
});

t.test("what a device said before it ended the connection arrives whole", async (t) => {
  const url = await listen(t, (socket) => socket.end(Buffer.alloc(500_000, 7)));
  const { address } = await playUsbmuxd(t, [{ udid: "x", app: 0 }]);
  const socket = await connected(linux(address), Number(new URL(url).port));
  let bytes = 0;
  socket.on("data", (piece) => {
    bytes += piece.length;
  });
  await once(socket, "end");
  t.equal(bytes, 500_000);
  socket.destroy();
});

t.test("a refused port, a device that has gone and a missing record are told apart", async (t) => {
  const { address, connects } = await playUsbmuxd(t, [{ udid: "x", app: 0, paired: false, locked: true }]);
  const usbmuxd = linux(address);
  t.equal(await connectToDevice(usbmuxd, { id: 1, udid: "x" }, 9_199), null);
  t.same(connects, [9_199], "the port arrives as it was meant");
  t.equal(await problemOf(connectToDevice(usbmuxd, { id: 7, udid: "y" }, 9_199)), "unknown-device");
  t.equal(await isPaired(usbmuxd, { id: 1, udid: "x" }), false);
  t.same(await deviceFacts(usbmuxd, { id: 1, udid: "x" }), {
    name: "Anna's iPhone",
    system: "iOS 17.5.1",
    locked: true,
  });
});

t.test("a usbmuxd that is not there, does not answer, or is something else is said", async (t) => {
  t.equal(await problemOf(listDevices({ path: "/no/such/usbmuxd" })), "no-usbmuxd");
  const nonsense = await listen(t, (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const { hostname, port } = new URL(nonsense);
  t.equal(await problemOf(listDevices({ host: hostname, port: Number(port) })), "no-usbmuxd");
  const gone = await listen(t, (socket) => socket.destroy());
  t.equal(await problemOf(listDevices({ host: "127.0.0.1", port: Number(new URL(gone).port) })), "no-usbmuxd");
});

t.test("messages are framed as usbmuxd frames them", async (t) => {
  const bytes = muxMessage({ MessageType: "ListDevices" }, 3);
  t.equal(bytes.readUInt32LE(0), bytes.length);
  t.equal(bytes.readUInt32LE(4), 1, "version");
  t.equal(bytes.readUInt32LE(8), 8, "a property list");
  t.equal(bytes.readUInt32LE(12), 3, "tag");
  t.match(bytes.toString("utf8", 16), /^<\?xml[\s\S]*<key>MessageType<\/key>\s*<string>ListDevices<\/string>/);
  const url = await listen(t, (socket) => {
    // A byte at a time: frames do not come in one piece.
    for (const byte of bytes) socket.write(Buffer.of(byte));
  });
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  t.teardown(() => socket.destroy());
  t.same(await readMuxMessage(socket, 2_000), { message: { MessageType: "ListDevices" }, tag: 3 });
});
