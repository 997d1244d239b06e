import Glibc

/// Chosen by a variable: libFuzzer starts this program again with its own arguments. So one program carries all targets.
private let target: @Sendable ([UInt8]) -> Void = {
  switch getenv("REELCACHE_FUZZ_TARGET").map({ String(cString: $0) }) {
  case "request": return fuzzRequest
  case "range": return fuzzRange
  case "playlist": return fuzzPlaylist
  case "index": return fuzzIndex
  default: fatalError("REELCACHE_FUZZ_TARGET is one of request, range, playlist, index")
  }
}()

/// What libFuzzer calls with each input (llvm.org/docs/LibFuzzer.html).
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  target(Array(UnsafeBufferPointer(start: data, count: size)))
  return 0
}
