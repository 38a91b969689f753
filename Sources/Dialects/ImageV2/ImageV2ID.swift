import Bytes

/// Image ids towards an Image API v2 registry, which takes only UUIDs (mapping §3.5).
public enum ImageV2ID {
    static let namespace = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

    /// The id under which the registry has the image; the same id for the same client id, so that no search is needed.
    public static func remote(_ id: String) -> String {
        if UUIDText.isCanonical(id) { return id }
        return (try? UUIDText.version5(namespace: namespace, name: "image:" + id)) ?? id
    }
}
