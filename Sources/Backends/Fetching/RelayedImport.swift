import Bytes
import Images

/// An import among the messages that cross unread (image-v2 §11): it must not make the registry fetch what the gateway is
/// to fetch.
struct RelayedImport {
    /// The message with its document, to be passed on.
    let message: RelayedMessage
    /// What the gateway is to do itself; nil: nothing.
    let download: ImageImport?

    /// Largest document that is read, in bytes.
    private static let maxDocument = 1 << 20

    /// Nil: the message is no import.
    ///
    /// - Throws: what cannot be read is not passed on.
    init?(_ message: RelayedMessage) async throws(Failure) {
        guard message.method == "POST", let id = Self.imageID(message.target) else { return nil }
        let document = try await Self.document(message.body)
        guard let value = try? JSONReader.parse(document), let object = value.object,
            let method = object["method"]?.object, let name = method["name"]?.text
        else { throw Failure(.badRequest, "Input to import: a method with a name is missing.") }
        var passed = message
        passed.body = BytesBody(document)
        self.message = passed
        guard name.sameBytes(as: FetchingBackend.method) else {
            download = nil
            return
        }
        guard let uri = method["uri"]?.text, !uri.isEmpty else {
            throw Failure(.badRequest, "Invalid URI. A uri is required for web-download.")
        }
        let stores = object["stores"]?.array?.compactMap(\.text) ?? []
        download = ImageImport(id: id, method: .webDownload(uri: uri), stores: stores)
    }

    /// The image of a path `.../images/ID/import`, however it is coded.
    private static func imageID(_ target: String) -> String? {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        let parts = path.split(separator: UInt8(ascii: "/")).map { PercentCoding.decode($0) }
        guard parts.count >= 3, parts[parts.count - 1].elementsEqual("import".utf8),
            parts[parts.count - 3].elementsEqual("images".utf8)
        else { return nil }
        return String(decoding: parts[parts.count - 2], as: UTF8.self)
    }

    private static func document(_ body: (any BodySource)?) async throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        do throws(BodyError) {
            while let piece = try await body?.next() {
                bytes += piece
                guard bytes.count <= maxDocument else { throw .tooLarge("import document") }
            }
        } catch {
            throw Failure(.badRequest, "The request's document cannot be read.", cause: "\(error)")
        }
        return bytes
    }
}
