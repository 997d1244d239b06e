@testable import ReelcacheCore

/// What variables may come from: the playlist's own URL.
func variableSources(_ ownUrl: ByteString) -> VariableSources {
  let limits = Limits()
  return VariableSources(
    ownUrl: ownUrl,
    imports: "",
    countMax: limits.variablesMax,
    bytesMax: limits.variablesBytesMax,
    uriBytesMax: limits.targetBytesMax
  )
}

/// The playlist as a player sees it who fetches the `direct` segments by itself; "" when its URIs came to more than
/// `bytesMax`.
func rewritten(
  _ bytes: ByteString,
  _ form: UrlForm,
  _ prefix: ByteString,
  _ baseUrl: ByteString,
  _ bytesMax: Int = Limits().urisBytesMax,
  direct: [Bool] = []
) -> ByteString {
  let context = RewriteContext(
    prefix: prefix,
    form: form,
    baseUrl: baseUrl,
    playerUrl: baseUrl,
    sources: variableSources(baseUrl),
    bytesMax: bytesMax
  )
  return rewriteSegments(bytes, context, direct) ?? ""
}
