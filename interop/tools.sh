# What the runner sources before it builds a program, with these in the environment:
#   CONTRACT  openapi.yaml
#   SOURCE    the folder of the program, and of build.sh, if it has one
#   BUILD     a folder with page.sh, to be left with an executable called client
#   TOOLS     where downloads are kept
#   ROOT      the repository
# shellcheck shell=bash

# shellcheck source-path=SCRIPTDIR source=versions.env
source "$ROOT/interop/versions.env"

# once FOLDER COMMAND… fills a folder below TOOLS by running the command with the folder's path as its last argument, unless
# that was done before. An attempt that is interrupted leaves nothing that looks finished.
once() {
  local dir=$TOOLS/$1
  shift
  [ ! -d "$dir" ] || return 0
  rm -rf "$dir.part"
  mkdir -p "$dir.part"
  "$@" "$dir.part"
  mv "$dir.part" "$dir"
}

# pip_into PACKAGE… FOLDER; no build steps are run, and nothing of the machine's own Python changes.
pip_into() {
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --only-binary :all: \
    --target "${*: -1}" "${@:1:$#-1}"
}

# npm_into PACKAGE… FOLDER; no install scripts are run, and no lock file is written.
npm_into() {
  npm install --silent --ignore-scripts --no-audit --no-fund --no-save --prefix "${*: -1}" "${@:1:$#-1}"
}

# page runs the commands of the language's README.md, which the runner has put into page.sh, as its readers would paste
# them: in $BUILD, where openapi.yaml and the folder's files are.
page() {
  once "openapi-generator-$OPENAPI_GENERATOR" pip_into --no-deps "openapi-generator-cli==$OPENAPI_GENERATOR"
  mkdir -p "$BUILD/bin"
  printf '#!/bin/sh\nexec java -jar "%s" "$@"\n' \
    "$TOOLS/openapi-generator-$OPENAPI_GENERATOR/openapi_generator_cli/openapi-generator.jar" >"$BUILD/bin/openapi-generator-cli"
  chmod +x "$BUILD/bin/openapi-generator-cli"
  find "$SOURCE" -maxdepth 1 -type f -exec cp {} "$BUILD" \;
  cp "$CONTRACT" "$BUILD/openapi.yaml"
  tr ' ' '\n' <<<"$PYTHON_PACKAGES" >"$BUILD/constraints" # which versions of a client's dependencies pip chooses, and theirs
  (cd "$BUILD" && PATH="$BUILD/bin:$PATH" PIP_CONSTRAINT=$BUILD/constraints bash -euxo pipefail page.sh)
}

# launcher LINE… makes the executable called client out of shell lines. It must not name SOURCE: a build outlives the clone
# that it was made in, where INTEROP_CACHE is set.
launcher() {
  printf '%s\n' '#!/usr/bin/env bash' "$@" >"$BUILD/client"
  chmod +x "$BUILD/client"
}
