"""A client for DingTalk on top of the generated one: one token for all threads, and repeats where the contract allows them."""

import json
import random
import re
import threading
import time

import pydantic
import urllib3
from dingtalk_client import ApiClient, ApiException, Configuration, ImApi, Oauth2Api
from dingtalk_client.models import GetAccessTokenRequest

ATTEMPTS = 3
TIMEOUT = 10  # seconds
MAX_WAIT = 60  # seconds; whoever is to wait longer gives up
RENEW = 600  # seconds before a token's end, or a fifth of its time
PAUSE = 30  # seconds until a renewal that failed is tried again
PRIVATE = re.compile(r"https://|http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(/|$)")  # requests carry secrets


class DingTalkError(Exception):
    """Why there is no result. status is 0 without an answer; code is empty if the answer was no error of DingTalk's."""

    def __init__(self, text, status=0, body=None, headers=None):
        super().__init__(text)
        try:  # some answers spell Code, Message, which the generated model refuses
            fields = dict(json.loads(body or "{}", object_pairs_hook=lambda pairs: {k.lower(): v for k, v in pairs}))
        except (TypeError, ValueError):
            fields = {}
        self.status, self.code, self.message = status, str(fields.get("code", "")), fields.get("message", "")
        self.request_id = fields.get("requestid", "")
        self.required_scopes = (fields.get("accessdenieddetail") or {}).get("requiredscopes", [])
        try:
            self.retry_after = urllib3.Retry().parse_retry_after((headers or {}).get("Retry-After", "0"))
        except urllib3.exceptions.InvalidHeader:
            self.retry_after = 0


class DingTalk:
    """codes are the rows of codes.json; ca is a file of certificates to trust instead of the machine's."""

    def __init__(self, host, app_key, app_secret, codes, ca=None):
        if not PRIVATE.match(host):
            raise ValueError(f"{host} is not https")
        self._codes = {
            (operation, name.lower()): row
            for row in codes
            for operation in row.get("operations", [None])
            for name in [row["code"], *row.get("aliases", [])]
        }
        self._credentials = GetAccessTokenRequest(app_key=app_key, app_secret=app_secret)
        # Without retries=False urllib3 repeats by rules of its own, and follows redirects with the token.
        self.api = ApiClient(Configuration(host=host, ssl_ca_cert=ca, retries=False))
        self._lock = threading.Lock()
        self._token, self._renew_at, self._expires = None, 0.0, 0.0

    def open_conversation_id(self, chat_id):
        if chat_id in ("", ".", ".."):
            raise ValueError("not a chat id")
        convert = ImApi(self.api).chat_id_to_open_conversation_id
        return self.call("chatIdToOpenConversationId", True, lambda **options: convert(chat_id, **options).open_conversation_id)

    def call(self, operation, safe, send):
        """Returns what send does, unless that is empty. send passes its arguments on to the generated method. safe says that
        a repeat does no harm although the service may have processed the request: x-repeat in the contract."""
        rejected, attempt = None, 1
        while True:
            token = None
            try:
                token = self._current_token()
                if token == rejected:
                    raise error
                key = {"type": "api_key", "in": "header", "key": "x-acs-dingtalk-access-token", "value": token}
                return self._ask(send, _request_auth=key)
            except DingTalkError as caught:
                error = caught
            row = self._row(operation if token else "getAccessToken", error)
            if token and not rejected and row["token"] in ("drop", "fetch"):
                rejected = token
                with self._lock:
                    if self._token == token:
                        self._renew_at = self._expires = 0.0
                continue
            processed = token and row["kind"] != "throttled"
            wait = max(row["waitSeconds"], error.retry_after)
            if not row["retry"] or processed and not safe or wait > MAX_WAIT or attempt == ATTEMPTS:
                raise error
            time.sleep(wait + random.uniform(0, 0.3 * 2 ** (attempt - 1)))
            attempt += 1

    def _row(self, operation, error):
        """What to do by the code: the operation's own row, the common one, or one that the status makes."""
        code, status = error.code.lower(), error.status
        kind, token = "throttled" if status == 429 else "", "drop" if status == 401 else "keep"
        by_status = {"kind": kind, "retry": status in (0, 429) or status >= 500, "waitSeconds": 0, "token": token}
        return self._codes.get((operation, code)) or self._codes.get((None, code)) or by_status

    def _ask(self, send, **options):
        try:
            if result := send(_request_timeout=TIMEOUT, **options):
                return result
        except ApiException as e:
            raise DingTalkError(str(e), e.status or 200, e.body, e.headers) from e
        except pydantic.ValidationError as e:
            raise DingTalkError(str(e), 200) from e  # a success that lacks what it must have
        except (urllib3.exceptions.HTTPError, OSError) as e:
            raise DingTalkError(str(e)) from e
        raise DingTalkError("an answer without a result", 200)

    def _current_token(self):
        with self._lock:  # whoever waits here finds the token that the first one fetched
            if time.monotonic() >= self._renew_at:
                try:
                    fetch = Oauth2Api(self.api).get_access_token
                    answer = self._ask(lambda **options: fetch(self._credentials, **options))
                    self._token, self._expires = answer.access_token, time.monotonic() + answer.expire_in
                    self._renew_at = self._expires - min(RENEW, answer.expire_in / 5)
                except DingTalkError:  # the old token serves until its end
                    if time.monotonic() >= self._expires:
                        raise
                    self._renew_at = min(time.monotonic() + PAUSE, self._expires)
            return self._token
