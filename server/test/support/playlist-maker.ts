/** Seeded playlists for tests: valid ones for a strict parser, and wild ones whose URIs are known by construction. */

/** A seeded choice: a whole number below its argument. */
export type Pick = (below: number) => number;

/** A stretch of a playlist: `upstream` is the URL that its text means when it must be rewritten, else "". */
export type Piece = { text: string; upstream: string; isListed: boolean };

const names = [
  (n: number) => `seg-${n}.ts`,
  (n: number) => `./a/seg${n}.m4s`,
  (n: number) => `../other/${n}.ts?x=1&y=2`,
  (n: number) => `../../../../${n}.ts`,
  (n: number) => `/root/${n}.ts#t=1`,
  (n: number) => `//b.example:8443/n/${n}.ts`,
  (n: number) => `https://signed.example/v/${n}.ts?Policy=a~b&Signature=x%2By%2F%3D&Key-Pair-Id=K1`,
  (n: number) => `http://127.0.0.1:8080/deep/er/${n}.ts`,
  (n: number) => `http://[2001:db8::1]/six/${n}.ts`,
  (n: number) => `https://signed.example/v/w/${n}.m4s`,
  (n: number) => `a/../b/./${n}.ts?next=../x.m3u8`,
  (n: number) => `?only=${n}`,
  (n: number) => `dir/${n}:colon.ts`,
  (n: number) => `${n}%20escaped%2Fslash.ts`,
  (n: number) => `${n}/(mark's)!*~,;=@$.ts`,
];

/** hls-parser takes an apostrophe for a quote, so its playlists do without the last name. */
function uri(pick: Pick): string {
  return anyUri(pick, names.length - 1);
}

function anyUri(pick: Pick, count: number): string {
  const make = names[pick(count)];
  return make === undefined ? "x.ts" : make(pick(1000));
}

function ending(pick: Pick): string {
  return pick(2) === 0 ? "\n" : "\r\n";
}

function joined(lines: string[], pick: Pick): string {
  const end = ending(pick);
  return lines.join(end) + (pick(3) === 0 ? "" : end);
}

export function vodPlaylist(pick: Pick): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:10", "#EXT-X-PLAYLIST-TYPE:VOD"];
  const usesRanges = pick(3) === 0;
  for (let index = 0; index < 5 + pick(20); index += 1) {
    if (pick(4) === 0) {
      lines.push(`#EXT-X-KEY:METHOD=AES-128,URI="${uri(pick)}",IV=0x0000000000000000000000000000000${pick(10)}`);
    }
    if (pick(5) === 0) {
      lines.push('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://asset/1",KEYFORMAT="com.apple.streamingkeydelivery"');
    }
    if (pick(4) === 0) {
      lines.push("#EXT-X-DISCONTINUITY", `#EXT-X-MAP:URI="${uri(pick)}"${usesRanges ? ',BYTERANGE="100@0"' : ""}`);
    }
    if (pick(6) === 0) {
      lines.push(
        `#EXT-X-DATERANGE:ID="i${index}",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:${10 + index}:00Z",` +
          `DURATION=15.0,X-ASSET-URI="${uri(pick)}"`,
        `#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:${10 + index}:00.000Z`,
      );
    }
    lines.push(`#EXTINF:${1 + pick(9)}.${pick(1000)},a title, with commas`);
    if (usesRanges) {
      lines.push(`#EXT-X-BYTERANGE:${pick(1000) + 1}@${pick(9000)}`);
    }
    lines.push(uri(pick));
  }
  lines.push("#EXT-X-ENDLIST");
  return joined(lines, pick);
}

export function livePlaylist(pick: Pick): string {
  const lines = [
    "#EXTM3U",
    "#EXT-X-VERSION:9",
    "#EXT-X-TARGETDURATION:4",
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24.0",
    "#EXT-X-PART-INF:PART-TARGET=0.33334",
    `#EXT-X-MEDIA-SEQUENCE:${pick(100000)}`,
    `#EXT-X-MAP:URI="${uri(pick)}"`,
  ];
  for (let left = 3 + pick(6); left > 0; left -= 1) {
    // Partial segments may stand only near the end.
    const parts = left > 2 ? 0 : pick(4);
    for (let part = 0; part < parts; part += 1) {
      lines.push(`#EXT-X-PART:DURATION=0.33334,URI="${uri(pick)}"${pick(2) === 0 ? ",INDEPENDENT=YES" : ""}`);
    }
    lines.push(`#EXTINF:4.00008,`, uri(pick));
  }
  lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${uri(pick)}"`);
  lines.push(`#EXT-X-RENDITION-REPORT:URI="../r${pick(9)}/live.m3u8",LAST-MSN=273,LAST-PART=2`);
  lines.push(`#EXT-X-RENDITION-REPORT:URI="/abs/${pick(9)}.m3u8",LAST-MSN=273,LAST-PART=1`);
  return joined(lines, pick);
}

export function multivariantPlaylist(pick: Pick): string {
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"];
  lines.push(`#EXT-X-SESSION-DATA:DATA-ID="com.example.${pick(9)}",URI="${uri(pick)}"`);
  lines.push(`#EXT-X-SESSION-KEY:METHOD=AES-128,URI="${uri(pick)}"`);
  lines.push(`#EXT-X-CONTENT-STEERING:SERVER-URI="${uri(pick)}",PATHWAY-ID="A"`);
  lines.push(`#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="one, two",DEFAULT=YES,URI="${uri(pick)}"`);
  lines.push('#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="without",DEFAULT=NO');
  lines.push(`#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",URI="${uri(pick)}",NAME="URI=x",LANGUAGE="de"`);
  for (let index = 0; index < 1 + pick(6); index += 1) {
    const common = `BANDWIDTH=${100000 + pick(100000)},CODECS="avc1.4d401f,mp4a.40.2"`;
    lines.push(`#EXT-X-STREAM-INF:${common},RESOLUTION=640x360,AUDIO="a",SUBTITLES="s"`, uri(pick));
    lines.push(`#EXT-X-I-FRAME-STREAM-INF:${common},URI="${uri(pick)}"`);
  }
  return joined(lines, pick);
}

/** Kept byte for byte: comments, look-alikes, other schemes, broken attributes, blank and odd lines. */
const keptLines = [
  "",
  " \t",
  "# seg.ts",
  "#EXT-X-ENDLISTS",
  '#ext-x-map:URI="x.mp4"',
  '#EXT-X-MAPS:URI="x.mp4"',
  '#EXT-X-VENDOR:URI="x.mp4",X=\u00c3\u00a9\u0085',
  '#EXT-X-MEDIA:X-URI="x",ASSOC-URI="y",URI=z.m3u8',
  "#EXT-X-KEY:METHOD=NONE",
  '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://a?b=c",KEYFORMAT="x"',
  '#EXT-X-SESSION-KEY:METHOD=AES-128,URI="data:text/plain;base64,AA=="',
  '#EXT-X-SESSION-DATA:DATA-ID="u",URI="urn:uuid:1"',
  '#EXT-X-MAP:URI="https://u:p@h.example/x.mp4"',
  '#EXT-X-MAP:URI=""',
  '#EXT-X-MAP:URI="never closed',
  '#EXT-X-DATERANGE:ID="x",CLASS="com.example.other",X-ASSET-URI="a",X-ASSET-LIST="b",X-URI="c"',
  "{$base}/seg.ts",
  '#EXT-X-PART:DURATION=1.00000000000000000001,URI="{$p}.m4s"',
  "#EXTINF:00009.90000000000000000001, \u00e2\u0082\u00ac",
  "skd://as-a-line",
  "#EXT-X-PREFETCH:",
];

/** Text before a URI, text after it, and whether the resources list it. */
const uriLines: [string, string, boolean][] = [
  ["", "", true],
  ["  ", " \t", true],
  ["#EXT-X-PREFETCH:", "", true],
  ['#EXT-X-MAP:BYTERANGE="1@0",URI="', '"', true],
  ['#EXT-X-MAP: URI = "', '" , X=1', true],
  ['#EXT-X-KEY:METHOD=AES-128,URI="', '",IV=0x1,KEYFORMATVERSIONS="1/2"', true],
  ['#EXT-X-MEDIA:NAME="a,URI=b",URI="', '",URI-X="c"', true],
  ['#EXT-X-I-FRAME-STREAM-INF:URI="', '"', true],
  ['#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=1,URI="', '"', true],
  ['#EXT-X-SESSION-KEY:METHOD=AES-128,URI="', '"', true],
  ['#EXT-X-SESSION-DATA:DATA-ID="x",URI="', '"', false],
  ['#EXT-X-CONTENT-STEERING:SERVER-URI="', '",URI="kept"', false],
  ['#EXT-X-PART:DURATION=0.1,URI="', '",BYTERANGE="1@2"', true],
  ['#EXT-X-PRELOAD-HINT:TYPE=MAP,URI="', '"', true],
  ['#EXT-X-PRELOAD-HINT:TYPE=PART,URI="', '",BYTERANGE-START=1', true],
  ['#EXT-X-DATERANGE:ID="a",X-ASSET-URI="', '",CLASS="com.apple.hls.interstitial",X-URI="k"', false],
  ['#EXT-X-DATERANGE:CLASS="com.apple.hls.interstitial",X-ASSET-LIST="', '"', false],
  ['#EXT-X-DATERANGE:CLASS="com.apple.hls.preload",X-ASSET-URI="k",X-URI="', '"', false],
];

export function wildPlaylist(pick: Pick, base: string): Piece[] {
  const pieces: Piece[] = [kept(pick(2) === 0 ? "\u00ef\u00bb\u00bf#EXTM3U\n" : "#EXTM3U\r\n")];
  for (let index = 0; index < 10 + pick(30); index += 1) {
    const line = uriLines[pick(uriLines.length)];
    if (pick(3) === 0 || line === undefined) {
      pieces.push(kept((keptLines[pick(keptLines.length)] ?? "") + ending(pick)));
      continue;
    }
    const text = anyUri(pick, names.length);
    pieces.push(kept(line[0]), { text, upstream: meant(text, base), isListed: line[2] }, kept(line[1] + ending(pick)));
  }
  return pieces;
}

function kept(text: string): Piece {
  return { text, upstream: "", isListed: false };
}

/** The platform's own resolution, without the fragment, which never travels. */
function meant(text: string, base: string): string {
  const url = new URL(text, base);
  url.hash = "";
  return url.href;
}
