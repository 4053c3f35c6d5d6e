#!/usr/bin/env bash
# NuGet is not needed: NSwag's npm package brings the generator, and Newtonsoft.Json, as .NET Framework programs that mono
# runs. Teams with the .NET SDK use the tool NSwag.ConsoleCore with the same options.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../tools.sh
source "$ROOT/interop/tools.sh"

once "nswag-$NSWAG" npm_into "nswag@$NSWAG"
bin=$TOOLS/nswag-$NSWAG/node_modules/nswag/bin/binaries/Win

mono "$bin/NSwag.exe" openapi2csclient "/input:$CONTRACT" "/output:$BUILD/Client.cs" \
  /namespace:DingTalk /classname:DingTalkClient /ExceptionClass:DingTalkException /OperationGenerationMode:SingleClientFromOperationId \
  /JsonLibrary:NewtonsoftJson /InjectHttpClient:true /UseBaseUrl:true

cp "$bin/Newtonsoft.Json.dll" "$BUILD"
mcs -nologo -warn:0 -out:"$BUILD/client.exe" -r:"$BUILD/Newtonsoft.Json.dll" -r:System.Net.Http -r:System.Runtime.Serialization \
  -r:System.ComponentModel.DataAnnotations "$BUILD/Client.cs" "$SOURCE"/*.cs
launcher "exec mono '$BUILD/client.exe' \"\$@\""
