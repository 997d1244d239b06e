import t from "tap";
import type { Reached } from "../device/control-client.ts";
import { type DeviceProblem, remedies } from "../device/device-problems.ts";
import { examine, showChecks } from "../device/doctor.ts";
import { doctorCommand } from "../device/doctor-command.ts";
import { ownAddresses } from "../device/origin-place.ts";
import { rightHello, startStubApp } from "./support/stub-app.ts";
import { type PlayedDevice, playUsbmuxd } from "./support/usbmuxd.ts";

/** What the helpers need of a tap test. */
type Torn = { teardown(fn: () => unknown): unknown };
type Judge = {
  match(found: string, wanted: RegExp): boolean;
  ok(found: boolean, message: string): boolean;
  equal(found: number, wanted: number): boolean;
};

const phone: PlayedDevice = { udid: "00008030-00AA", app: 0 };

/** What the doctor prints and the status with which it ends. */
async function doctor(
  target: string,
  environment: Record<string, string> = {},
  originHost = "127.0.0.1",
): Promise<{ text: string; status: number }> {
  let text = "";
  const write = (piece: string): void => {
    text += piece;
  };
  const status = await doctorCommand({ target: [target], originHost }, environment, { write });
  return { text, status };
}

/** As `doctor`, of these devices on USB. */
async function doctorOf(
  t: Torn,
  devices: PlayedDevice[],
  target = "device",
): Promise<{ text: string; status: number }> {
  const { address } = await playUsbmuxd(t, devices);
  return await doctor(target, { USBMUXD_SOCKET_ADDRESS: address });
}

/** An app that greets rightly and tells of each address what the test says. */
function reachingApp(t: Torn, outcome: Reached["outcome"], heard = "", detail = ""): Promise<number> {
  return startStubApp(t, (said) => {
    if (said.do === "hello") return { hello: rightHello };
    return { reached: (said.to ?? []).map(({ host }) => ({ host, outcome, heard, detail })) };
  });
}

/** The doctor names the problem in its line and says what to do, and does not go on. */
function tells(t: Judge, said: { text: string; status: number }, says: RegExp, problem: DeviceProblem): void {
  t.match(said.text, says);
  t.ok(said.text.includes(remedies[problem]), `${problem}: ${said.text}`);
  t.equal(said.status, 1);
}

t.test("without usbmuxd it says which package brings it, and tries nothing further", async (t) => {
  const said = await doctor("device", { USBMUXD_SOCKET_ADDRESS: "UNIX:/no/such/usbmuxd" });
  tells(
    t,
    said,
    /missing +usbmuxd +usbmuxd does not run: \/no\/such\/usbmuxd cannot be opened \(ENOENT\)/,
    "no-usbmuxd",
  );
  t.match(said.text, /apt-get install -y usbmuxd/);
  t.match(said.text, /not tried +device +needs what is missing above/);
  t.match(said.text, /not tried +app /);
  t.match(said.text, /not tried +origin /);
});

t.test("no device, several devices and a wrong UDID are told apart", async (t) => {
  tells(t, await doctorOf(t, []), /missing +device +no iPhone or iPad is connected by USB/, "no-device");
  const two = [phone, { udid: "00008030-00BB", app: 0 }];
  tells(t, await doctorOf(t, two), /several devices are connected: 00008030-00AA, 00008030-00BB/, "several-devices");
  const named = await doctorOf(t, two, "device:00008030-00CC");
  tells(t, named, /00008030-00CC is not connected; there is 00008030-00AA, /, "unknown-device");
});

t.test("a phone that does not trust, is locked, or has no app running is named as such", async (t) => {
  const shown = "Anna's iPhone \\(iOS 17.5.1, 00008030-00AA\\)";
  const untrusting = await doctorOf(t, [{ ...phone, paired: false }]);
  tells(t, untrusting, new RegExp(`missing +app +${shown} does not trust this computer yet`), "not-trusted");
  const locked = await doctorOf(t, [{ ...phone, locked: true }]);
  tells(t, locked, new RegExp(`missing +app +${shown} is locked`), "locked");
  const closed = await doctorOf(t, [phone]);
  tells(t, closed, new RegExp(`nothing listens on port 9199 of ${shown}: the app does not run`), "no-app");
});

t.test("an app that is silent, another one, or of another version is named as such", async (t) => {
  const silent = await startStubApp(t, () => null);
  tells(t, await doctorOf(t, [{ ...phone, app: silent }]), /the app does not answer "hello"/, "silent-app");
  const other = await startStubApp(t, () => "220 ready\n");
  tells(t, await doctorOf(t, [{ ...phone, app: other }]), /is not Reelcache Host: it says "220 ready"/, "not-the-app");
  const strange = await startStubApp(t, () => ({ hello: { name: "x" } }));
  tells(t, await doctorOf(t, [{ ...phone, app: strange }]), /its greeting is another one/, "not-the-app");
  const old = await startStubApp(t, () => ({ hello: { ...rightHello, version: "0.0.9" } }));
  const older = await doctorOf(t, [{ ...phone, app: old }]);
  tells(t, older, /is version 0\.0\.9 \(protocol 1\), this harness is 0\.1\.0 \(protocol 1\)/, "wrong-version");
});

t.test("why the phone does not reach this machine is told apart", async (t) => {
  const cases: [Promise<number>, RegExp, DeviceProblem][] = [
    [reachingApp(t, "timeout"), /the phone does not reach this machine: 127\.0\.0\.1 timeout/, "origin-blocked"],
    [reachingApp(t, "refused"), /127\.0\.0\.1 refused/, "origin-blocked"],
    [reachingApp(t, "denied"), /127\.0\.0\.1 denied/, "local-network-denied"],
    [reachingApp(t, "unreachable", "", "No route"), /127\.0\.0\.1 unreachable \(No route\)/, "origin-unreachable"],
    [reachingApp(t, "reached", "HTTP/1.1 302"), /127\.0\.0\.1 reached/, "origin-intercepted"],
  ];
  for (const [app, says, problem] of cases) {
    const said = await doctorOf(t, [{ ...phone, app: await app }]);
    t.match(said.text, /ok +app +Reelcache Host 0\.1\.0 answers on iPhone, iOS 17\.5\.1/);
    tells(t, said, says, problem);
  }
});

t.test("an address that is not this machine's is refused, and no address at all is said", async (t) => {
  const app = await reachingApp(t, "timeout");
  const { address } = await playUsbmuxd(t, [{ ...phone, app }]);
  const environment = { USBMUXD_SOCKET_ADDRESS: address };
  tells(
    t,
    await doctor("device", environment, "203.0.113.9"),
    /203\.0\.113\.9 cannot be listened on/,
    "not-own-address",
  );
  t.notOk(
    ownAddresses().some((own) => own.startsWith("127.")),
    "loopback is no address for a phone",
  );
  await t.rejects(doctor("device", {}, "0.0.0.0"), /an IPv4 address/, "never all addresses");
  await t.rejects(doctor("device", {}, "localhost"), /an IPv4 address/);
});

t.test("over the network a wrong code, a closed port and an address without an answer are told apart", async (t) => {
  const strict = await startStubApp(t, () => ({ failed: { code: "code", message: "the device asks for the code" } }));
  tells(t, await doctor(`device:127.0.0.1:${strict}`), /missing +app +the device asks for the code/, "wrong-code");
  tells(t, await doctor("device:127.0.0.1:9"), /nothing listens on 127\.0\.0\.1:9: the app does not run, or/, "no-app");
  const nowhere = await doctor("device:no-such-phone.invalid:9199");
  tells(t, nowhere, /no-such-phone\.invalid:9199 cannot be reached \((?:ENOTFOUND|EAI_AGAIN)\)/, "unreachable-device");
});

t.test("the code of the environment goes with the greeting", async (t) => {
  const codes: unknown[] = [];
  const app = await startStubApp(t, (said) => {
    codes.push("code" in said ? said.code : null);
    return { hello: rightHello };
  });
  await doctor(`device:127.0.0.1:${app}`, { REELCACHE_DEVICE_CODE: "abcd2345" });
  t.equal(codes[0], "abcd2345");
});

t.test("when all is well it says so and ends with status 0", async (t) => {
  const checks = await examine(
    ["reference"],
    { by: "usb", udid: "" },
    { environment: { PATH: "" }, version: "0" },
    null,
  );
  t.match(showChecks(checks).text, /^ok +node +v2\d/);
  t.match(
    showChecks(checks).text,
    /missing +tools +ffmpeg, ffprobe, chromium not installed\n +Debian and Ubuntu: apt-get/,
  );
  t.equal(showChecks(checks).well, false);
  const well = showChecks(checks.filter((check) => check.name === "node"));
  t.same(well, { text: `ok         node  ${process.version}\n`, well: true });
});

t.test("what is no target is refused", async (t) => {
  await t.rejects(doctor("phone"), /reference, bridge, device/);
  await t.rejects(doctor("device:1.2.3.4:99999"), /reference, bridge, device/);
});
