// swift-tools-version: 6.2
import PackageDescription

/// Settings of every Swift target: one list, so that no room is laxer than another.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InferIsolatedConformances"),
    // Plain public declarations are otherwise never inlined across targets (measured: 18 times slower per byte).
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

/// A room: a Swift target that may import only what stands in `imports`.
func room(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: settings)
}

/// - Parameter data: folders of test data, read from beside the tests' source.
func tests(_ name: String, _ imports: [Target.Dependency], data: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: imports, path: "Tests/\(name)", exclude: data, swiftSettings: settings)
}

let package = Package(
    name: "baleen",
    products: [.executable(name: "baleen", targets: ["baleen"])],
    targets: [
        .target(name: "CLinux"),
        .systemLibrary(name: "CCurl"),
        .systemLibrary(name: "COpenSSL"),
        room("Posix", ["CLinux"]),
        room("Bytes", ["COpenSSL"]),
        room("EventLoop", ["CLinux", "Posix"]),
        room("HTTP", ["Bytes"]),
        room("Images", ["Bytes"]),
        room("Dialects", ["Images", "HTTP", "Bytes"]),
        room("Upstream", ["CCurl", "EventLoop", "HTTP", "Bytes", "Posix"]),
        room("Registry", ["Images", "EventLoop", "Bytes", "Posix"]),
        room("Backends", ["Images", "Dialects", "Upstream", "Registry", "HTTP", "Bytes", "EventLoop"]),
        room("Identity", ["Images", "Upstream", "HTTP", "Bytes", "EventLoop", "Posix"]),
        room("Server", ["EventLoop", "HTTP", "Bytes", "Posix"]),
        room(
            "Gateway",
            [
                "Images", "Dialects", "Backends", "Identity", "Server", "Upstream", "Registry", "HTTP", "Bytes",
                "EventLoop", "Posix",
            ]),
        .executableTarget(name: "baleen", dependencies: ["Gateway", "EventLoop", "Posix"], swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["Images"], path: "Tests/TestSupport", swiftSettings: settings),
        tests("BytesTests", ["Bytes"]),
        tests("DialectsTests", ["Dialects", "Images", "HTTP", "Bytes", "TestSupport"], data: ["Vectors"]),
        tests(
            "BackendsTests", ["Backends", "Dialects", "Upstream", "Registry", "Images", "HTTP", "Bytes", "EventLoop"],
            data: ["Vectors"]),
        tests("RegistryTests", ["Registry", "Backends", "Images", "Bytes", "EventLoop", "TestSupport"]),
        tests("HTTPTests", ["HTTP"]),
        tests("ServerTests", ["Server", "EventLoop", "HTTP", "Bytes", "Posix"]),
        tests("ImagesTests", ["Images"]),
        tests("EventLoopTests", ["EventLoop", "Posix"]),
        tests("IdentityTests", ["Identity", "Images", "Upstream", "HTTP", "Bytes", "EventLoop", "Posix"]),
        tests(
            "GatewayTests",
            [
                "Gateway", "Dialects", "Images", "Identity", "Server", "HTTP", "Bytes", "EventLoop", "Posix",
                "Upstream",
                "Backends", "Registry",
            ],
            data: ["Explained"]),
        tests("UpstreamTests", ["Upstream", "EventLoop", "HTTP", "Bytes", "Posix"]),
    ]
)
