import FoundationEssentials
import Glibc

/// One call of `receive` that waits for its bytes.
struct ReceiveRequest {
  let minimum: Int
  let maximum: Int
  let completion: ReceiveCompletion
  /// What came so far, fewer bytes than the minimum.
  var partial = Data()
}

/// How far the stream from the peer is.
struct InputState {
  /// The end was told to a receiver.
  var ended = false
  /// An error that came behind bytes which were good.
  var failure: NWError?
  /// The decoder of TLS holds content that no receiver has asked for yet.
  var buffered = false
}

/// The receiving side. All but `receive` is called with the lock held.
extension ConnectionCore {
  /// How a read ended.
  enum Ending {
    case open
    case ended
    case failed(NWError)
  }

  func receive(_ minimum: Int, _ maximum: Int, _ completion: @escaping ReceiveCompletion) {
    let least = max(1, minimum)
    let request = ReceiveRequest(minimum: least, maximum: max(least, maximum), completion: completion)
    lock.locked {
      if isReady {
        receives.append(request)
        return fillReceives()
      }
      switch phase {
      case .cancelled: post(.failed(completion, .posix(.ECANCELED)))
      case .failed(let error): post(.failed(completion, error))
      case .setup, .waiting, .preparing, .ready: receives.append(request)
      }
    }
  }

  /// Reads as much as receivers wait for and the socket has.
  func fillReceives() {
    while isReady, !receives.isEmpty {
      if input.ended {
        // As on Apple: who reads on after the end gets an error.
        post(.failed(receives.removeFirst().completion, .posix(.ENODATA)))
      } else if let failure = input.failure {
        fail(failure)
      } else if wire?.readable == true || input.buffered {
        fill()
      } else {
        return
      }
    }
  }

  /// One read for the first receiver.
  private func fill() {
    let partial = receives[0].partial
    let room = min(receives[0].maximum - partial.count, ReceivePool.pieceBytes)
    let piece = ReceivePool.shared.take()
    let (count, ending) = tls == nil ? readPlain(piece, room) : readSecure(piece, room)
    let got = ReceivePool.shared.data(piece, count)
    let content = partial.isEmpty ? got : partial + got
    switch ending {
    case .open where content.count < receives[0].minimum:
      receives[0].partial = content
    case .open:
      complete(content, false)
    case .ended:
      input.ended = true
      complete(content, true)
    case .failed(let error) where content.count >= receives[0].minimum:
      input.failure = error
      complete(content, false)
    case .failed(let error):
      post(.failed(receives.removeFirst().completion, error, content.isEmpty ? nil : content))
      fail(error)
    }
  }

  private func complete(_ content: Data, _ isComplete: Bool) {
    let request = receives.removeFirst()
    let context = isComplete ? NWConnection.ContentContext.defaultStream : .defaultMessage
    post(.received(request.completion, content.isEmpty ? nil : content, context, isComplete))
  }

  private func readPlain(_ piece: UnsafeMutableRawPointer, _ room: Int) -> (Int, Ending) {
    var count = 0
    while count < room {
      switch wire?.read(piece + count, room - count) ?? .again {
      case .bytes(let got):
        count += got
        // After the peer's FIN the end may be there as well: it is told with the last bytes.
        if wire?.hungUp == false { return (count, .open) }
      case .again: return (count, .open)
      case .end: return (count, .ended)
      case .failed(let code): return (count, .failed(NWError(errno: code)))
      }
    }
    return (count, .open)
  }
}
