/// Sizes and counts that bound one message. Every number has a configuration name under `limits`.
public struct HTTPLimits: Sendable {
    /// Bytes of the request or status line without CRLF.
    public var startLineBytes = 16 << 10
    /// Bytes of all field lines together, with their CRLFs (nginx: 32 KiB; kamaki and glanceclient stay far below).
    public var headerSectionBytes = 64 << 10
    /// Field lines in one section: many v1 properties are many fields.
    public var fieldCount = 1000
    /// Bytes of one chunk-size line with its extensions.
    public var chunkLineBytes = 4 << 10
    /// Bytes of all chunk extensions of one body together: extensions must not cost more than the data.
    public var chunkExtensionBytes = 16 << 10
    /// Bytes and lines of a trailer section.
    public var trailerBytes = 8 << 10
    public var trailerCount = 64

    public init() {}
}
