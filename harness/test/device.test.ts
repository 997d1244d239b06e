import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { findCases } from "../case/case-files.ts";
import type { RunResult } from "../case/result-types.ts";
import { parseDeviceAddress } from "../device/device-address.ts";
import { deviceTarget } from "../device/device-target.ts";
import { doctorCommand } from "../device/doctor-command.ts";
import { surroundings } from "../device/surroundings.ts";
import { knownFailures } from "../run/known-failures.ts";
import { runCommand } from "../run/run-command.ts";
import { CannotError } from "../sut/target.ts";
import { startPhone, withoutSwift } from "./support/phone.ts";
import { rightHello, startStubApp } from "./support/stub-app.ts";
import { playUsbmuxd } from "./support/usbmuxd.ts";

type Test = { teardown(fn: () => unknown): unknown; testdir(): string };

/** Linux has all of 127.0.0.0/8: an origin on another address than the proxy's is as on a phone. */
const originHost = process.platform === "linux" ? "127.0.0.2" : "127.0.0.1";

/** Dozens of cases of every family: ranges, playlists, faults, slow players, restarts, kills, clearing, half-closing. */
const dozens =
  "avplayer/*,storage/*,integrity/k*,streaming/[hs]*,scheduling/[ls]*,protocol/[hk]*,errors/t*,ranges/[ci]*,playlists/a*";

/** Plays cases on a target; the status, what was said, and each finding. */
async function play(
  t: Test,
  target: string,
  only: string,
): Promise<{ status: number; said: string; findings: string }> {
  let said = "";
  const json = join(t.testdir(), "result.json");
  const write = (text: string): void => {
    said += text;
  };
  const options = { target: [target], only, originHost, repeat: "1", seed: "0", jobs: "2", json };
  const status = await runCommand(options, {}, { write });
  const { results } = JSON.parse(readFileSync(json, "utf8")) as RunResult;
  const findings = results.flatMap((one) =>
    one.findings.map((found) => `${one.case.id} ${found.by}: ${found.message}\n`),
  );
  return { status, said, findings: findings.join("") };
}

/** Runs with an environment variable that is set back at teardown. */
function setVariable(t: Test, name: string, value: string): void {
  const before = process.env[name];
  process.env[name] = value;
  t.teardown(() => {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  });
}

t.test("a device is named by itself, by its UDID, or by an address", async (t) => {
  t.same(parseDeviceAddress("device"), { by: "usb", udid: "" });
  t.same(parseDeviceAddress("device:00008030-001A2B3C4D5E6F70"), { by: "usb", udid: "00008030-001A2B3C4D5E6F70" });
  t.same(parseDeviceAddress("device:192.168.1.7:9199"), { by: "network", host: "192.168.1.7", port: 9_199 });
  t.same(parseDeviceAddress("device:annas-iphone.local:9199"), {
    by: "network",
    host: "annas-iphone.local",
    port: 9_199,
  });
  for (const wrong of ["phone", "device:", "device:x", "device:1.2.3.4:0", "device:1.2.3.4:65536", "devices"]) {
    t.equal(parseDeviceAddress(wrong), null, wrong);
  }
});

t.test("the lists of known failures name cases that there are", async (t) => {
  const ids = findCases(null).map((found) => found.case.id);
  for (const [target, list] of Object.entries(knownFailures(["device", "device-network"]))) {
    t.not(Object.keys(list).length, 0, target);
    for (const id of Object.keys(list)) t.ok(ids.includes(id), `${target}: ${id}`);
  }
});

t.test("what the app refuses fails the case; an app that goes away ends the run", async (t) => {
  const app = await startStubApp(t, (said) => {
    if (said.do === "hello") return { hello: rightHello };
    if (said.do === "start") return { failed: { code: "option", message: "cors: 1 is not allowed" } };
    return { listening: "http://10.0.0.1:80" };
  });
  const target = deviceTarget("device", { by: "network", host: "127.0.0.1", port: app }, surroundings({}), "127.0.0.1");
  await t.rejects(target.start({}), new CannotError("refuses: cors: 1 is not allowed"));
  const leaving = await startStubApp(t, (said) => (said.do === "hello" ? { hello: rightHello } : false));
  const address = { by: "network" as const, host: "127.0.0.1", port: leaving };
  const gone = deviceTarget("device", address, surroundings({}), "127.0.0.1");
  await t.rejects(gone.start({}), /hung up when it was told "start"/);
  await t.rejects(async () => void (await gone.originPlace?.()), /hung up when it was told "reach"/);
  const elsewhere = deviceTarget("device", { by: "network", host: "127.0.0.1", port: 9 }, surroundings({}), null);
  await t.rejects(elsewhere.start({}), /nothing listens on 127\.0\.0\.1:9/);
});

if (withoutSwift) {
  t.comment("left out with the Swift twin (--no-swift): playing cases on a played phone");
} else {
  t.test("dozens of cases through a played usbmuxd equal their seals", async (t) => {
    const { address } = await playUsbmuxd(t, [{ udid: "00008030-00AA", app: await startPhone(t) }]);
    setVariable(t, "USBMUXD_SOCKET_ADDRESS", address);
    let said = "";
    const write = (text: string): void => {
      said += text;
    };
    const healthy = await doctorCommand(
      { target: ["device"], originHost },
      { USBMUXD_SOCKET_ADDRESS: address },
      { write },
    );
    t.equal(healthy, 0, said);
    t.match(said, new RegExp(`ok +origin +the phone reaches this machine at ${originHost}`));
    const played = await play(t, "device", dozens);
    t.equal(played.findings, "");
    t.equal(played.status, 0, played.said);
    t.ok(Number(/device: (\d+) passed/.exec(played.said)?.[1]) >= 60, played.said);
    t.match(played.said, /device: the app cannot kill itself and come back: [^\n]+\n {2}[^\n]*storage\//);
    t.match(played.said, /device: USB forwards no half-closed connection: [^\n]+\n {2}[^\n]+/);
  });

  t.test("over the network the app carries the players' connections, and asks for its code", async (t) => {
    const app = await startPhone(t, ["--control-code", "abcd2345"]);
    const target = `device:127.0.0.1:${app}`;
    await t.rejects(play(t, target, "ranges/closed"), /asks for the code that its app shows/);
    setVariable(t, "REELCACHE_DEVICE_CODE", "abcd2345");
    const played = await play(t, target, "ranges/c*,streaming/s*,protocol/h*");
    t.equal(played.findings, "");
    t.equal(played.status, 0, played.said);
    t.match(played.said, /device-network: \d+ passed/);
  });

  t.test("a case that names the origin localhost is a known failure, with its reason", async (t) => {
    const { address } = await playUsbmuxd(t, [{ udid: "00008030-00AA", app: await startPhone(t) }]);
    setVariable(t, "USBMUXD_SOCKET_ADDRESS", address);
    const played = await play(t, "device", "security/allow-list-patterns");
    const expected = originHost === "127.0.0.2" ? 0 : 1;
    t.equal(played.status, expected, played.said);
    t.match(played.said, /localhost; for a phone that is the phone itself|passed though known to fail/);
  });
}
