package dingtalk

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/dingtalk-openapi/openconversation-go/generated"
)

// Explanation says to people what an error means and what to do about it.
type Explanation struct {
	Text, Hint string
	HTTPStatus int // that an app may answer with: a suggestion
}

// Explain returns the contract's words about an error of this package, in Chinese for a language such as "zh" or "zh-CN",
// otherwise in English. After [Error.MayBeDone] it says so. It quotes nothing of the service's answer, which Error.Code,
// Message and RequestID hold. Any other error is 500 without a text, and nil is 200.
//
// The suggested status is 404 for [ErrInvalidChatID], 403 for [ErrOwnerNotVisible], 422 for [ErrRejected], 503 for what may
// pass ([ErrThrottled], [ErrQuotaExhausted], [ErrBlocked], [ErrUnavailable]), 504 for a deadline, 502 for an answer that is
// not DingTalk's, and 500 for what the app's operator must set right.
func Explain(err error, language string) Explanation {
	var e *Error
	cause, kind := err, generated.Kind("")
	if errors.As(err, &e) {
		cause = e.Kind
	}
	var k *Kind
	switch {
	case err == nil:
		return Explanation{HTTPStatus: http.StatusOK}
	case e != nil && e.MayBeDone:
		kind = "may-be-done"
	case errors.Is(cause, context.Canceled):
		kind = "canceled"
	case errors.Is(cause, context.DeadlineExceeded):
		kind = "timeout"
	case errors.As(cause, &k):
		kind = k.Name()
	}
	text, hint, status := generated.KindText(kind, strings.HasPrefix(strings.ToLower(language), "zh"))
	if text == "" {
		status = http.StatusInternalServerError
	}
	return Explanation{text, hint, status}
}
