@testable import ReelcacheCore

/// What variables may come from: the playlist's own URL and the variables that its own URL carries.
func variableSources(_ ownUrl: ByteString, _ imports: ByteString = "") -> VariableSources {
  let limits = Limits()
  return VariableSources(
    ownUrl: ownUrl,
    imports: imports,
    countMax: limits.variablesMax,
    bytesMax: limits.variablesBytesMax,
    uriBytesMax: limits.targetBytesMax
  )
}

/// The playlist as a player sees it; "" when it became too large.
func rewritten(
  _ bytes: ByteString,
  _ form: UrlForm,
  _ prefix: ByteString,
  _ baseUrl: ByteString,
  _ imports: ByteString = ""
) -> ByteString {
  let context = RewriteContext(
    prefix: prefix,
    form: form,
    baseUrl: baseUrl,
    playerUrl: baseUrl,
    sources: variableSources(baseUrl, imports),
    bytesMax: Limits().urisBytesMax
  )
  return rewritePlaylist(bytes, context) ?? ""
}
