#!/usr/bin/env bash
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../../tools.sh
source "$ROOT/interop/tools.sh"

page
grep -q 'Future<ChatIdToOpenConversationIdResponseBody?> chatIdToOpenConversationId(String chatId' "$BUILD/generated/lib/api/im_api.dart"
