extension Configuration {
    /// How callers of some mounts are known: `identity`, or an entry of `identities`.
    struct Identity: ConfigSection {
        /// In messages: `identity` or `identities.NAME`.
        var path: String
        var values: [String: ConfigValue]

        var hasBridge: Bool { text("bridge.url") != nil }

        /// What is configured, or what the backend behind makes safe: a registry that is embedded cannot judge tokens.
        func kind(isEmbedded: Bool) -> String { text("kind") ?? (isEmbedded ? "open" : "passthrough") }
    }

    /// The section `identity`.
    var standardIdentity: Identity {
        let keys = ConfigSchema.identity.map(\.path)
        let values = keys.compactMap { key in self.values["identity.\(key)"].map { (key, $0) } }
        return Identity(path: "identity", values: Dictionary(values) { $1 })
    }

    /// The mount's own, else its backend's, else the section `identity`.
    func identity(of mount: Mount) -> Identity {
        let backend = backends.first { $0.name == mount.backend }
        guard let name = mount.identity ?? backend?.text("identity"), let identity = identities[name] else {
            return standardIdentity
        }
        return identity
    }
}
