import Glibc
import Images

/// Reads the registry's directory at start and removes what an unclean end left: nothing of it was ever acknowledged.
struct StartUp {
    let directory: String
    let disk: Disk

    func run() throws(RegistryOpenError) -> (FileRegistry.Index, findings: [String]) {
        do throws(DiskError) {
            return try scan()
        } catch {
            throw .disk(error)
        }
    }

    private func scan() throws(DiskError) -> (FileRegistry.Index, findings: [String]) {
        var index = FileRegistry.Index()
        var findings: [String] = []
        for area in ["staging", "trash"] {
            for name in try disk.names(in: "\(directory)/\(area)") {
                disk.removeTree("\(directory)/\(area)/\(name)")
                findings.append("removed \(area)/\(name), left by an unclean end")
            }
        }
        let names = try disk.names(in: "\(directory)/images")
        index.records.reserveCapacity(names.count)
        for name in names {
            switch try look(at: name, &findings) {
            case .image(let key, let record): index.records[key] = record
            case .damaged(let why):
                findings.append("images/\(name) is left alone and not listed: \(why)")
                index.reserved.insert(ImageKey(directoryName: name))
            case .rubbish:
                disk.removeTree("\(directory)/images/\(name)")
                findings.append("removed images/\(name), which has no metadata")
            }
        }
        return (index, findings)
    }

    private enum Verdict {
        case image(ImageKey, ImageRecord)
        case damaged(String)
        case rubbish
    }

    private func look(at name: String, _ findings: inout [String]) throws(DiskError) -> Verdict {
        let path = "\(directory)/images/\(name)"
        let bytes: [UInt8]
        do throws(DiskError) {
            bytes = try disk.read("\(path)/metadata.json", limit: RecordCoding.maxBytes)
        } catch {
            // A fault of the disk must not let an image be taken for rubbish.
            return error.code == ENOENT ? .rubbish : .damaged("\(error)")
        }
        guard var record = RecordCoding.decode(bytes) else { return .damaged("metadata.json cannot be read") }
        let key = ImageKey(record.image.id)
        guard key.name == name else { return .damaged("metadata.json is that of another image") }
        if unlink("\(path)/metadata.json.new") == 0 {
            findings.append("removed images/\(name)/metadata.json.new, left by an unclean end")
        }
        try restoreStaged(&record, name, &findings)
        if record.data == .awaited {
            findings.append("images/\(name): its data never came, the image is shown as killed")
            record.image[.status] = .text(ImageStatus.killed.rawValue)
        }
        var status = stat()
        let isThere = stat("\(path)/data", &status) == 0
        if record.data == .file {
            if !isThere || Int64(status.st_size) != record.image.integer(.size) ?? 0 {
                findings.append(
                    "images/\(name): the data is \(isThere ? "of another size" : "missing"), the image is shown as killed"
                )
                record.image[.status] = .text(ImageStatus.killed.rawValue)
            }
        } else if isThere {
            unlink("\(path)/data")
            findings.append("removed images/\(name)/data, whose upload never finished")
        }
        return .image(key, record)
    }

    /// Staged data are kept when they are the acknowledged ones: under their name, or under that of the data when an import
    /// of them was cut off.
    private func restoreStaged(
        _ record: inout ImageRecord, _ name: String, _ findings: inout [String]
    ) throws(DiskError) {
        let path = "\(directory)/images/\(name)"
        let staged = "\(path)/\(FileRegistry.stagedName)"
        guard case .staged(let receipt) = record.data else {
            if unlink(staged) == 0 {
                findings.append("removed images/\(name)/\(FileRegistry.stagedName), which never became whole")
            }
            return
        }
        if size(of: staged) == nil, size(of: "\(path)/data") == receipt.size {
            try disk.rename("\(path)/data", staged)
            try disk.synchronizeDirectory(path)
            findings.append("images/\(name): put staged data back, whose import never finished")
        }
        if size(of: staged) != receipt.size {
            findings.append("images/\(name): the staged data is missing or of another size, the image is queued again")
            unlink(staged)
            record.image[.status] = .text(ImageStatus.queued.rawValue)
            record.data = .none
        }
    }

    /// Nil: there is no such file.
    private func size(of path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }
}

extension ImageKey {
    /// The key whose directory this is, whatever it holds.
    init(directoryName: String) { name = directoryName }
}
