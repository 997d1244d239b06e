#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What the file system refused: the POSIX code, and what was tried ("open '/a/b'").
package struct FileError: Error, Equatable, Sendable {
  /// The `errno`.
  package let code: Int32
  package let detail: String

  package init(_ code: Int32, _ detail: String) {
    self.code = code
    self.detail = detail
  }

  /// The symbolic name, "ENOSPC", which does not differ between systems as the number does.
  package var name: String {
    for row in fileErrorRows where row.code == code { return row.name }
    return "errno \(code)"
  }
}

extension FileError: CustomStringConvertible {
  /// In the words of the reference's platform, so that both twins' messages and logs read alike.
  package var description: String {
    for row in fileErrorRows where row.code == code { return "\(row.name): \(row.text), \(detail)" }
    return "\(name), \(detail)"
  }
}

/// Codes that a file system gives, with the words of Node's platform layer.
private let fileErrorRows: [(code: Int32, name: String, text: String)] = [
  (EACCES, "EACCES", "permission denied"),
  (EAGAIN, "EAGAIN", "resource temporarily unavailable"),
  (EBADF, "EBADF", "bad file descriptor"),
  (EBUSY, "EBUSY", "resource busy or locked"),
  (EDQUOT, "EDQUOT", "disk quota exceeded"),
  (EEXIST, "EEXIST", "file already exists"),
  (EFBIG, "EFBIG", "file too large"),
  (EINVAL, "EINVAL", "invalid argument"),
  (EIO, "EIO", "i/o error"),
  (EISDIR, "EISDIR", "illegal operation on a directory"),
  (ELOOP, "ELOOP", "too many symbolic links encountered"),
  (EMFILE, "EMFILE", "too many open files"),
  (ENAMETOOLONG, "ENAMETOOLONG", "name too long"),
  (ENFILE, "ENFILE", "file table overflow"),
  (ENOENT, "ENOENT", "no such file or directory"),
  (ENOMEM, "ENOMEM", "not enough memory"),
  (ENOSPC, "ENOSPC", "no space left on device"),
  (ENOTDIR, "ENOTDIR", "not a directory"),
  (ENOTEMPTY, "ENOTEMPTY", "directory not empty"),
  (ENXIO, "ENXIO", "no such device or address"),
  (EPERM, "EPERM", "operation not permitted"),
  (EROFS, "EROFS", "read-only file system"),
  (EXDEV, "EXDEV", "cross-device link not permitted"),
]
