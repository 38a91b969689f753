"""What the interop suites share: processes under test, HTTP on the wire, real clients, stand-in registries."""
