import Bytes

/// Values by token digest, bounded by number and by bytes: the least recently used ones go first.
///
/// The values lie in one array and are chained in the order of their use, so that a hit writes four numbers.
struct LRUTable<Value: Sendable>: Sendable {
    private struct Slot: Sendable {
        var key: SHA256Digest
        /// Nil: the slot is free.
        var value: Value?
        var bytes: Int
        /// Towards the more recently used; -1: this is the first. Of a free slot: the next free one.
        var newer: Int32
        var older: Int32
    }

    let maxCount: Int
    let maxBytes: Int
    /// What all values were said to take.
    private(set) var bytes = 0
    private var places: [SHA256Digest: Int32] = [:]
    private var slots: [Slot] = []
    private var newest: Int32 = -1
    private var oldest: Int32 = -1
    private var free: Int32 = -1

    init(maxCount: Int, maxBytes: Int) {
        self.maxCount = min(max(1, maxCount), Int(Int32.max))
        self.maxBytes = maxBytes
    }

    var count: Int { places.count }

    /// The value of a key, which becomes the most recently used one.
    mutating func use(_ key: SHA256Digest) -> Value? {
        guard let place = places[key] else { return nil }
        if place != newest {
            unchain(place)
            chain(place)
        }
        return slots[Int(place)].value
    }

    /// Puts a value in and drops as many old ones as it takes. A value larger than the whole table is not taken.
    mutating func insert(_ value: Value, for key: SHA256Digest, bytes size: Int) {
        remove(key)
        guard size <= maxBytes else { return }
        while oldest >= 0, count >= maxCount || bytes > maxBytes - size { remove(slots[Int(oldest)].key) }
        let slot = Slot(key: key, value: value, bytes: size, newer: -1, older: -1)
        let place: Int32
        if free >= 0 {
            place = free
            free = slots[Int(place)].newer
            slots[Int(place)] = slot
        } else {
            place = Int32(slots.count)
            slots.append(slot)
        }
        places[key] = place
        bytes += size
        chain(place)
    }

    mutating func remove(_ key: SHA256Digest) {
        guard let place = places.removeValue(forKey: key) else { return }
        unchain(place)
        bytes -= slots[Int(place)].bytes
        slots[Int(place)].value = nil
        slots[Int(place)].newer = free
        free = place
    }

    private mutating func chain(_ place: Int32) {
        slots[Int(place)].newer = -1
        slots[Int(place)].older = newest
        if newest >= 0 { slots[Int(newest)].newer = place } else { oldest = place }
        newest = place
    }

    private mutating func unchain(_ place: Int32) {
        let (newer, older) = (slots[Int(place)].newer, slots[Int(place)].older)
        if newer >= 0 { slots[Int(newer)].older = older } else { newest = older }
        if older >= 0 { slots[Int(older)].newer = newer } else { oldest = newer }
    }
}
