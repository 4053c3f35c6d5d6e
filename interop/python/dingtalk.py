"""A client for DingTalk on top of generated ones: one token for all threads, one request on the wire for each attempt, and
repeats where the contract allows them."""

from __future__ import annotations

import http.client
import io
import json
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

import pydantic
import urllib3
from dingtalk_client import ApiClient, Configuration, ImApi

__all__ = ["DingTalk", "DingTalkError"]

T = TypeVar("T")

ATTEMPTS = 3
LARGEST = 16 << 20  # bytes of an answer
MAX_WAIT = 60  # seconds; whoever is to wait longer gives up
RENEW = 600  # seconds before a token's end, or a fifth of its time
PAUSE = 30  # seconds until a renewal that failed is tried again
DAY, UNKNOWN = 86400.0, 5.0  # seconds that a token is kept: at most, and if the service gives no lifetime of a second or more
PRIVATE = re.compile(r"https://[^/?#@]+|http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(?=/|$)")  # requests carry secrets


class DingTalkError(Exception):
    """Why there is no result. status is 0 without a whole answer; code is empty if that was no error of DingTalk's."""

    def __init__(self, reason: str, status: int = 0, body: str = "", headers: Mapping[str, str] | None = None) -> None:
        fields = _fields(body)
        code, general = fields.get("code"), fields.get("errcode")  # of the legacy API, whose 88 has a sub_code
        code = code or (fields.get("sub_code") if str(general) == "88" else None) or general
        message, detail = fields.get("message") or fields.get("errmsg"), fields.get("accessdenieddetail")
        self.status, headers = status, headers or {}
        self.code = str(code) if isinstance(code, (str, int)) and not isinstance(code, bool) else ""
        self.message = message if isinstance(message, str) else ""
        self.request_id = str(fields.get("requestid") or headers.get("x-acs-request-id", ""))
        scopes = _lower(detail).get("requiredscopes")
        self.required_scopes: list[str] = scopes if isinstance(scopes, list) else []
        try:
            self.retry_after = urllib3.Retry().parse_retry_after(headers.get("Retry-After", "0"))
        except urllib3.exceptions.InvalidHeader:
            self.retry_after = 0
        super().__init__(" ".join(filter(None, [reason, self.code, self.message])))


class DingTalk:
    """A client of one app. Threads share it; so do tasks: await asyncio.to_thread(client.open_conversation_id, chat_id).

    codes are the rows of codes.json. ca is a file of certificates to trust instead of the machine's. timeout is how many
    seconds a request may take, up to the last byte of its answer. pool sends the requests, for example through a proxy:
    a urllib3.PoolManager that nothing else uses. Make the client after a fork.
    """

    def __init__(
        self, host: str, app_key: str, app_secret: str, codes: Iterable[Mapping[str, Any]],
        *, ca: str | None = None, timeout: float = 10, pool: urllib3.PoolManager | None = None,
    ) -> None:  # fmt: skip
        if not PRIVATE.match(host):
            raise ValueError(f"{host.rpartition('@')[2]} is not https")
        self._codes = {
            (operation, name.lower()): row
            for row in codes
            for operation in row.get("operations", [None])
            for name in [row["code"], *row.get("aliases", [])]
        }
        self._host, self._timeout, self._mine = host.rstrip("/"), timeout, threading.local()
        self._secret = lambda: json.dumps({"appKey": app_key, "appSecret": app_secret})  # no repr shows it
        self.api = ApiClient(Configuration(host=self._host, ssl_ca_cert=ca))
        self._pool = pool or self.api.rest_client.pool_manager
        self._pool.pool_classes_by_scheme = {s: _limited(p) for s, p in self._pool.pool_classes_by_scheme.items()}
        self.serve(self.api)
        self._lock = threading.Lock()
        self._fetching: Future[str] | None = None
        self._token, self._renew_at, self._expires = "", 0.0, 0.0

    def serve(self, api: T) -> T:
        """Makes the ApiClient of another generated package send its requests here."""
        api.rest_client.pool_manager = self  # type: ignore[attr-defined]
        return api

    def open_conversation_id(self, chat_id: str) -> str:
        if not isinstance(chat_id, str) or chat_id.strip() in ("", ".", ".."):
            raise ValueError("not a chat id")
        convert = ImApi(self.api).chat_id_to_open_conversation_id
        return self.call("chatIdToOpenConversationId", True, lambda: _required(convert(chat_id).open_conversation_id))

    def call(self, operation: str, safe: bool, send: Callable[[], T]) -> T:
        """Returns what send returns, which calls a generated method of self.api, or of an ApiClient that was given to serve.
        safe says that a repeat does no harm although the service may have processed the request: x-repeat in the contract."""
        rejected, attempt, error = "", 1, DingTalkError("")
        while True:
            token = ""
            try:
                token = self._current_token()
                if token == rejected:
                    raise error
                return self._ask(token, send)
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

    def _row(self, operation: str, error: DingTalkError) -> Mapping[str, Any]:
        """What to do by the code: the operation's own row, the common one, or one that the status makes."""
        code, status = error.code.lower(), error.status
        kind, token = "throttled" if status == 429 else "", "drop" if status == 401 else "keep"
        by_status = {"kind": kind, "retry": status in (0, 429) or status >= 500, "waitSeconds": 0, "token": token}
        return self._codes.get((operation, code)) or self._codes.get((None, code)) or by_status

    def _ask(self, token: str, send: Callable[[], T]) -> T:
        self._mine.token, self._mine.answered = token, False
        try:
            return send()
        except pydantic.ValidationError as e:
            if not self._mine.answered:  # these are the caller's arguments
                raise
            raise DingTalkError(f"the answer is no {e.title}", 200) from e

    def request(self, method: str, url: str, headers: Mapping[str, str] | None = None, **options: Any) -> urllib3.BaseHTTPResponse:
        """For generated clients, in place of their urllib3.PoolManager: one request to the host of this client, whatever host
        the contract names, and the whole of a success. All else is a DingTalkError."""
        path, token, host = re.sub(r"^https?://[^/]*", "", url.removeprefix(self._host)), self._mine.token, self._host
        headers = urllib3.HTTPHeaderDict(headers or {})
        if not re.match(r"/v\d", path):  # the legacy API: it has a host of its own, and takes the token in the URL
            host = re.sub(r"^https://api(?=\.dingtalk\.)", "https://oapi", host)
            path += f"{'&' if '?' in path else '?'}access_token={token}"
        elif token:
            headers["x-acs-dingtalk-access-token"] = token
        # Without retries=False urllib3 repeats by rules of its own, and follows redirects with the token.
        options |= {"timeout": urllib3.Timeout(total=self._timeout), "retries": False, "redirect": False, "preload_content": False}
        try:
            answer = self._pool.request(method, host + path, headers=headers, **options)
            data = answer.read(LARGEST + 1)
            if not data and answer.status == 200 and not {"content-length", "transfer-encoding"} & {h.lower() for h in answer.headers}:
                raise OSError("it broke off before its end")  # which http.client takes for one without a body
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as e:
            raise DingTalkError(f"no answer: {str(e).replace(token or path, '…')}") from None  # its URL may hold the token
        body = data.decode("utf-8-sig", "replace")
        if len(data) > LARGEST or not 200 <= answer.status < 300 or str(_fields(body).get("errcode", 0)) != "0":
            raise DingTalkError(f"HTTP {answer.status}", answer.status, body, answer.headers)
        try:
            json.loads(body or "null")
        except (ValueError, RecursionError):
            raise DingTalkError("no JSON", answer.status, headers=answer.headers) from None
        self._mine.answered = True
        kept = {"Content-Type": "application/json", "x-acs-request-id": answer.headers.get("x-acs-request-id", "")}
        return urllib3.HTTPResponse(io.BytesIO(body.encode()), kept, answer.status)

    def _current_token(self) -> str:
        """Whoever comes while one is fetched waits for it. Nobody waits for a renewal: the old one serves until its end."""
        with self._lock:
            if time.monotonic() < min(self._renew_at, self._expires):
                return self._token
            if not self._fetching:
                fetching: Future[str] = Future()
                threading.Thread(target=self._fetch, args=[fetching], daemon=True).start()
                self._fetching, self._renew_at = fetching, time.monotonic() + PAUSE
            if time.monotonic() < self._expires:
                return self._token
            fetching = self._fetching
        return fetching.result()

    def _fetch(self, fetching: Future[str]) -> None:
        begun, json_type = time.monotonic(), {"Content-Type": "application/json"}
        try:
            url = self._host + "/v1.0/oauth2/accessToken"
            answer = _fields(self._ask("", lambda: self.request("POST", url, json_type, body=self._secret())).data)
            token = answer.get("accesstoken")
            if not isinstance(token, str) or not re.fullmatch(r"[!-~]+", token):
                raise DingTalkError("the token call's answer has no token", 200)
            with self._lock:
                lasts = _lifetime(answer.get("expirein"))
                self._token, self._expires, self._fetching = token, begun + lasts, None
                self._renew_at = self._expires - min(RENEW, lasts / 5)
            fetching.set_result(token)
        except BaseException as e:
            with self._lock:
                self._fetching = None
            fetching.set_exception(e)


def _lower(value: Any) -> dict[str, Any]:
    return {name.lower(): field for name, field in value.items()} if isinstance(value, dict) else {}


def _fields(body: str | bytes) -> dict[str, Any]:
    """A body's fields, with names in lower case: some answers spell Code, Message. It has none unless it is a JSON object."""
    try:
        return _lower(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _required(result: str) -> str:
    if not result.strip():
        raise DingTalkError("the answer has no id", 200)
    return result


def _lifetime(value: Any) -> float:
    try:
        seconds = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = 0.0
    return min(seconds, DAY) if seconds >= 1 else UNKNOWN


class _Limited(io.RawIOBase):
    """What a socket receives until its time limit has passed, whereas its own limit begins anew with each byte."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._file, self._end = sock, sock.makefile("rb", buffering=0), time.monotonic() + (sock.gettimeout() or DAY)

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._file.readinto(into)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Limited(sock))


def _limited(pool: type) -> type:
    connection = type("Connection", (pool.ConnectionCls,), {"response_class": _Answer})  # type: ignore[attr-defined]
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
