#!/usr/bin/env bash
# Generates three operations that were imported from DingTalk's official SDK for Python and Java, and calls each with the model
# client of the language at an emulator. It adds to what `make interop LANGS=python,java` built.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=versions.env
source interop/versions.env
made=${INTEROP_CACHE:-$PWD/.tools/interop}
work=$(mktemp -d)
trap 'kill "${emulator:-}" 2>/dev/null || true; rm -rf "$work"' EXIT

go run ./cmd/openconversation-gen official robot_1_0 --operation batchSendOTO,batchOTOQuery,batchRecallOTO >"$work/robot.yaml"
go run ./cmd/openconversation-gen official robot_1_0 --routes "$work/routes.json"
go build -o "$work/openconversation" ./cmd/openconversation
"$work/openconversation" codes --json >"$work/codes.json"
"$work/openconversation" emulator --official robot_1_0 --official-routes "$work/routes.json" --ready-file "$work/ready" >"$work/log" 2>&1 &
emulator=$!
until [ -s "$work/ready" ]; do kill -0 "$emulator" && sleep 0.1; done
# shellcheck disable=SC1091
source "$work/ready"
export DINGTALK_APP_KEY DINGTALK_APP_SECRET DINGTALK_BASE_URL

generate() { java -jar "$made/tools/openapi-generator-$OPENAPI_GENERATOR/openapi_generator_cli/openapi-generator.jar" generate -i "$work/robot.yaml" "$@" >"$work/generator.log"; }

generate -g python -o "$work/python" --additional-properties packageName=robot_client
cat >"$work/python/call.py" <<'PYTHON'
import json, os, sys
from dingtalk import DingTalk
from robot_client import ApiClient, BatchRecallOTORequest, BatchSendOTORequest, RobotApi

url = os.environ["DINGTALK_BASE_URL"]
client = DingTalk(url, os.environ["DINGTALK_APP_KEY"], os.environ["DINGTALK_APP_SECRET"], json.load(open(sys.argv[1])))
robot = RobotApi(client.serve(ApiClient()))
message = BatchSendOTORequest(robot_code="r", user_ids=["u"], msg_key="sampleText", msg_param='{"content": "你好"}')
recall = BatchRecallOTORequest(robot_code="r", process_query_keys=["k"])
print("python:", client.call("batchSendOTO", False, lambda: robot.batch_send_oto(message).process_query_key),
      client.call("batchOTOQuery", True, lambda: robot.batch_oto_query(process_query_key="k", robot_code="r").send_status),
      client.call("batchRecallOTO", False, lambda: robot.batch_recall_oto(recall).success_result))
PYTHON
PYTHONPATH=$made/build/python:$work/python "$made/build/python/venv/bin/python" "$work/python/call.py" "$work/codes.json"

# The classes that every generated client has are there already; what is new has packages of its own.
generate -g java -o "$work/java" --library okhttp-gson --invoker-package com.example.dingtalk --api-package com.example.robot.api --model-package com.example.robot.model \
  --additional-properties openApiNullable=false,annotationLibrary=none,documentationProvider=none,disallowAdditionalPropertiesIfNotPresent=false
cat >"$work/Call.java" <<'JAVA'
import com.example.app.DingTalk;
import com.example.dingtalk.ApiClient;
import com.example.robot.api.RobotApi;
import com.example.robot.model.*;
import java.nio.file.*;
import java.util.List;

class Call {
    public static void main(String[] args) throws Exception {
        var codes = List.of(new com.google.gson.Gson().fromJson(Files.readString(Path.of(args[0])), DingTalk.Code[].class));
        var client = new DingTalk(System.getenv("DINGTALK_BASE_URL"), System.getenv("DINGTALK_APP_KEY"), System.getenv("DINGTALK_APP_SECRET"), codes, new okhttp3.OkHttpClient());
        var robot = new RobotApi(new ApiClient(client.http()));
        var message = new BatchSendOTORequest().robotCode("r").userIds(List.of("u")).msgKey("sampleText").msgParam("{\"content\": \"你好\"}");
        var recall = new BatchRecallOTORequest().robotCode("r").processQueryKeys(List.of("k"));
        System.out.println("java: " + client.call("batchSendOTO", false, () -> robot.batchSendOTO(message).getProcessQueryKey())
            + " " + client.call("batchOTOQuery", true, () -> robot.batchOTOQuery("k", "r").getSendStatus())
            + " " + client.call("batchRecallOTO", false, () -> robot.batchRecallOTO(recall).getSuccessResult()));
        System.exit(0); // the HTTP client's idle threads would keep the process alive for a while
    }
}
JAVA
classes=$made/build/java/classes:$made/build/java/generated/target/classes:$made/build/java/generated/target/dependency/*
javac -nowarn -encoding UTF-8 -cp "$classes" -d "$work/classes" "$work"/java/src/main/java/com/example/robot/*/*.java "$work/Call.java"
java -cp "$work/classes:$classes" Call "$work/codes.json"
