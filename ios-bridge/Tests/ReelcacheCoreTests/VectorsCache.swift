@testable import ReelcacheCore

func vectorsCache() -> VectorRegistry {
  [
    "cache/cache-key": [
      "cacheKey": call(cacheKey)
    ],
    "cache/entry": [
      "entryComplete": call(entryComplete),
      "entryCombinable": call(entryCombinable),
      "entryEtag": call(entryEtag),
      "entryLastModified": call(entryLastModified),
    ],
    "cache/eviction": [
      "evictionPlan": call(evictionPlan)
    ],
    "cache/freshness": [
      "currentAgeMs": call(currentAgeMs),
      "residentMs": call(residentMs),
      "explicitLifetimeMs": call(explicitLifetimeMs),
      "heuristicLifetimeMs": call(heuristicLifetimeMs),
      "reuse": call(reuse),
      "mayServeStale": call(mayServeStale),
    ],
    "cache/request-control": [
      "requestControl": call(requestControl),
      "requestTakes": call(requestTakes),
    ],
    "cache/span-set": [
      "spanAdd": change(spanAdd),
      "spanEndAt": call(spanEndAt),
      "spanNextStart": call(spanNextStart),
      "spanHoles": call(spanHoles),
      "spanBytes": call(spanBytes),
      "spanCovers": call(spanCovers),
      "spanClip": change(spanClip),
    ],
    "cache/storability": [
      "storable": call(storable),
      "forbidsStoring": call(forbidsStoring),
    ],
    "cache/variant": [
      "carriesCredentials": call(carriesCredentials),
      "credentialFields": call(credentialFields),
      "identityKey": call(identityKey),
      "variantKey": call(variantKey),
      "resourceKey": call(resourceKey),
      "selectingNames": call(selectingNames),
      "isVariantOf": call(isVariantOf),
      "variesOnAll": call(variesOnAll),
    ],
  ]
}

extension EntryKind: JsonConvertible {}
extension ReusePolicy: JsonConvertible {}
extension ReuseVerdict: JsonConvertible {}
extension StoreReason: JsonConvertible {}

extension KeyRules: JsonConvertible {
  init(json: Json) throws {
    self.init(
      dropParameters: try json.member("dropParameters"),
      keepParameters: try json.member("keepParameters")
    )
  }

  var json: Json {
    .record(["dropParameters": dropParameters.json, "keepParameters": keepParameters.json])
  }
}

extension Entry: JsonConvertible {
  convenience init(json: Json) throws {
    self.init(
      id: try json.member("id"),
      key: try json.member("key"),
      url: try json.member("url"),
      finalUrl: try json.member("finalUrl"),
      kind: try json.member("kind"),
      fields: try json.member("fields"),
      total: try json.member("total"),
      spans: try json.member("spans"),
      requestMs: try json.member("requestMs"),
      responseMs: try json.member("responseMs"),
      targetDurationMs: try json.member("targetDurationMs"),
      accessMs: try json.member("accessMs"),
      pinned: try json.member("pinned")
    )
  }

  var json: Json {
    .record([
      "id": id.json, "key": key.json, "url": url.json, "finalUrl": finalUrl.json, "kind": kind.json,
      "fields": fields.json, "total": total.json, "spans": spans.json, "requestMs": requestMs.json,
      "responseMs": responseMs.json, "targetDurationMs": targetDurationMs.json, "accessMs": accessMs.json,
      "pinned": pinned.json,
    ])
  }
}

extension EvictionRow: JsonConvertible {
  init(json: Json) throws {
    self.init(
      id: try json.member("id"),
      bytes: try json.member("bytes"),
      accessMs: try json.member("accessMs"),
      inUse: try json.member("inUse"),
      pinned: try json.member("pinned")
    )
  }

  var json: Json {
    .record([
      "id": id.json, "bytes": bytes.json, "accessMs": accessMs.json, "inUse": inUse.json, "pinned": pinned.json,
    ])
  }
}

extension StoreOptions: JsonConvertible {
  init(json: Json) throws {
    self.init(
      overrideNoStore: try json.member("overrideNoStore"),
      apart: try json.member("apart"),
      shared: try json.member("shared"),
      extraRequestFields: try json.member("extraRequestFields")
    )
  }

  var json: Json {
    .record([
      "overrideNoStore": overrideNoStore.json, "apart": apart.json, "shared": shared.json,
      "extraRequestFields": extraRequestFields.json,
    ])
  }
}

extension StoreVerdict: JsonConvertible {
  init(json: Json) throws {
    self.init(store: try json.member("store"), reason: try json.member("reason"))
  }

  var json: Json { .record(["store": store.json, "reason": reason.json]) }
}
