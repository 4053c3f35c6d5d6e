"""The Python program of the interop table: it reads what to do, one JSON object a line, and prints what came
of it."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from dingtalk import DingTalk, DingTalkError
from dingtalk_client import LegacyApi, RobotApi
from dingtalk_client.models import OrgGroupSendRequest


def outcome(call):
    try:
        return {"id": call()}
    except DingTalkError as error:
        return {
            "status": error.status,
            "code": error.code,
            "message": error.message,
            "requestId": error.request_id,
            "requiredScopes": error.required_scopes,
            "failure": str(error),
        }
    except Exception as error:  # whatever else comes out of the generated client is a finding
        return {"failure": f"{type(error).__name__}: {error}"}


def send(client, conversation):
    message = OrgGroupSendRequest(
        open_conversation_id=conversation, robot_code="robot", msg_key="sampleText", msg_param="{}"
    )
    return client.call("orgGroupSend", False, lambda: RobotApi(client.api).org_group_send(message).process_query_key)


def get_chat(client, chat):
    found = client.call("getChat", True, lambda: LegacyApi(client.api).get_chat(chat))
    return found.chat_info and found.chat_info.chatid


CALLS = {"convert": DingTalk.open_conversation_id, "send": send, "getChat": get_chat}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        codes = json.load(file)
    client = None

    def make(url, appKey, appSecret, **options):
        nonlocal client
        client = DingTalk(url, appKey, appSecret, codes, **options)

    for line in sys.stdin:
        wanted = json.loads(line)
        if "client" in wanted:
            calls = [lambda: make(**wanted["client"])]
        else:
            calls = [lambda name=name, of=of: CALLS[name](client, of) for name, of in wanted["calls"]]
        with ThreadPoolExecutor(len(calls)) as threads:
            print(json.dumps(list(threads.map(outcome, calls))), flush=True)


main()
