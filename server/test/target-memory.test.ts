/** Request targets that were read before: the same is made of them, and no more are kept than there is room for. */
import t from "tap";
import type { PlayerRequest } from "../core/exchange/proxy-state.ts";
import { newProxyState } from "../core/exchange/proxy-state.ts";
import type { Admission } from "../core/exchange/request-admission.ts";
import { admitRequest } from "../core/exchange/request-admission.ts";
import type { KnownTarget } from "../core/exchange/target-memory.ts";
import { newTargetMemory, recallTarget, rememberTarget } from "../core/exchange/target-memory.ts";
import { noParameters } from "../core/route/own-parameters.ts";
import { simOptions } from "./support/sim-options.ts";

const url = "http://o/a.m3u8?b=1";
const known = (): KnownTarget => ({
  form: "query",
  url,
  own: noParameters(),
  key: url,
  playlist: true,
  directed: false,
  allowed: true,
});

t.test("the memory is bounded, and what is used stays", async (t) => {
  const memory = newTargetMemory(20_000);
  rememberTarget(memory, "/used", known());
  let most = 0;
  for (let at = 0; at < 100; at += 1) {
    rememberTarget(memory, `/${at}`, known());
    t.not(recallTarget(memory, "/used"), null);
    most = Math.max(most, memory.young.size + memory.old.size);
  }
  t.ok(most <= 20_000 / 256, `${most} targets`);
  t.equal(recallTarget(memory, "/0"), null, "what is not used goes");
  rememberTarget(memory, `/${"x".repeat(10_000)}`, known());
  t.equal(recallTarget(memory, `/${"x".repeat(10_000)}`), null, "what is larger than its share is not kept");
});

t.test("a target that was read before is admitted as it was the first time", async (t) => {
  const options = simOptions({}, { allowUpstream: ["o"] });
  const state = newProxyState(options, 1, 0);
  const ask = (method: string, target: string): Admission => {
    const fields = ["Host", "127.0.0.1:80"];
    const request: PlayerRequest = {
      method,
      target,
      httpMinor: 1,
      fields,
      localAddress: "127.0.0.1",
      localPort: 80,
      close: false,
    };
    return admitRequest(state, request, 0);
  };
  const seen = (admission: Admission): unknown => {
    if (admission.kind !== "exchange") return admission;
    const { url, key, form, playlist, directed, allowed } = admission.exchange;
    return { url, key, form, playlist, directed, allowed };
  };
  const query = `/proxy?url=${encodeURIComponent(url)}`;
  const expected = { url, key: url, form: "query", playlist: true, directed: false, allowed: true };
  for (const round of ["first", "second"]) {
    t.same(seen(ask("GET", query)), expected, round);
    t.same(seen(ask("GET", "/http/o/a.m3u8?b=1")), { ...expected, form: "path" }, `${round}, path form`);
    t.match(seen(ask("GET", "/http/p/a.ts")), { playlist: false, allowed: false }, `${round}, a host not allowed`);
    t.match(seen(ask("OPTIONS", query)), { kind: "answer", head: { status: 204 } }, `${round}, a preflight`);
    t.match(seen(ask("POST", query)), { kind: "answer", head: { status: 405 } }, `${round}, another method`);
    t.match(seen(ask("GET", "/proxy?url=x")), { kind: "answer", head: { status: 400 } }, `${round}, no URL`);
  }
  t.equal(state.targets.young.size, 3, "what names no resource is not kept");
});
