"""The Python program of the interop table, on the client that openapi-generator makes."""

import json
import sys

import dingtalk_client
from dingtalk_client.models import ApiError, GetAccessTokenRequest


def convert(url, token, chat_id):
    configuration = dingtalk_client.Configuration(host=url, api_key={"accessToken": token})
    with dingtalk_client.ApiClient(configuration) as client:
        answer = dingtalk_client.ImApi(client).chat_id_to_open_conversation_id(chat_id)
    return {"id": answer.open_conversation_id}


def token(url, app_key, app_secret):
    with dingtalk_client.ApiClient(dingtalk_client.Configuration(host=url)) as client:
        answer = dingtalk_client.Oauth2Api(client).get_access_token(
            GetAccessTokenRequest(app_key=app_key, app_secret=app_secret)
        )
    return {"accessToken": answer.access_token, "expireIn": answer.expire_in}


def failure(error):
    """What an ApiException says. Its data is the model of the contract's error, where the answer was one."""
    report = {"status": error.status}
    if isinstance(error.data, ApiError):
        report |= {"code": error.data.code, "message": error.data.message, "requestId": error.data.requestid}
        if error.data.accessdenieddetail:
            report["requiredScopes"] = error.data.accessdenieddetail.required_scopes
    return report


def main():
    operation, *arguments = sys.argv[1:]
    try:
        report = {"convert": convert, "token": token}[operation](*arguments)
    except dingtalk_client.ApiException as error:
        report = failure(error)
    except Exception as error:  # whatever else comes out of the generated client is a finding
        report = {"failure": f"{type(error).__name__}: {error}"}
    print(json.dumps(report))


main()
