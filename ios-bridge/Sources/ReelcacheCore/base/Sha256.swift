/// SHA-256 (FIPS 180-4). Keys hold digests where they tell apart who asks: the texts themselves are secrets, and no disk
/// should keep them.

/// The digest of a byte string, as 64 hexadecimal digits in small letters.
package func sha256Hex(_ text: ByteString) -> ByteString {
  // R-BYTE-9
  var state = initialState
  var words = [UInt32](repeating: 0, count: 64)
  let blocks = (text.count + 8) / 64 + 1
  for block in 0..<blocks {
    for word in 0..<16 { words[word] = paddedWord(text, block * 64 + word * 4, blocks) }
    compress(&state, &words)
  }
  var hex: [UInt8] = []
  hex.reserveCapacity(64)
  for value in state {
    for shift in stride(from: UInt32(28), through: 0, by: -4) {
      let digit = UInt8((value >> shift) & 15)
      hex.append(digit < 10 ? 48 + digit : 87 + digit)
    }
  }
  return ByteString(hex)
}

private let initialState: [UInt32] = [
  0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
]

private let roundConstants: [UInt32] = [
  0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
  0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
  0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
  0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
  0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
  0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
  0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
  0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
]

/// Four bytes of the padded text: the text, a byte 0x80, zeros, and the length in bits in the last eight bytes.
private func paddedWord(_ text: ByteString, _ at: Int, _ blocks: Int) -> UInt32 {
  let last = blocks * 64 - 8
  if at == last { return UInt32(truncatingIfNeeded: text.count >> 29) }
  if at == last + 4 { return UInt32(truncatingIfNeeded: text.count << 3) }
  var word: UInt32 = 0
  for offset in at..<at + 4 {
    word = (word << 8) | (offset < text.count ? UInt32(text.code(offset)) : offset == text.count ? 0x80 : 0)
  }
  return word
}

/// Takes one block, whose first 16 words are given, into the state.
private func compress(_ state: inout [UInt32], _ words: inout [UInt32]) {
  for at in 16..<64 {
    let early = words[at - 15]
    let late = words[at - 2]
    let small0 = rotated(early, 7) ^ rotated(early, 18) ^ (early >> 3)
    let small1 = rotated(late, 17) ^ rotated(late, 19) ^ (late >> 10)
    words[at] = words[at - 16] &+ small0 &+ words[at - 7] &+ small1
  }
  var round = state
  for at in 0..<64 { turn(&round, roundConstants[at] &+ words[at]) }
  for at in 0..<8 { state[at] = state[at] &+ round[at] }
}

/// One round: the eight working words a to h move on by one.
private func turn(_ round: inout [UInt32], _ input: UInt32) {
  let a = round[0]
  let e = round[4]
  let choice = (e & round[5]) ^ (~e & round[6])
  let majority = (a & round[1]) ^ (a & round[2]) ^ (round[1] & round[2])
  let first = round[7] &+ (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) &+ choice &+ input
  let second = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) &+ majority
  for at in stride(from: 7, to: 0, by: -1) { round[at] = round[at - 1] }
  round[4] = round[4] &+ first
  round[0] = first &+ second
}

private func rotated(_ word: UInt32, _ bits: UInt32) -> UInt32 {
  (word >> bits) | (word << (32 - bits))
}
