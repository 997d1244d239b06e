/** What response heads assert, and that no field can smuggle a line into them. */
import t from "tap";
import { type HeadParts, responseHead } from "../core/response/response-head.ts";

const parts: HeadParts = {
  status: 206,
  contentType: "video/mp4",
  contentLength: 2,
  contentRange: "bytes 0-1/2",
  acceptRanges: "bytes",
  stored: [],
  ageSeconds: -1,
  retryAfterSeconds: -1,
  allow: null,
  note: null,
  cors: "none",
  dateMs: 0,
  keepAlive: true,
  httpMinor: 1,
};

t.test("a 206 of unknown length asserts instead of being chunked (R-RESP-5)", (t) => {
  t.throws(() => responseHead({ ...parts, contentLength: -1 }), /a 206 needs/);
  t.throws(() => responseHead({ ...parts, contentRange: null }), /a 206 needs/);
  t.equal(responseHead(parts).status, 206);
  t.end();
});

t.test("every byte that cannot stand in a field value drops the field (R-RESP-2)", (t) => {
  const passed: number[] = [];
  for (let code = 0; code < 256; code += 1) {
    const head = responseHead({ ...parts, stored: ["X-Test", `a${String.fromCharCode(code)}b`] });
    if (head.fields.includes("X-Test")) {
      passed.push(code);
    }
  }
  const allowed = Array.from({ length: 256 }, (_, code) => code).filter((c) => c === 9 || (c >= 32 && c !== 127));
  t.strictSame(passed, allowed);
  t.end();
});
