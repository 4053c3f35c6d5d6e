# `make` lists the targets. `make run` and `make test` need only Go, make and git. The other gates install the tools that they
# use, at the versions in .ci/steps.sh, into .tools/. Outside this folder they change nothing but Debian's packages, which they
# install where they run as root.

GO ?= go
export GO

# Arguments for `go test`, such as TESTFLAGS='-run TestToken -v'.
TESTFLAGS ?=
export TESTFLAGS
# How long `make fuzz` spends on each fuzz target; 2000x is as many inputs.
FUZZTIME ?= 60s
export FUZZTIME

.PHONY: help run test redis-test generate fmt lint check docs fuzz importer interop official-check bench bench-fleet readme readme-check newcomer release clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' Makefile

run: ## Convert a chat through the built-in emulator, then an unknown one to see its error
	@.ci/demo.sh

test: ## Run the tests, those of the SDK with the race detector where a C compiler is present
	@.ci/test.sh

redis-test: ## Run the tests that need a real redis-server
	@.ci/run redis-test

generate: ## Make generated/ and the client's methods from openapi.yaml
	$(GO) generate ./...

fmt: ## Fail if gofmt would change a file
	@.ci/run fmt

lint: ## Run the linters of the Go code and of the contract
	@.ci/run fmt golangci contract

check: ## Run the gates of the Go code and the contract, or with ONLY=name,name these steps of .ci/run
	@.ci/run $(or $(ONLY),tidy drift fmt golangci contract test importer fuzz-short)

docs: ## Make the reference page of the contract, one file that works offline
	@.ci/run docs

fuzz: ## Fuzz every fuzz target for FUZZTIME (60s each)
	@.ci/run fuzz

importer: ## Import the module's zip into small apps, and count what comes with it (IMPORTER=update accepts)
	@OPENCONVERSATION_IMPORTER=$(or $(IMPORTER),1) .ci/run importer

interop: ## Generate a client in every language and run them (LANGS=python,java picks; LANGS=more,official)
	@.ci/run packages
	$(GO) run ./interop -lang '$(LANGS)'

official-check: ## Compare this SDK with DingTalk's official one, request by request
	@.ci/run official

bench: ## Compare a call's cost with other clients', and write bench/RESULTS.md (about a minute)
	cd bench && $(GO) generate . && $(GO) run . -out RESULTS.md

bench-fleet: ## Show what processes do that share a Redis of each kind: tokens, rate, budget, outages (about 20 minutes)
	@.ci/run bench-fleet

readme: ## Fill the tables of the pages from their sources
	$(GO) run ./internal/readme

readme-check: ## Run every snippet of the pages as a new user would, and compare the Chinese ones
	@.ci/run readme-check

newcomer: ## Add an endpoint in a copy of the repository as CONTRIBUTING.md says, and count the lines typed by hand
	@.ci/run newcomer

release: ## Publish a draft of a release of the tag at hand (docs/releasing.md has the steps)
	@.ci/run release

clean: ## Remove the tools and what was built
	rm -rf .tools bin
