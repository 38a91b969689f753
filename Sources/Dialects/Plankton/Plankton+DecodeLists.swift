public import Bytes
public import Images

extension Plankton {
    /// A list of images, read an entry at a time: a bare array of the releases, or the object around it of the development
    /// branch (plankton §1).
    public struct ListStream: Sendable {
        private var stream: JSONArrayStream
        /// Nil: only blanks came yet.
        private var isBare: Bool?

        public init(limits: JSONLimits = .init()) { stream = JSONArrayStream(key: Self.key, limits: limits) }

        private static let key = "images"
        private static let opening = Array("{\"\(key)\":".utf8)
        private static let closing = Array("}".utf8)

        /// The entries that this piece completes.
        public mutating func feed(_ piece: [UInt8]) throws(JSONError) -> [JSONValue] {
            if isBare == nil, let first = piece.first(where: { ![0x20, 0x0A, 0x0D, 0x09].contains($0) }) {
                isBare = first == UInt8(ascii: "[")
                if isBare == true { _ = try stream.feed(Self.opening) }
            }
            return try stream.feed(piece)
        }

        /// Ends the list; whatever stands around it is checked.
        public mutating func finish() throws(JSONError) {
            if isBare == true { _ = try stream.feed(Self.closing) }
            let others = try stream.finish()
            guard stream.sawArray, isBare != true || others.members.isEmpty else {
                throw JSONError(.notAnObject, at: 0)
            }
        }
    }

    /// The members of an image.
    ///
    /// - Parameter owner: is no member, though servers show whoever registered the image (plankton §7.6).
    public static func members(_ document: JSONObject, owner: String? = nil) throws(Failure) -> [Member] {
        try entries(document, "members", "member_id")
            .filter { id in !(owner.map { id.sameBytes(as: $0) } ?? false) }
            .map { Member(id: $0, canShare: false) }
    }

    public static func sharedImages(_ document: JSONObject) throws(Failure) -> [SharedImage] {
        try entries(document, "shared_images", "image_id").map { SharedImage(imageID: $0, canShare: false) }
    }

    private static func entries(_ document: JSONObject, _ key: String, _ idKey: String) throws(Failure) -> [String] {
        let ids = document[key]?.array?.map { entry -> String? in
            switch entry.object?[idKey] {
            case .string(let text)?, .number(let text)?: text
            default: nil
            }
        }
        guard let ids, !ids.contains(nil) else {
            throw Failure(.badGateway, "The registry's answer is not understood", cause: "no \(key) in the document")
        }
        return ids.compactMap(\.self)
    }
}
