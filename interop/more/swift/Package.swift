// swift-tools-version:6.0
import PackageDescription

let package = Package(
    name: "client",
    dependencies: [.package(path: "generated")],
    targets: [
        .executableTarget(
            name: "client",
            dependencies: [.product(name: "DingTalkClient", package: "generated")],
            path: ".",
            exclude: ["generated"],
            sources: ["main.swift"]
        )
    ]
)
