import Bytes
import Images
import TestSupport
import Testing

@testable import Registry

/// What the embedded registry writes of an image it reads again, whatever the image holds: nothing is lost at a restart.
@Suite struct RecordLawTests {
    /// A failure names the seed, with which ``ImageGenerator`` makes the same image again.
    private static let cases: UInt64 = 10_000

    @Test func `a record is read as it was written`() throws {
        for seed in 1...Self.cases {
            let record = Self.record(seed)
            let bytes = try RecordCoding.encode(record)
            let again = try #require(RecordCoding.decode(bytes), "seed \(seed)")
            guard again.image == record.image, again.data == record.data else {
                Issue.record("seed \(seed): \(record.image) became \(again.image)")
                return
            }
        }
    }

    /// As the registry completes what a client wanted: with an id, a status, times, tags and members.
    private static func record(_ seed: UInt64) -> ImageRecord {
        var generator = ImageGenerator(seed: seed)
        var image = generator.image()
        image[.id] = .text(generator.text(3) + "i")
        image[.status] = .text(generator.random.pick([ImageStatus.queued, .active, .deactivated, .killed]).rawValue)
        for field in [ImageField.createdAt, .updatedAt] {
            image[field] = .time(moment(&generator.random))
        }
        image.tags = image.tags ?? []
        image.members = (0..<generator.random.below(3)).map { number in
            let at = generator.random.once(in: 2) ? moment(&generator.random) : nil
            return Member(
                id: generator.text(2) + "\(number)", canShare: generator.random.once(in: 2),
                status: generator.random.pick([nil, "pending", "accepted", "rejected"]), createdAt: at, updatedAt: at)
        }
        let places: [DataPlace] = [
            .none, .empty, .file, .object(size: 3, modified: Int64.max),
        ]
        return ImageRecord(image: image, data: generator.random.pick(places))
    }

    private static func moment(_ random: inout Randomness) -> Timestamp {
        Timestamp(seconds: Int64(random.below(4_000_000_000)), microseconds: Int32(random.below(1_000_000)))
    }
}
