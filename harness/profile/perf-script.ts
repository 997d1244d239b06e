/** What `perf script` prints, as a call tree: samples by stack, of all threads and of the system. */
import { addStack, type CallTree, emptyTree, type Frame } from "./call-tree.ts";

/** Mangled names; those of specialized functions hold others. */
const mangledNames = /\$s[\w$]+/g;

/** The Swift twin's modules, as their names begin a mangled symbol. */
const core = /\$s\d+ReelcacheCore/;
const edge = /\$s\d+Reelcache(?:Edge|Control|Command)?(?=\d|[A-Z])/;
/** Modules of its program that are not its own: what stands in for Apple's on Linux. */
const standIn = /^\$s\d+(Network|Security|CryptoKit|Compression)/;

/** What the compiler adds of its own. */
const glue = /^(?:outlined|type metadata|protocol witness|lazy protocol|(?:[a-z]+ )*value witness|generic) /;

/** `demangled`: a readable name for each mangled one (`symbolsOf`). */
export function treeOfPerfScript(text: string, demangled: Map<string, string>): CallTree {
  const tree = emptyTree("all");
  for (const { frames } of samplesOf(text)) {
    const stack = frames.map(({ symbol, object }) => frameOf(symbol, object, demangled));
    addStack(tree, stack.reverse(), 1);
  }
  return tree;
}

/** Mangled Swift symbols that are in it, each once. */
export function symbolsOf(text: string): string[] {
  return [...new Set(text.match(mangledNames) ?? [])];
}

type Sample = { frames: { symbol: string; object: string }[] };

/** A sample is a line of its thread and one for each frame, innermost first; an empty line ends it. */
function samplesOf(text: string): Sample[] {
  return text.split("\n\n").flatMap((block) => {
    const frames = block.split("\n").flatMap((line) => {
      const [, symbol = "", object = ""] = /^\s+[0-9a-f]+ (.*) \(([^()]*(?:\([^()]*\))?)\)$/.exec(line) ?? [];
      return symbol === "" ? [] : [{ symbol: symbol.replace(/\+0x[0-9a-f]+$/, ""), object }];
    });
    return frames.length === 0 ? [] : [{ frames }];
  });
}

function frameOf(symbol: string, object: string, demangled: Map<string, string>): Frame {
  const name = symbol.replaceAll(mangledNames, (mangled) => demangled.get(mangled) ?? mangled);
  // What the compiler made of a function is that function.
  const label = name.replaceAll(/\b(?:specialized|merged|partial apply (?:forwarder )?for) /g, "");
  // Copies and descriptions of types serve whoever calls them.
  if (glue.test(label)) return { label, kind: "runtime", part: "Swift" };
  if (core.test(symbol)) return { label, kind: "core", part: typeOf(label) };
  if (edge.test(symbol)) return { label, kind: "edge", part: typeOf(label) };
  const file = object.slice(object.lastIndexOf("/") + 1);
  if (/^\[(?:guest\.)?kernel/.test(object)) return { label, kind: "native", part: "system" };
  const [, module] = standIn.exec(symbol) ?? [];
  if (module !== undefined) return { label, kind: "library", part: `stand-in of ${module}` };
  // A function of Swift's library that was specialized stands in whoever uses it.
  if (symbol.startsWith("$s")) return { label, kind: "runtime", part: "Swift" };
  const runtime = /^lib(?:swift|dispatch|BlocksRuntime|c\.|pthread|stdc|m\.)/.test(file);
  return { label, kind: runtime ? "runtime" : "library", part: file.replace(/\.so.*$/, "") };
}

/** A closure counts to the type that it stands in: `closure #1 in Type.function(…)`. A free function is its own part. */
function typeOf(label: string): string {
  const last = label.slice(label.lastIndexOf(" in ") === -1 ? 0 : label.lastIndexOf(" in ") + 4);
  const [, type] = /^(?:static )?([A-Z][A-Za-z0-9_]*)[.<]/.exec(last) ?? [];
  return type ?? (/^[A-Za-z_][A-Za-z0-9_]*/.exec(last)?.[0] || last);
}
