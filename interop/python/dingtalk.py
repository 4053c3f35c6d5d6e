"""A client for DingTalk on top of the generated one: one token for all threads, and repeats where the contract allows them."""

import json
import random
import threading
import time

import pydantic
import urllib3
from dingtalk_client import ApiClient, ApiException, Configuration, ImApi, Oauth2Api
from dingtalk_client.models import GetAccessTokenRequest

ATTEMPTS = 3
TIMEOUT = 10  # seconds
RENEW = 600  # seconds before a token's end


class DingTalkError(Exception):
    """Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's."""

    def __init__(self, text, status=0, body=None):
        super().__init__(text)
        try:
            fields = _lower(json.loads(body or ""))
        except (ValueError, AttributeError):
            fields = {}
        self.status, self.code, self.message = status, fields.get("code", ""), fields.get("message", "")
        self.request_id = fields.get("requestid", "")
        self.required_scopes = _lower(fields.get("accessdenieddetail") or {}).get("requiredscopes", [])


def _lower(fields):
    """Some answers spell Code, Message: the generated model refuses those, so their text is read here."""
    return {name.lower(): value for name, value in fields.items()}


class DingTalk:
    """codes are the rows of codes.json; ca is a file of certificates to trust instead of the machine's."""

    def __init__(self, host, app_key, app_secret, codes, ca=None):
        self._codes = {name.lower(): row for row in codes for name in [row["code"], *row.get("aliases", [])]}
        self._credentials = GetAccessTokenRequest(app_key=app_key, app_secret=app_secret)
        # Without retries=False urllib3 repeats by rules of its own, and follows redirects with the token.
        self.api = ApiClient(Configuration(host=host, ssl_ca_cert=ca, retries=False))
        self._lock = threading.Lock()
        self._token, self._renew_at = None, 0.0

    def open_conversation_id(self, chat_id):
        if chat_id in ("", ".", ".."):
            raise ValueError("not a chat id")
        im = ImApi(self.api)
        return self.call(
            True, lambda **auth: im.chat_id_to_open_conversation_id(chat_id, **auth).open_conversation_id
        )

    def call(self, safe, send):
        """Returns what send does, unless that is empty. send passes its arguments on to the generated method. safe says that
        a repeat does no harm although the service may have processed the request: x-repeat in the contract."""
        rejected, attempt = None, 1
        while True:
            sent = False
            try:
                token = self._current_token()
                if token == rejected:
                    raise error
                sent = True
                key = {"type": "api_key", "in": "header", "key": "x-acs-dingtalk-access-token", "value": token}
                if result := send(_request_auth=key, _request_timeout=TIMEOUT):
                    return result
                raise DingTalkError("an answer without a result", 200)
            except DingTalkError as caught:
                error = caught
            except ApiException as caught:
                error = DingTalkError(str(caught), caught.status or 200, caught.body)
            except pydantic.ValidationError as caught:
                error = DingTalkError(str(caught), 200)  # a success that lacks what it must have
            except (urllib3.exceptions.HTTPError, OSError) as caught:
                error = DingTalkError(str(caught))
            row = self._codes.get(error.code.lower())
            if sent and row and row["token"] in ("drop", "fetch") and rejected is None:
                rejected = token
                self._forget(token)
                continue
            repeat = row["retry"] if row else error.status in (0, 429) or error.status >= 500
            refused = error.status == 429 or row is not None and row["kind"] == "throttled"
            if not repeat or attempt == ATTEMPTS or not (safe or refused or not sent):
                raise error
            time.sleep(max(row["waitSeconds"] if row else 0, random.uniform(0, 0.3 * 2**attempt)))
            attempt += 1

    def _current_token(self):
        with self._lock:  # whoever waits here finds the token that the first one fetched
            if self._token is None or time.monotonic() >= self._renew_at:
                answer = Oauth2Api(self.api).get_access_token(self._credentials, _request_timeout=TIMEOUT)
                if not answer.access_token:
                    raise DingTalkError("an answer without a token", 200)
                self._token = answer.access_token
                self._renew_at = time.monotonic() + answer.expire_in - min(RENEW, answer.expire_in / 5)
            return self._token

    def _forget(self, token):
        with self._lock:
            if self._token == token:
                self._token = None
