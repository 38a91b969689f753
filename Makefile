# Every target first installs what it needs and this machine lacks: Debian packages with apt (with sudo when not root),
# Python environments with pinned versions below .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: run build test bench format clean

export PATH := $(PATH):/opt/swift/usr/bin
CONFIG ?= config/baleen.json5
BINARY := .build/release/baleen
RELEASE := swift build -c release --static-swift-stdlib --product baleen

PRODUCT_PACKAGES := libcurl4-openssl-dev libssl-dev pkg-config
# kamaki speaks Python 2; where there is none any more, Jython does.
PYTHON2_PACKAGES = $(shell python2.7 -c "" 2>/dev/null || echo jython libbcpkix-java)
TEST_PACKAGES = $(PRODUCT_PACKAGES) curl openssl python3 python3-venv python3-pip nginx-light qemu-utils ipxe \
	$(PYTHON2_PACKAGES)
BENCH_PACKAGES := $(PRODUCT_PACKAGES) curl nginx-light wrk python3

# Builds the release binary and starts it on 127.0.0.1:9292 with its embedded registry; stop it with Ctrl-C.
run: build
	$(BINARY) serve --config $(CONFIG)

# Release binary, with Swift's own libraries linked into it.
build:
	@.ci/packages $(PRODUCT_PACKAGES)
	$(RELEASE)

# Format, unit tests, then real clients and real registries; any failure stops it, and with CI=true any skip too.
test:
	@.ci/packages $(TEST_PACKAGES)
	@RELEASE="$(RELEASE)" .ci/test

# CPU, speed and memory beside nginx, in the same run, before the same backend.
bench:
	@.ci/packages $(BENCH_PACKAGES)
	$(RELEASE)
	python3 Tests/Benchmarks/bench.py --binary $(BINARY)

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build .venv
