package dingtalk_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dingtalk-openapi/openconversation-go/generated"
	dingtalk "github.com/dingtalk-openapi/openconversation-go/wrapper"
	"github.com/dingtalk-openapi/openconversation-go/wrapper/dingtalktest"
)

func init() {
	const (
		foreign  = "row_14_error_is_HTML_or_empty"
		partial  = "row_18_success_that_is_not_200"
		throttle = "row_33_throttled_always"
		minute   = "row_34_throttled_for_a_minute"
		failing  = "row_37_service_fails"
		badChat  = "row_38_chat_id_is_unknown"
		unknown  = "row_42_code_is_unknown"
		html     = "text/html; charset=utf-8"
		page     = "<html><head><title>502 Bad Gateway</title></head><body><hr>tengine</body></html>"
	)
	faults := []fault{
		{row: partial, name: "204", does: keep("HTTP/1.1 204 No Content\r\n\r\n"), kind: dingtalk.ErrUnexpectedResponse, status: 204},
		{row: partial, name: "205", does: respond(205, "", ""), kind: dingtalk.ErrUnexpectedResponse, status: 205},

		{row: throttle, name: "per_app", does: apiError(403, string(generated.CodeAppQPSLimit)), kind: dingtalk.ErrThrottled, status: 403, repeated: true, text: "QpsLimitForAppkeyAndApi"},
		{row: throttle, name: "per_suite", does: apiError(403, string(generated.CodeSuiteQPSLimit)), kind: dingtalk.ErrThrottled, status: 403, repeated: true, text: "3 attempts"},
		{row: throttle, name: "per_API", does: apiError(403, string(generated.CodeAPIQPSLimit)), kind: dingtalk.ErrThrottled, status: 403, repeated: true, text: "request R-1"},
		{row: throttle, name: "429", does: respond(429, "", ""), kind: dingtalk.ErrThrottled, status: 429, repeated: true},
		{row: minute, name: "per_app", does: apiError(403, string(generated.CodeAppQPMLimit)), kind: dingtalk.ErrThrottled, status: 403, repeated: true, text: "try again after 1m0s"},
		{row: minute, name: "per_suite", does: apiError(403, string(generated.CodeSuiteQPMLimit)), kind: dingtalk.ErrThrottled, status: 403, repeated: true},

		{row: "row_35_month_is_used_up", name: "code", does: apiError(403, string(generated.CodeOrgQuotaExhausted)), kind: dingtalk.ErrQuotaExhausted, status: 403},
		{row: "row_35_month_is_used_up", name: "legacy", does: respond(200, "application/json", `{"errcode":90020,"errmsg":"m"}`), kind: dingtalk.ErrQuotaExhausted, status: 200},

		{row: failing, name: "501", does: respond(501, html, page), kind: dingtalk.ErrUnavailable, status: 501},
		{row: failing, name: "505", does: respond(505, html, page), kind: dingtalk.ErrUnavailable, status: 505},
		{row: failing, name: "408", does: respond(408, "", ""), kind: dingtalk.ErrUnavailable, status: 408, repeated: true},

		{row: "row_39_owner_is_not_visible", name: "as_sent", does: apiError(400, "permession.checkFailed"), kind: dingtalk.ErrOwnerNotVisible, status: 400, text: "owner is outside the app's visible range"},
		{row: "row_39_owner_is_not_visible", name: "spelt_right", does: apiError(400, "Permission.CheckFailed"), kind: dingtalk.ErrOwnerNotVisible, status: 400},
		{row: "row_41_address_is_refused", name: "not_in_the_list", does: apiError(403, string(generated.CodeIPNotAllowed)), kind: dingtalk.ErrIPNotAllowed, status: 403},
		{row: "row_41_address_is_refused", name: "for_an_unknown_reason", does: apiError(403, "Forbidden.AccessDenied.Whatever"), kind: dingtalk.ErrPermissionDenied, status: 403, text: "Whatever"},

		{row: unknown, name: "400", does: apiError(400, "aCodeOfTomorrow"), kind: dingtalk.ErrRejected, status: 400, text: "aCodeOfTomorrow: m of aCodeOfTomorrow"},
		{row: unknown, name: "418", does: apiError(418, "aCodeOfTomorrow"), kind: dingtalk.ErrRejected, status: 418},
		{row: unknown, name: "500", does: apiError(500, "aCodeOfTomorrow"), kind: dingtalk.ErrUnavailable, status: 500, repeated: true},
		{row: unknown, name: "200", does: apiError(200, "aCodeOfTomorrow"), kind: dingtalk.ErrUnexpectedResponse, status: 200, text: "aCodeOfTomorrow"},
		{row: unknown, name: "new_fields", does: respond(400, "application/json", `{"code":"invalideChatId","new":{"deep":[1]},"accessdenieddetail":"changed"}`), kind: dingtalk.ErrInvalidChatID, status: 400},
		{row: unknown, name: "renamed_case", does: respond(400, "application/json", `{"Code":"INVALIDECHATID","Message":"M","RequestId":"R-2"}`), kind: dingtalk.ErrInvalidChatID, status: 400, text: "R-2"},
		{row: unknown, name: "code_is_a_number", does: respond(400, "application/json", `{"code":1234,"message":"m"}`), kind: dingtalk.ErrRejected, status: 400, text: "1234: m"},
		{row: unknown, name: "no_code", does: respond(400, "application/json", `{"message":"what it says"}`), kind: dingtalk.ErrRejected, status: 400, text: "what it says"},
		{row: unknown, name: "long", does: apiError(400, strings.Repeat("c", 5000)+"THE END"), kind: dingtalk.ErrRejected, status: 400, text: "ccc…", notText: "THE END"},
	}
	for _, code := range []string{"invalideChatId", "invalidChatId", "INVALIDCHATID", "InvalideChatid"} {
		faults = append(faults, fault{row: badChat, name: code, does: apiError(400, code), kind: dingtalk.ErrInvalidChatID, status: 400, text: code})
	}
	for status, f := range map[int]fault{
		400: {kind: dingtalk.ErrRejected}, 404: {kind: dingtalk.ErrRejected}, 407: {kind: dingtalk.ErrUnavailable},
		500: {kind: dingtalk.ErrUnavailable, repeated: true}, 502: {kind: dingtalk.ErrUnavailable, repeated: true},
		503: {kind: dingtalk.ErrUnavailable, repeated: true}, 504: {kind: dingtalk.ErrUnavailable, repeated: true},
	} {
		f.status = status
		for name, does := range map[string]script{"HTML": respond(status, html, page), "empty": respond(status, "", ""), "mislabelled": respond(status, "application/json", page[6:])} {
			f := f
			f.row, f.name, f.does = foreign, fmt.Sprintf("%d_%s", status, name), does
			if name == "HTML" {
				f.text, f.notText = fmt.Sprintf("text/html, %d bytes", len(page)), "<hr>"
			}
			faults = append(faults, f)
		}
	}
	for status, code := range map[int]string{
		500: "unknownError", 503: "serviceBusy", 502: "internalError", 504: "", 400: "systemError", 403: "system.error",
	} {
		faults = append(faults, fault{row: failing, name: fmt.Sprintf("%d_%s", status, code), does: apiError(status, code), kind: dingtalk.ErrUnavailable, status: status, repeated: true, text: "request R-1"})
	}
	addFaults(faults)
	addRow("row_18_part_of_a_success", testPartOfSuccess)
	addRow("row_32_throttled_once", testThrottledOnce)
	addRow("row_40_permission_is_missing", testPermissionMissing)
	addRow("row_42_body_is_kept", testFieldsOfError)
}

// testPartOfSuccess: an answer with a result but another status than the documented one is not a success.
func testPartOfSuccess(t *testing.T) {
	for _, status := range []int{http.StatusCreated, http.StatusNonAuthoritativeInfo, http.StatusPartialContent} {
		peer := newPeer(t, nil, func(int) script { return respond(status, "application/json", successBody) })
		id, err := faultClient(t, peer.URL).OpenConversationID(t.Context(), dingtalktest.ChatID)
		if e := checkError(t, id, err, dingtalk.ErrUnexpectedResponse); e.StatusCode != status || peer.requests() != 1 {
			t.Errorf("status %d, %d requests: %v", e.StatusCode, peer.requests(), err)
		}
	}
}

func testThrottledOnce(t *testing.T) {
	peer := newPeer(t, nil, func(n int) script {
		if n == 1 {
			return apiError(http.StatusForbidden, string(generated.CodeAppQPSLimit))
		}
		return success
	})
	clock := newHandClock()
	id, err := faultClient(t, peer.URL, clock.option()).OpenConversationID(t.Context(), dingtalktest.ChatID)
	if err != nil || id != dingtalktest.OpenConversationID || peer.requests() != 2 {
		t.Fatalf("%q, %v after %d requests", id, err, peer.requests())
	}
	if got := clock.waited(); len(got) != 1 || got[0] != time.Second+150*time.Millisecond {
		t.Errorf("waited %v, want a second and half of the first backoff", got)
	}
}

func testPermissionMissing(t *testing.T) {
	for _, test := range []struct{ body, scopes string }{
		{`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","accessdenieddetail":{"requiredScopes":["qyapi_chat_read","b"]}}`, "[qyapi_chat_read b]"},
		{`{"Code":"Forbidden.AccessDenied.AccessTokenPermissionDenied","AccessDeniedDetail":{"RequiredScopes":["qyapi_chat_read"]}}`, "[qyapi_chat_read]"},
		{`{"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"}`, "[]"},
		{`{"accessdenieddetail":{"requiredScopes":"all"},"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"}`, "[]"},
	} {
		peer := newPeer(t, nil, func(int) script { return respond(http.StatusForbidden, "application/json", test.body) })
		id, err := faultClient(t, peer.URL).OpenConversationID(t.Context(), dingtalktest.ChatID)
		e := checkError(t, id, err, dingtalk.ErrPermissionDenied)
		if got := fmt.Sprint(e.RequiredScopes); got != test.scopes || peer.requests() != 1 {
			t.Errorf("scopes %s, %d requests; want %s: %v", got, peer.requests(), test.scopes, err)
		}
		for _, scope := range e.RequiredScopes {
			if !strings.Contains(err.Error(), scope) {
				t.Errorf("%s is not in: %v", scope, err)
			}
		}
	}
}

func testFieldsOfError(t *testing.T) {
	peer := newPeer(t, nil, func(int) script {
		return respond(http.StatusConflict, "application/json", `{"message":"line\nbreak \u001b[31m","requestid":"R-9","code":"new.code"}`, "x-acs-request-id: R-8")
	})
	_, err := faultClient(t, peer.URL).OpenConversationID(t.Context(), dingtalktest.ChatID)
	e := checkError(t, "", err, dingtalk.ErrRejected)
	if e.Code != "new.code" || e.Message != "line·break ·[31m" || e.RequestID != "R-9" || e.StatusCode != http.StatusConflict {
		t.Errorf("%+v", *e)
	}
	peer = newPeer(t, nil, func(int) script { return respond(http.StatusNotFound, "", "", "x-acs-request-id: R-8") })
	_, err = faultClient(t, peer.URL).OpenConversationID(t.Context(), dingtalktest.ChatID)
	if e := checkError(t, "", err, dingtalk.ErrRejected); e.RequestID != "R-8" {
		t.Errorf("request id %q: %v", e.RequestID, err)
	}
}
