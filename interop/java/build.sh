#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

# Without names of its own a client clashes with any other generated one in the same app. okhttp-gson is the generator's
# default. Its library "native" needs fewer dependencies, but has no setting for API keys. By the last option an answer with a
# field that the contract does not know is accepted.
openapi_generator generate -i "$CONTRACT" -g java -o "$BUILD/generated" --library okhttp-gson --group-id com.example \
  --artifact-id dingtalk-client --invoker-package com.example.dingtalk --api-package com.example.dingtalk.api \
  --model-package com.example.dingtalk.model --additional-properties \
  licenseName=Apache-2.0,openApiNullable=false,annotationLibrary=none,documentationProvider=none,hideGenerationTimestamp=true,disallowAdditionalPropertiesIfNotPresent=false

# The generated pom.xml pins what the client needs.
copy_jars() {
  mvn -q -B -f "$BUILD/generated/pom.xml" dependency:copy-dependencies -DincludeScope=compile -DoutputDirectory="$1"
}
once "java-$OPENAPI_GENERATOR" copy_jars

jars="$TOOLS/java-$OPENAPI_GENERATOR/*"
find "$BUILD/generated/src/main/java" -name '*.java' >"$BUILD/sources"
javac -nowarn -encoding UTF-8 -cp "$jars" -d "$BUILD/classes" @"$BUILD/sources" "$SOURCE"/*.java
launcher "exec java -cp '$BUILD/classes:$jars' Program \"\$@\""
