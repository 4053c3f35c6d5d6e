"""The program for openapi-python-client: one conversion, and what came of it."""

import json
import sys

from dingtalk_client import AuthenticatedClient
from dingtalk_client.api.im import chat_id_to_open_conversation_id
from dingtalk_client.models import ApiError

scheme, host, token, chat_id = sys.argv[1:]
client = AuthenticatedClient(
    base_url=f"{scheme}://{host}", token=token, prefix="", auth_header_name="x-acs-dingtalk-access-token"
)
answer = chat_id_to_open_conversation_id.sync_detailed(chat_id, client=client)
if isinstance(answer.parsed, ApiError):
    print(json.dumps({"status": answer.status_code, "code": answer.parsed.code, "message": answer.parsed.message}))
else:
    print(json.dumps({"id": answer.parsed.open_conversation_id}))
