import Bytes
public import Images

/// Keeps the fields that a registry cannot hold in its custom properties, and brings them back (mapping §1, §4): the
/// backends of v1, 2010 and Plankton write and read through it.
public struct FieldMarks: Sendable {
    /// Nil: marks are off, such values are refused.
    public let marks: Marks?
    public let held: HeldFields

    public init(_ marks: Marks?, _ held: HeldFields) {
        self.marks = marks
        self.held = held
    }

    /// Whether a custom property is a mark, which clients never see.
    public func isMark(_ name: String) -> Bool { marks?.isMark(name) ?? false }

    /// The property that keeps a value; refused when marks are off.
    ///
    /// - Parameter value: nil takes the mark away.
    public func property(_ mark: Mark, _ value: String?) throws(Failure) -> Property {
        guard let marks else {
            throw Failure(.badRequest, "This registry cannot hold \(mark.rawValue)")
        }
        return Property(marks.name(mark), value)
    }

    /// The value of a mark on an image as the registry has it.
    public func value(_ mark: Mark, of image: Image) -> String? {
        guard let marks, let value = image.properties[marks.name(mark)] else { return nil }
        return value
    }

    /// A field's value as text; nil for null.
    public static func text(_ value: FieldValue) -> String? {
        switch value {
        case .absent, .null: nil
        case .text(let text): text
        case .integer(let number): String(number)
        case .boolean(let truth): truth ? "True" : "False"
        case .time(let time): time.text(.canonical)
        }
    }

    /// The value that ``text(_:)`` wrote; nil for a text that is none of the field's.
    public static func value(_ text: String, of field: ImageField) -> FieldValue? {
        switch field.kind {
        case .text: .text(text)
        case .integer: ASCII.decimal(text).map { .integer($0) }
        case .boolean: ["True": true, "False": false][text].map { .boolean($0) }
        case .time: Timestamp(text).map { .time($0) }
        }
    }

    /// Tags as a mark's value: a JSON list.
    public static func text(tags: [String]) -> String {
        var writer = JSONWriter(ascii: true)
        writer.value(.array(tags.map(JSONValue.string)))
        return String(decoding: writer.take(), as: UTF8.self)
    }

    /// Undoes ``text(tags:)``; nil for anything else.
    public static func tags(_ text: String) -> [String]? {
        (try? JSONReader.parse(Array(text.utf8)))?.array?.compactMap(\.text)
    }
}
