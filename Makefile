# `make` lists the targets. `make run` and `make test` need only Go, make and git; the other gates install the tools that
# they use, at the versions below, into .tools/. Outside this folder they change nothing but Debian's packages: redis-test,
# readme-check and interop install those that are missing, where they run as root.

GO ?= go
GOFMT ?= gofmt
NPM ?= npm
NODE ?= node

# golangci-lint is built from source, which takes a minute or two once: its own releases are binaries that not every
# machine can fetch, and a binary built with an older Go refuses newer code.
GOLANGCI_VERSION := v2.15.0
REDOCLY_VERSION := 2.77.0
SPECTRAL_VERSION := 6.15.0
TOXIPROXY_VERSION := v2.12.0

TOOLS := $(CURDIR)/.tools
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)/golangci-lint
REDOCLY := $(TOOLS)/redocly-$(REDOCLY_VERSION)/node_modules/.bin/redocly
SPECTRAL := $(TOOLS)/spectral-$(SPECTRAL_VERSION)/node_modules/.bin/spectral
REDOC := $(TOOLS)/redocly-$(REDOCLY_VERSION)/node_modules/@redocly/cli/lib/chunks/redoc.standalone.js
TOXIPROXY := $(TOOLS)/toxiproxy-$(TOXIPROXY_VERSION)/server
# Servers of other kinds than Debian's, from wheels of Python packages; NAME=PATH for those that are there.
SERVERS := $(TOOLS)/servers
REDIS_SERVERS = $(shell cat $(SERVERS)/list 2>/dev/null | paste -sd, -)
COMMAND := $(TOOLS)/openconversation

# Arguments for `go test`, such as TESTFLAGS='-run TestToken -v'.
TESTFLAGS ?=
# How long `make fuzz` spends on each fuzz target, and how many inputs `make fuzz-short` gives each.
FUZZTIME ?= 60s
FUZZCOUNT ?= 2000

# The pair that DingTalk's page shows.
CHAT := chatfaabe59a460527f5fb72fbbdfe3f061e
UNKNOWN_CHAT := chat00000000000000000000000000000000

.DEFAULT_GOAL := help
.PHONY: help run test platforms redis-test bench-fleet emulator-soak generate check lint fmt vet golangci contract-lint arazzo-check drift tidy docs docs-check importer allocs examples mutants fuzz fuzz-short wine-test \
	interop interop-checks bench bench-check migrate-check official-check bench-bulk readme readme-check newcomer fixtures clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The command is built and then run, since `go run` turns every exit code into 1.
run: ## Convert a chat through the built-in emulator, then an unknown one to see its error
	@mkdir -p $(TOOLS)
	@$(GO) build -o $(COMMAND) ./cmd/openconversation
	@echo '$$ openconversation convert --emulator $(CHAT)'
	@id=$$($(COMMAND) convert --emulator $(CHAT)) && printf '%s  %s\n' $(CHAT) "$$id"
	@echo
	@echo '$$ openconversation convert --emulator $(UNKNOWN_CHAT)'
	@code=0; $(COMMAND) convert --emulator $(UNKNOWN_CHAT) || code=$$?; \
	if [ $$code -ne 1 ]; then \
		echo "run: an unknown chat ended with exit code $$code; 1 was expected" >&2; exit 1; \
	fi; \
	echo '(exit code 1, as it should be: this chat is unknown)'

# The race detector needs cgo and a C compiler with its headers; compiling a small program tells whether they are there.
test: ## Run the tests, with the race detector where a C compiler is present
	@cc=$$($(GO) env CC); race=-race; \
	if [ "$$($(GO) env CGO_ENABLED)" != 1 ]; then \
		race=; echo 'test: without the race detector: cgo is off (CGO_ENABLED=0, or no C compiler was found)'; \
	elif ! printf '#include <stdlib.h>\nint main(void) { return 0; }\n' | $$cc -x c -o /dev/null - >/dev/null 2>&1; then \
		race=; echo "test: without the race detector: the C compiler '$$cc' is missing or does not work"; \
	else \
		echo 'test: with the race detector'; \
	fi; \
	echo 'test: without those that need a redis-server, which make redis-test runs'; \
	set -x; $(GO) test $$race -shuffle=on $(TESTFLAGS) ./...

# It skips where Wine is missing. Windows itself is a job of ci.yml.
wine-test:
	@.ci/wine-test.sh

# The tests that share limits need a real server and a proxy that breaks what passes, so that they stand behind a build
# tag: `make test` runs without.
redis-test: redis-server $(TOXIPROXY) $(SERVERS)/list ## Run the tests that need a real redis-server (installed with apt-get where that is allowed)
	@echo "redis-test: with $$(redis-server --version)"; sed 's/^/redis-test: with /' $(SERVERS)/list
	$(GO) vet -tags redis ./...
	REDIS_SERVERS="$(REDIS_SERVERS)" TOXIPROXY_SERVER=$(TOXIPROXY) \
		$(GO) test -tags redis -count=1 -shuffle=on -parallel 12 $(TESTFLAGS) ./wrapper/dingtalkredis
	$(GO) test -tags redis -count=1 -run '^TestMachines' ./cmd/openconversation

bench-fleet: redis-server $(TOXIPROXY) $(SERVERS)/list ## Show what processes do that share a Redis of each kind: tokens, rate, budget, outages (about 7 minutes)
	@FLEET_CHATS=2000 REDIS_SERVERS="$(REDIS_SERVERS)" TOXIPROXY_SERVER=$(TOXIPROXY) \
		$(GO) test -tags redis -count=1 -v -timeout 20m -run '^(TestFleet|TestAway|TestBudgetOfMany)' ./wrapper/dingtalkredis > $(TOOLS)/bench-fleet.log; \
	code=$$?; sed -n 's/^.*figure: //p' $(TOOLS)/bench-fleet.log; \
	if [ $$code -ne 0 ]; then cat $(TOOLS)/bench-fleet.log >&2; fi; exit $$code

$(TOXIPROXY):
	GOBIN=$(@D) CGO_ENABLED=0 $(GO) install github.com/Shopify/toxiproxy/v2/cmd/server@$(TOXIPROXY_VERSION)

$(SERVERS)/list:
	@.ci/redis-servers.sh $(@D)

.PHONY: redis-server
redis-server:
	@mkdir -p $(TOOLS); command -v redis-server >/dev/null || { \
		echo 'redis-server is missing; installing the package redis-server'; \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null; \
	}; command -v redis-server >/dev/null || { \
		echo 'redis-server is missing and could not be installed: install version 6 or newer (Debian: apt-get install redis-server)' >&2; exit 1; }

# emulator-soak: Send a million requests to an emulator, and fail if its memory grows (Linux, some minutes).
emulator-soak:
	OPENCONVERSATION_SOAK=1000000 $(GO) test -count=1 -v -timeout 30m -run '^TestMemoryIsFlat$$' ./cmd/openconversation

generate: ## Make generated/ and the client's methods from openapi.yaml
	$(GO) generate ./...

check: tidy drift lint test importer allocs fuzz-short ## Run the gates of the Go code and the contract; .ci/run has all of them

lint: fmt vet golangci contract-lint ## Run the linters of the Go code and of the contract

# fmt: Fail if gofmt would change a file.
fmt:
	@files=$$(git ls-files -co --exclude-standard -- '*.go' | while IFS= read -r f; do [ ! -f "$$f" ] || echo "$$f"; done); \
	bad=$$($(GOFMT) -l $$files) || exit 1; \
	if [ -n "$$bad" ]; then echo "fmt: run gofmt -w on:" >&2; echo "$$bad" >&2; exit 1; fi

# vet: Run go vet.
vet:
	$(GO) vet ./...

# The other systems that the command is built for, and 32 bits. Their tests run where the machine can run them.
PLATFORMS := linux/386 linux/arm windows/amd64 darwin/arm64

# platforms: Vet, which compiles, for other systems and for 32 bits, and test the SDK with 32 bits where this machine can.
platforms:
	@for p in $(PLATFORMS); do \
		echo "platforms: $$p"; GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) vet ./... || exit 1; \
	done
	@if [ "$$($(GO) env GOOS)/$$($(GO) env GOARCH)" = linux/amd64 ]; then \
		set -x; CGO_ENABLED=0 GOARCH=386 $(GO) test ./generated/... ./wrapper/...; \
	fi

# golangci-lint looks at one module: it passes over those in folders of this one without a word.
# golangci: Run golangci-lint with the checks of .golangci.yml in every module.
golangci: $(GOLANGCI) bench-generated
	@modules=$$(git ls-files -co --exclude-standard -- go.mod '*/go.mod') && [ -n "$$modules" ] || exit 1; \
	for mod in $$modules; do \
		dir=$$(dirname "$$mod"); echo "== $$dir"; \
		(cd "$$dir" && $(GOLANGCI) run --config $(CURDIR)/.golangci.yml ./...) || exit 1; \
	done

$(GOLANGCI):
	GOBIN=$(@D) CGO_ENABLED=0 $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)

# Redocly reports warnings and ignored problems without failing; its totals are held to zero. The Go test is
# kin-openapi's validation, examples included: each finds mistakes that the other misses.
define TOTALS
const { totals } = JSON.parse(require("fs").readFileSync(0, "utf8"));
if (totals.errors !== 0 || totals.warnings !== 0 || totals.ignored !== 0) {
  console.error("contract-lint: Redocly found", totals);
  process.exit(1);
}
endef
export TOTALS

# contract-lint: Validate openapi.yaml, also as OpenAPI 3.1, with Redocly, Spectral and kin-openapi (needs Node.js and npm).
contract-lint: $(REDOCLY) $(SPECTRAL)
	@mkdir -p $(TOOLS)/docs; export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true; \
	$(REDOCLY) bundle --config .redocly.yaml openapi.yaml --ext json -o $(TOOLS)/docs/contract.json >/dev/null 2>&1 && \
	$(NODE) docs/openapi31.mjs $(TOOLS)/docs/contract.json $(TOOLS)/docs/contract-3.1.json && \
	for contract in openapi.yaml $(TOOLS)/docs/contract-3.1.json; do \
		$(REDOCLY) lint --config .redocly.yaml $$contract && \
		$(REDOCLY) lint --config .redocly.yaml --format=json $$contract 2>/dev/null | $(NODE) -e "$$TOTALS" && \
		$(SPECTRAL) lint --ruleset .spectral.yaml --fail-severity=hint $$contract || exit 1; \
	done
	$(GO) test -count=1 -run '^TestContract' .

$(SPECTRAL):
	$(NPM) install --prefix $(TOOLS)/spectral-$(SPECTRAL_VERSION) --no-save --ignore-scripts --no-audit --no-fund @stoplight/spectral-cli@$(SPECTRAL_VERSION)

# Redocly's respect sends what the workflows say, and holds the answers to openapi.yaml. What the emulator then holds is
# compared by the Go test that starts both.
# arazzo-check: Validate workflows.arazzo.yaml and run it against the emulator (needs Node.js and npm).
arazzo-check: $(REDOCLY)
	@export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true; \
	$(REDOCLY) lint --extends recommended-strict workflows.arazzo.yaml && \
	OPENCONVERSATION_REDOCLY='$(REDOCLY)' $(GO) test -count=1 -v -run '^TestWorkflows' .

$(REDOCLY):
	@for tool in $(NODE) $(NPM); do \
		command -v $$tool >/dev/null || { echo "contract-lint: $$tool is missing: install Node.js 20.19 or newer with npm" >&2; exit 1; }; \
	done
	REDOCLY_TELEMETRY=off $(NPM) install --prefix $(TOOLS)/redocly-$(REDOCLY_VERSION) \
		--no-save --ignore-scripts --no-audit --no-fund @redocly/cli@$(REDOCLY_VERSION)

# Redocly's command brings the script that draws the page; what it makes by itself fetches that from its makers' host.
docs: $(REDOCLY) ## Make the reference page of the contract, one file that works offline (needs Node.js and npm)
	@mkdir -p bin/docs $(TOOLS)/docs
	@export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true; \
	$(REDOCLY) bundle --config .redocly.yaml openapi.yaml --ext json -o $(TOOLS)/docs/contract.json >/dev/null 2>&1 && \
	$(GO) run ./cmd/openconversation codes --json > $(TOOLS)/docs/codes.json && \
	$(NODE) docs/reference.mjs $(TOOLS)/docs/contract.json $(TOOLS)/docs/codes.json $(REDOC) bin/docs/reference.html && \
	printf 'docs: %s, %s bytes\n' bin/docs/reference.html "$$(wc -c < bin/docs/reference.html)"

# docs-check: Fail if the reference page lacks a code or could fetch anything; draws it where chromium or Chrome is present.
docs-check: docs
	@$(NODE) docs/check.mjs $(TOOLS)/docs/codes.json $(TOOLS)/docs/contract.json bin/docs/reference.html $$(command -v chromium || command -v google-chrome)

# Twice, because output that depends on what was there before would differ only the second time. Compared with git's
# index, so that a changed contract passes once its generated files are staged with it.
# drift: Fail if what go generate makes of the contracts is not what is committed.
drift:
	@made() { git ls-files -co --exclude-standard -- '*.gen.go' ':!bench' | xargs cksum; }; \
	$(GO) generate ./... && first=$$(made) && $(GO) generate ./... && [ "$$first" = "$$(made)" ] || \
	{ echo 'drift: generation failed, or a second one changed something' >&2; exit 1; }
	@git --no-pager diff --exit-code -- '*.gen.go' || { echo 'drift: generated files differ from what is staged: stage those above' >&2; exit 1; }
	@new=$$(git ls-files --others --exclude-standard -- '*.gen.go'); \
	if [ -n "$$new" ]; then echo "drift: generated but not in git: $$new" >&2; exit 1; fi

# tidy: Fail if go mod tidy would change go.mod or go.sum.
tidy:
	$(GO) mod tidy -diff

importer: ## Import the module's zip into small apps, run them, and count what comes with it (IMPORTER=update accepts)
	OPENCONVERSATION_IMPORTER=$(or $(IMPORTER),1) $(GO) test -count=1 -v -run '^TestImporter' .

# Without the race detector, which allocates by itself.
# allocs: Count what a call allocates, and fail if it is more than promised.
allocs:
	$(GO) test -count=1 -v -run '^TestCallAllocatesLittle$$' ./wrapper

# examples: Test what apps may import that is a module of its own.
examples:
	cd contrib/otel && $(GO) vet ./... && $(GO) test ./...

mutants: ## Break the wrapper's safeties one at a time, and fail if no test notices
	$(GO) run ./internal/mutants

fuzz: ## Fuzz every fuzz target for FUZZTIME (60s each)
	$(call fuzz_each,$(FUZZTIME))

# fuzz-short: Give every fuzz target FUZZCOUNT inputs (2000 each).
fuzz-short:
	$(call fuzz_each,$(FUZZCOUNT)x)

# go test fuzzes one target of one package at a time. An input that fails is written to the package's testdata/fuzz;
# commit it as a seed with the fix.
define fuzz_each
	@found=0; for file in $$(git grep -l --untracked '^func Fuzz' -- '*_test.go'); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			found=$$((found + 1)); echo "== $$file $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(1) "./$$(dirname $$file)" || exit 1; \
		done; \
	done; \
	if [ $$found -eq 0 ]; then echo 'fuzz: no fuzz target was found' >&2; exit 1; fi; \
	echo "fuzz: $$found targets passed"
endef

# LANG is also a variable of the environment: only one on the command line picks a language.
INTEROP_LANGS = $(or $(LANGS),$(if $(filter command%,$(origin LANG)),$(LANG)))

interop: ## Generate a client in every language and run them, and the official SDKs (LANGS=python,java picks)
	$(GO) run ./interop $(if $(INTEROP_LANGS),-lang '$(INTEROP_LANGS)')

# interop-checks: Compare the contract with the released one; try the emulator with Schemathesis and Prism.
interop-checks:
	$(GO) run ./interop -check all

# Oapi-codegen's own client is generated before each use, not committed.
.PHONY: bench-generated
bench-generated:
	@cd bench && $(GO) generate ./...

bench: bench-generated ## Compare a call's cost with other clients', and write bench/RESULTS.md (about 5 minutes)
	cd bench && $(GO) run . -out RESULTS.md

# bench-check: Vet the benchmark.
bench-check: bench-generated
	cd bench && $(GO) vet ./... && $(GO) mod tidy -diff

# migrate-check: Run the official SDK and this one side by side, and compare docs/migrating-from-the-official-sdk.md with that.
migrate-check:
	cd bench && $(GO) test -count=1 ./migrate

# official-check: Import operations of DingTalk's official SDK, send each with that SDK and with a generated method, and fail if they differ otherwise than by design: packages drawn by SEED, or ALL=1.
official-check:
	cd bench/official && $(GO) run ./draw && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -count=1 -v -timeout 30m . > drawn/log; \
	code=$$?; sed -n 's/^ *agree_test.go:[0-9]*: \([0-9]* operations\)/official-check: \1/p' drawn/log; if [ $$code -ne 0 ]; then cat drawn/log >&2; fi; exit $$code

bench-bulk: ## Measure runs over many chats, and fail if a promise is missed (5 minutes, on an idle machine)
	$(GO) run ./internal/benchbulk $(BULKFLAGS)

readme: ## Fill the tables of README.md and README.zh-CN.md from their sources
	$(GO) run ./internal/readme

readme-check: redis-server ## Run every snippet of README.md as a new user would, compare README.zh-CN.md with it, and look up what the pages name
	OPENCONVERSATION_README=1 $(GO) test -count=1 -v -timeout 30m -run '^Test(Snippets|Tables|Translation|Links|Named|MapNames)' ./internal/readme

newcomer: $(REDOCLY) ## Add an endpoint in a copy of the repository as CONTRIBUTING.md says, and count the lines typed by hand
	OPENCONVERSATION_README=1 OPENCONVERSATION_TOOLS='$(TOOLS)' $(GO) test -count=1 -v -timeout 30m -run '^TestNewcomer' ./internal/readme

fixtures: ## Make the rows' fixtures again with LibreOffice Calc, as a spreadsheet program writes them (installs it as root)
	GO=$(GO) cmd/openconversation/internal/rows/testdata/make-fixtures.sh

clean: ## Remove the tools and what was built
	rm -rf $(TOOLS) bin

include .ci/release.mk
